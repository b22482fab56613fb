"""Run the agent on a folder of competitions and grade what it submits: the table of docs/results.md.

    python benchmarks/holdout_scores.py ../shared/competitions --budget 120s --seeds 0 1 2

Every finished run appends a line to the results file; a second call goes on where the first one stopped. A competition
is a folder with public/ (what the agent sees), private/answers.csv (read by `medalist grade` alone) and task.json.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from score_rows import RESULTS, latest, spread

from medalist.agent.budget import parse_duration

MEDALIST = [sys.executable, "-c", "from medalist.agent.cli.main import main; main()"]


def medalist(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run([*MEDALIST, *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@contextlib.contextmanager
def runs_dir(keep: Path | None, name: str) -> Iterator[str]:
    """A folder for one run: a temporary one, or `name` under `keep`, of which all but the computed columns stays."""
    if keep is None:
        with tempfile.TemporaryDirectory() as runs:
            yield runs
        return
    shutil.rmtree(keep / name, ignore_errors=True)
    (keep / name).mkdir(parents=True)
    yield str(keep / name)
    for computed in (keep / name).glob("*/features"):
        shutil.rmtree(computed)


def measure(folder: Path, budget: str, seed: int, extra: list[str], keep: Path | None = None) -> dict[str, Any]:
    """One run, graded; its folder stays under `keep` where that is given."""
    row: dict[str, Any] = {"competition": folder.name, "budget": budget, "seed": seed, "options": " ".join(extra)}
    with runs_dir(keep, f"{folder.name}-{budget}-{seed}") as runs:
        where = ["--runs-dir", runs]
        began = time.monotonic()
        code, out, err = medalist(
            "run", str(folder / "public"), "--budget", budget, "--seed", str(seed), "--json", *where, *extra
        )
        row["wall"] = round(time.monotonic() - began, 2)
        if code:
            return row | {"status": f"exit {code}: {err.strip()[-300:]}"}
        events = [json.loads(line) for line in out.splitlines()]
        finish, start = events[-1], events[0]
        written = [e for e in events if e["event"] == "submission"]
        submission = Path(start["folder"]) / "submission.csv"
        answers = folder / "private" / "answers.csv"
        code, out, err = medalist("grade", str(submission), "--answers", str(answers), "--json", *where)
        if code:
            return row | {"status": f"invalid: {err.strip()}"}
        graded = json.loads(out)
        standing = graded["standing"] or {}
        return row | {
            "status": "ok",
            "metric": graded["metric"],
            "score": graded["score"],
            "percentile": standing.get("percentile"),
            "medal": standing.get("medal"),
            "estimated": finish["score"],
            "standard_error": finish["standard_error"],
            "confirmed": finish["confirmed_on_fresh_folds"],
            "search_score": finish["search_score"],
            "experiments": finish["experiments"],
            "features": finish.get("features"),
            "fit_share": finish["fit_share"],
            "workers": finish["workers"],
            "busy_seconds": finish["busy_seconds"],
            "seconds": finish["seconds"],
            **row_counts(folder),
            "first_submission": written[0]["at"],
            "first_model": next((e["at"] for e in written if e["made_from"] != "constant"), None),
            "late": row["wall"] > parse_duration(budget),
        }


def row_counts(folder: Path) -> dict[str, int]:
    """How many rows train and test of a competition have: by them an estimate's noise becomes a holdout score's."""
    from medalist.competitions.competition import read_competition

    competition = read_competition(folder / "public")
    return {"train_rows": len(competition.train), "test_rows": len(competition.test)}


def busy_share(row: dict[str, Any]) -> float | None:
    """The share of the run's cores that its children kept busy, 0 … 1; None for a row that does not tell."""
    if not row.get("workers") or row.get("busy_seconds") is None:
        return None
    return float(row["busy_seconds"] / (row["wall"] * row["workers"]))


def table(rows: list[dict[str, Any]]) -> str:
    """A Markdown table: a competition a line, means and standard errors over the seeds."""
    out = io.StringIO()
    write = csv.writer(out, delimiter="|", lineterminator="\n")
    head = [
        "",
        "competition",
        "metric",
        "holdout score",
        "estimated",
        "beats",
        "medal-equivalent",
        "wall s",
        "fit share",
        "busy",
        "",
    ]
    write.writerow(head)
    write.writerow(["", *["---"] * (len(head) - 2), ""])
    for name in sorted({r["competition"] for r in rows}):
        mine = [r for r in rows if r["competition"] == name]
        good = [r for r in mine if r["status"] == "ok"]
        if not good:
            write.writerow(["", name, " ".join(mine[-1]["status"].split())[:60], *[""] * 7, ""])
            continue
        beats = [r["percentile"] for r in good if r["percentile"] is not None]
        busy = [b for r in good if (b := busy_share(r)) is not None]
        medals = [r["medal"] or "—" for r in good] if beats else [""]
        write.writerow(
            [
                "",
                name,
                good[0]["metric"],
                spread([r["score"] for r in good]),
                spread([r["estimated"] for r in good]),
                f"{statistics.mean(beats):.1%}" if beats else "no board",
                ", ".join(sorted(set(medals), key=medals.index)),
                f"{max(r['wall'] for r in good):.1f}",
                f"{statistics.mean(r['fit_share'] for r in good):.0%}",
                f"{statistics.mean(busy):.0%}" if busy else "",
                "",
            ]
        )
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("competitions", type=Path)
    parser.add_argument("--budget", default="120s")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", help="names of competitions")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--table", action="store_true", help="only print the table of what is there")
    parser.add_argument("--keep", type=Path, help="a folder where the runs stay, for leave_out.py")
    parser.add_argument("--options", default="", help='for medalist run, as one text: --options "--families linear"')
    options = parser.parse_args()
    if not options.competitions.is_dir():
        print(f"Skipped: there is no folder {options.competitions} with competitions.")
        return
    names = options.only or sorted(p.parent.name for p in options.competitions.glob("*/public"))
    extra = options.options
    lines = options.results.read_text().splitlines() if options.results.exists() else []
    rows = [json.loads(line) for line in lines]

    def mine() -> list[dict[str, Any]]:
        found = [
            r
            for r in rows
            if r["competition"] in names
            and (r["budget"], r["options"]) == (options.budget, extra)
            and r["seed"] in options.seeds
        ]
        return list(latest(found, "competition", "seed"))  # what was measured again counts once

    done = {(r["competition"], r["seed"]) for r in mine() if r["status"] == "ok"}
    for seed in options.seeds:
        for name in names:
            if options.table or (name, seed) in done:
                continue
            row = measure(options.competitions / name, options.budget, seed, shlex.split(extra), options.keep)
            rows.append(row)
            with options.results.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(json.dumps(row), flush=True)
    print(table(mine()))


if __name__ == "__main__":
    main()
