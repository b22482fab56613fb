"""What an estimator has to know of a task: its type, its shape and the loss that serves its metric."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalist.competitions.task.task import Task
from medalist.pipelines.scales import MOST_LOG, tenth_of_median

FURTHER = 1.0  # of the range of the known values, that those of a later time may leave it


@dataclass(frozen=True)
class Problem:
    """A task as an estimator sees it.

    `width` is the number of columns of a canonical prediction: one per target, or one per class of a single
    multiclass target. `objective` is the metric's loss without its transformation, `log` says that values are
    fitted as log1p, in `unit`s. `ahead`: the rows to predict come after all others in time, so values, where they are
    no classes or ranks, may leave the range of those.
    `known`: the least and the greatest training value of each target.
    """

    problem_type: str
    n_targets: int
    n_classes: int
    objective: str
    log: bool
    ahead: bool = False
    known: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    unit: float = 1.0

    @property
    def width(self) -> int:
        return self.n_classes if self.problem_type == "multiclass" else self.n_targets

    @property
    def classification(self) -> bool:
        """Whether estimators fit classes; an ordinal target is fitted as a number on the class-index scale."""
        return self.problem_type in ("binary", "multiclass")

    def forward(self, y: np.ndarray) -> np.ndarray:
        """Values as they are fitted, from values as they are given; any shape."""
        return np.log1p(np.maximum(y, 0) / self.unit) if self.log else y

    def backward(self, p: np.ndarray) -> np.ndarray:
        """Values as they are given, from values as they are fitted; any shape."""
        return self.unit * np.expm1(np.minimum(p, MOST_LOG)) if self.log else p

    def limits(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest value (T,) that a prediction is taken for: of all training values, or where they are not
        told of these (n, T); and where levels may have grown by as much as their range further, but not below 0 where
        none is."""
        low, high = (y.min(axis=0), y.max(axis=0)) if self.known is None else map(np.array, self.known)
        if not self.ahead or self.problem_type != "regression":
            return low, high
        further = FURTHER * (high - low)
        return np.where(low >= 0, 0.0, low - further), high + further


def unit_of(y: np.ndarray) -> float:
    """The unit of a logarithm for relative errors: 1, or a tenth of the median of the values above 0, where that is
    less: log1p tells values far below its unit apart by their differences, not by their ratios."""
    return float(min([1.0, *(tenth_of_median(column) for column in y.T)]))


def problem_of(task: Task, y: np.ndarray) -> Problem:
    """The problem of a task; `y` (n, T) decides whether the values admit a logarithm."""
    metric = task.scorer()
    objective, log = metric.objective, False
    if objective.startswith("log_"):
        objective = objective.removeprefix("log_")
        log = bool(task.problem_type == "regression" and np.nanmin(y) >= 0)
    if task.problem_type == "ordinal":
        objective = "l2"
    elif task.problem_type in ("binary", "multiclass"):
        objective = "logloss"
    elif objective in ("logloss", "ordinal"):
        objective = "l2"
    return Problem(
        problem_type=task.problem_type,
        n_targets=task.n_targets,
        n_classes=task.n_classes,
        objective=objective,
        log=log,
        ahead=task.folds.scheme == "time",
        unit=unit_of(y) if log and metric.scale_free else 1.0,
        known=(tuple(np.nanmin(y, axis=0).tolist()), tuple(np.nanmax(y, axis=0).tolist())),
    )
