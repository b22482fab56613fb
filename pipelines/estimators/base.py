"""What every estimator family offers, and what it is given: one file per family, one `Family` object in each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipelines.features.store import Matrix
from pipelines.problem import Problem


@dataclass(frozen=True)
class FitRequest:
    """One fit: train on `train`, watch `valid` where there is a target for it, predict `valid` and `test`.

    `y` (n,) is one target: values on the scale in which they are fitted, or class codes. `y_valid` is None where
    nothing may be watched; then `rounds` says how long to boost. `deadline` is in seconds of `time.monotonic()`. `kept`
    is where an estimator may leave what it made of the matrices, for further fits on the same. `weights` (n,) say how
    much each training row counts, 1 on average; None where all count alike.
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

    @property
    def out_of_time(self) -> bool:
        return time.monotonic() >= self.deadline


@dataclass(frozen=True)
class Fitted:
    """Predictions of one fit: (n,) values or probabilities of the positive class, or (n, K) probabilities."""

    valid: np.ndarray
    test: np.ndarray
    rounds: int = 0  # boosting rounds used; 0 where the family has none
    rounds_run: int = 0  # rounds that were paid for, early stopping included
    importance: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Family:
    """An estimator family.

    `portfolio` holds proven parameter sets, best first. `space` draws parameters from an Optuna trial. `wants` says
    which features suit it: "trees" (numbers and category codes) or "linear" (also sparse text). `cost` is a relative
    guess of seconds for (rows, columns, outputs, parameters), which the run corrects by what it sees.
    Every family fits several targets one by one.
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


def constant_fit(request: FitRequest) -> Fitted:
    """The fit of a training part whose target has one value only, from which no estimator learns anything."""
    problem, only = request.problem, request.y[0]

    def predict(n: int) -> np.ndarray:
        if problem.problem_type == "multiclass":
            return np.tile(np.eye(problem.n_classes)[int(only)], (n, 1))
        return np.full(n, float(only))

    return Fitted(predict(len(request.valid)), predict(len(request.test)))


def impute(matrices: list[np.ndarray]) -> list[np.ndarray]:
    """Missing values replaced by the medians of the first matrix; in columns that are all missing by 0."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        centre = np.nan_to_num(np.nanmedian(matrices[0], axis=0) if len(matrices[0]) else 0.0)
    return [np.where(np.isnan(m), centre, m).astype(np.float32) for m in matrices]
