"""Journal: the only writer of a run's history. It stores predictions, then ledger rows, then emits events.

Where the ledger cannot be reached for a while, rows wait in memory (predictions are on disk), and only at the end of
the run it is an error that they could not be written.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from medalist.agent.experiment import Record, noise_unit
from medalist.agent.judging.feature_trials import FeatureTrial
from medalist.agent.records.events import experiment_event, experiment_row, screening_event
from medalist.agent.records.feature_rows import rows_of_screening, rows_of_trial
from medalist.agent.records.predictions import Predictions
from medalist.agent.records.unstored import Unstored
from medalist.competitions.clock import awake
from medalist.competitions.errors import DiskFull, LedgerError, LedgerUnavailable
from medalist.competitions.submission import write_atomically
from medalist.leaderboard.boards.standing import Standing
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import ScreeningRow
from medalist.pipelines.features.schema import Schema
from medalist.pipelines.features.search.step import ScreenResult

RETRY_SECONDS = 60.0  # between two attempts to write to a ledger that cannot be reached

Emit = Callable[[Mapping[str, Any]], None]


@dataclass
class Journal:
    """The finished experiments of a run, in memory, on disk and in the ledger.

    Attributes
    ----------
    folder: of the run.
    schema: what the columns are, to describe features by.
    emit: called with each event (see `records/events.py`), after its rows were given to the ledger.
    began: when this process began to work on the run, on the clock of `awake()`.
    earlier_seconds: seconds that earlier processes have worked on a resumed run.
    records: the finished experiments, in the order of their numbers.
    unstored: what a full disk had no room for.
    """

    run_id: str
    folder: Path
    ledger: Ledger
    predictions: Predictions
    schema: Schema
    emit: Emit
    began: float = field(default_factory=awake)
    earlier_seconds: float = 0.0
    records: list[Record] = field(default_factory=list)
    unstored: Unstored = field(init=False)
    _queue: deque[Callable[[], object]] = field(default_factory=deque)
    _retry_at: float = 0.0

    def __post_init__(self) -> None:
        self.unstored = Unstored(self.predictions, self.note)

    @property
    def worked_seconds(self) -> float:
        """Seconds of work on the run so far."""
        return self.earlier_seconds + awake() - self.began

    def add(self, record: Record, trial: FeatureTrial | None = None, fold_tests: Sequence[np.ndarray] = ()) -> Record:
        """Store a finished experiment: its predictions, then its rows in the ledger; then emit its event.

        trial: the outcome, where it tested features. fold_tests: test predictions (m, W) of each fold's model, to be
        stored where they are not too large. Returns the record as it is in `records`: with its predictions on disk.
        """
        artifact, evaluation = None, record.evaluation
        if evaluation is not None:
            artifact = self.predictions.path(record.number).name
            if self.unstored.store(record.number, evaluation, record.score):
                record = replace(record, evaluation=self.predictions.load(record.number))
                if self.predictions.keep_fold_tests(record.number, fold_tests):
                    record = replace(record, keeps_fold_tests=True)
        self.records.append(record)
        row = experiment_row(record, self._gain_in_noise(record), self.worked_seconds, artifact)
        features = () if trial is None else rows_of_trial(record, trial, self.schema)
        self._write(partial(self.ledger.record_experiment, self.run_id, row, features))
        self.emit(experiment_event(record, row.gain_in_noise))
        return record

    def _gain_in_noise(self, record: Record) -> float | None:
        """The experiment's gain in units of `experiment.noise_unit`; None where the end of the search cut it short, or
        no experiment has a score yet."""
        unit = noise_unit(self.records)
        return None if record.cut_short or not unit else round(record.gain / unit, 4)

    def restore(self, record: Record) -> None:
        """Append an experiment that is in the ledger already; nothing is written."""
        self.records.append(record)

    # screenings

    def add_screening(self, result: ScreenResult, parent: int) -> None:
        """Store a screening for features with its `parent` (see `proposals.features.Step`), and emit its event."""
        row = ScreeningRow(
            step=result.step,
            screened=result.screened,
            passed=len(result.picks) + len(result.used),
            seconds=result.seconds,
            note="" if result.best is None else f"the best of all: {result.best.text}, z = {result.best.z:.1f}",
            parent=parent,
            result=result.as_dict(),
        )
        self._write(partial(self.ledger.record_screening, self.run_id, row, rows_of_screening(result, self.schema)))
        self.emit(screening_event(result))

    def screenings(self) -> list[tuple[int, ScreenResult]]:
        """(parent, result) of each stored screening of a resumed run: see `add_screening`."""
        return [
            (row.parent, ScreenResult.from_dict(row.result))
            for row in self.ledger.screenings(self.run_id)
            if row.parent is not None and row.result
        ]

    # the noise floor

    def set_noise_floor(self, floor: float) -> None:
        """Store the noise floor of the run (see `score.noise_floor`), and emit its event."""
        self._write(partial(self.ledger.set_noise_floor, self.run_id, floor))
        text = f"Seeds alone change the loss by about {floor:.2g}: no smaller gain counts."
        self.emit({"event": "noise", "floor": floor, "text": text})

    def noise_floor(self) -> float | None:
        """The stored noise floor of a resumed run; None where it was not measured."""
        return self.ledger.run(self.run_id).noise_floor

    # the end of a run

    def add_submission(self, **row: Any) -> None:
        """Record a submission that was written; `row` as for `Ledger.add_submission`."""
        self._write(partial(self.ledger.add_submission, self.run_id, **row))

    def add_standing(self, competition: str, standing: Standing, submission: Path, metric: str) -> None:
        """Record the standing of the run's score on a human leaderboard."""
        self._write(partial(self.ledger.add_standing, self.run_id, competition, standing, str(submission), metric))

    def finish(self, status: str, summary: Mapping[str, Any]) -> None:
        """Write `summary.json`, then the run's status and all rows that wait for the ledger.

        Raises LedgerUnavailable where the ledger still cannot be reached: then the predictions and the summary are on
        disk, and `medalist resume` makes the missing rows again.
        """
        self.unstored.try_again()
        try:
            self.write_json("summary.json", summary)
        except DiskFull as error:  # the ledger may lie on another one
            self.note(str(error))
        self._queue.append(partial(self.ledger.finish_run, self.run_id, status, summary))
        self.flush(insist=True)

    # a ledger that cannot be reached for a while

    def _write(self, call: Callable[[], object]) -> None:
        """Queue a call that writes to the ledger, and flush the queue unless the ledger was away a moment ago."""
        self._queue.append(call)
        if awake() >= self._retry_at:
            self.flush()

    def flush(self, *, insist: bool = False) -> None:
        """Write the rows that wait for the ledger, in order. Where it cannot be reached they go on waiting, or with
        `insist` LedgerUnavailable is raised. LedgerError where the ledger fails for another reason."""
        was_away = self._retry_at > 0
        while self._queue:
            try:
                self._queue[0]()
            except LedgerUnavailable as error:
                if insist:
                    raise
                self._retry_at = awake() + RETRY_SECONDS
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
        """Emit a note for people; `error` is a traceback, shown in the log only."""
        self.emit({"event": "note", "text": text} | ({} if error is None else {"error": error}))

    def write_json(self, name: str, document: Mapping[str, Any]) -> None:
        """Write a JSON file into the run's folder, atomically."""
        write_atomically(self.folder / name, json.dumps(document, indent=2, default=str).encode())
