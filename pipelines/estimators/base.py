"""What every estimator family offers, and what it is given: one file per family, one `Family` object in each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from medalist.competitions.errors import PipelineError
from medalist.competitions.metrics.best_constants import weighted_quantile
from medalist.pipelines.features.matrix import Matrix
from medalist.pipelines.problem import Problem

ABSOLUTE = ("l1", "mape", "quantile:")  # objectives of absolute errors
SMALL = 0.02  # of the spread of what is left of a row, below which it counts no more
SEEDS = 2**31  # that every estimator takes, from 0 on
STRATEGIES = ("loss", "targets")  # parameters that every family understands, and that are nobody's own
LOSSES = ("l2", "l1", "huber", "poisson", "tweedie")
MOST_ROUNDS = 10_000  # of boosting, which early stopping, what fits took before and the time end earlier
TWEEDIE_POWER = 1.5  # between a Poisson and a gamma distribution


@dataclass(frozen=True)
class FitRequest:
    """One fit: train on `train`, watch `valid` where there is a target for it, predict `valid` and `test`.

    `y` (n,) is one target: values on the scale in which they are fitted, or class codes. It is (n, T), and `y_valid`
    (v, T), where several targets are fitted together: only for a family with `native_targets`, where
    `params["targets"]` is "native", for values and for binary targets.

    `y_valid` is None where nothing may be watched; then `rounds` says how long to boost, and families without rounds
    follow a schedule of their own. `deadline` is in seconds of `time.monotonic()`; a fit that begins after it comes
    back soon all the same, with the least model it can make. `kept` is where an estimator may leave what it made of
    the matrices, for further fits on the same. `weights` (n,) say how much each training row counts, 1 on average;
    None where all count alike. `weights_valid` (v,) say it of the validation rows, for what stops boosting.

    `params["loss"]` (one of the family's `losses`) is fitted instead of the problem's objective, for values only.
    """

    problem: Problem
    params: Mapping[str, Any]
    train: Matrix
    y: np.ndarray
    valid: Matrix
    y_valid: np.ndarray | None
    test: Matrix
    seed: int
    threads: int
    rounds: int | None = None
    deadline: float = float("inf")
    kept: dict[str, Any] | None = None
    weights: np.ndarray | None = None
    weights_valid: np.ndarray | None = None

    @property
    def out_of_time(self) -> bool:
        return time.monotonic() >= self.deadline

    @property
    def seconds_left(self) -> float:
        return max(0.0, self.deadline - time.monotonic())

    @property
    def native(self) -> bool:
        """Whether several targets are fitted together."""
        return self.y.ndim == 2

    @property
    def own_params(self) -> dict[str, Any]:
        """The parameters that are the family's own."""
        return {name: value for name, value in self.params.items() if name not in STRATEGIES}


@dataclass(frozen=True)
class Fitted:
    """Predictions of one fit: (n,) values or probabilities of the positive class, or (n, K) probabilities.

    Where several targets were fitted together, (n, T) values or probabilities of the positive class.
    """

    valid: np.ndarray
    test: np.ndarray
    rounds: int = 0  # boosting rounds used; 0 where the family has none
    rounds_run: int = 0  # rounds that were paid for, early stopping included
    importance: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Family:
    """An estimator family.

    `portfolio` holds proven parameter sets, best first, each naming every parameter of the space. `space` draws
    parameters from an Optuna trial. `wants` says which features suit it: "trees" (numbers and category codes) or
    "linear" (also sparse text). `cost` is a relative guess of seconds for (rows, columns, outputs, parameters), which
    the run corrects by what it sees. `max_rows` is the most training rows that it is meant for. `losses` are the
    values of a parameter "loss" that it can fit. `draws` says that another seed gives another model.
    `native_targets` says that it can fit several targets together;
    otherwise, and by default, they are fitted one by one. `found_first` says of a family that is told columns as they
    are that it gains most by the features that the search has found, so that it waits for them.
    """

    name: str
    title: str
    wants: str
    portfolio: tuple[Mapping[str, Any], ...]
    space: Callable[[Any], dict[str, Any]]
    fit_predict: Callable[[FitRequest], Fitted]
    cost: Callable[[int, int, int, Mapping[str, Any]], float]
    module: str | None = None  # the package that has to be installed
    boosted: bool = False
    max_rows: int | None = None
    losses: tuple[str, ...] = ()
    native_targets: bool = False
    found_first: bool = False
    draws: bool = True


def objective_of(request: FitRequest, losses: Sequence[str]) -> str:
    """What is minimised: "logloss" for classes, else the parameter "loss" where it is given, else the problem's own.

    Raises PipelineError for a loss that is not among `losses`, that is asked for where classes are fitted, or that
    wants targets that are not negative and not all zero (Poisson, Tweedie) and is given others. A problem's own
    Poisson loss becomes "l2" on such targets.
    """
    chosen = request.params.get("loss")
    if chosen is None:
        own = "logloss" if request.problem.classification else request.problem.objective
        return "l2" if own == "poisson" and not _counts(request.y) else own
    if request.problem.classification:
        raise PipelineError(f"The loss {chosen!r} is for values: a {request.problem.problem_type} target has its own.")
    if chosen not in losses:
        known = ", ".join(losses) or "none"
        raise PipelineError(f"The loss {chosen!r} is not one that this estimator fits: its losses are {known}.")
    if chosen in ("poisson", "tweedie") and not _counts(request.y):
        raise PipelineError(f"The loss {chosen!r} needs targets of at least 0, not all of them 0: use another loss.")
    return str(chosen)


def _counts(y: np.ndarray) -> bool:
    return bool(y.min() >= 0 and y.max() > 0)


def spread(y: np.ndarray) -> float:
    """The robust standard deviation of a target (n,), from its median absolute deviation; always above 0."""
    robust = 1.4826 * float(np.median(np.abs(y - np.median(y))))
    return robust or float(y.std()) or 1.0


def absolute_weights(
    left: np.ndarray, counted: np.ndarray, level: float, small: float = SMALL
) -> tuple[np.ndarray, np.ndarray]:
    """Weights that make squared errors of what is left (n,) count like absolute ones, 1 on average, and these errors
    (n,), weighted: iteratively reweighted least squares (Schlossmacher, 1973). `counted` (n,) is what each row counts;
    `level` the quantile that is asked for, one half for the median. Below `small` times the spread of what is left, a
    row counts no more than at it: with 1.0 small errors count squared (Huber, 1964)."""
    sides = counted * np.where(left > 0, level, 1 - level)
    shares = sides / np.maximum(np.abs(left), small * spread(left))
    return shares / shares.mean(), sides * np.abs(left)


def level_of(objective: str) -> float | None:
    """The quantile that serves an objective of quantiles or of percentage errors (of rows that count by what these are
    divided by); None for others."""
    if objective.startswith("quantile:"):
        return float(objective.partition(":")[2])
    return 0.5 if objective == "mape" else None


def counted_rows(request: FitRequest, objective: str) -> np.ndarray:
    """(n,) what each training row counts where absolute errors, or absolute shares of the target, are minimised."""
    counted = np.ones(len(request.y)) if request.weights is None else request.weights
    if objective == "mape":
        counted = counted / np.maximum(np.abs(request.y), 0.05 * np.abs(request.y).mean() or 1.0)
    return counted


@dataclass(frozen=True)
class Unit:
    """The scale on which values are fitted, so that penalties mean the same whatever a target is measured in.

    `centre` and `size` are numbers, or (T,) for several targets together.
    """

    centre: Any = 0.0
    size: Any = 1.0

    @classmethod
    def of(cls, y: np.ndarray, objective: str) -> Unit:
        """Standard units for symmetric losses; for losses of counts and of shares, of which only the size may change,
        such that the mean is 1 and that targets below 5 % of the mean count as if they were that large."""
        if objective == "logloss":
            return cls()
        if objective in ("poisson", "tweedie", "mape"):
            return cls(size=float(np.abs(y).mean()) * (0.05 if objective == "mape" else 1.0) or 1.0)
        if y.ndim == 2:
            deviation = y.std(axis=0)
            return cls(y.mean(axis=0), np.where(deviation > 0, deviation, 1.0))
        if objective == "l2":
            return cls(float(y.mean()), float(y.std()) or 1.0)
        return cls(float(np.median(y)), spread(y))

    def to(self, request: FitRequest) -> FitRequest:
        """The request with targets in this unit."""
        watched = request.y_valid
        return replace(
            request,
            y=(request.y - self.centre) / self.size,
            y_valid=None if watched is None else (watched - self.centre) / self.size,
        )

    def back(self, values: np.ndarray) -> np.ndarray:
        """Predictions in the request's own unit."""
        return np.asarray(values, dtype=np.float64) * self.size + self.centre


def constant_fit(request: FitRequest) -> Fitted:
    """The best constant: class shares, or the mean, for absolute errors the median, of the target.

    It is the fit of a training part whose target has one value only, or that has no column to learn from.
    """
    problem, y, weights = request.problem, request.y, request.weights
    objective = str(request.params.get("loss", problem.objective))
    if problem.problem_type == "multiclass":
        best: Any = np.bincount(y.astype(int), weights=weights, minlength=problem.n_classes)
        best = best / best.sum()
    elif request.native or problem.classification or not objective.startswith(("l1", "mape", "quantile:", "huber")):
        best = np.average(y, axis=0, weights=weights)
    else:
        level = float(objective.partition(":")[2] or 0.5)
        best = weighted_quantile(y, np.ones(len(y)) if weights is None else weights, level)
    valid, test = (np.tile(best, (len(m), *[1] * np.ndim(best))) for m in (request.valid, request.test))
    return Fitted(valid, test)


def informative(matrix: Matrix) -> bool:
    """Whether any dense column has more than one value, a missing one being a value too."""
    for column in matrix.dense.T:
        if len(column) and ((column != column[0]) & ~(np.isnan(column) & np.isnan(column[0]))).any():
            return True
    return False


def empty_predictions(request: FitRequest) -> np.ndarray:
    """What a fit predicts for no rows."""
    if request.problem.problem_type == "multiclass":
        return np.zeros((0, request.problem.n_classes))
    return np.zeros((0, *request.y.shape[1:]))


def impute(matrices: list[np.ndarray]) -> list[np.ndarray]:
    """Missing values replaced by the medians of the first matrix; in columns that are all missing by 0."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        centre = np.nan_to_num(np.nanmedian(matrices[0], axis=0) if len(matrices[0]) else 0.0)
    return [np.where(np.isnan(m), centre, m).astype(np.float32) for m in matrices]


def text_components(matrices: Sequence[Matrix], most: int, seed: int) -> list[np.ndarray]:
    """The sparse blocks as at most `most` dense columns each: latent semantic analysis (Deerwester et al., 1990),
    fitted on the first matrix."""
    from sklearn.decomposition import TruncatedSVD

    first = matrices[0].sparse
    size = min(most, min(first.shape) - 1)
    if size < 1:
        return [np.asarray(m.sparse.todense(), dtype=np.float32) for m in matrices]
    reduce = TruncatedSVD(size, n_iter=3, random_state=seed).fit(first)
    width = reduce.components_.shape[0]
    return [(reduce.transform(m.sparse) if len(m) else np.zeros((0, width))).astype(np.float32) for m in matrices]
