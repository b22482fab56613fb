"""The constant prediction that scores best, for each metric.

Every function takes the target of one column, y (n,), weights (n,) or None, and the number of classes or None, and
returns (1,) or, for class probabilities, (K,). Where all constants score alike the most informative one is returned:
the mean, the share of positives, the most frequent class.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from medalist.competitions.metrics.functions import DIVISION_EPSILON, codes

GRID = 33  # constants tried in one zoom of a search
ZOOMS = 12  # zooms of a search into the best interval of the one before
MANY = 512  # distinct targets above which a search starts from as many quantiles of them
BINS = 4096  # bins that a search merges more distinct targets into


def mean(y: np.ndarray, weights: np.ndarray | None, n_classes: int | None) -> np.ndarray:  # noqa: ARG001
    """The mean: best for squared errors; also for correlations, for which all constants score alike."""
    return np.array([np.average(y, weights=weights)])


def log_mean(y: np.ndarray, weights: np.ndarray | None, n_classes: int | None) -> np.ndarray:  # noqa: ARG001
    """exp(mean of log(1 + y)) - 1: best for squared errors of logarithms."""
    return np.expm1([np.average(np.log1p(np.maximum(y, 0)), weights=weights)])


def median(y: np.ndarray, weights: np.ndarray | None, n_classes: int | None) -> np.ndarray:  # noqa: ARG001
    """The (weighted) median: best for absolute errors."""
    return np.array([np.median(y) if weights is None else weighted_quantile(y, weights, 0.5)])


def quantile(y: np.ndarray, weights: np.ndarray | None, n_classes: int | None, *, q: float) -> np.ndarray:  # noqa: ARG001
    """The (weighted) quantile `q`: best for its pinball loss."""
    return np.array([weighted_quantile(y, np.ones_like(y) if weights is None else weights, q)])


def percentage_median(y: np.ndarray, weights: np.ndarray | None, n_classes: int | None) -> np.ndarray:  # noqa: ARG001
    """The median with weights 1 / |y|: best for MAPE, an absolute error with these weights."""
    inverse = 1.0 / np.maximum(np.abs(y), DIVISION_EPSILON)
    return np.array([weighted_quantile(y, inverse if weights is None else inverse * weights, 0.5)])


def percentage_mean(y: np.ndarray, weights: np.ndarray | None, n_classes: int | None) -> np.ndarray:  # noqa: ARG001
    """The mean with weights 1 / y²: best for RMSPE, a squared error with these weights; targets of 0 do not count."""
    counted = y[y != 0]
    return np.array([(1.0 / counted).sum() / (1.0 / counted**2).sum() if counted.size else 0.0])


def midrange(y: np.ndarray, weights: np.ndarray | None, n_classes: int | None) -> np.ndarray:  # noqa: ARG001
    """The middle between the least and the greatest target: best for the largest error."""
    return np.array([(y.min() + y.max()) / 2])


def shortest_half(y: np.ndarray, weights: np.ndarray | None, n_classes: int | None) -> np.ndarray:  # noqa: ARG001
    """The middle of the shortest interval that holds half the rows (Rousseeuw, 1984): best for median absolute error.

    With an even number of rows the median is the mean of two residuals; the interval then holds n/2 + 1 rows.
    """
    values = np.sort(y)
    reach = len(values) // 2
    widths = values[reach:] - values[: len(values) - reach]
    start = int(np.argmin(widths))
    return np.array([(values[start] + values[start + reach]) / 2.0])


def symmetric_percentage(y: np.ndarray, weights: np.ndarray | None, n_classes: int | None) -> np.ndarray:  # noqa: ARG001
    """The best constant for SMAPE, by a search, since SMAPE is neither convex nor concave between two targets.

    More than `BINS` distinct targets are first merged into as many bins of neighbours, which moves the result by less
    than the width of a bin.
    """
    size, which = np.unique(y, return_inverse=True)
    share = np.bincount(which, weights=weights).astype(float)
    if len(size) > BINS:
        edges = np.linspace(0, len(size), BINS + 1).astype(int)[:-1]
        merged = np.add.reduceat(share, edges)
        size, share = np.add.reduceat(share * size, edges) / np.where(merged > 0, merged, 1.0), merged

    def loss(constants: np.ndarray) -> np.ndarray:
        below = np.abs(size[:, None]) + np.abs(constants)
        error: np.ndarray = np.abs(size[:, None] - constants) / np.where(below > 0, below, 1.0)
        return share @ error

    return np.array([search(loss, np.append(size, 0.0))])


def prior(y: np.ndarray, weights: np.ndarray | None, n_classes: int | None) -> np.ndarray:
    """The share of each class, (K,), or (1,) of the positive class where there are two: best for proper scores."""
    of_rows = codes(y, n_classes)
    k = n_classes or int(of_rows.max()) + 1
    if k <= 2:
        return np.array([np.average(y, weights=weights)])
    shares = np.bincount(of_rows, weights=weights, minlength=k)
    return shares / shares.sum()


def equal_prior(y: np.ndarray, weights: np.ndarray | None, n_classes: int | None) -> np.ndarray:  # noqa: ARG001
    """The same probability for every class that occurs: best for a class-balanced log loss."""
    return prior(np.unique(y), None, n_classes)


def majority(y: np.ndarray, weights: np.ndarray | None, n_classes: int | None) -> np.ndarray:
    """The most frequent class, the lowest of several.

    It is also the best constant of balanced accuracy, MCC (on which all constants that occur tie), micro, macro and
    weighted F1 (which grow with the frequency of the class that is predicted).
    """
    return np.array([float(np.argmax(np.bincount(codes(y, n_classes), weights=weights)))])


def positive(y: np.ndarray, weights: np.ndarray | None, n_classes: int | None) -> np.ndarray:  # noqa: ARG001
    """Class 1 where it occurs: best for the F score of the positive class, on which class 0 scores 0."""
    return np.array([1.0 if (y == 1).any() else 0.0])


def middle_class(y: np.ndarray, weights: np.ndarray | None, n_classes: int | None) -> np.ndarray:  # noqa: ARG001
    """The class nearest to the mean code: for kappa, on which every constant scores 0."""
    return np.array([np.floor(np.average(y, weights=weights) + 0.5)])


def weighted_quantile(y: np.ndarray, weights: np.ndarray, q: float) -> float:
    """The least value of y (n,) at or below which lies a share of at least `q` of the weights (n,)."""
    order = np.argsort(y, kind="stable")
    total = np.cumsum(weights[order])
    place = int(np.searchsorted(total, q * total[-1] * (1 - 1e-12), side="left"))
    return float(y[order[min(place, len(y) - 1)]])


def search(loss: Callable[[np.ndarray], np.ndarray], values: np.ndarray) -> float:
    """The constant at which a loss is least, by a grid and zooms into its best intervals.

    `loss` takes constants (m,) to losses (m,), smooth between neighbours of `values` (v,) and with kinks at them.
    """
    kinks = np.unique(values)
    if len(kinks) > MANY:
        kinks = np.unique(np.quantile(kinks, np.linspace(0, 1, MANY), method="nearest"))
    grid = np.unique(np.concatenate([kinks, *(kinks[:-1] + f * np.diff(kinks) for f in (0.25, 0.5, 0.75))]))
    losses = loss(grid)
    best, least = float(grid[np.argmin(losses)]), float(losses.min())
    for place in np.argsort(losses, kind="stable")[:4]:
        low, high = grid[max(place - 1, 0)], grid[min(place + 1, len(grid) - 1)]
        for _ in range(ZOOMS):
            inner = np.linspace(low, high, GRID)
            tried = loss(inner)
            at = int(np.argmin(tried))
            if tried[at] < least:
                best, least = float(inner[at]), float(tried[at])
            low, high = inner[max(at - 1, 0)], inner[min(at + 1, GRID - 1)]
    return best
