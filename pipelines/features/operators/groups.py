"""Statistics of a number within the groups of one to four keys, over train and test rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from medalist.pipelines.features.frame import Frame, Key
from medalist.pipelines.features.language.expression import Column, Feature, Node
from medalist.pipelines.features.operators.base import Operator


def _totals(frame: Frame, node: Node, key: Key, by: tuple[Node, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(size,) counts of known values, their sums, and (n,) values with 0 where missing."""

    def make() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        values = frame.number(node)
        gaps = np.isnan(values)
        filled = np.where(gaps, 0.0, values) if gaps.any() else values
        known = np.bincount(key.codes, weights=~gaps if gaps.any() else None, minlength=key.size).astype(float)
        return known, np.bincount(key.codes, weights=filled, minlength=key.size), filled

    return frame.shared(("totals", node, by), make)


def mean(frame: Frame, feature: Feature) -> np.ndarray:
    """Mean of a number within its group."""
    key = frame.keys(feature.by)
    known, total, _ = _totals(frame, feature.args[0], key, feature.by)
    return np.where(known > 0, total / np.maximum(known, 1), np.nan)[key.codes]


def total(frame: Frame, feature: Feature) -> np.ndarray:
    """Sum of a number within its group."""
    key = frame.keys(feature.by)
    return _totals(frame, feature.args[0], key, feature.by)[1][key.codes]


def std(frame: Frame, feature: Feature) -> np.ndarray:
    """Standard deviation of a number within its group; missing in groups of one."""
    key = frame.keys(feature.by)
    known, sums, _ = _totals(frame, feature.args[0], key, feature.by)
    centre = sums / np.maximum(known, 1)
    apart = np.nan_to_num(frame.number(feature.args[0]) - centre[key.codes])
    squares = np.bincount(key.codes, weights=apart**2, minlength=key.size)
    return np.where(known > 1, np.sqrt(squares / np.maximum(known - 1, 1)), np.nan)[key.codes]


def _extreme(frame: Frame, feature: Feature, choose: np.ufunc, worst: float) -> np.ndarray:
    key, values = frame.keys(feature.by), frame.number(feature.args[0])
    found = np.full(key.size, worst)
    known = ~np.isnan(values)
    if known.all():
        choose.at(found, key.codes, values)
    else:
        choose.at(found, key.codes[known], values[known])
    return np.where(found == worst, np.nan, found)[key.codes]


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
    found = np.full(key.size, np.nan)
    found[of_group.index] = of_group
    return found[key.codes]


def distinct(frame: Frame, feature: Feature) -> np.ndarray:
    """How many different values of a key occur within the group; a missing one counts as a value."""
    key, (inner, size) = frame.keys(feature.by), _values(frame, feature.args[0])
    pairs = key.codes * size + inner
    if key.size * size <= 8 * len(pairs) + 1024:
        present = np.zeros(key.size * size, dtype=bool)
        present[pairs] = True
        found = present.reshape(key.size, size).sum(axis=1)
    else:
        found = np.bincount(pd.unique(pairs) // size, minlength=key.size)
    return found[key.codes]


def _values(frame: Frame, node: Node) -> tuple[np.ndarray, int]:
    """Codes of a key's values in no order, and how many: sorting a column of distinct numbers costs most of it."""
    if isinstance(node, Column) and not pd.api.types.is_numeric_dtype(frame.column(node.name).dtype):
        key = frame.key(node)
        return key.codes, key.size

    def make() -> tuple[np.ndarray, int]:
        codes, uniques = pd.factorize(frame.number(node), use_na_sentinel=False)
        return codes.astype(np.int64, copy=False), len(uniques)

    return frame.shared(("values", node), make)


OPERATORS = {
    "mean": Operator("transductive", ("number",), "number", mean, grouped=True),
    "sum": Operator("transductive", ("number",), "number", total, grouped=True),
    "std": Operator("transductive", ("number",), "number", std, grouped=True),
    "min": Operator("transductive", ("number",), "number", smallest, grouped=True),
    "max": Operator("transductive", ("number",), "number", largest, grouped=True),
    "median": Operator("transductive", ("number",), "number", median, grouped=True),
    "distinct": Operator("transductive", ("key",), "number", distinct, grouped=True),
}
