"""Features that use the target: fitted on the training part of a fold, out-of-fold for its rows ("nested")."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.target import Target, out_of_fold
from medalist.pipelines.features.language.expression import Feature
from medalist.pipelines.features.language.operator import Operator
from medalist.pipelines.features.language.words import operand
from medalist.pipelines.features.lazy import np

if TYPE_CHECKING:
    Statistic = Callable[[np.ndarray, np.ndarray, int], np.ndarray]  # (codes, values, size) → (size,)

SMOOTHING_LIMITS = (0.5, 100.0)  # bounds of the estimated smoothing, in rows
MOST_SMOOTHING = SMOOTHING_LIMITS[1]
INNER_FOLDS = 5  # inner folds by which training rows are encoded
PRIOR_ROWS = 10.0  # smoothing of standard deviations and medians, in rows with the statistic of all rows
SWEEPS = 4  # alternating fits of the two keys' own effects


def target_mean(frame: Frame, feature: Feature, target: Target) -> np.ndarray:
    """Smoothed mean of the target by key (Micci-Barreca, 2001), nested.

    (n, T), or (n, classes) for a multiclass target. A training row is encoded from the other inner folds, any
    other row from all training rows; a key that these lack gets the mean of all. A second argument is the smoothing, in
    rows with the mean of all; by default it is the variance within keys over that between them (empirical Bayes),
    estimated from the same rows as the means.
    """
    key = frame.key(feature.args[0])
    fixed = float(feature.args[1]) if len(feature.args) > 1 else None  # type: ignore[arg-type]
    values, inner = target.values, target.inner(INNER_FOLDS)
    folds = int(inner.max()) + 1
    codes = key.codes[target.fit]
    # counts and sums of each inner fold in one pass over the rows; those of the other folds are the total less these
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
    """(k, folds + 1) the totals without each fold, then of all folds, from the totals of each fold (k, folds)."""
    total = of_fold.sum(axis=1, keepdims=True)
    return np.hstack([total - of_fold, total])


def _smoothing(counts: np.ndarray, sums: np.ndarray, squares: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(f,) the smoothing in rows: the variance within keys over that between them, by the method of moments.

    counts, sums: (keys, f) numbers of rows and sums of their target; squares, rows: (f,) sums of squares of the target
    and numbers of rows.
    """
    seen = (counts > 0).sum(axis=0)
    of_keys = (sums**2 / np.maximum(counts, 1)).sum(axis=0)
    within = (squares - of_keys) / np.maximum(rows - seen, 1)
    between = (of_keys - sums.sum(axis=0) ** 2 / np.maximum(rows, 1)) / np.maximum(seen - 1, 1)
    typical = (rows - (counts.astype(float) ** 2).sum(axis=0) / np.maximum(rows, 1)) / np.maximum(seen - 1, 1)
    spread = (between - within) / np.maximum(typical, 1e-9)
    estimable = (rows > seen) & (seen > 1) & (spread > 0)
    return np.clip(np.where(estimable, within / np.where(estimable, spread, 1.0), MOST_SMOOTHING), *SMOOTHING_LIMITS)


def target_std(frame: Frame, feature: Feature, target: Target) -> np.ndarray:
    """Standard deviation of the target by key, shrunk towards that of all rows, nested: (n, T)."""

    def variance(codes: np.ndarray, y: np.ndarray, size: int) -> np.ndarray:
        rows = np.maximum(np.bincount(codes, minlength=size), 1)
        mean = np.bincount(codes, weights=y, minlength=size) / rows
        return np.asarray(np.bincount(codes, weights=(y - mean[codes]) ** 2, minlength=size) / rows)

    return np.sqrt(_by_key(frame, feature, target, variance))


def target_median(frame: Frame, feature: Feature, target: Target) -> np.ndarray:
    """Median of the target by key, shrunk towards that of all rows, nested: (n, T)."""

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
    """(n, T) a statistic of the target by key, nested, shrunk towards that of all rows by PRIOR_ROWS rows."""
    key = frame.key(feature.args[0])

    def fit_predict(rows: np.ndarray, values: np.ndarray, queries: np.ndarray) -> np.ndarray:
        codes = key.codes[rows]
        counts = np.bincount(codes, minlength=key.size)
        out = np.empty((len(queries), values.shape[1]))
        for t, y in enumerate(values.T):
            overall = statistic(np.zeros(len(y), dtype=np.int64), y, 1)[0]
            shrunk = (counts * statistic(codes, y, key.size) + PRIOR_ROWS * overall) / (counts + PRIOR_ROWS)
            out[:, t] = shrunk[key.codes[queries]]
        return out

    return out_of_fold(frame.n, target, fit_predict, INNER_FOLDS)


def target_season(frame: Frame, feature: Feature, target: Target) -> np.ndarray:
    """How the target of a key's rows differs by another, such as a weekday, from the key's own mean, nested: (n, T).

    Two-way analysis of variance with random effects: an overall mean, an effect of each key, and one of both together,
    each shrunk by its own variance (empirical Bayes). Returned is the second key's effect plus that of both. The
    mean of a cross mixes it with the first key's level, which hides it where levels differ by more, and is shrunk
    towards the overall mean.
    """
    one, two = (frame.key(node) for node in feature.args[:2])
    both = frame.key(Feature("cross", feature.args[:2]))

    def fit_predict(rows: np.ndarray, values: np.ndarray, queries: np.ndarray) -> np.ndarray:
        a, b, cell = (key.codes[rows] for key in (one, two, both))
        out = np.empty((len(queries), values.shape[1]))
        for t, y in enumerate(values.T):
            mean = y.mean()
            left, right = np.zeros(one.size), np.zeros(two.size)
            for _ in range(SWEEPS):
                left = _effects(a, y - mean - right[b], one.size)
                right = _effects(b, y - mean - left[a], two.size)
            together = _effects(cell, y - mean - left[a] - right[b], both.size)
            out[:, t] = right[two.codes[queries]] + together[both.codes[queries]]
        return out

    return out_of_fold(frame.n, target, fit_predict, INNER_FOLDS)


def _effects(codes: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    """(size,) means of (m,) values by code, shrunk towards 0 by the variance within codes over that between them."""
    counts, sums = np.bincount(codes, minlength=size), np.bincount(codes, weights=values, minlength=size)
    total, rows = np.array([values @ values]), np.array([len(values)])
    smoothing = _smoothing(counts[:, None], sums[:, None], total, rows)[0]
    return np.asarray(sums / (counts + smoothing))


def _target_mean_words(feature: Feature) -> str:
    key, *rows = feature.args
    smoothing = f" (with {rows[0]} row{'' if rows[0] == 1 else 's'} of the overall mean)" if rows else ""
    return f"smoothed mean target of {operand(key)}{smoothing}"


OPERATORS = {
    "target_mean": Operator(
        "supervised", ("key", "literal?"), "numbers", target_mean, _target_mean_words, "target_mean(shop)"
    ),
    "target_std": Operator(
        "supervised", ("key",), "numbers", target_std, "standard deviation of the target of {0}", "target_std(shop)"
    ),
    "target_median": Operator(
        "supervised", ("key",), "numbers", target_median, "median target of {0}", "target_median(shop)"
    ),
    "target_season": Operator(
        "supervised",
        ("key", "key"),
        "numbers",
        target_season,
        "how the target of {0} differs by {1} from its own mean",
        "target_season(shop, weekday(day))",
    ),
}
