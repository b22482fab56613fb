"""Rows as points: principal components, clusters and neighbours in the space of several standardised numbers.

Missing numbers are imputed with the median; constant numbers are ignored.
"""

from __future__ import annotations

from functools import reduce

from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.keys import Key, crossed, key_of
from medalist.pipelines.features.frames.target import Target, out_of_fold
from medalist.pipelines.features.language.expression import Feature
from medalist.pipelines.features.language.operator import Operator
from medalist.pipelines.features.lazy import np, pd

SEED = 0  # seed of k-means and of samples of rows
CLUSTERED = 50_000  # rows that k-means is fitted on, at most, drawn at random
SEARCHED = 200_000  # rows among which neighbours are searched, at most, drawn at random


def _space(frame: Frame, feature: Feature) -> tuple[np.ndarray, int]:
    """(n, d) standardised, imputed numbers of all arguments but the last, and the last argument, a whole number."""
    *names, count = feature.args

    def make() -> np.ndarray:
        values = frame.numbers(names).copy()
        for column in values.T:
            fitted = column[frame.fitted_rows]
            finite = fitted[np.isfinite(fitted)]
            middle = np.median(finite) if len(finite) else 0.0
            np.copyto(column, middle, where=~np.isfinite(column))
            column -= column[frame.fitted_rows].mean()
            spread = column[frame.fitted_rows].std()
            column *= 1 / spread if spread > 1e-12 * max(1.0, abs(middle)) else 0.0
        return values

    return frame.cached(("space", tuple(names)), make), int(count)  # type: ignore[arg-type]


def pca(frame: Frame, feature: Feature) -> np.ndarray:
    """The given count of leading principal components of several standardised numbers.

    (n, k), k at most the count of numbers. The largest loading of each component is positive.
    """
    points, count = _space(frame, feature)
    fitted = points[frame.fitted_rows]
    _, axes = np.linalg.eigh(fitted.T @ fitted)
    axes = axes[:, ::-1][:, :count]
    return points @ (axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]))


def kmeans(frame: Frame, feature: Feature) -> np.ndarray:
    """The cluster of the row, out of the given count, by k-means on several standardised numbers (Sculley, 2010)."""
    return _distances(frame, feature).argmin(axis=1)


def kmeans_distance(frame: Frame, feature: Feature) -> np.ndarray:
    """Distances of the row to the centres of the given count of clusters of several standardised numbers."""
    return _distances(frame, feature)


def _distances(frame: Frame, feature: Feature) -> np.ndarray:
    points, count = _space(frame, feature)

    def make() -> np.ndarray:
        from scipy.spatial.distance import cdist
        from sklearn.cluster import MiniBatchKMeans

        fitted = points[frame.fitted_rows]
        rows = _drawn(len(fitted), CLUSTERED)
        clusters = min(count, len(np.unique(fitted[rows], axis=0)))
        model = MiniBatchKMeans(clusters, random_state=SEED, n_init=3, batch_size=4096)
        return cdist(points, model.fit(fitted[rows]).cluster_centers_)

    return frame.cached(("clusters", feature.args), make)


def _drawn(n: int, most: int) -> np.ndarray:
    """Sorted positions of at most `most` of n rows, drawn at random."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(SEED).choice(n, most, replace=False))


def target_neighbours(frame: Frame, feature: Feature, target: Target) -> np.ndarray:
    """Mean target of the given count of nearest rows by several standardised numbers, nested.

    (n, T), or (n, classes) for a multiclass target. A training row gets the mean over rows of the
    other inner folds, any other row that over all training rows. Rows at the same point are used together, so the mean
    may be over somewhat more rows.
    """
    from scipy.spatial import cKDTree

    points, count = _space(frame, feature)

    def make() -> tuple[Key, np.ndarray]:
        key = reduce(crossed, (key_of(pd.Series(column)) for column in points.T))
        coordinates = np.empty((key.size, points.shape[1]))
        coordinates[key.codes] = points
        return key, coordinates

    point_of, coordinates = frame.cached(("spots", tuple(feature.args[:-1])), make)

    def fit_predict(rows: np.ndarray, values: np.ndarray, queries: np.ndarray) -> np.ndarray:
        drawn = _drawn(len(rows), SEARCHED)
        values = values[drawn]
        fitted, codes = np.unique(point_of.codes[rows[drawn]], return_inverse=True)
        n_rows = np.bincount(codes).astype(float)  # rows at each point
        means = np.stack([np.bincount(codes, weights=v) for v in values.T], axis=1) / n_rows[:, None]
        query_points, back = np.unique(point_of.codes[queries], return_inverse=True)
        tree = cKDTree(coordinates[fitted])
        _, nearest = tree.query(coordinates[query_points], k=range(1, min(count, len(fitted)) + 1))
        weights = n_rows[nearest]
        weights = np.where(np.cumsum(weights, axis=1) - weights < count, weights, 0.0)  # until there are `count` rows
        sums = np.stack([(weights * m[nearest]).sum(axis=1) for m in means.T], axis=1)
        return (sums / weights.sum(axis=1, keepdims=True))[back]

    return out_of_fold(frame.n, target, fit_predict)


_POINTS = ("number+", "whole")
OPERATORS = {
    "pca": Operator(
        "transductive",
        _POINTS,
        "numbers",
        pca,
        "{last} leading principal components of {most}",
        "pca(x, z, whole, 2)",
        symmetric=True,
    ),
    "kmeans": Operator(
        "transductive",
        _POINTS,
        "category",
        kmeans,
        "cluster of the row, one of {last} by {most}",
        "kmeans(x, z, 9)",
        symmetric=True,
    ),
    "kmeans_distance": Operator(
        "transductive",
        _POINTS,
        "numbers",
        kmeans_distance,
        "distances to the centres of {last} clusters by {most}",
        "kmeans_distance(x, z, 4)",
        symmetric=True,
    ),
    "target_neighbours": Operator(
        "supervised",
        _POINTS,
        "numbers",
        target_neighbours,
        "mean target of the {last} nearest rows by {most}",
        "target_neighbours(x, z, 5)",
        symmetric=True,
    ),
}
