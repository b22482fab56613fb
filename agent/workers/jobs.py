"""What is sent to a worker and comes back: its training input, jobs and their outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from medalist.pipelines.features.search.step import ScreenRequest, ScreenResult
from medalist.pipelines.fitting.fold import FoldResult
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
