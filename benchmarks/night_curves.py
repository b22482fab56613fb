"""Record how runs gain over their time, for `night_division.py`: a line of JSON for each run.

    python benchmarks/night_curves.py FOLDER spaceship-titanic house-prices --seeds 0 1 --budget 12m --work /tmp/curves

FOLDER holds the competitions (NAME/public). Each run (`medalist run --budget B --seed S --threads 1`, in a folder of
its own, so that no run teaches another) is made in WORK/NAME-SEED, `--jobs` at a time, unless it was finished there
before; its line is appended to `benchmarks/results/night_curves.jsonl`, where the last line of a run counts. So it goes
on where it was ended.

A line: competition; seed; threads; budget; start_up: seconds until the run began to work; close: seconds from its last
experiment to its end; searched: seconds of work when its last experiment ended; experiments: when each ended; noise:
what seeds alone change; gains: (seconds of work, gain) of each experiment that gained. Gains and noise are in standard
errors of the first score.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from medalist.agent.nights.continuing import History
from medalist.leaderboard.ledger.ledger import Ledger

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "night_curves.jsonl"
MEDALIST = [sys.executable, "-c", "from medalist.agent.cli.main import main; main()"]


def curve(folder: Path, name: str, seed: int, budget: str) -> dict[str, Any]:
    """The line of a finished run in a folder of runs."""
    events = [json.loads(line) for line in (folder / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    last = max(e["at"] for e in events if e["event"] == "experiment")
    with Ledger(folder / "ledger.sqlite") as ledger:
        (row,) = ledger.runs()
        history = History.of(row, ledger)
        experiments = sorted(ledger.experiments(row.id), key=lambda e: e.run_seconds)
    return {
        "competition": name,
        "seed": seed,
        "threads": 1,
        "budget": budget,
        "start_up": round(float(next(e["at"] for e in events if e["event"] in ("begin", "experiment"))), 1),
        "close": round(float(events[-1]["at"]) - last, 1),
        "searched": round(max(e.run_seconds for e in experiments), 1),
        "experiments": [round(e.run_seconds, 1) for e in experiments],
        "noise": history.noise,
        "gains": [[round(e.run_seconds, 1), e.gain_in_noise] for e in experiments if (e.gain_in_noise or 0.0) > 0],
    }


def made(folder: Path, competitions: Path, name: str, seed: int, budget: str) -> dict[str, Any] | None:
    """The line of a run, which is made if it is not there; None where it failed."""
    finished = folder / "done"
    if not finished.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob("ledger.sqlite*"):
            left.unlink()
        options = ["--budget", budget, "--seed", str(seed), "--threads", "1", "--runs-dir", str(folder), "--json"]
        with (folder / "out.jsonl").open("w") as out, (folder / "err.txt").open("w") as errors:
            done = subprocess.run(
                [*MEDALIST, "run", str(competitions / name / "public"), *options],
                stdout=out,
                stderr=errors,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                check=False,
            )
        if done.returncode:
            print(f"{name} with seed {seed} failed: {(folder / 'err.txt').read_text()[-300:]}")
            return None
        finished.touch()
    return curve(folder, name, seed, budget)


def recorded(results: Path) -> list[dict[str, Any]]:
    """The recorded runs, each by its last line."""
    if not results.exists():
        return []
    rows: Iterator[dict[str, Any]] = map(json.loads, results.read_text(encoding="utf-8").splitlines())
    return list({(row["competition"], row["seed"], row["budget"]): row for row in rows}.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("competitions", type=Path)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--budget", default="12m")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    known = {(row["competition"], row["seed"], row["budget"]) for row in recorded(given.results)}
    wanted = [
        (name, seed)
        for seed in given.seeds
        for name in given.names
        if (name, seed, given.budget) not in known and (given.competitions / name / "public").is_dir()
    ]
    with ThreadPoolExecutor(given.jobs) as pool:
        lines = pool.map(
            lambda what: made(given.work / f"{what[0]}-{what[1]}", given.competitions, what[0], what[1], given.budget),
            wanted,
        )
        for line in lines:
            if line is not None:
                with given.results.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(line) + "\n")
                print(f"{line['competition']}: {len(line['experiments'])} experiments, {len(line['gains'])} gained")


if __name__ == "__main__":
    main()
