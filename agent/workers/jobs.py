"""Messages to and from workers: the training input, jobs and their outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from medalist.pipelines.estimators.time_trace import Entry
from medalist.pipelines.features.search.step import ScreenRequest, ScreenResult
from medalist.pipelines.fitting.fold import FoldResult
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem


@dataclass(frozen=True)
class AdditionalInput:
    """Additional training rows: a feature store over the rows of train, of test and these, and their targets."""

    store: Path
    fingerprint: str
    targets: Path  # .npy (e, T)


@dataclass(frozen=True)
class LaterInput:
    """Rows that came after a run: their positions in the stores, and the run's own stores of train and test, and with
    additional training rows where there are any, as (folder, fingerprint)."""

    rows: range
    base: tuple[Path, str]
    additional: tuple[Path, str] | None = None


@dataclass(frozen=True)
class TrainingInput:
    """The data that all jobs work on, as paths to a feature store and to arrays on disk."""

    store: Path
    fingerprint: str
    n_train: int
    n_test: int
    problem: Problem
    targets: Path  # .npy (n_train, T)
    limit: int  # bytes of computed columns that the feature store keeps on disk
    weights: Path | None = None  # .npy (n_train,)
    additional: AdditionalInput | None = None
    later: LaterInput | None = None  # the stores then hold these rows too, and n_test counts them


@dataclass(frozen=True)
class Sources:
    """Predictions of other pipelines that a job takes as input.

    stacked: .npy files of the out-of-fold (n_train, W) and the test predictions (m, W), a pair for each base pipeline.
    fold_predictions: for a fold other than the search's, the base pipelines' predictions of its v validation rows (v,
    W) and of the test rows (m, W), by models that were not fitted on the validation rows; () for a fold of the search.
    labels: pseudo-labels of the test rows (m, W), or an .npz file with those for each fold of the search, as
    test_<fold>; None without pseudo-labels.
    """

    stacked: tuple[tuple[Path, Path], ...] = ()
    fold_predictions: tuple[tuple[np.ndarray, np.ndarray], ...] = ()
    labels: Path | np.ndarray | None = None


@dataclass(frozen=True)
class Job:
    """Work for one worker: prepare features, fit one fold, fit on all rows, or screen candidates for features.

    key: the experiment's number; negative for jobs of no experiment. rounds: boosting rounds per target; None to find
    them by early stopping. short: whether it takes so little time that it may be queued at a worker that is still busy.
    replicate: not 0 for a seed replicate: a fit of the first fold that differs from the experiment's in its seed alone,
    by which the noise floor is measured. It is what is added to the seed. trace: of a fit that is repeated; None for
    one that is made for the first time. memory: bytes that the job is expected to take at its peak; 0 where that is not
    known.
    """

    key: int
    kind: Literal["prepare", "fold", "full", "screen"]
    pipeline: Pipeline
    fold: int = 0
    folds: Path | None = None  # .npz with fit_<k> and valid_<k>
    rounds: tuple[int, ...] | None = None
    threads: int = 1
    soft_seconds: float = float("inf")  # after which boosting stops with the rounds that it has
    hard_seconds: float = float("inf")  # after which the worker is killed
    short: bool = False
    screen: ScreenRequest | None = None
    sources: Sources | None = None
    replicate: int = 0
    trace: tuple[Entry, ...] | None = None
    memory: int = 0


@dataclass(frozen=True)
class Outcome:
    """How a job ended. `result` is None for "prepare", and where `status` is not "ok".

    error: a traceback or a sentence where `status` is not "ok". seconds: wall-clock time of the job. peak: bytes of
    private memory that its process held at most; 0 where that was not measured. node: name of the cluster's node that
    did it; "" for this machine.
    """

    job: Job
    status: Literal["ok", "crash", "timeout", "memory"]
    result: FoldResult | ScreenResult | None = None
    error: str | None = None
    seconds: float = 0.0
    peak: int = 0
    node: str = ""
