"""Run other tools on competitions, one after another, and append a row for each: what `peers_table.py` reads.

    python benchmarks/run_peers.py ../shared/competitions --driver ../shared/peers --peers flaml lgbm:optuna

The driver is a folder with a `bench.py`, which runs one tool in an environment of its own and grades what it hands in.
It reads columns that only train has and several targets wrongly or not at all, so it gets a copy of the competition:
without the columns that test lacks, and, of several targets, one at a time, each for its share of the budget (the
score is then the mean over them, as the competition's). What has a row in the results is not run again; it can be
ended and continued.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from score_rows import RESULTS, Row, read_rows

PEERS_HOME = Path.home() / ".cache" / "peers"
MEAN = "mean_"  # how the name of a metric that is a mean over targets begins


def folder_for(competition: Path, target: str, metric: str, into: Path) -> Path:
    """A copy of `competition` with one target and with no column that its test table lacks; written under `into`."""
    folder = into / target / competition.name
    (folder / "public").mkdir(parents=True)
    (folder / "private").mkdir()
    task: dict[str, Any] = json.loads((competition / "task.json").read_text())
    test = pd.read_csv(competition / "public" / "test.csv", dtype=str, keep_default_na=False)
    keep = {"train": [*test.columns, target], "sample_submission": [task["id_col"], target]}
    for name, columns in keep.items():
        table = pd.read_csv(competition / "public" / f"{name}.csv", dtype=str, keep_default_na=False)
        table[[c for c in table.columns if c in columns]].to_csv(folder / "public" / f"{name}.csv", index=False)
    test.to_csv(folder / "public" / "test.csv", index=False)
    answers = pd.read_csv(competition / "private" / "answers.csv", dtype=str, keep_default_na=False)
    answers[[task["id_col"], target]].to_csv(folder / "private" / "answers.csv", index=False)
    (folder / "task.json").write_text(json.dumps(task | {"target": target, "targets": [target], "metric": metric}))
    return folder


def run_peer(driver: Path, peer: str, folder: Path, budget: float, seed: int, scratch: Path) -> Row:
    """What `driver` says of one run of `peer` on `folder`; raises where it says nothing."""
    log = scratch / "log.jsonl"
    log.unlink(missing_ok=True)
    command = [str(PEERS_HOME / "lgbm" / "bin" / "python"), "bench.py", "--peer", peer, "--comp", str(folder)]
    command += ["--budget", str(budget), "--seed", str(seed), "--out", str(scratch / "out.csv"), "--log", str(log)]
    subprocess.run(command, cwd=driver, check=True, stdout=subprocess.DEVNULL)
    return json.loads(log.read_text().splitlines()[-1])


def merged(rows: list[Row], competition: str, budget: float) -> Row:
    """One row for a competition of which each target had a run: sums of the times, mean of the scores."""
    first = rows[0] | {"comp": competition, "budget": budget}
    if len(rows) == 1:
        return first
    bad = [r["status"] for r in rows if r["status"] != "ok"]
    total = {k: round(sum(r.get(k) or 0.0 for r in rows), 1) for k in ("wall_s", "cpu_s", "fit_s")}
    score = None if bad else statistics.mean(r["score"] for r in rows)
    return first | total | {"status": bad[0] if bad else "ok", "score": score, "targets": len(rows)}


def run(competition: Path, peer: str, budget: float, seed: int, driver: Path) -> Row:
    """Run `peer` on every target of `competition` in turn, within `budget` seconds together."""
    task = json.loads((competition / "task.json").read_text())
    metric, targets = task["metric"].removeprefix(MEAN), task["targets"]
    with tempfile.TemporaryDirectory() as scratch:
        rows = []
        for target in targets:
            folder = folder_for(competition, target, metric, Path(scratch))
            rows.append(run_peer(driver, peer, folder, budget / len(targets), seed, Path(scratch)))
            shutil.rmtree(folder.parent)
    return merged(rows, competition.name, budget)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("competitions", type=Path, help="a folder of them: public/, private/, task.json each")
    parser.add_argument("--driver", type=Path, required=True, help="folder with bench.py and its install.sh")
    parser.add_argument("--peers", nargs="+", required=True, help="as the driver names them, e.g. flaml")
    parser.add_argument("--only", nargs="*", help="names of competitions (default: all)")
    parser.add_argument("--budget", type=float, default=300.0, help="seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=RESULTS.parent / "peers.jsonl")
    args = parser.parse_args()
    if not (args.driver / "bench.py").exists():
        print(f"Skipped: there is no bench.py in {args.driver}.")
        return
    old = read_rows(args.results) if args.results.exists() else []
    done = {(r["peer"], r["comp"], r["budget"], r["seed"]) for r in old}
    folders = sorted(p.parent for p in args.competitions.glob("*/task.json"))
    unknown = sorted(set(args.only or ()) - {f.name for f in folders})
    if unknown:
        parser.error(f"no such competition in {args.competitions}: {', '.join(unknown)}")
    for folder in folders:
        for peer in args.peers:
            if (args.only and folder.name not in args.only) or (peer, folder.name, args.budget, args.seed) in done:
                continue
            row = run(folder.resolve(), peer, args.budget, args.seed, args.driver)
            with args.results.open("a", encoding="utf-8") as sink:
                sink.write(json.dumps(row) + "\n")
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
