"""Problem: what an estimator needs of a task: its type, its numbers of targets and classes, and its training loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalist.competitions.task.task import Task
from medalist.pipelines.scales import MOST_LOG, tenth_of_median

FORECAST_MARGIN = 1.0  # times the range of the training values, by which forecasts may exceed it on each side


@dataclass(frozen=True)
class Problem:
    """A task as an estimator sees it.

    Parameters
    ----------
    problem_type : "binary", "multiclass", "ordinal" or "regression".
    n_targets, n_classes : numbers of targets and of classes; 0 classes for regression.
    objective : the training loss, such as "l2" or "logloss". For a metric of logarithms it is the loss between
        fitted values, which are logarithms where `log` is set.
    log : whether values are fitted as log1p, in `unit`s.
    ahead : whether the rows to predict come after all training rows in time, so that predicted values may leave the
        range of the training values.
    observed : the least and the greatest training value of each target, None to take them from the targets at hand.
    unit : what log1p divides values by.
    levels : quantile levels of a single target that are predicted, ascending; () in general.
    """

    problem_type: str
    n_targets: int
    n_classes: int
    objective: str
    log: bool
    ahead: bool = False
    observed: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    unit: float = 1.0
    levels: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        """W, the columns of canonical predictions (n, W), the form in which all predictions are kept.

        One per target: the probability of the positive class, a value, or for an ordinal target a real number on the
        scale of the class codes. For a single multiclass target one probability per class; for quantiles of a single
        target one value per level, ascending.
        """
        if self.levels:
            return len(self.levels)
        return self.n_classes if self.problem_type == "multiclass" else self.n_targets

    @property
    def classification(self) -> bool:
        """Whether estimators fit classes; an ordinal target is fitted as a number on the class-index scale."""
        return self.problem_type in ("binary", "multiclass")

    def forward(self, y: np.ndarray) -> np.ndarray:
        """Targets on the scale on which they are fitted; any shape."""
        return np.log1p(np.maximum(y, 0) / self.unit) if self.log else y

    def backward(self, p: np.ndarray) -> np.ndarray:
        """Predictions on the scale of the target, from the scale on which they are fitted; any shape."""
        return self.unit * np.expm1(np.minimum(p, MOST_LOG)) if self.log else p

    def limits(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The least and the greatest value (T,) to which predictions are clipped.

        They are those of the training targets, or of y (n, T) where these are not `observed`. For regression `ahead`
        they lie further apart, by the range of the targets on each side, but not below 0 where no target is.
        """
        low, high = (
            (np.nanmin(y, axis=0), np.nanmax(y, axis=0)) if self.observed is None else map(np.array, self.observed)
        )
        if not self.ahead or self.problem_type != "regression":
            return low, high
        beyond = FORECAST_MARGIN * (high - low)
        return np.where(low >= 0, 0.0, low - beyond), high + beyond


def unit_of(y: np.ndarray) -> float:
    """The unit by which values y (n, T) are divided before log1p, for metrics of relative errors.

    1, or a tenth of the median of the values above 0, where that is less: for values far below the unit, differences of
    log1p are differences of the values, not of their ratios.
    """
    return float(min([1.0, *(tenth_of_median(column) for column in y.T)]))


def problem_of(task: Task, y: np.ndarray) -> Problem:
    """The problem of a task with training targets y (n, T).

    Its objective is the metric's, on log1p of the values where the metric compares logarithms and no target is
    negative.
    """
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
        observed=(tuple(np.nanmin(y, axis=0).tolist()), tuple(np.nanmax(y, axis=0).tolist())),
        levels=task.levels,
    )
