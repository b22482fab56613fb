"""Journal: the one writer of what a run has done. It keeps predictions, ledger rows and events, in that order.

Where the ledger cannot be reached for a while, rows wait in memory (predictions are on disk) and only the end of the
run insists on them.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from medalist.agent.experiment import Record, noise_of
from medalist.agent.judging.feature_trials import FeatureTrial
from medalist.agent.records.events import experiment_event, experiment_row, screening_event
from medalist.agent.records.feature_rows import rows_of_screening, rows_of_trial
from medalist.agent.records.predictions import Predictions
from medalist.competitions.errors import LedgerError, LedgerUnavailable
from medalist.competitions.submission import write_atomically
from medalist.leaderboard.boards.standing import Standing
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import SearchRow
from medalist.pipelines.features.schema import Schema
from medalist.pipelines.features.search.step import ScreenResult

RETRY_SECONDS = 60.0  # between two attempts to reach a ledger that is away

Emit = Callable[[Mapping[str, Any]], None]


@dataclass
class Journal:
    """The finished experiments of a run, in memory and on disk.

    Attributes
    ----------
    folder: of the run.
    schema: what the columns are, to describe features by.
    emit: is called with each event (see `records/events.py`), after its rows are in the ledger.
    began: when this process began with the run, on the clock of `time.monotonic()`.
    earlier_seconds: seconds of work of a resumed run's earlier parts.
    records: the experiments by number.
    """

    run_id: str
    folder: Path
    ledger: Ledger
    predictions: Predictions
    schema: Schema
    emit: Emit
    began: float = field(default_factory=time.monotonic)
    earlier_seconds: float = 0.0
    records: list[Record] = field(default_factory=list)
    _queue: deque[Callable[[], object]] = field(default_factory=deque)
    _retry_at: float = 0.0

    @property
    def worked_seconds(self) -> float:
        """Seconds of work on the run so far."""
        return self.earlier_seconds + time.monotonic() - self.began

    def add(self, record: Record, trial: FeatureTrial | None = None, fold_tests: Sequence[np.ndarray] = ()) -> Record:
        """Keep a finished experiment: its predictions, then its rows in the ledger, then the event.

        trial: the outcome of a test of features. fold_tests: test predictions (m, W) of each fold's model, to be kept
        where they are not too large. Returns the record as it is kept, its predictions on disk.
        """
        artifact, evaluation = None, record.evaluation
        if evaluation is not None:
            if self.predictions.keep_fold_tests(record.number, fold_tests):
                record = replace(record, keeps_fold_tests=True)
            artifact = self.predictions.keep(record.number, evaluation).name
            record = replace(record, evaluation=self.predictions.load(record.number))
        self.records.append(record)
        row = experiment_row(record, self._gain_in_noise(record), self.worked_seconds, artifact)
        features = () if trial is None else rows_of_trial(record, trial, self.schema)
        self._write(partial(self.ledger.record_experiment, self.run_id, row, features))
        self.emit(experiment_event(record))
        return record

    def _gain_in_noise(self, record: Record) -> float | None:
        """The gain of the ensemble by an experiment in units of the noise (see `experiment.noise_of`); None where the
        experiment was cut short from outside, or the noise is not known."""
        unit = noise_of(self.records)
        return None if record.cut_short or not unit else round(record.gain / unit, 4)

    def restore(self, record: Record) -> None:
        """Take in an experiment that is in the ledger already."""
        self.records.append(record)

    # screenings

    def add_screening(self, result: ScreenResult, parent: int) -> None:
        """Keep a screening for features that started from the experiment `parent`."""
        row = SearchRow(
            step=result.step,
            screened=result.screened,
            passed=len(result.picks) + len(result.used),
            seconds=result.seconds,
            note="" if result.best is None else f"the best of all: {result.best.text}, z = {result.best.z:.1f}",
            parent=parent,
            result=result.as_dict(),
        )
        self._write(partial(self.ledger.record_search, self.run_id, row, rows_of_screening(result, self.schema)))
        self.emit(screening_event(result))

    def screenings(self) -> list[tuple[int, ScreenResult]]:
        """The kept screenings of a resumed run, each with the experiment that it started from."""
        return [
            (row.parent, ScreenResult.from_dict(row.result))
            for row in self.ledger.searches(self.run_id)
            if row.parent is not None and row.result
        ]

    # the noise floor

    def set_noise_floor(self, floor: float) -> None:
        """Keep the noise floor of the run."""
        self._write(partial(self.ledger.set_noise_floor, self.run_id, floor))
        text = f"Seeds alone change the loss by about {floor:.2g}: no smaller gain counts."
        self.emit({"event": "noise", "floor": floor, "text": text})

    def noise_floor(self) -> float | None:
        """The kept noise floor of a resumed run; None where it was not measured."""
        return self.ledger.run(self.run_id).noise_floor

    # the end of a run

    def add_submission(self, **row: Any) -> None:
        """Record a submission that was written; `row` as for `Ledger.add_submission`."""
        self._write(partial(self.ledger.add_submission, self.run_id, **row))

    def add_standing(self, competition: str, standing: Standing, submission: Path, metric: str) -> None:
        """Record what the run's score is worth among humans."""
        self._write(partial(self.ledger.add_standing, self.run_id, competition, standing, str(submission), metric))

    def finish(self, status: str, summary: Mapping[str, Any]) -> None:
        """Write `summary.json`, then record how the run ended with all that waits for the ledger.

        Raises LedgerUnavailable where the ledger is still away: then the predictions and the summary are on disk, and
        `medalist resume` makes what is missing again.
        """
        self.write_json("summary.json", summary)
        self._queue.append(partial(self.ledger.finish_run, self.run_id, status, summary))
        self.flush(insist=True)

    # a ledger that is away for a while

    def _write(self, call: Callable[[], object]) -> None:
        self._queue.append(call)
        if time.monotonic() >= self._retry_at:
            self.flush()

    def flush(self, *, insist: bool = False) -> None:
        """Write what waits for the ledger, in order. Where the ledger is away, it goes on waiting; with `insist`
        LedgerUnavailable is raised. LedgerError where the ledger fails for good."""
        was_away = self._retry_at > 0
        while self._queue:
            try:
                self._queue[0]()
            except LedgerUnavailable as error:
                if insist:
                    raise
                self._retry_at = time.monotonic() + RETRY_SECONDS
                if not was_away:
                    self.note(f"{error} The run goes on, and what it records waits for the ledger.")
                return
            except LedgerError:
                self._retry_at = float("inf")  # the run is closed without the ledger, which is tried again at its end
                raise
            self._queue.popleft()
        self._retry_at = 0.0
        if was_away:
            self.note("The ledger is there again and has all that waited for it.")

    def note(self, text: str, error: str | None = None) -> None:
        """Tell people something; `error` is a traceback, for the log alone."""
        self.emit({"event": "note", "text": text} | ({} if error is None else {"error": error}))

    def write_json(self, name: str, document: Mapping[str, Any]) -> None:
        """Write a JSON file into the run's folder, atomically."""
        write_atomically(self.folder / name, json.dumps(document, indent=2, default=str).encode())
