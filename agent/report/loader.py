"""Reads what a report tells of a run: from the ledger and the run's folder. Nothing is locked or written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from medalist.agent.lineage.explain import explained
from medalist.agent.lineage.find import find
from medalist.agent.records.outbox import NAME, Contents
from medalist.agent.records.stores import folder_of, open_ledger
from medalist.agent.submitting.candidate import board_of, metric_of
from medalist.competitions.errors import InputError, LedgerError, MetricError
from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.comparing import board_metric, same_metric
from medalist.leaderboard.boards.lookup import board_for
from medalist.leaderboard.boards.standing import Standing, standing_on_board
from medalist.leaderboard.ledger.kaggle_submissions import KaggleSubmissionRow
from medalist.leaderboard.ledger.rows import (
    ExperimentRow,
    FeatureRow,
    RunRow,
    ScreeningRow,
    StandingRow,
    SubmissionRow,
)

ON_THE_WAY = 10.0  # seconds that the ledger may take for a row before it counts as waiting


@dataclass(frozen=True)
class RunContents:
    """All that is known of a run.

    run, experiments, submissions, standings, features, screenings: the ledger's rows. folder: of the run, None where it
    is gone. summary: how it ended; {} while it goes on. lineage: of its last submission (see `lineage.explain`).
    kaggle: what it submitted to Kaggle.
    """

    run: RunRow
    experiments: Sequence[ExperimentRow]
    submissions: Sequence[SubmissionRow]
    standings: Sequence[StandingRow]
    features: Sequence[FeatureRow]
    screenings: Sequence[ScreeningRow]
    folder: Path | None
    summary: Mapping[str, Any]
    lineage: Mapping[str, Any]
    kaggle: Sequence[KaggleSubmissionRow] = ()

    @property
    def metric(self) -> str:
        """Name of the metric, as the task has it."""
        return str(self.run.task.get("metric", ""))

    @cached_property
    def metric_title(self) -> str:
        """The metric in words; the name of one that is a person's own function, which is not loaded."""
        from medalist.competitions.metrics.registry import get_metric

        if self.run.task.get("code"):
            return Path(self.metric).name
        try:
            return get_metric(self.metric, len(self.run.task.get("targets", ())) or 1).title
        except MetricError:
            return self.metric

    @cached_property
    def greater_is_better(self) -> bool:
        """The direction of the metric; of a person's own function that of the standings recorded, else upwards."""
        from medalist.competitions.metrics.registry import get_metric

        if not self.run.task.get("code"):
            try:
                return get_metric(self.metric, len(self.run.task.get("targets", ())) or 1).greater_is_better
            except MetricError:
                pass
        return next((s.greater_is_better for s in self.standings), True)

    @property
    def score(self) -> float | None:
        """The estimate of the present submission's score; None while there is none."""
        last = self.submissions[-1].score if self.submissions else None
        return self.summary.get("score", last)

    @property
    def standard_error(self) -> float | None:
        """Standard error of `score`; None where it is not known."""
        if "score" in self.summary:
            return self.summary.get("standard_error")
        return self.submissions[-1].standard_error if self.submissions else None

    @property
    def standing(self) -> Mapping[str, Any]:
        """The standing in the summary, or while the run goes on that of its present score, as plain values; {} where
        there is none, or the board counts another metric."""
        standing: Mapping[str, Any] = self.summary.get("standing") or self._standing_so_far
        counts = board_metric(standing.get("board") or "")
        return standing if not counts or same_metric(self.metric, counts) else {}

    @cached_property
    def _standing_so_far(self) -> Mapping[str, Any]:
        """The standing of the present submission's score; {} once the run is closed, and where there is none."""
        metric = metric_of(self.run, self.folder)
        if self.summary or self.score is None or metric is None:
            return {}
        board = board_of(self.run, self.run.competition, metric)
        standing = standing_on_board(
            self.score, board, "cross-validation", self.standard_error, test_rows=self._rows_to_predict
        )
        return asdict(standing) if isinstance(standing, Standing) else {}

    @property
    def _rows_to_predict(self) -> int | None:
        """Number of test rows; None where the present submission's lineage does not hold it."""
        return self.lineage.get("data", {}).get("test_rows")

    @cached_property
    def waiting(self) -> int:
        """Number of rows that wait in the run's folder until the ledger takes them (see `records.outbox`); those that a
        run at work has just made are on their way."""
        try:
            contents = Contents.of((self.folder / NAME).read_bytes()) if self.folder is not None else Contents()
        except (OSError, LedgerError):
            return 0
        if not contents.operations:
            return 0
        age = datetime.now(UTC) - datetime.fromisoformat(contents.operations[0].recorded)
        return 0 if self.run.state == "running" and age < timedelta(seconds=ON_THE_WAY) else contents.rows

    @cached_property
    def board(self) -> Board | None:
        """The human leaderboard of the standing, in the unit of the metric; None where there is none."""
        name = self.standing.get("board")
        if not name:
            return None
        try:
            found = board_for(name, self.metric, self.greater_is_better)
        except InputError:
            return None
        return found if isinstance(found, Board) else None

    @cached_property
    def ensemble(self) -> dict[int, float]:
        """Experiment → its weight in the present submission, the largest first."""
        made = self.lineage.get("made_of", {}).get("ensemble", ())
        return dict(sorted(((int(n), float(w)) for n, w in made), key=lambda pair: -pair[1]))

    @cached_property
    def by_number(self) -> dict[int, ExperimentRow]:
        """Experiments by their number."""
        return {e.number: e for e in self.experiments}

    def worked(self, instant: datetime) -> float:
        """Seconds that the run had worked at an instant; time between its parts does not count."""
        before = [e for e in self.experiments if e.recorded is not None and e.recorded <= instant and e.run_seconds]
        if not before:
            first = min((e for e in self.experiments if e.run_seconds and e.recorded), key=_number, default=None)
            since = max(0.0, (instant - self.run.started).total_seconds())
            return since if first is None else min(since, first.run_seconds)
        last = before[-1]
        assert last.recorded is not None
        return last.run_seconds + max(0.0, (instant - last.recorded).total_seconds())


def _number(row: ExperimentRow) -> int:
    return row.number


def load_run(target: str, runs_dir: str) -> RunContents:
    """What is known of a run, by its id or how it begins, its competition, or `last`.

    Raises LedgerError where there is no such run.
    """
    with open_ledger(runs_dir) as ledger:
        run = ledger.run(target)
        standings = [s for s in ledger.standings(run.competition) if s.run_id == run.id]
        rows: dict[str, Any] = {
            "experiments": ledger.experiments(run.id),
            "submissions": ledger.submissions(run.id),
            "features": ledger.features(run.id),
            "screenings": ledger.screenings(run.id),
            "kaggle": [row for row in ledger.kaggle_submissions() if row.run_id == run.id],
        }
    try:
        folder: Path | None = folder_of(run, runs_dir)
    except LedgerError:
        folder = None
    lineage = explained(find(run.id, runs_dir))
    return RunContents(
        run=run, standings=standings, folder=folder, summary=_summary(run, folder), lineage=lineage, **rows
    )


def _summary(run: RunRow, folder: Path | None) -> Mapping[str, Any]:
    """The summary that the ledger has, else that of the run's folder, which a ledger that was away has not got yet."""
    if run.summary or folder is None or run.state == "running":
        return run.summary
    try:
        read = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) and read.get("run") == run.id else {}
