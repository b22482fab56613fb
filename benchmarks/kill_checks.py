"""What a killed run has left, read from outside (the ledger through plain SQLite), and what must hold of it."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from medalist.competitions.metrics.registry import get_metric

FINISHED = ("keep", "discard", "pruned")  # verdicts of experiments that were tried to their end
UNCONFIRMED_ERRORS = 2.0  # standard errors by which a score on fresh folds may fall behind one of the search
SEARCH_ERRORS = 1.0  # standard errors by which an ensemble that is selected again may fall behind on the search's folds

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Estimate:
    """What a run states of its submission: `score` ± `error`, and whether it was confirmed on fresh folds. search: the
    score on the folds of the search, where it is stated."""

    score: float
    error: float
    confirmed: bool
    search: float | None = None


@dataclass
class State:
    """A run at one instant: its rows in the ledger, the bytes of its submission (None where there is none) and what it
    states of it; `problems` in words."""

    run: dict[str, Any]
    experiments: Rows = field(default_factory=list)
    submissions: Rows = field(default_factory=list)
    contents: bytes | None = None
    estimate: Estimate | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def better(self) -> bool:
        """Whether greater scores are better."""
        return bool(get_metric(json.loads(self.run["task"])["metric"]).greater_is_better)

    @property
    def counted(self) -> bool:
        return json.loads(self.run["config"]).get("max_experiments") is not None


def read_states(runs_dir: Path, sample: Path | None = None) -> tuple[dict[str, State], list[str]]:
    """The runs of a ledger by their ids, with what is wrong within each; and what is wrong with the ledger itself.

    sample: the sample submission of all of them; None to take that of each run's competition.
    """
    path = runs_dir / "ledger.sqlite"
    if not path.exists():
        return {}, []
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=20)
        ) as database:
            database.row_factory = sqlite3.Row
            (whole,) = database.execute("PRAGMA quick_check").fetchone()
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "runs" not in tables:  # killed while it was made
                return {}, [] if whole == "ok" else [f"the ledger is damaged: {whole}"]
            states = {row["id"]: _state(database, dict(row), sample) for row in database.execute("SELECT * FROM runs")}
    except sqlite3.Error as error:
        return {}, [f"the ledger cannot be read: {error}"]
    return states, [] if whole == "ok" else [f"the ledger is damaged: {whole}"]


def _state(database: sqlite3.Connection, run: dict[str, Any], sample: Path | None) -> State:
    def rows(table: str) -> Rows:
        query = f"SELECT * FROM {table} WHERE run_id = ? ORDER BY number"
        return [dict(row) for row in database.execute(query, (run["id"],))]

    state, folder = State(run, rows("experiments"), rows("submissions")), Path(run["folder"])
    if (folder / "submission.csv").exists():
        state.contents = (folder / "submission.csv").read_bytes()
        sample = sample or Path(json.loads(run["config"])["path"]) / "sample_submission.csv"
        if (problem := _invalid(state.contents, sample)) is not None:
            state.problems.append(f"submission.csv is not valid: {problem}")
    elif state.submissions:
        state.problems.append("submission.csv is gone")
    numbers = [row["number"] for row in state.experiments]
    if numbers != list(range(len(numbers))):
        state.problems.append(f"the numbers of experiments are {numbers}")
    finished = Counter(row["pipeline_hash"] for row in state.experiments if row["verdict"] in FINISHED)
    for pipeline, count in finished.items():
        if count > 1:
            twice = [row["number"] for row in state.experiments if row["pipeline_hash"] == pipeline]
            state.problems.append(f"a finished experiment was repeated: {twice} are pipeline {pipeline[:12]}")
    for row in state.experiments:
        if row["artifact"] and not (folder / "predictions" / row["artifact"]).exists():
            state.problems.append(f"the predictions of experiment {row['number']} are gone")
    state.estimate = _estimate(state)
    return state


def _invalid(contents: bytes, sample: Path) -> str | None:
    """What is wrong with a submission, None where nothing is."""
    try:
        frame, wanted = pd.read_csv(io.BytesIO(contents)), pd.read_csv(sample)
    except ValueError as error:
        return str(error)
    if list(frame.columns) != list(wanted.columns) or len(frame) != len(wanted):
        return f"{list(frame.columns)} × {len(frame)} rows in place of {list(wanted.columns)} × {len(wanted)}"
    if frame.iloc[:, 0].tolist() != wanted.iloc[:, 0].tolist():
        return "its ids are not the sample's"
    return "values are missing" if frame.isna().any().any() else None


def _estimate(state: State) -> Estimate | None:
    """What the run states of the submission that lies there; None where it states nothing."""
    if state.contents is None:
        return None
    digest = hashlib.sha256(state.contents).hexdigest()
    rows = [row for row in state.submissions if row["sha256"] == digest]
    row = rows[-1] if rows else None
    if row is None or row["score"] is None or "ensemble" not in json.loads(row["made_from"]):
        return None
    confirmed = "fresh folds" in row["reason"]
    return Estimate(row["score"], row["standard_error"] or 0.0, confirmed, None if confirmed else row["score"])


def summary_estimate(summary: dict[str, Any]) -> Estimate | None:
    """What the summary of a run that was closed states; None where it has no score."""
    if summary.get("score") is None:
        return None
    confirmed = bool(summary["confirmed_on_fresh_folds"])
    return Estimate(summary["score"], summary["standard_error"] or 0.0, confirmed, summary.get("search_score"))


def lost_rows(before: State, after: State) -> list[str]:
    """What was in the ledger and is not there any more, or not the same."""
    problems = []
    for name in ("experiments", "submissions"):
        now = {row["number"]: row for row in getattr(after, name)}
        for row in getattr(before, name):
            if row["number"] not in now:
                problems.append(f"row {row['number']} of {name} is lost")
            elif now[row["number"]] != row:
                problems.append(f"row {row['number']} of {name} has changed")
    if before.contents is not None and after.contents is None:
        problems.append("submission.csv is gone")
    return problems


def got_worse(before: State, after: Estimate | None) -> list[str]:
    """Whether the end is worse than what there was at a kill, by what the run itself states.

    A score on fresh folds may not fall at all by the clock, since the better submission stays. One of the search is
    optimistic, and gives way to an ensemble that is selected again, or to its own score on fresh folds: that may be
    worse by as much as the run states to be uncertain.
    """
    was = before.estimate
    if was is None:
        return []
    if after is None:
        return [f"there was a score of {was.score:.6g}, and there is none at the end"]
    sign = 1.0 if before.better else -1.0
    if was.confirmed and not before.counted:
        if not after.confirmed:
            return [
                f"a submission that was confirmed ({was.score:.6g}) gave way to one that was not ({after.score:.6g})"
            ]
        if sign * (after.score - was.score) < 0:
            return [f"confirmed was {was.score:.6g}, and at the end it is {after.score:.6g}"]
        return []
    behind = sign * (was.score - after.score)
    if not was.confirmed and after.search is not None:
        behind_search = sign * (was.score - after.search)
        if behind_search > SEARCH_ERRORS * was.error:
            return [f"the search was at {was.score:.6g} ± {was.error:.2g}, and ends at {after.search:.6g}"]
    if behind > UNCONFIRMED_ERRORS * max(was.error, after.error):
        return [f"the score was {was.score:.6g} ± {was.error:.2g}, and ends at {after.score:.6g}"]
    return []
