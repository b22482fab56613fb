"""Metric: what a competition is scored by, which direction is better, which predictions it takes and how it behaves.

Arrays: y is (n, T), values or class codes; of several targets NaN where one is not measured. p is (n, T) values, labels
as codes, or probabilities of the positive class; for one target of several classes, and for rankings of classes, p is
(n, K); for one target of which several quantiles are predicted, (n, W).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics.wording import Variant as Variant
from medalist.competitions.metrics.wording import Wording

Needs = Literal["probability", "label", "value", "ranking"]
Mean = Literal["", "plain", "root", "complement"]
Shape = Literal[
    "squared", "log_squared", "absolute", "relative", "correlation",  # of values
    "roc", "precision_recall", "log_loss", "balanced_log_loss", "proper",  # of probabilities
    "accuracy", "classes", "ordinal",  # of labels
    "ranking", "unknown",
]  # fmt: skip
Constant = Callable[[np.ndarray, "np.ndarray | None", "int | None"], np.ndarray]
ConfusionScore = Callable[[np.ndarray], np.ndarray]
PROPER = ("log_loss", "balanced_log_loss", "proper")  # shapes of proper scoring rules: calibration lowers them


@dataclass(frozen=True)
class Metric:
    """A score of predictions, with every property of it that other modules use: none of them branches on its name.

    Parameters
    ----------
    needs : the form of predictions: probabilities, labels (as codes), values, or rankings (as probabilities).
    objective : the loss that estimators minimise for it; "log_" before it fits logarithms of the target.
    problem_types : those that it can score.
    bounds : its least and greatest value.
    function : takes one target's y (n,) and p (n,) or (n, K) and returns the score or, where `mean` is set, the losses
        of the rows (n,), whose mean gives the score: as it is, by its square root, or as one minus it.
    constant : y (n,), weights (n,) or None, and the number of classes or None, to the constant prediction that scores
        best: (1,) or, for probabilities of several classes, (K,).
    shape : what kind of function it is of predictions. "squared" and "log_squared" are lowest at the mean, of values or
        of their log1p. "relative" errors are in proportion to the value. "correlation" ignores shifts and factors.
        "roc" and "precision_recall" are areas by the order of rows. "proper" are proper scoring rules other than log
        losses. "accuracy" counts right labels, "ordinal" weighs labels by their distance, "classes" anything else.
    confusion : the score of labels as a function of confusion tables (..., K, K), true class by row, predicted class by
        column, to (...); greater is better, whichever direction the metric has. None if it is no such function.
    weighted : whether `score` uses weights of rows; it ignores them otherwise. Without `mean`, `function` takes them as
        its third argument, (n,) or None.
    columns : those of the data whose values `function` takes as its third argument, (n, F) as `by_column.row_values`
        makes them; `score` is given them in place of weights.
    over_targets : whether it is the mean over columns of `single`, or with `pooled` the `single` of all their values.
    whole : whether `function` takes all targets at once and nothing else is known of it (a custom metric).
    scale_free : whether the unit of the target does not matter.
    positive_class : whether, though it takes labels, it depends on which of two classes is the positive one.
    top : how many classes of a row count in a ranking.
    by_type : problem type → name of the variant that is used for it ("logloss" of multiclass is "mlogloss").
    wording : how descriptions name it.
    single : the metric of one column, where it is a mean over columns.
    level_weights : of a metric of several quantiles: (quantile levels) → the weights of their pinball losses, which
        it is the sum of; None for other metrics.
    levels : the quantile levels that p has a column for: see `quantiles.at_levels`.
    """

    name: str
    title: str
    greater_is_better: bool
    needs: Needs
    objective: str
    problem_types: tuple[str, ...]
    bounds: tuple[float, float]
    function: Callable[..., np.ndarray | float]
    constant: Constant
    shape: Shape = "unknown"
    mean: Mean = ""
    confusion: ConfusionScore | None = None
    weighted: bool = False
    columns: tuple[str, ...] = ()
    over_targets: bool = False
    pooled: bool = False
    whole: bool = False
    scale_free: bool = False
    positive_class: bool = False
    top: int = 1
    by_type: Mapping[str, str] = field(default_factory=dict, hash=False)
    wording: Wording = field(default_factory=Wording)
    single: Metric | None = None
    level_weights: Callable[[tuple[float, ...]], tuple[float, ...]] | None = field(default=None, hash=False)
    levels: tuple[float, ...] = ()

    @property
    def per_row(self) -> bool:
        """Whether the score is a function of the mean of the rows' losses (see `losses` and `from_mean`)."""
        return bool(self.mean) and not (self.over_targets and self.mean == "root" and not self.pooled)

    @property
    def uses_rows(self) -> bool:
        """Whether `score` looks at more of each row than target and prediction: its weight, or other `columns`."""
        return self.weighted or bool(self.columns)

    def of_one_target(self) -> Metric:
        """The metric of a single column: that which a mean over targets averages, else the metric itself."""
        return self.single or self

    def over_columns(self) -> Metric:
        """The mean of the metric over the columns of several targets."""
        name, title = f"mean_{self.name}", f"{self.title}, mean over targets"
        return replace(self, name=name, title=title, over_targets=True, single=self)

    def over_values(self) -> Metric:
        """The metric over the values of several targets together, each weighing the same."""
        name, title = f"pooled_{self.name}", f"{self.title}, all targets together"
        return replace(self, name=name, title=title, over_targets=True, pooled=True, single=self)

    def score(self, y: np.ndarray, p: np.ndarray, weights: np.ndarray | None = None) -> float:
        """The score of predictions p (n, W) for targets y (n, T), a finite number; one column may be given as (n,).

        weights: (n,) of the rows for a metric that is `weighted`; the values (n, F) of its `columns` for one that has
        such; ignored by others.

        A mean over targets takes each target's score on the rows where it is measured; a target that is measured in
        none of the rows does not count.

        Raises
        ------
        MetricError
            When shapes do not fit, a value is missing or infinite, or the metric has no finite value for them.
        """
        y, p = self._checked(y, p)
        if self.whole:
            one = (y[:, 0] if y.shape[1] == 1 else y, p[:, 0] if p.shape[1] == 1 else p)
            score = float(self.function(*one, self._values(weights, len(y))) if self.columns else self.function(*one))
        elif self.pooled:
            measured = ~np.isnan(y)
            spread = None if weights is None else np.repeat(np.reshape(weights, (-1, 1)), y.shape[1], axis=1)[measured]
            score = self._column(y[measured], p[measured], spread)
        elif self.over_targets:
            score = float(np.mean([self._column(*of_one) for of_one in self._by_target(y, p, weights)]))
        else:
            score = self._column(y[:, 0], p[:, 0] if p.shape[1] == 1 else p, weights)
        if not math.isfinite(score):
            raise MetricError(f"{self.name} is not finite ({score:g}) for these predictions.")
        return score

    def losses(self, y: np.ndarray, p: np.ndarray) -> np.ndarray | None:
        """Row losses (n,), smaller better, with `from_mean(losses.mean())` the score; None unless `per_row`, and where
        targets are not measured in all rows."""
        if not self.per_row:
            return None
        y, p = self._checked(y, p)
        if np.isnan(y).any():
            return None
        if self.over_targets:
            columns = [np.asarray(self.function(y[:, t], p[:, t])) for t in range(y.shape[1])]
            return np.asarray(np.mean(columns, axis=0))
        return np.asarray(self.function(y[:, 0], p[:, 0] if p.shape[1] == 1 else p))

    def from_mean(self, loss: float) -> float:
        """The score that a mean row loss gives."""
        if self.mean == "root":
            return math.sqrt(loss)
        return 1.0 - loss if self.mean == "complement" else float(loss)

    def best_constant(
        self, y: np.ndarray, n_classes: int | None = None, weights: np.ndarray | None = None
    ) -> np.ndarray:
        """The constant prediction that scores best on y (n, T).

        Parameters
        ----------
        n_classes : how many classes there are; by default as many as occur in y.
        weights : (n,) of the rows, used by weighted metrics only.

        Returns
        -------
        (T,) values, codes or probabilities of the positive class; (K,) probabilities for one target of several classes.
        A custom metric may be undefined for it.
        """
        y = self._columns(y, "target", gaps=True)
        weights = self._weights(weights, len(y)) if self.weighted else None
        constants = []
        for column in y.T:
            rows = ~np.isnan(column)
            of_rows = weights if weights is None or rows.all() else weights[rows]
            constants.append(self.constant(column if rows.all() else column[rows], of_rows, n_classes))
        return np.concatenate(constants)

    def better(self, a: float, b: float) -> bool:
        """Whether score `a` is strictly better than `b`; anything is better than NaN."""
        if math.isnan(a) or math.isnan(b):
            return math.isnan(b) and not math.isnan(a)
        return a > b if self.greater_is_better else a < b

    def _column(self, y: np.ndarray, p: np.ndarray, weights: np.ndarray | None) -> float:
        """The score of one column: y (n,), p (n,) or (n, K)."""
        if not self.mean and self.uses_rows:
            rows = self._values(weights, len(y)) if self.columns else self._weights(weights, len(y))
            return float(self.function(y, p, rows))
        value = self.function(y, p)
        if not self.mean:
            return float(value)
        return self.from_mean(float(np.average(value, weights=self._weights(weights, len(y)))))

    def _values(self, values: np.ndarray | None, n: int) -> np.ndarray:
        """The values of the `columns` of each row, (n, F) float64. Raises MetricError where they are not given."""
        rows = np.empty((0, 0)) if values is None else np.asarray(values, dtype=float)
        if rows.shape != (n, len(self.columns)):
            raise MetricError(f"{self.name} needs {' and '.join(self.columns)} of each of the {n} rows.")
        return rows

    def _weights(self, weights: np.ndarray | None, n: int) -> np.ndarray | None:
        """The weights as (n,) float64, None where there are none or the metric has none. Raises MetricError."""
        if weights is None or not self.weighted:
            return None
        flat = np.asarray(weights, dtype=float).reshape(-1)
        if len(flat) != n or not np.isfinite(flat).all() or flat.min() < 0 or flat.sum() <= 0:
            raise MetricError(f"{self.name} needs a weight of zero or more for each of the {n} rows, not all zero.")
        return flat

    def _checked(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Targets and predictions as (n, columns) float64. Raises MetricError where shapes do not fit the metric."""
        y, p = self._columns(y, "target", gaps=self.over_targets), self._columns(p, "prediction")
        if len(y) != len(p):
            raise MetricError(f"{self.name} got {len(p)} predictions for {len(y)} rows: predict every row once.")
        if self.whole:
            return y, p
        if self.levels and y.shape[1] == 1 and p.shape[1] == len(self.levels):
            return y, p
        if y.shape[1] > 1 and not self.over_targets:
            raise MetricError(f"{self.name} scores one target, and there are {y.shape[1]}: use mean_{self.name}.")
        wide = self.needs in ("probability", "ranking") and y.shape[1] == 1 and not self.over_targets
        if p.shape[1] != y.shape[1] and not wide:
            raise MetricError(
                f"{self.name} got {p.shape[1]} prediction columns for {y.shape[1]} target(s): give one for each."
            )
        return y, p

    def _by_target(
        self, y: np.ndarray, p: np.ndarray, weights: np.ndarray | None
    ) -> list[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
        """(y, p, weights) of each target that is measured at all, on the rows where it is."""
        parts: list[tuple[np.ndarray, np.ndarray, np.ndarray | None]] = []
        for t, measured in enumerate(~np.isnan(y.T)):
            if measured.all():
                parts.append((y[:, t], p[:, t], weights))
            elif measured.any():
                part = None if weights is None else np.asarray(weights)[measured]
                parts.append((y[measured, t], p[measured, t], part))
        return parts

    def _columns(self, values: np.ndarray, what: str, *, gaps: bool = False) -> np.ndarray:
        """Values as (n, columns) float64; raises MetricError for no rows and for values that are not finite.

        gaps: whether some of several columns may be missing (NaN), but not all values.
        """
        columns = np.asarray(values, dtype=float)
        columns = columns[:, None] if columns.ndim == 1 else columns
        if columns.ndim != 2 or not columns.size:
            raise MetricError(f"{self.name} cannot be computed without rows: the {what} is empty.")
        if gaps and columns.shape[1] > 1 and not np.isinf(columns).any() and not np.isnan(columns).all():
            return columns
        if not np.isfinite(columns).all():
            count = int((~np.isfinite(columns)).sum())
            raise MetricError(f"{self.name} cannot be computed: {count} {what} value(s) are missing or infinite.")
        return columns
