"""Objectives that estimators minimise: which one, on which scale of the target, and weights for absolute errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medalist.competitions.errors import PipelineError
from medalist.pipelines.estimators.base import FitRequest

ABSOLUTE = ("l1", "mape", "quantile:")  # objectives of absolute errors
SMALL = 0.02  # of the spread of what is left of a row, below which it counts no more
LOSSES = ("l2", "l1", "huber", "poisson", "tweedie")
TWEEDIE_POWER = 1.5  # between a Poisson and a gamma distribution


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
