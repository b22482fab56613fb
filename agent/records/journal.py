"""Journal: the only writer of a run's history. It stores predictions, then ledger rows, then emits events.

Rows go through the outbox in the run's folder (`records/outbox.py`): where the ledger cannot be reached for a while, or
the run is killed, they wait there, and are delivered by the run, by `medalist resume`, or by whoever lists runs next.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from medalist.agent.experiment import Record, noise_unit
from medalist.agent.judging.feature_trials import FeatureTrial
from medalist.agent.records.events import experiment_event, experiment_row, screening_event
from medalist.agent.records.feature_rows import rows_of_screening, rows_of_trial
from medalist.agent.records.outbox import DAMAGED, Outbox, address_of
from medalist.agent.records.predictions import Predictions
from medalist.competitions.errors import LedgerError, LedgerUnavailable
from medalist.competitions.submission import write_atomically
from medalist.leaderboard.boards.standing import Standing
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.operations import Operation
from medalist.leaderboard.ledger.process import this_process
from medalist.leaderboard.ledger.rows import FeatureRow, ScreeningRow, SubmissionRow
from medalist.pipelines.features.schema import Schema
from medalist.pipelines.features.search.step import ScreenResult

RETRY_SECONDS = 60.0  # between two attempts to write to a ledger that cannot be reached
PATIENCE = 5.0  # longest wait of a run for another process's transaction or for a server: the search stands still
PATIENCE_WHILE_AWAY = 1.0  # the same at an attempt to reach a ledger that was away
OUTBOX_SECONDS = 30.0  # longest wait for another process that delivers the rows of an earlier part of the run

Emit = Callable[[Mapping[str, Any]], None]
Answer = TypeVar("Answer")


@dataclass
class Journal:
    """The finished experiments of a run, in memory, on disk and in the ledger.

    Attributes
    ----------
    folder: of the run.
    schema: what the columns are, to describe features by.
    emit: called with each event (see `records/events.py`), after its rows were given to the ledger.
    began: when this process began to work on the run, on the clock of `time.monotonic()`.
    earlier_seconds: seconds that earlier processes have worked on a resumed run.
    records: the finished experiments, in the order of their numbers.
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
    _new: bool = False  # it began in this process
    _box: Outbox | None = None
    _retry_at: float = 0.0

    @property
    def worked_seconds(self) -> float:
        """Seconds of work on the run so far."""
        return self.earlier_seconds + time.monotonic() - self.began

    # the beginning of a run

    def begin(self, competition: str, config: Mapping[str, Any], task: Mapping[str, Any], fingerprint: str) -> None:
        """Record that the run begins; `config` and the others as for `Ledger.start_run`. LedgerError where the ledger
        refuses it, and not where it is away."""
        self._new = True
        self._write(
            "start_run",
            competition=competition,
            config=config,
            task=task,
            fingerprint=fingerprint,
            seed=config["seed"],
            folder=self.folder.resolve(),
            process=this_process(),
        )

    def go_on(self, config: Mapping[str, Any]) -> None:
        """Record that this process goes on with the run, with the options `config`."""
        self._write("resume_run", folder=self.folder.resolve(), config=config, process=this_process())

    def add_features(self, rows: Sequence[FeatureRow]) -> None:
        """Store the statuses of features that no experiment and no screening gave."""
        self._write("add_features", rows=rows)

    def ask(self, question: Callable[[], Answer], otherwise: Answer) -> Answer:
        """What the ledger answers; `otherwise` where it is away, or does not know of this run yet."""
        if self._retry_at > 0:
            return otherwise
        try:
            return question()
        except LedgerUnavailable:
            return otherwise

    # experiments

    def add(self, record: Record, trial: FeatureTrial | None = None, fold_tests: Sequence[np.ndarray] = ()) -> Record:
        """Store a finished experiment: its predictions, then its rows in the ledger; then emit its event.

        trial: the outcome, where it tested features. fold_tests: test predictions (m, W) of each fold's model, to be
        stored where they are not too large. Returns the record as it is in `records`: with its predictions on disk.
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
        self._write("record_experiment", row=row, features=features)
        self.emit(experiment_event(record))
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
        self._write("record_screening", row=row, features=rows_of_screening(result, self.schema))
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
        self._write("set_noise_floor", noise_floor=floor)
        text = f"Seeds alone change the loss by about {floor:.2g}: no smaller gain counts."
        self.emit({"event": "noise", "floor": floor, "text": text})

    def noise_floor(self) -> float | None:
        """The stored noise floor of a resumed run; None where it was not measured."""
        return self.ledger.run(self.run_id).noise_floor

    # the end of a run

    def add_submission(self, **row: Any) -> None:
        """Record a submission that was written; `row` as for `Ledger.add_submission`."""
        self._write("add_submission", **row)

    def submissions(self) -> list[SubmissionRow]:
        """The submissions that earlier processes recorded, in their order; [] in a run that began in this one."""
        return [] if self._new else self.ledger.submissions(self.run_id)

    def add_standing(self, competition: str, standing: Standing, submission: Path, metric: str) -> None:
        """Record the standing of the run's score on a human leaderboard."""
        self._write(
            "add_standing", competition=competition, standing=standing, submission=str(submission), metric=metric
        )

    def finish(self, status: str, summary: Mapping[str, Any]) -> None:
        """Write `summary.json`, then record the run's status with all rows that wait for the ledger.

        Where the ledger still cannot be reached they wait on, in the outbox, and a note says so.
        """
        self.write_json("summary.json", summary)
        self.end(status, summary)

    def end(self, status: str, summary: Mapping[str, Any]) -> None:
        """Record the run's status with all rows that wait for the ledger, and let go of the outbox."""
        try:
            self._queue("finish_run", status=status, summary=summary)
            try:
                self.flush()
            except LedgerError:  # of a row before it, which stays in the outbox with all after it
                with contextlib.suppress(LedgerError):
                    self.ledger.finish_run(self.run_id, status, summary)
                raise
            if rows := self.outbox.rows:
                self.note(
                    f"{rows} rows wait for the ledger in {self.outbox.path}: medalist runs delivers them, once it is "
                    f"there again."
                )
        finally:
            self.outbox.close()

    # a ledger that cannot be reached for a while

    @property
    def outbox(self) -> Outbox:
        """What waits for the ledger; what an earlier process left is taken in."""
        if self._box is None:
            box = Outbox(self.folder, address_of(self.ledger, self.folder))
            damaged = box.open(OUTBOX_SECONDS)
            self._box = box
            if damaged:
                self.note(f"{damaged} lines of {box.path} are damaged and lost; {DAMAGED} is a copy of it.")
        return self._box

    def _queue(self, method: str, **arguments: Any) -> None:
        """Put a call of the ledger's method into the outbox."""
        failed_before = self.outbox.failure
        self.outbox.append(Operation.of(method, self.run_id, **arguments))
        if failed_before is None and (failure := self.outbox.failure) is not None:
            self.note(f"{self.outbox.path} cannot be written ({failure.strerror or failure}): free its disk.")

    def _write(self, method: str, **arguments: Any) -> None:
        """Queue a call of the ledger's method, and flush the queue unless the ledger was away a moment ago."""
        self._queue(method, **arguments)
        if time.monotonic() >= self._retry_at:
            self.flush()
        else:
            self.outbox.sync()

    def flush(self, *, insist: bool = False) -> None:
        """Deliver the rows that wait for the ledger, in order. Where it cannot be reached they go on waiting, or with
        `insist` LedgerUnavailable is raised. LedgerError where the ledger fails for another reason."""
        was_away = self._retry_at > 0
        while self.outbox.waiting:
            try:
                self.outbox.waiting[0].perform(self.ledger)
            except LedgerUnavailable as error:
                self.outbox.sync()
                self._retry_at = time.monotonic() + RETRY_SECONDS
                self.ledger.wait_at_most(PATIENCE_WHILE_AWAY)
                if not was_away:
                    self.note(f"{error} The run goes on, and what it records waits for the ledger.")
                if insist:
                    raise
                return
            except LedgerError:
                self.outbox.sync()
                self._retry_at = float("inf")  # the run is closed without the ledger, which is tried again at its end
                raise
            self.outbox.delivered()
        self._retry_at = 0.0
        if was_away:
            self.ledger.wait_at_most(PATIENCE)
            self.note("The ledger is there again and has all that waited for it.")

    def note(self, text: str, error: str | None = None) -> None:
        """Emit a note for people; `error` is a traceback, shown in the log only."""
        self.emit({"event": "note", "text": text} | ({} if error is None else {"error": error}))

    def write_json(self, name: str, document: Mapping[str, Any]) -> None:
        """Write a JSON file into the run's folder, atomically."""
        write_atomically(self.folder / name, json.dumps(document, indent=2, default=str).encode())
