"""One of the writers of `ledger_writers.py`: a process that records made-up runs through the agent's own journal.

What it records is known beforehand: step n of a run is an experiment, features, a screening, a submission or a
standing, and carries its number, so that what the ledger holds in the end can be compared with what it should. A
writer that was killed goes on as `medalist resume` does: what waits is delivered, and the ledger says which step is
next.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medalist.agent.experiment import Proposal, Record
from medalist.agent.records import ledger_queue
from medalist.agent.records.delivery import deliver
from medalist.agent.records.journal import Journal
from medalist.agent.records.predictions import Predictions
from medalist.competitions.errors import LedgerError, LedgerUnavailable
from medalist.leaderboard.boards.standing import Standing
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import FeatureRow
from medalist.pipelines.features.schema import Schema
from medalist.pipelines.features.search.step import ScreenResult
from medalist.pipelines.pipeline import Pipeline

KINDS = ("experiment", "submission", "features", "submission", "experiment", "screening", "submission", "standing")
COMPETITION = "writers"
PATIENCE = 1.0  # seconds, shorter than the agent's, so that the ledger is away more often
RETRY_SECONDS = 0.5
LOST = 9  # exit code of a writer whose ledger lacks a step that was told to be recorded

Rows = dict[str, list[Any]]


def expected(steps: int) -> Rows:
    """What the ledger should hold of a run, in order, by table."""
    by_kind = {kind: [n for n in range(steps) if KINDS[n % len(KINDS)] == kind] for kind in KINDS}
    return {
        "experiments": list(enumerate(by_kind["experiment"])),
        "features": [f"{n}{letter}" for n in by_kind["features"] for letter in "ab"],
        "screenings": by_kind["screening"],
        "submissions": [(name_of(n), n) for n in by_kind["submission"]],
        "standings": by_kind["standing"],
        "status": ["finished"],
    }


def recorded(ledger: Ledger, run_id: str) -> Rows:
    """What the ledger holds of a run, in order, by table; {} where it does not have the run."""
    runs = [row for row in ledger.runs(COMPETITION) if row.id == run_id]
    if not runs:
        return {}
    return {
        "experiments": [(row.number, int(row.seconds)) for row in ledger.experiments(run_id)],
        "features": [row.text for row in ledger.features(run_id)],
        "screenings": [row.step for row in ledger.screenings(run_id)],
        "submissions": [(row.sha256, int(row.score or 0)) for row in ledger.submissions(run_id)],
        "standings": [int(row.score) for row in reversed(ledger.standings(COMPETITION)) if row.run_id == run_id],
        "status": [row.status for row in runs],
    }


def next_step(rows: Rows) -> int:
    """The step after the last one of which the ledger has a row."""
    seen = [step for _, step in (*rows["experiments"], *rows["submissions"])]
    seen += [
        *map(int, rows["screenings"]),
        *map(int, rows["standings"]),
        *(int(text[:-1]) for text in rows["features"]),
    ]
    return max(seen, default=-1) + 1


def name_of(step: int) -> str:
    """The hash of a submission: one of two, so that equal ones are no neighbours and a repetition shows."""
    return "ab"[step // 2 % 2]


def write(url: str, place: Path, run_ids: Sequence[str], steps: int) -> int:
    """Record the runs one after another, from where each stands; returns the exit code."""
    ledger_queue.PATIENCE, ledger_queue.RETRY_SECONDS = PATIENCE, RETRY_SECONDS
    for run_id in run_ids:
        told = place / "told" / run_id
        folder = place / "runs" / COMPETITION / run_id
        rows = _left(url, folder) if folder.exists() else {}
        said = int(told.read_text().split()[-1]) + 1 if told.exists() and told.read_text() else 0
        begun = next_step(rows) if rows else 0
        if begun < said:
            return LOST
        if rows.get("status") == ["finished"]:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        with Ledger(url, PATIENCE, may_be_away=True) as ledger, told.open("a") as report:
            journal = Journal(run_id, folder, ledger, Predictions(folder), Schema({"x": "number"}), lambda _: None)
            if rows:
                journal.go_on({"seed": 0})
            else:
                journal.begin(COMPETITION, {"seed": 0}, {}, "ab")
                journal.queue.ask(lambda ledger=ledger, run_id=run_id: ledger.gains(run_id), [])
            for step in range(begun, steps):
                _record(journal, step)
                report.write(f"{step}\n")
                report.flush()
            journal.finish("finished", {})
    return 0


def _left(url: str, folder: Path) -> Rows:
    """What the ledger has of a run that a killed writer began, once it is there and all that waits was delivered."""
    while True:
        try:
            with Ledger(url, PATIENCE) as ledger:
                deliver(ledger, folder)
                return recorded(ledger, folder.name)
        except LedgerUnavailable:
            time.sleep(RETRY_SECONDS)


def _record(journal: Journal, step: int) -> None:
    """Record a step."""
    kind = KINDS[step % len(KINDS)]
    if kind == "experiment":
        number = sum(KINDS[n % len(KINDS)] == "experiment" for n in range(step))
        pipeline = Pipeline.of(("number(x)",), "linear", {}, seed=number)
        proposal = Proposal(pipeline, "because " * 50, None, "start")
        journal.add(Record(number, proposal, "crash", "made up", seconds=float(step), error="none"))
    elif kind == "submission":
        journal.add_submission(made_from={"constant": True}, path="s.csv", sha256=name_of(step), score=float(step))
    elif kind == "features":
        journal.add_features([FeatureRow(f"{step}{letter}", "number", 0, "forced") for letter in "ab"])
    elif kind == "screening":
        journal.add_screening(ScreenResult.empty(step, 0.5), 0)
    else:
        standing = Standing("board", 9, float(step), 0.5, None, "bronze", 0.1, None, "cross-validation")
        journal.add_standing(COMPETITION, standing, Path("s.csv"), "auc")
        journal.set_noise_floor(float(step))


def failure_of(error: BaseException) -> str:
    """An unexpected error of a writer, in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}" + ("" if isinstance(error, LedgerError) else " !")
