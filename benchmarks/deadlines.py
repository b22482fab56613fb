"""Whether runs end by their budgets and with a valid submission, whatever goes wrong: a table of real runs.

    .venv/bin/python benchmarks/deadlines.py --budgets 20,60,300 --scratch /tmp/deadlines

Each row is a process `medalist run` of its own, on data that are made here. Some conditions need root or the Debian
package faketime; those that cannot be made are skipped, and that is said. Rows are appended to the results as they end,
and rows that are there without a flaw are not run again: so it can be ended and continued. Exits with 1 where the last
row of any kind was late, left a process behind or no valid submission.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deadline_conditions import (
    CONDITIONS,
    FAMILY,
    FROM,
    MARK,
    METRIC,
    Condition,
    Row,
    disk,
    faketime,
    in_container,
    missing,
)

import medalist
from medalist.agent.records.stores import open_ledger

RESULTS = Path(__file__).parent / "results" / "deadlines.jsonl"
CALL = [sys.executable, "-c", "from medalist.agent.cli.main import main; main()"]
SHAPES = {"tiny": (200, 6), "large": (500_000, 30)}  # training rows, columns
RESUME_SECONDS = 20.0  # budget of the resume that follows each row
STOP_COSTS = 1.0  # seconds of working time that a stop may cost: see competitions/clock.py
OVERDUE = 60.0  # seconds after which a run that does not end is ended here


def make_data(folder: Path, rows: int, columns: int) -> Path:
    """A regression task with numbers and two categories; returns its folder."""
    if (folder / "train.csv").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    total = rows + rows // 2
    numbers = rng.normal(size=(total, columns - 2)).round(4)
    frame = pd.DataFrame(numbers, columns=[f"x{i}" for i in range(columns - 2)])
    frame["city"] = rng.choice(["Oslo", "Rome", "Lima"], total)
    frame["shop"] = rng.integers(0, 50, total).astype(str) + "s"
    signal = numbers[:, :3] @ [2.0, -1.0, 0.5] + np.abs(numbers[:, 1]) + (frame["city"] == "Rome")
    frame["price"] = (signal + rng.normal(size=total)).round(4)
    frame.insert(0, "id", np.arange(1, total + 1))
    frame[:rows].to_csv(folder / "train.csv", index=False)
    frame[rows:].drop(columns="price").to_csv(folder / "test.csv", index=False)
    frame[rows:][["id", "price"]].assign(price=0.0).to_csv(folder / "sample_submission.csv", index=False)
    (folder / "description.md").write_text("Predict `price`. Submissions are scored by RMSE.\n", encoding="utf-8")
    return folder


def make_package(folder: Path, does: str) -> Path:
    """A copy of the package whose estimators have one more module, of a family that misbehaves; returns its parent."""
    copy, installed = folder / "package" / "medalist", Path(medalist.__file__).parent
    copy.mkdir(parents=True)
    for name in ("agent", "competitions", "leaderboard"):
        (copy / name).symlink_to((installed / name).resolve())
    shutil.copy(installed / "__init__.py", copy)
    shutil.copytree(installed / "pipelines", copy / "pipelines", ignore=shutil.ignore_patterns("__pycache__"))
    text = FAMILY.format(body=does, variable=FROM)
    (copy / "pipelines" / "estimators" / "misbehaving.py").write_text(text, encoding="utf-8")
    return copy.parent


def command_of(condition: Condition, row: Row, data: Path, environment: dict[str, str]) -> tuple[list[str], list[str]]:
    """(command line, options of the run) of a row; adds to its environment."""
    options, before = [], []
    if condition.does is not None:
        environment |= {"PYTHONPATH": str(make_package(row.folder, condition.does)), "PYTHONSAFEPATH": "1"}
        options += ["--families", "lightgbm,misbehaving"]
    if condition.metric:
        (row.folder / "own.py").write_text(METRIC, encoding="utf-8")
        options += ["--metric", f"{row.folder / 'own.py'}:score"]
    if condition.wall:
        (row.folder / "clock").write_text("+0", encoding="ascii")
        environment |= {
            "LD_PRELOAD": str(faketime()),
            "FAKETIME_TIMESTAMP_FILE": str(row.folder / "clock"),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
    if condition.memory is not None:
        before = in_container(condition.memory)
    return [*before, *CALL, "run", str(data), *options], options


def run_row(name: str, size: str, budget: float, scratch: Path) -> dict[str, Any]:
    """Run one row, and return what became of it."""
    condition, (rows, columns) = CONDITIONS[name], SHAPES[size]
    data = make_data(scratch / size, rows, columns)
    row = Row(uuid.uuid4().hex, scratch / "row", budget, 0.0)
    shutil.rmtree(row.folder, ignore_errors=True)
    row.folder.mkdir(parents=True)
    environment = dict(os.environ) | {MARK: row.name}
    with disk(row, None if condition.disk is None else condition.disk[size]):
        command, _ = command_of(condition, row, data, environment)
        ends = ["--budget", f"{budget:g}s"]
        if condition.until:  # an hour of the clock has no seconds
            hour = (dt.datetime.now() + dt.timedelta(seconds=budget + 30)).replace(second=0, microsecond=0)
            if (hour - dt.datetime.now()).total_seconds() < 0.5 * budget:
                hour += dt.timedelta(minutes=1)
            row.budget = (hour - dt.datetime.now()).total_seconds()
            ends = ["--until", f"{hour:%H:%M}"]
        row.began = time.monotonic()
        environment[FROM] = str(row.began + condition.share * row.budget)
        errors = (row.folder / "stderr.txt").open("wb")
        process = subprocess.Popen(
            [*command, *ends, "--runs-dir", str(row.runs)],
            env=environment,
            stdout=(row.folder / "stdout.txt").open("wb"),
            stderr=errors,
            stdin=subprocess.DEVNULL,
        )
        ended = threading.Event()
        thread = threading.Thread(target=condition.befalls or (lambda *_: None), args=(row, ended))
        thread.start()
        try:
            exit_code: int | None = process.wait(row.budget + 2 * OVERDUE)
        except subprocess.TimeoutExpired:
            exit_code = None
        seconds = time.monotonic() - row.began
        ended.set()
        thread.join()
        allowed = row.budget if row.closes_by is None else row.closes_by - row.began
        time.sleep(1.0)  # the kernel ends the rest of its processes a moment later
        orphans = row.processes()
        for orphan in [*orphans, process]:
            with contextlib.suppress(Exception):
                orphan.kill()
        lines = (row.folder / "stderr.txt").read_text(errors="replace").strip().splitlines()
        found: dict[str, Any] = {
            "condition": name,
            "data": size,
            "budget": budget,
            "seconds": round(seconds, 2),
            "asleep": round(row.asleep, 2),
            "allowed": round(allowed, 2),
            "late": seconds - row.asleep > allowed + (STOP_COSTS if row.asleep else 0.0),
            "exit_code": exit_code,
            "said": lines[-1] if lines else "",
            "traceback": any(line.startswith("Traceback") for line in lines),
            "orphans": len(orphans),
            **state_of(row, data),
        }
        environment[FROM] = "0"
        return found | resumed(row, data, environment, command)


def state_of(row: Row, data: Path) -> dict[str, Any]:
    """What is on disk: whether the submission is valid, what it was made from, and what the ledger says."""
    found: dict[str, Any] = {"valid": False, "made_from": None, "experiments": None, "status": None}
    with contextlib.suppress(Exception), open_ledger(str(row.runs)) as ledger:
        (run,) = ledger.runs()
        made_from = ledger.submissions(run.id)[-1].made_from if ledger.submissions(run.id) else {}
        verdicts = [e.verdict for e in ledger.experiments(run.id)]
        found |= {"made_from": next(iter(made_from), None), "experiments": len(verdicts), "status": run.state}
        found["timeouts"] = sum(verdict == "timeout" for verdict in verdicts)
    with contextlib.suppress(Exception):
        (path,) = row.runs.glob("*/*/submission.csv")
        given, wanted = pd.read_csv(path), pd.read_csv(data / "sample_submission.csv")
        found["valid"] = bool(
            list(given) == list(wanted) and given["id"].equals(wanted["id"]) and given["price"].notna().all()
        )
    return found


def resumed(row: Row, data: Path, environment: dict[str, str], command: list[str]) -> dict[str, Any]:
    """What becomes of the run when it is resumed, with the same estimators but nothing else that befalls it."""
    with contextlib.suppress(OSError):
        (row.folder / "clock").write_text("+0", encoding="ascii")
    environment[FROM] = "0" if "--metric" not in command else "inf"
    before = command[: command.index("run")]
    with open_ledger(str(row.runs)) as ledger:
        runs = [run.id for run in ledger.runs()]
    if not runs:
        return {"resume": None}
    arguments = ["resume", runs[0], "--budget", f"{RESUME_SECONDS:g}s", "--runs-dir", str(row.runs)]
    began = time.monotonic()
    try:
        done = subprocess.run(
            [*before, *arguments], env=environment, capture_output=True, timeout=RESUME_SECONDS + OVERDUE
        )
    except subprocess.TimeoutExpired:
        return {"resume": "late", "resume_seconds": RESUME_SECONDS + OVERDUE}
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    state = state_of(row, data)
    return {
        "resume": done.returncode,
        "resume_seconds": round(time.monotonic() - began, 2),
        "resume_said": lines[-1] if lines else "",
        "resume_valid": state["valid"],
        "resume_experiments": state["experiments"],
    }


def good(row: dict[str, Any]) -> bool:
    """Whether a row is as it should be."""
    in_time = not row["late"] and row.get("resume_seconds", 0.0) <= RESUME_SECONDS
    return in_time and row["valid"] and not row["orphans"] and not row["traceback"] and row.get("resume_valid", True)


def last_rows(rows: list[dict[str, Any]]) -> dict[tuple[str, str, float], dict[str, Any]]:
    """The last row of each (condition, data, budget)."""
    return {(r["condition"], r["data"], r["budget"]): r for r in rows}


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as a table in Markdown, of several runs of a row the last one."""
    lines = [
        "| condition | data | budget | ended after | exit code | submission | resumed |",
        "|---|---|---:|---:|---:|---|---|",
    ]
    last = last_rows(rows)
    for (name, size, budget), row in sorted(last.items(), key=lambda i: (list(CONDITIONS).index(i[0][0]), i[0][1:])):
        seconds = f"{row['seconds']:.1f} s" + (f" ({row['asleep']:.1f} s asleep)" if row["asleep"] else "")
        if row["allowed"] != budget:
            seconds += f" of {row['allowed']:.1f} s"
        made = (row["made_from"] or "not in the ledger") if row["valid"] else "NONE"
        flaws = (
            ["LATE"] * row["late"]
            + [f"{row['orphans']} LEFT"] * bool(row["orphans"])
            + ["TRACEBACK"] * row["traceback"]
        )
        resumed_ = "-" if row["resume"] is None else f"exit code {row['resume']}, {row.get('resume_seconds')} s"
        cells = [name, size, f"{budget:g} s", " ".join([seconds, *flaws]), row["exit_code"], made, resumed_]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    late = sum(r["late"] for r in last.values())
    return "\n".join(
        [*lines, "", f"{len(last)} rows: {late} late, {sum(not good(r) for r in last.values())} with any flaw."]
    )


def main() -> None:
    """Run what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budgets", default="20,60,300")
    parser.add_argument("--data", default=",".join(SHAPES))
    parser.add_argument("--only", default="", help="conditions whose names contain this")
    parser.add_argument("--scratch", type=Path, default=Path("/tmp/medalist-deadlines"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--again", action="store_true", help="run rows that are there already")
    parser.add_argument("--table", action="store_true", help="run nothing, print the table")
    given = parser.parse_args()
    rows = [json.loads(line) for line in given.results.read_text().splitlines()] if given.results.exists() else []
    known = set() if given.again else {(r["condition"], r["data"], r["budget"]) for r in rows if good(r)}
    for budget in () if given.table else map(float, given.budgets.split(",")):
        for size in given.data.split(","):
            for name, condition in CONDITIONS.items():
                if given.only not in name or (name, size, budget) in known:
                    continue
                if lacks := missing(condition):
                    print(f"{name}: skipped, it {lacks}.", flush=True)
                    continue
                row = run_row(name, size, budget, given.scratch)
                rows.append(row)
                given.results.parent.mkdir(parents=True, exist_ok=True)
                with given.results.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(row) + "\n")
                print(json.dumps(row), flush=True)
    print(table(rows))
    sys.exit(0 if all(map(good, last_rows(rows).values())) else 1)


if __name__ == "__main__":
    main()
