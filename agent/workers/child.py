"""The main loop of a worker process: it does one job after another and sends back each one's result or traceback."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from medalist.agent.workers.jobs import Job, Outcome, Sources, TrainingInput
from medalist.agent.workers.meter import Meter, give_back
from medalist.competitions.clock import awake
from medalist.pipelines.estimators.base import FIT_ROWS
from medalist.pipelines.estimators.time_trace import TimeTrace
from medalist.pipelines.features.later_rows import StoreWithLater
from medalist.pipelines.features.search.step import ScreenResult, screen
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.fitting.by_column import fit_fold
from medalist.pipelines.fitting.fold import FoldResult
from medalist.pipelines.fitting.pseudo_labels import PseudoLabels
from medalist.pipelines.fitting.stacking import StackedColumns, as_columns
from medalist.pipelines.fitting.training_part import AdditionalRows
from medalist.pipelines.row_recipe import ADDITIONAL, row_step

SAMPLE_SEED = 32_452_843  # of the samples of training rows, with the pipeline's own seed


@dataclass
class JobRunner:
    """Does jobs on a worker's training input; keeps the folds and the base predictions of stacks that it has read."""

    training_input: TrainingInput
    store: FeatureStore
    y: np.ndarray
    weights: np.ndarray | None = None
    additional: AdditionalRows | None = None
    folds: dict[Path, Any] = field(default_factory=dict)
    predictions: dict[tuple[Path, Path], tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    @classmethod
    def load(cls, training_input: TrainingInput) -> JobRunner:
        """Open the feature store and read the targets and weights."""
        later = training_input.later
        store = _opened(
            training_input, training_input.store, training_input.fingerprint, None if later is None else later.base
        )
        weights = None if training_input.weights is None else np.load(training_input.weights)
        additional, more = None, training_input.additional
        if more is not None:
            over_all = _opened(
                training_input, more.store, more.fingerprint, None if later is None else later.additional
            )
            additional = AdditionalRows(over_all, np.load(more.targets))
        return cls(training_input, store, np.load(training_input.targets), weights, additional)

    def run(self, job: Job) -> FoldResult | ScreenResult | None:
        """Do a job and return its result; None for one that prepares features. Raises whatever the pipeline raises."""
        training_input = self.training_input
        if job.screen is not None:
            now = awake()
            return screen(self.store, job.screen, now, now + job.soft_seconds)
        if job.kind == "prepare":
            additional = self.additional if row_step(job.pipeline.rows, ADDITIONAL) else None
            (self.store if additional is None else additional.store).prepare(job.pipeline.features)
            return None
        if job.kind == "fold" and job.folds is not None:
            if job.folds not in self.folds:
                self.folds[job.folds] = np.load(job.folds)
            fit, valid = (self.folds[job.folds][f"{part}_{job.fold}"] for part in ("fit", "valid"))
        else:
            fit, valid = np.arange(training_input.n_train), np.arange(0)
        fit = sample_rows(fit, job.pipeline.parameters.get(FIT_ROWS), job.pipeline.seed)
        return fit_fold(
            self.store,
            training_input.problem,
            job.pipeline,
            self.y,
            fit,
            valid,
            np.arange(training_input.n_train, training_input.n_train + training_input.n_test),
            fold=job.fold,
            rounds=job.rounds,
            threads=job.threads,
            deadline=awake() + job.soft_seconds,
            weights=self.weights,
            stacked=None if job.sources is None else self.stacked(job.sources, fit, valid),
            pseudo_labels=None if job.sources is None else pseudo_labels(job.sources, job.fold),
            trace=None if job.trace is None else TimeTrace(job.trace),
            additional=self.additional,
        )

    def stacked(self, sources: Sources, fit: np.ndarray, valid: np.ndarray) -> StackedColumns | None:
        """The base pipelines' predictions as feature columns, for the training rows `fit`, the training rows `valid`
        and the test rows; None where the pipeline is not stacked."""
        if not sources.stacked:
            return None
        parts: list[list[np.ndarray]] = [[], [], []]
        for i, paths in enumerate(sources.stacked):
            if paths not in self.predictions:
                self.predictions[paths] = np.load(paths[0]), np.load(paths[1])
            oof, test = self.predictions[paths]
            valid_predictions, test_predictions = (
                sources.fold_predictions[i] if sources.fold_predictions else (oof[valid], test)
            )
            for part, p in zip(parts, (oof[fit], valid_predictions, test_predictions), strict=True):
                part.append(as_columns(self.training_input.problem, p))
        self.predictions = {
            paths: self.predictions[paths] for paths in sources.stacked
        }  # only those of the last job are kept: there are too many in a night
        return StackedColumns(*(np.hstack(part) for part in parts))


def _opened(
    training_input: TrainingInput, folder: Path, fingerprint: str, base: tuple[Path, str] | None
) -> FeatureStore:
    """The feature store of a folder; with rows that came after the run, beside the run's own store `base`."""
    n_train, limit = training_input.n_train, training_input.limit
    if base is None or training_input.later is None:
        return FeatureStore(folder, fingerprint, n_train, limit)
    own = FeatureStore(base[0], base[1], n_train, limit)
    return StoreWithLater(folder, fingerprint, n_train, limit, training_input.later.rows, base=own)


def sample_rows(rows: np.ndarray, most: int | None, seed: int) -> np.ndarray:
    """At most so many of the row positions (n,), drawn at random, in their order; all of them without a number."""
    if most is None or len(rows) <= most:
        return rows
    chosen = np.random.default_rng((SAMPLE_SEED, seed)).choice(len(rows), int(most), replace=False)
    return np.asarray(rows[np.sort(chosen)])


def pseudo_labels(sources: Sources, fold: int) -> PseudoLabels | None:
    """The pseudo-labels of the test rows for a fold; None where the pipeline is fitted without any."""
    if sources.labels is None:
        return None
    if isinstance(sources.labels, Path):
        with np.load(sources.labels) as kept:
            return PseudoLabels(kept[f"test_{fold}"].astype(float))
    return PseudoLabels(sources.labels)


def serve(connection: Connection) -> None:
    """Receive a TrainingInput and then jobs; send back (outcome, seconds) for each job, until the other end closes."""
    try:
        runner: JobRunner | None = None
        meter = Meter()
        while True:
            message = connection.recv()
            if isinstance(message, TrainingInput):
                runner = JobRunner.load(message)
                continue
            if runner is None:
                raise RuntimeError("a job came before the training input")
            began = awake()
            with meter.running():
                outcome = _outcome(runner, message)
            connection.send((replace(outcome, peak=meter.peak), awake() - began))
            del outcome, message
            give_back()
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _outcome(runner: JobRunner, job: Job) -> Outcome:
    """How a job ends, whatever the experiment raises: that is a row in the ledger, not the end."""
    try:
        return Outcome(job, "ok", runner.run(job))
    except MemoryError:
        return Outcome(job, "memory", error=traceback.format_exc())
    except Exception:  # noqa: BLE001
        return Outcome(job, "crash", error=traceback.format_exc())
