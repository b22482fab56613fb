"""Journal: the only writer of a run's history. It stores predictions, then ledger rows, then emits events.

Rows go through the outbox in the run's folder (`records/outbox.py`): where the ledger cannot be reached for a while, or
the run is killed, they wait there, and are delivered by the run, by `medalist resume`, or by whoever lists runs next.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from medalist.agent.experiment import Record, noise_unit
from medalist.agent.judging.feature_trials import FeatureTrial
from medalist.agent.records.events import experiment_event, experiment_row, screening_event
from medalist.agent.records.feature_rows import rows_of_screening, rows_of_trial
from medalist.agent.records.ledger_queue import LedgerQueue
from medalist.agent.records.predictions import Predictions
from medalist.agent.records.unstored import Unstored
from medalist.competitions.clock import awake
from medalist.competitions.errors import DiskFull
from medalist.competitions.submission import write_atomically
from medalist.leaderboard.boards.standing import Standing
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.process import this_process
from medalist.leaderboard.ledger.rows import FeatureRow, ScreeningRow, SubmissionRow
from medalist.pipelines.features.schema import Schema
from medalist.pipelines.features.search.step import ScreenResult

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
    queue: LedgerQueue = field(init=False)
    _new: bool = False  # it began in this process

    def __post_init__(self) -> None:
        self.unstored = Unstored(self.predictions, self.note)
        self.queue = LedgerQueue(self.run_id, self.folder, self.ledger, self.note)

    @property
    def worked_seconds(self) -> float:
        """Seconds of work on the run so far."""
        return self.earlier_seconds + awake() - self.began

    # the beginning of a run

    def begin(self, competition: str, config: Mapping[str, Any], task: Mapping[str, Any], fingerprint: str) -> None:
        """Record that the run begins; `config` and the others as for `Ledger.start_run`. LedgerError where the ledger
        refuses it, and not where it is away."""
        self._new = True
        self.queue.write(
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
        self.queue.write("resume_run", folder=self.folder.resolve(), config=config, process=this_process())

    def add_features(self, rows: Sequence[FeatureRow]) -> None:
        """Store the statuses of features that no experiment and no screening gave."""
        self.queue.write("add_features", rows=rows)

    # experiments

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
        self.queue.write("record_experiment", row=row, features=features)
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
        self.queue.write("record_screening", row=row, features=rows_of_screening(result, self.schema))
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
        self.queue.write("set_noise_floor", noise_floor=floor)
        text = f"Seeds alone change the loss by about {floor:.2g}: no smaller gain counts."
        self.emit({"event": "noise", "floor": floor, "text": text})

    def noise_floor(self) -> float | None:
        """The stored noise floor of a resumed run; None where it was not measured."""
        return self.ledger.run(self.run_id).noise_floor

    # the end of a run

    def add_submission(self, **row: Any) -> None:
        """Record a submission that was written; `row` as for `Ledger.add_submission`."""
        self.queue.write("add_submission", **row)

    def submissions(self) -> list[SubmissionRow]:
        """The submissions that earlier processes recorded, in their order; [] in a run that began in this one."""
        return [] if self._new else self.ledger.submissions(self.run_id)

    def add_standing(self, competition: str, standing: Standing, submission: Path, metric: str) -> None:
        """Record the standing of the run's score on a human leaderboard."""
        self.queue.write(
            "add_standing", competition=competition, standing=standing, submission=str(submission), metric=metric
        )

    def finish(self, status: str, summary: Mapping[str, Any]) -> None:
        """Write `summary.json`, then record the run's status with all rows that wait for the ledger.

        Where the ledger still cannot be reached they wait on, in the outbox, and a note says so.
        """
        self.unstored.try_again()
        try:
            self.write_json("summary.json", summary)
        except DiskFull as error:  # the ledger may lie on another one
            self.note(str(error))
        self.queue.end(status, summary)

    def flush(self, *, insist: bool = False) -> None:
        """Deliver the rows that wait for the ledger (see `LedgerQueue.flush`)."""
        self.queue.flush(insist=insist)

    def note(self, text: str, error: str | None = None) -> None:
        """Emit a note for people; `error` is a traceback, shown in the log only."""
        self.emit({"event": "note", "text": text} | ({} if error is None else {"error": error}))

    def write_json(self, name: str, document: Mapping[str, Any]) -> None:
        """Write a JSON file into the run's folder, atomically."""
        write_atomically(self.folder / name, json.dumps(document, indent=2, default=str).encode())
