"""Scores of labels from tables of counts, for many tables at once: what a search for thresholds asks for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from medalist.competitions.metrics.metric import Metric

OfTables = Callable[[np.ndarray], np.ndarray]


def of_tables(metric: Metric) -> OfTables | None:
    """The metric as a function of tables (..., K, K), true class by row and said class by column, to scores (...).

    Greater is better, whichever way the metric goes; counts need not be whole. None where the metric is no function of
    such a table, or is not known to be one.
    """
    name = metric.name.removeprefix("mean_")
    if name.startswith("fbeta@"):
        return partial(_f_beta, average="binary", beta=float(name.partition("@")[2]))
    return _BY_NAME.get(name)


def _shares(parts: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """parts / whole, 0 where there is nothing."""
    return np.asarray(np.where(whole > 0, parts / np.where(whole > 0, whole, 1.0), 0.0))


def _hits(tables: np.ndarray) -> np.ndarray:
    return np.diagonal(tables, axis1=-2, axis2=-1)


def _accuracy(tables: np.ndarray) -> np.ndarray:
    return _shares(_hits(tables).sum(axis=-1), tables.sum(axis=(-2, -1)))


def _balanced_accuracy(tables: np.ndarray) -> np.ndarray:
    occurs = tables.sum(axis=-1)
    return _shares(_shares(_hits(tables), occurs).sum(axis=-1), (occurs > 0).sum(axis=-1))


def _f_beta(tables: np.ndarray, *, average: str, beta: float = 1.0) -> np.ndarray:
    occurs = tables.sum(axis=-1)
    below = beta**2 * occurs + tables.sum(axis=-2)
    scores = _shares((1 + beta**2) * _hits(tables), below)
    if average == "binary":
        return np.asarray(scores[..., 1])
    if average == "macro":
        return _shares(scores.sum(axis=-1), (below > 0).sum(axis=-1))
    return _shares((scores * occurs).sum(axis=-1), occurs.sum(axis=-1))


def _matthews(tables: np.ndarray) -> np.ndarray:
    said, occurs = tables.sum(axis=-2), tables.sum(axis=-1)
    n = occurs.sum(axis=-1)
    below = (n**2 - (said**2).sum(axis=-1)) * (n**2 - (occurs**2).sum(axis=-1))
    return _shares(_hits(tables).sum(axis=-1) * n - (said * occurs).sum(axis=-1), np.sqrt(np.maximum(below, 0)))


def _quadratic_kappa(tables: np.ndarray) -> np.ndarray:
    index = np.arange(tables.shape[-1])
    distance = (index[:, None] - index) ** 2
    said, occurs = tables.sum(axis=-2), tables.sum(axis=-1)
    apart = (tables * distance).sum(axis=(-2, -1))
    expected = _shares(((occurs @ distance) * said).sum(axis=-1), occurs.sum(axis=-1))
    return np.asarray(np.where(expected > 0, 1 - _shares(apart, expected), 0.0))


_BY_NAME: dict[str, OfTables] = {
    "accuracy": _accuracy,
    "error_rate": _accuracy,
    "micro_f1": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "f1": partial(_f_beta, average="binary"),
    "macro_f1": partial(_f_beta, average="macro"),
    "weighted_f1": partial(_f_beta, average="weighted"),
    "mcc": _matthews,
    "qwk": _quadratic_kappa,
}


def tables_of(y: np.ndarray, said: np.ndarray, n_classes: int, group: np.ndarray | None = None) -> np.ndarray:
    """Counts of true (n,) against said classes (n,): (K, K), or (G, K, K) for the rows of each `group` (n,)."""
    codes = y.astype(np.intp) * n_classes + said.astype(np.intp)
    if group is None:
        return np.bincount(codes, minlength=n_classes**2).reshape(n_classes, n_classes).astype(float)
    groups = int(group.max()) + 1
    codes += group.astype(np.intp) * n_classes**2
    return np.bincount(codes, minlength=groups * n_classes**2).reshape(groups, n_classes, n_classes).astype(float)
