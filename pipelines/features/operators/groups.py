"""Statistics of a number within the groups of one to four keys, over train and test rows."""

from __future__ import annotations

from collections.abc import Callable

from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.keys import Key
from medalist.pipelines.features.frames.matching import integers_of
from medalist.pipelines.features.language.expression import Column, Feature, Node
from medalist.pipelines.features.language.operator import Operator
from medalist.pipelines.features.lazy import np, pd


def _totals(frame: Frame, node: Node, key: Key, by: tuple[Node, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(size,) counts of non-missing values by group, (size,) their sums, and (n,) the values with 0 where missing."""

    def make() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        values = frame.number(node)
        gaps = np.isnan(values)
        filled = np.where(gaps, 0.0, values) if gaps.any() else values
        counts = np.bincount(key.codes, weights=~gaps if gaps.any() else None, minlength=key.size).astype(float)
        return counts, np.bincount(key.codes, weights=filled, minlength=key.size), filled

    return frame.cached(("totals", node, by), make)


def mean(frame: Frame, feature: Feature) -> np.ndarray:
    """Mean of a number within its group."""
    key = frame.keys(feature.by)
    counts, total, _ = _totals(frame, feature.args[0], key, feature.by)
    return np.where(counts > 0, total / np.maximum(counts, 1), np.nan)[key.codes]


def total(frame: Frame, feature: Feature) -> np.ndarray:
    """Sum of a number within its group."""
    key = frame.keys(feature.by)
    return _totals(frame, feature.args[0], key, feature.by)[1][key.codes]


def std(frame: Frame, feature: Feature) -> np.ndarray:
    """Standard deviation of a number within its group; missing in groups of one."""
    key = frame.keys(feature.by)
    counts, sums, _ = _totals(frame, feature.args[0], key, feature.by)
    centre = sums / np.maximum(counts, 1)
    deviations = np.nan_to_num(frame.number(feature.args[0]) - centre[key.codes])
    squares = np.bincount(key.codes, weights=deviations**2, minlength=key.size)
    return np.where(counts > 1, np.sqrt(squares / np.maximum(counts - 1, 1)), np.nan)[key.codes]


def _extreme(frame: Frame, feature: Feature, choose: np.ufunc, worst: float) -> np.ndarray:
    key, values = frame.keys(feature.by), frame.number(feature.args[0])
    extremes = np.full(key.size, worst)
    present = ~np.isnan(values)
    if present.all():
        choose.at(extremes, key.codes, values)
    else:
        choose.at(extremes, key.codes[present], values[present])
    return np.where(extremes == worst, np.nan, extremes)[key.codes]


def smallest(frame: Frame, feature: Feature) -> np.ndarray:
    """Smallest value of a number within its group."""
    return _extreme(frame, feature, np.minimum, np.inf)


def largest(frame: Frame, feature: Feature) -> np.ndarray:
    """Largest value of a number within its group."""
    return _extreme(frame, feature, np.maximum, -np.inf)


def median(frame: Frame, feature: Feature) -> np.ndarray:
    """Median of a number within its group."""
    key = frame.keys(feature.by)
    of_group = pd.Series(frame.number(feature.args[0])).groupby(key.codes, sort=False).median()
    medians = np.full(key.size, np.nan)
    medians[of_group.index] = of_group
    return medians[key.codes]


def distinct(frame: Frame, feature: Feature) -> np.ndarray:
    """How many different values of a key occur within the group; a missing one counts as a value."""
    key, (inner, size) = frame.keys(feature.by), _values(frame, feature.args[0])
    pairs = key.codes * size + inner
    if key.size * size <= 8 * len(pairs) + 1024:
        present = np.zeros(key.size * size, dtype=bool)
        present[pairs] = True
        counts = present.reshape(key.size, size).sum(axis=1)
    else:
        counts = np.bincount(pd.unique(pairs) // size, minlength=key.size)
    return counts[key.codes]


def _values(frame: Frame, node: Node) -> tuple[np.ndarray, int]:
    """(n,) unordered codes of a key's values, and their number; faster than a `Key`, as numbers are not sorted."""
    if isinstance(node, Column) and not pd.api.types.is_numeric_dtype(frame.column(node.name).dtype):
        key = frame.key(node)
        return key.codes, key.size

    def make() -> tuple[np.ndarray, int]:
        exact = integers_of(frame.column(node.name)) if isinstance(node, Column) else None
        if exact is not None:  # a missing value gets a code of its own
            codes, uniques = pd.factorize(exact[0])
            return np.where(exact[1], len(uniques), codes).astype(np.int64), len(uniques) + 1
        codes, uniques = pd.factorize(frame.number(node), use_na_sentinel=False)
        return codes.astype(np.int64, copy=False), len(uniques)

    return frame.cached(("values", node), make)


def _statistic(compute: Callable[..., np.ndarray], words: str, example: str, unseen: float = float("nan")) -> Operator:
    return Operator(
        "transductive", ("number",), "number", compute, words + "{within}", example,
        grouped=True, proposed=True, of_group=True, unseen=unseen,
    )  # fmt: skip


OPERATORS = {  # the search tries them in this order
    "mean": _statistic(mean, "mean of {0}", "mean(x) by guest"),
    "std": _statistic(std, "standard deviation of {0}", "std(x) by shop"),
    "min": _statistic(smallest, "smallest value of {0}", "min(x) by shop"),
    "max": _statistic(largest, "largest value of {0}", "max(x) by city, town"),
    "median": _statistic(median, "median of {0}", "median(x) by shop"),
    "sum": _statistic(total, "sum of {0}", "sum(x) by shop", 0.0),
    "distinct": Operator(
        "transductive",
        ("key",),
        "number",
        distinct,
        "number of different values of {0}{within}",
        "distinct(town) by shop",
        grouped=True,
        of_group=True,
        unseen=0.0,
    ),
}
