"""Journal: the one writer of what a run has done. It keeps predictions, ledger rows and events, in that order."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from medalist.agent.experiment import Record, noise_of
from medalist.agent.judging.feature_trials import FeatureTrial
from medalist.agent.records.events import experiment_event, experiment_row, screening_event
from medalist.agent.records.feature_rows import rows_of_screening, rows_of_trial
from medalist.agent.records.predictions import Predictions
from medalist.competitions.submission import write_atomically
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.pipelines.features.schema import Schema
from medalist.pipelines.features.search.step import ScreenResult

FLOOR = "work/floor.json"

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
    worked_before: seconds of work of a resumed run's earlier parts.
    records: the experiments by number.
    """

    run_id: str
    folder: Path
    ledger: Ledger
    predictions: Predictions
    schema: Schema
    emit: Emit
    began: float = field(default_factory=time.monotonic)
    worked_before: float = 0.0
    records: list[Record] = field(default_factory=list)

    @property
    def worked(self) -> float:
        """Seconds of work on the run so far."""
        return self.worked_before + time.monotonic() - self.began

    def add(self, record: Record, trial: FeatureTrial | None = None, fold_tests: Sequence[np.ndarray] = ()) -> Record:
        """Keep a finished experiment: its predictions, then its rows in the ledger, then the event.

        trial: the outcome of a test of features. fold_tests: test predictions (m, W) of each fold's model, to be kept
        where they are not too large. Returns the record as it is kept, its predictions on disk.
        """
        artifact, evaluation = None, record.evaluation
        if evaluation is not None:
            if self.predictions.keep_fold_tests(record.number, fold_tests):
                record = replace(record, keeps_folds=True)
            artifact = self.predictions.keep(record.number, evaluation).name
            record = replace(record, evaluation=self.predictions.load(record.number))
        self.records.append(record)
        row = experiment_row(record, self._gain_in_noise(record), self.worked, artifact)
        self.ledger.add_experiment(self.run_id, **row)
        if trial is not None and (rows := rows_of_trial(record, trial, self.schema)):
            self.ledger.add_features(self.run_id, rows)
        self.emit(experiment_event(record))
        return record

    def _gain_in_noise(self, record: Record) -> float | None:
        """The gain of the ensemble by an experiment in units of the noise (see `experiment.noise_of`); None where the
        experiment was cut short from outside, or the noise is not known."""
        unit = noise_of(self.records)
        return None if record.unfinished or not unit else round(record.gain / unit, 4)

    def recall(self, record: Record) -> None:
        """Take in an experiment that is in the ledger already."""
        self.records.append(record)

    # screenings

    def add_screening(self, result: ScreenResult, parent: int) -> None:
        """Keep a screening for features that started from the experiment `parent`."""
        self.write_json(f"work/step_{result.step}.json", {"parent": parent, "result": result.as_dict()})
        passed = len(result.picks) + len(result.used)
        note = "" if result.best is None else f"the best of all: {result.best.text}, z = {result.best.z:.1f}"
        self.ledger.add_search(self.run_id, result.step, result.screened, passed, result.seconds, note)
        self.ledger.add_features(self.run_id, rows_of_screening(result, self.schema))
        self.emit(screening_event(result))

    def screenings(self) -> list[tuple[int, ScreenResult]]:
        """The kept screenings of a resumed run, each with the experiment that it started from."""
        kept = []
        for path in sorted((self.folder / "work").glob("step_*.json"), key=lambda p: int(p.stem[5:])):
            document = json.loads(path.read_text())
            kept.append((document["parent"], ScreenResult.from_dict(document["result"])))
        return kept

    # the noise floor

    def set_noise_floor(self, floor: float) -> None:
        """Keep the noise floor of the run."""
        self.write_json(FLOOR, {"floor": floor})
        text = f"Seeds alone change the loss by about {floor:.2g}: no smaller gain counts."
        self.emit({"event": "noise", "floor": floor, "text": text})

    def noise_floor(self) -> float | None:
        """The kept noise floor of a resumed run; None where it was not measured."""
        path = self.folder / FLOOR
        return json.loads(path.read_text())["floor"] if path.exists() else None

    def note(self, text: str, error: str | None = None) -> None:
        """Tell people something; `error` is a traceback, for the log alone."""
        self.emit({"event": "note", "text": text} | ({} if error is None else {"error": error}))

    def write_json(self, name: str, document: Mapping[str, Any]) -> None:
        """Write a JSON file into the run's folder, atomically."""
        write_atomically(self.folder / name, json.dumps(document, indent=2, default=str).encode())
