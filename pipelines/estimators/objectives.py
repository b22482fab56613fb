"""Objectives that estimators minimise, the standardisation of targets, and row weights for absolute errors.

An objective is "logloss" for classes; for values it is "l2", "l1", "huber", "poisson", "tweedie", "mape" (absolute
percentage errors) or "quantile:LEVEL", such as "quantile:0.9".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medalist.competitions.errors import PipelineError
from medalist.pipelines.estimators.base import FitRequest

LOSSES = ("l2", "l1", "huber", "poisson", "tweedie")  # values of the parameter "loss"
TWEEDIE_POWER = 1.5  # variance power, between a Poisson (1) and a gamma distribution (2)
SMALLEST_RESIDUAL = 0.02  # robust standard deviations, to which smaller residuals are raised when they are weighted
SMALLEST_SHARE = 0.05  # share of the mean absolute target, the least denominator of percentage errors


def objective_of(request: FitRequest, losses: Sequence[str]) -> str:
    """The objective of a fit: "logloss" for classes, else the parameter "loss" where it is given, else the problem's.

    Raises PipelineError for a loss that is not among `losses`, for one given where classes are fitted, and for Poisson
    or Tweedie where a target is negative or all are zero. The problem's objective "poisson" becomes "l2" on such
    targets.
    """
    loss = request.params.get("loss")
    if loss is None:
        default = "logloss" if request.problem.classification else request.problem.objective
        return "l2" if default == "poisson" and not _fits_counts(request.y) else default
    if request.problem.classification:
        raise PipelineError(f"The loss {loss!r} is for values: a {request.problem.problem_type} target has its own.")
    if loss not in losses:
        choices = ", ".join(losses) or "none"
        raise PipelineError(f"The loss {loss!r} is not one that this estimator fits: its losses are {choices}.")
    if loss in ("poisson", "tweedie") and not _fits_counts(request.y):
        raise PipelineError(f"The loss {loss!r} needs targets of at least 0, not all of them 0: use another loss.")
    return str(loss)


def _fits_counts(y: np.ndarray) -> bool:
    return bool(y.min() >= 0 and y.max() > 0)


def is_absolute(objective: str) -> bool:
    """Whether an objective sums absolute errors: absolute, percentage or quantile errors."""
    return objective.startswith(("l1", "mape", "quantile:"))


def quantile_of(objective: str) -> float:
    """The level of the quantile that minimises an absolute objective: 0.9 for "quantile:0.9", 0.5 for "l1" and
    "mape"."""
    return float(objective.partition(":")[2] or 0.5)


def robust_deviation(values: np.ndarray) -> float:
    """A robust standard deviation of values (n,): 1.4826 times the median absolute deviation.

    Where that is 0, the plain standard deviation, or 1 for values that are all equal; always above 0.
    """
    robust = 1.4826 * float(np.median(np.abs(values - np.median(values))))
    return robust or float(values.std()) or 1.0


def absolute_weights(
    residuals: np.ndarray, row_weights: np.ndarray, quantile: float, smallest: float = SMALLEST_RESIDUAL
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (n,) under which squared errors act like absolute ones, and the pinball losses of the residuals (n,).

    Iteratively reweighted least squares (Schlossmacher, 1973): weights are inverse to the residuals, 1 on average.
    `quantile` is the level to fit, one half for the median. Residuals below `smallest` robust standard deviations are
    weighted as if they were that large; with 1.0 the loss is like Huber's (1964).
    """
    sides = row_weights * np.where(residuals > 0, quantile, 1 - quantile)
    weights = sides / np.maximum(np.abs(residuals), smallest * robust_deviation(residuals))
    return weights / weights.mean(), sides * np.abs(residuals)


def error_weights(request: FitRequest, objective: str) -> np.ndarray:
    """(n,) weights of the training rows' absolute errors; for "mape" divided by the absolute target."""
    weights = np.ones(len(request.y)) if request.weights is None else request.weights
    if objective == "mape":
        sizes = np.abs(request.y)
        weights = weights / np.maximum(sizes, SMALLEST_SHARE * sizes.mean() or 1.0)
    return weights


@dataclass(frozen=True)
class TargetScale:
    """An affine standardisation (y - centre) / size of targets, so that regularisation does not depend on their unit.

    `centre` and `size` are numbers, or (T,) for several targets together.
    """

    centre: Any = 0.0
    size: Any = 1.0

    @classmethod
    def of(cls, y: np.ndarray, objective: str) -> TargetScale:
        """The scale of training targets (n,) or (n, T) for an objective.

        Mean and standard deviation for "l2" and for several targets, median and robust deviation for other symmetric
        objectives. For counts and percentage errors the centre is 0, and the size makes the mean absolute target 1, for
        percentage errors 1 / SMALLEST_SHARE = 20, so that 1 is the least denominator of a percentage error.
        """
        if objective == "logloss":
            return cls()
        if objective in ("poisson", "tweedie", "mape"):
            return cls(size=float(np.abs(y).mean()) * (SMALLEST_SHARE if objective == "mape" else 1.0) or 1.0)
        if y.ndim == 2:
            deviation = y.std(axis=0)
            return cls(y.mean(axis=0), np.where(deviation > 0, deviation, 1.0))
        if objective == "l2":
            return cls(float(y.mean()), float(y.std()) or 1.0)
        return cls(float(np.median(y)), robust_deviation(y))

    def apply(self, request: FitRequest) -> FitRequest:
        """The request with standardised targets."""
        y_valid = request.y_valid
        return replace(
            request,
            y=(request.y - self.centre) / self.size,
            y_valid=None if y_valid is None else (y_valid - self.centre) / self.size,
        )

    def invert(self, values: np.ndarray) -> np.ndarray:
        """(k,) or (k, T) predictions in the unit of the training targets, from standardised ones."""
        return np.asarray(values, dtype=np.float64) * self.size + self.centre
