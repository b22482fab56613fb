"""Metric: what a competition is scored by, which way is better, what it needs and what serves it.

Arrays: y is (n, T), values or class codes. p is (n, T) values, labels as codes, or probabilities of the positive class;
for one target of several classes, and for rankings, p is (n, K).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics.best_constants import Constant

Needs = Literal["probability", "label", "value", "ranking"]
Mean = Literal["", "plain", "root", "complement"]
ASSUMED = {"binary": "auc", "multiclass": "accuracy", "ordinal": "qwk", "regression": "rmse"}
_BINARY = {"mlogloss": "logloss", "auc_ovr": "auc"}
_BY_TYPE = {  # what a name means when the target turns out to have two classes, or several
    "binary": _BINARY,
    "multiclass": {
        "logloss": "mlogloss",
        "mean_logloss": "mlogloss",
        "auc": "auc_ovr",
        "mean_auc": "auc_ovr",
        "f1": "macro_f1",
    },
    "ordinal": {"f1": "macro_f1"},
}


@dataclass(frozen=True)
class Metric:
    """A score for predictions.

    `function` takes one target's y (n,) and p (n,) or (n, K) and returns the score or, where `mean` is set, the losses
    of the rows (n,), whose mean gives the score: as it is, by its square root, or as one minus it. `weighted` metrics
    use the weights of rows; all others ignore them. `over_targets` metrics are the mean over columns. `whole` metrics
    (a person's own function) take several targets at once.
    """

    name: str
    greater_is_better: bool
    needs: Needs
    objective: str
    problem_types: tuple[str, ...]
    bounds: tuple[float, float]
    per_row: bool
    title: str
    function: Callable[[np.ndarray, np.ndarray], np.ndarray | float]
    constant: Constant
    mean: Mean = ""
    weighted: bool = False
    over_targets: bool = False
    whole: bool = False

    def __reduce__(self) -> tuple[Callable[[str], Metric], tuple[str]]:
        return get_metric, (self.name,)

    def score(self, y: np.ndarray, p: np.ndarray, weights: np.ndarray | None = None) -> float:
        """The score of predictions p (n, W) for targets y (n, T); one column may be given as (n,).

        Raises
        ------
        MetricError
            When shapes do not fit, a value is missing or infinite, or the metric is not defined for these values.
        """
        y, p = self._checked(y, p)
        if self.whole:
            return float(self.function(y[:, 0] if y.shape[1] == 1 else y, p[:, 0] if p.shape[1] == 1 else p))
        if self.over_targets:
            return float(np.mean([self._column(y[:, t], p[:, t], weights) for t in range(y.shape[1])]))
        return self._column(y[:, 0], p[:, 0] if p.shape[1] == 1 else p, weights)

    def losses(self, y: np.ndarray, p: np.ndarray) -> np.ndarray | None:
        """Row losses (n,), smaller better, with `from_mean(losses.mean())` the score; None unless `per_row`."""
        if not self.per_row:
            return None
        y, p = self._checked(y, p)
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
        (T,) values, codes or probabilities of the positive class; (K,) for one target of several classes.
        """
        y = self._columns(y, "target")
        weights = self._weights(weights, len(y)) if self.weighted else None
        return np.concatenate([self.constant(y[:, t], weights, n_classes) for t in range(y.shape[1])])

    def better(self, a: float, b: float) -> bool:
        """Whether score `a` is strictly better than `b`; anything is better than NaN."""
        if math.isnan(a) or math.isnan(b):
            return math.isnan(b) and not math.isnan(a)
        return a > b if self.greater_is_better else a < b

    def _column(self, y: np.ndarray, p: np.ndarray, weights: np.ndarray | None) -> float:
        found = self.function(y, p)
        if not self.mean:
            return float(found)
        return self.from_mean(float(np.average(found, weights=self._weights(weights, len(y)))))

    def _weights(self, weights: np.ndarray | None, n: int) -> np.ndarray | None:
        if weights is None or not self.weighted:
            return None
        flat = np.asarray(weights, dtype=float).reshape(-1)
        if len(flat) != n or not np.isfinite(flat).all() or flat.min() < 0 or flat.sum() <= 0:
            raise MetricError(f"{self.name} needs a weight of zero or more for each of the {n} rows, not all zero.")
        return flat

    def _checked(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        y, p = self._columns(y, "target"), self._columns(p, "prediction")
        if len(y) != len(p):
            raise MetricError(f"{self.name} got {len(p)} predictions for {len(y)} rows: predict every row once.")
        if self.whole:
            return y, p
        if y.shape[1] > 1 and not self.over_targets:
            raise MetricError(f"{self.name} scores one target, and there are {y.shape[1]}: use mean_{self.name}.")
        wide = self.needs in ("probability", "ranking") and y.shape[1] == 1 and not self.over_targets
        if p.shape[1] != y.shape[1] and not wide:
            raise MetricError(
                f"{self.name} got {p.shape[1]} prediction columns for {y.shape[1]} target(s): give one for each."
            )
        return y, p

    def _columns(self, values: np.ndarray, what: str) -> np.ndarray:
        columns = np.asarray(values, dtype=float)
        columns = columns[:, None] if columns.ndim == 1 else columns
        if columns.ndim != 2 or not columns.size:
            raise MetricError(f"{self.name} cannot be computed without rows: the {what} is empty.")
        if not np.isfinite(columns).all():
            count = int((~np.isfinite(columns)).sum())
            raise MetricError(f"{self.name} cannot be computed: {count} {what} value(s) are missing or infinite.")
        return columns


def get_metric(name: str, n_targets: int = 1) -> Metric:
    """The metric of a name, an alias ("ROC AUC", "neg_log_loss") or `file.py:function`.

    Several targets give its mean over the columns, "mean_<name>" (a person's own function gets them all at once).

    Raises
    ------
    MetricError
        For an unknown name (close ones are listed), a parameter that does not fit, a function that cannot be loaded.
    """
    from medalist.competitions.metrics.custom import load_custom, split_custom
    from medalist.competitions.metrics.names import canonical_name
    from medalist.competitions.metrics.registry import base_metric

    custom = split_custom(name)
    if custom is not None:
        return load_custom(*custom)
    canonical = canonical_name(name)
    if n_targets <= 1 and not canonical.startswith("mean_"):
        return base_metric(canonical)
    base = _BINARY.get(canonical.removeprefix("mean_"), canonical.removeprefix("mean_"))
    metric = base_metric(base)
    if metric.needs == "ranking":
        raise MetricError(f"{metric.name} ranks the classes of one target, and there are {n_targets}: name one target.")
    return replace(
        metric,
        name=f"mean_{metric.name}",
        title=f"{metric.title}, mean over targets",
        per_row=metric.per_row and metric.mean != "root",
        over_targets=True,
    )


def metric_names() -> tuple[str, ...]:
    """All canonical names, parameters as letters ("map@k"); most may be preceded by "mean_" for several targets."""
    from medalist.competitions.metrics.registry import METRICS, PARAMETRISED

    return (*METRICS, *(f"{family}@{letter}" for family, (letter, _, _) in PARAMETRISED.items()))


def metric_for(name: str, problem_type: str, n_targets: int = 1) -> str:
    """The canonical name of a metric for a problem type: log loss of several classes is "mlogloss", and so on."""
    canonical = get_metric(name, n_targets).name
    return _BY_TYPE.get(problem_type, {}).get(canonical, canonical)


def assumed_metric(problem_type: str) -> str:
    """What to score by when nothing says it; the caller has to say that it is assumed."""
    if problem_type not in ASSUMED:
        raise MetricError(f"Problem type {problem_type!r} is not known: use one of {', '.join(ASSUMED)}.")
    return ASSUMED[problem_type]
