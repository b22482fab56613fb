"""Features that use the target: fitted on the training part of a fold only, with inner folds for the training rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from medalist.pipelines.features.frame import Frame
from medalist.pipelines.features.language.expression import Feature
from medalist.pipelines.features.operators.base import Operator, Target, out_of_fold

SMOOTHING_LIMITS = (0.5, 100.0)
MOST_SMOOTHING = SMOOTHING_LIMITS[1]
INNER_FOLDS = 5
TYPICAL_ROWS = 10.0  # rows that have the statistic of all, besides those of a key


def target_mean(frame: Frame, feature: Feature, target: Target) -> np.ndarray:
    """Smoothed mean of the target by key (Micci-Barreca, 2001), nested.

    (n, T), or (n, classes) for a multiclass target. A row that the target was fitted on is described by the other inner
    folds only, any other row by all of them; a key that was not seen gets the mean of all. A second argument sets the
    smoothing, in rows; without it, it is the variance within keys over that between them (empirical Bayes), each
    estimated from the same rows as the means.
    """
    key = frame.key(feature.args[0])
    fixed = float(feature.args[1]) if len(feature.args) > 1 else None  # type: ignore[arg-type]
    values, inner = target.values, target.inner(INNER_FOLDS)
    folds = int(inner.max()) + 1
    codes = key.codes[target.fit]
    # one pass over the rows: counts and sums of each inner fold; without a fold, by subtraction; the last column is all
    cell = codes * folds + inner
    counts = _without(np.bincount(cell, minlength=key.size * folds).reshape(key.size, folds))
    rows = np.append(len(inner) - np.bincount(inner, minlength=folds), len(inner))
    out = np.empty((len(key.codes), values.shape[1]))
    for t in range(values.shape[1]):
        y = values[:, t]
        sums = _without(np.bincount(cell, weights=y, minlength=key.size * folds).reshape(key.size, folds))
        squares = _without(np.bincount(inner, weights=y**2, minlength=folds)[None])[0]
        prior = sums.sum(axis=0) / np.maximum(rows, 1)
        smoothing = np.full(folds + 1, fixed) if fixed is not None else _smoothing(counts, sums, squares, rows)
        table = (sums + smoothing * prior) / (counts + smoothing)
        out[:, t] = table[key.codes, folds]
        out[target.fit, t] = table[codes, inner]
    return out


def _without(of_fold: np.ndarray) -> np.ndarray:
    """(k, folds + 1) totals without each fold, and of all."""
    whole = of_fold.sum(axis=1, keepdims=True)
    return np.hstack([whole - of_fold, whole])


def _smoothing(counts: np.ndarray, sums: np.ndarray, squares: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(f,) rows by which means of keys are shrunk: the variance within keys over that between them, by moments.

    counts, sums: (keys, f) of rows and their target; squares, rows: (f,) sums of squares and numbers of rows.
    """
    seen = (counts > 0).sum(axis=0)
    of_keys = (sums**2 / np.maximum(counts, 1)).sum(axis=0)
    within = (squares - of_keys) / np.maximum(rows - seen, 1)
    between = (of_keys - sums.sum(axis=0) ** 2 / np.maximum(rows, 1)) / np.maximum(seen - 1, 1)
    typical = (rows - (counts.astype(float) ** 2).sum(axis=0) / np.maximum(rows, 1)) / np.maximum(seen - 1, 1)
    spread = (between - within) / np.maximum(typical, 1e-9)
    known = (rows > seen) & (seen > 1) & (spread > 0)
    return np.clip(np.where(known, within / np.where(known, spread, 1.0), MOST_SMOOTHING), *SMOOTHING_LIMITS)


Statistic = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


def target_std(frame: Frame, feature: Feature, target: Target) -> np.ndarray:
    """Standard deviation of the target by key, nested: (n, T); shrunk as if TYPICAL_ROWS more had that of all."""

    def variance(codes: np.ndarray, y: np.ndarray, size: int) -> np.ndarray:
        rows = np.maximum(np.bincount(codes, minlength=size), 1)
        mean = np.bincount(codes, weights=y, minlength=size) / rows
        return np.asarray(np.bincount(codes, weights=(y - mean[codes]) ** 2, minlength=size) / rows)

    return np.sqrt(_by_key(frame, feature, target, variance))


def target_median(frame: Frame, feature: Feature, target: Target) -> np.ndarray:
    """Median of the target by key, nested: (n, T); shrunk as if TYPICAL_ROWS more had that of all."""

    def median(codes: np.ndarray, y: np.ndarray, size: int) -> np.ndarray:
        order = np.lexsort((y, codes))
        rows = np.bincount(codes, minlength=size)
        starts, ranked = np.cumsum(rows) - rows, np.append(y[order], 0.0)
        low, high = starts + np.maximum(rows - 1, 0) // 2, starts + rows // 2
        return np.asarray(
            np.where(rows > 0, (ranked[np.minimum(low, len(y))] + ranked[np.minimum(high, len(y))]) / 2, 0)
        )

    return _by_key(frame, feature, target, median)


def _by_key(frame: Frame, feature: Feature, target: Target, statistic: Statistic) -> np.ndarray:
    """A statistic of the target by key, shrunk towards that of all rows, nested."""
    key = frame.key(feature.args[0])

    def fit_predict(rows: np.ndarray, values: np.ndarray, asked: np.ndarray) -> np.ndarray:
        codes = key.codes[rows]
        counts = np.bincount(codes, minlength=key.size)
        out = np.empty((len(asked), values.shape[1]))
        for t, y in enumerate(values.T):
            whole = statistic(np.zeros(len(y), dtype=np.int64), y, 1)[0]
            told = (counts * statistic(codes, y, key.size) + TYPICAL_ROWS * whole) / (counts + TYPICAL_ROWS)
            out[:, t] = told[key.codes[asked]]
        return out

    return out_of_fold(frame.n, target, fit_predict, INNER_FOLDS)


OPERATORS = {
    "target_mean": Operator("supervised", ("key", "literal?"), "numbers", target_mean),
    "target_std": Operator("supervised", ("key",), "numbers", target_std),
    "target_median": Operator("supervised", ("key",), "numbers", target_median),
}
