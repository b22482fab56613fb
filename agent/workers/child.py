"""What runs in a child process: one job after another, each answered with its result or its traceback."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
import traceback
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

import numpy as np

from medalist.pipelines.features.search.step import ScreenRequest, ScreenResult, screen
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.fitting.fold import FoldResult, run_fold
from medalist.pipelines.fitting.pseudo_labels import Labels
from medalist.pipelines.fitting.stacking import Beside, as_columns
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem


@dataclass(frozen=True)
class Bench:
    """Where a worker finds its material: the feature store and the targets, on disk."""

    store: Path
    fingerprint: str
    n_train: int
    n_test: int
    problem: Problem
    targets: Path  # .npy (n_train, T)
    limit: int  # bytes of computed columns that are kept
    weights: Path | None = None  # .npy (n_train,)


@dataclass(frozen=True)
class Sources:
    """Predictions of other pipelines that a job is made from.

    `stacked`: .npy files of out-of-fold (n_train, W) and test (m, W) predictions, a pair for each base pipeline; `own`,
    for folds that are not the search's: what the same pipelines predict for the validation and the test rows, fitted
    without the validation rows. `labels`: pseudo-labels (m, W), or the file that has them for each fold of the search
    as test_<fold>.
    """

    stacked: tuple[tuple[Path, Path], ...] = ()
    own: tuple[tuple[np.ndarray, np.ndarray], ...] = ()
    labels: Path | np.ndarray | None = None


@dataclass(frozen=True)
class Job:
    """Work for one child process: prepare features, run one fold, fit on all rows, or screen candidates for features.

    A `short` one may be handed to a child that is still at another, so that it never waits for its next. `twin` numbers
    fits that tell nothing but what seeds alone do; 0 for all others.
    """

    key: int
    kind: Literal["prepare", "fold", "full", "screen"]
    pipeline: Pipeline
    fold: int = 0
    folds: Path | None = None  # .npz with fit_<k> and valid_<k>
    rounds: tuple[int, ...] | None = None
    threads: int = 1
    soft_seconds: float = float("inf")  # boosting stops by itself
    hard_seconds: float = float("inf")  # the process is killed
    short: bool = False
    screen: ScreenRequest | None = None
    sources: Sources | None = None
    twin: int = 0


@dataclass(frozen=True)
class Outcome:
    """A job's end. `status` is ok, crash, timeout or memory; `error` holds the traceback or the reason."""

    job: Job
    status: Literal["ok", "crash", "timeout", "memory"]
    result: FoldResult | ScreenResult | None = None
    error: str | None = None
    seconds: float = 0.0


@dataclass
class _Material:
    bench: Bench
    store: FeatureStore
    y: np.ndarray
    weights: np.ndarray | None = None
    folds: dict[Path, Any] = field(default_factory=dict)
    predictions: dict[tuple[Path, Path], tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    @classmethod
    def load(cls, bench: Bench) -> _Material:
        store = FeatureStore(bench.store, bench.fingerprint, bench.n_train, bench.limit)
        weights = None if bench.weights is None else np.load(bench.weights)
        return cls(bench, store, np.load(bench.targets), weights)

    def run(self, job: Job) -> FoldResult | ScreenResult | None:
        bench = self.bench
        if job.screen is not None:
            now = time.monotonic()
            return screen(self.store, job.screen, now, now + job.soft_seconds)
        if job.kind == "prepare":
            self.store.prepare(job.pipeline.features)
            return None
        if job.kind == "fold" and job.folds is not None:
            if job.folds not in self.folds:
                self.folds[job.folds] = np.load(job.folds)
            fit, valid = (self.folds[job.folds][f"{part}_{job.fold}"] for part in ("fit", "valid"))
        else:
            fit, valid = np.arange(bench.n_train), np.arange(0)
        return run_fold(
            self.store,
            bench.problem,
            job.pipeline,
            self.y,
            fit,
            valid,
            np.arange(bench.n_train, bench.n_train + bench.n_test),
            fold=job.fold,
            rounds=job.rounds,
            threads=job.threads,
            deadline=time.monotonic() + job.soft_seconds,
            weights=self.weights,
            beside=None if job.sources is None else self._beside(job.sources, fit, valid),
            labels=None if job.sources is None else _labels(job.sources, job.fold),
        )

    def _beside(self, sources: Sources, fit: np.ndarray, valid: np.ndarray) -> Beside | None:
        """What the job stacks upon, as columns for its rows."""
        if not sources.stacked:
            return None
        parts: list[list[np.ndarray]] = [[], [], []]
        for i, paths in enumerate(sources.stacked):
            if paths not in self.predictions:
                self.predictions[paths] = np.load(paths[0]), np.load(paths[1])
            oof, test = self.predictions[paths]
            held, tested = sources.own[i] if sources.own else (oof[valid], test)
            for part, p in zip(parts, (oof[fit], held, tested), strict=True):
                part.append(as_columns(self.bench.problem, p))
        self.predictions = {paths: self.predictions[paths] for paths in sources.stacked}  # of a night's, too many
        return Beside(*(np.hstack(part) for part in parts))


def _labels(sources: Sources, fold: int) -> Labels | None:
    if sources.labels is None:
        return None
    if isinstance(sources.labels, Path):
        with np.load(sources.labels) as kept:
            return Labels(kept[f"test_{fold}"].astype(float))
    return Labels(sources.labels)


def serve(connection: Connection) -> None:
    """Answer jobs until the other end closes. The first message is the Bench."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    try:
        material: _Material | None = None
        while True:
            message = connection.recv()
            if isinstance(message, Bench):
                material = _Material.load(message)
                continue
            if material is None:
                raise RuntimeError("a job came before its bench")
            began = time.perf_counter()
            try:
                outcome = Outcome(message, "ok", material.run(message))
            except MemoryError:
                outcome = Outcome(message, "memory", error=traceback.format_exc())
            except Exception:  # noqa: BLE001 - whatever an experiment raises is a row in the ledger, not the end
                outcome = Outcome(message, "crash", error=traceback.format_exc())
            connection.send((outcome, time.perf_counter() - began))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def end_with_parent() -> None:
    """End this child as soon as the process that asked for it is gone, even in the middle of a fit.

    Its parent for the operating system is the fork server, which lives as long as any child does.
    """

    def watch() -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
