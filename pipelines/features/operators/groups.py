"""Statistics of a number within the groups of one to three keys, over train and test rows."""

from __future__ import annotations

import numpy as np

from pipelines.features.expression import Feature, Node
from pipelines.features.frame import Frame, Key
from pipelines.features.operators.base import Operator


def _totals(frame: Frame, node: Node, key: Key, by: tuple[Node, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(size,) counts of known values, their sums, and (n,) values with 0 where missing."""

    def make() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        values = frame.number(node)
        gaps = np.isnan(values)
        filled = np.where(gaps, 0.0, values) if gaps.any() else values
        known = np.bincount(key.codes, weights=~gaps if gaps.any() else None, minlength=key.size).astype(float)
        return known, np.bincount(key.codes, weights=filled, minlength=key.size), filled

    return frame.shared(("totals", node, by), make)


def _sorted(frame: Frame, feature: Feature, key: Key) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Known values sorted by group and value, where each group starts, and how many it has."""

    def make() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        values = frame.number(feature.args[0])
        order = frame.order(feature.args[0])
        order = order[: len(order) - int(np.isnan(values).sum())]
        order = order[np.argsort(key.codes[order], kind="stable")]
        counts = np.bincount(key.codes[order], minlength=key.size)
        return values[order], np.cumsum(counts) - counts, counts

    return frame.shared(("sorted", feature.args[0], feature.by), make)


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


def _at(values: np.ndarray, places: np.ndarray, counts: np.ndarray) -> np.ndarray:
    if not len(values):
        return np.full(len(counts), np.nan)
    return np.where(counts > 0, values[np.clip(places, 0, len(values) - 1)], np.nan)


def smallest(frame: Frame, feature: Feature) -> np.ndarray:
    """Smallest value of a number within its group."""
    key = frame.keys(feature.by)
    values, starts, counts = _sorted(frame, feature, key)
    return _at(values, starts, counts)[key.codes]


def largest(frame: Frame, feature: Feature) -> np.ndarray:
    """Largest value of a number within its group."""
    key = frame.keys(feature.by)
    values, starts, counts = _sorted(frame, feature, key)
    return _at(values, starts + counts - 1, counts)[key.codes]


def median(frame: Frame, feature: Feature) -> np.ndarray:
    """Median of a number within its group."""
    key = frame.keys(feature.by)
    values, starts, counts = _sorted(frame, feature, key)
    low, high = _at(values, starts + (counts - 1) // 2, counts), _at(values, starts + counts // 2, counts)
    return ((low + high) / 2)[key.codes]


def distinct(frame: Frame, feature: Feature) -> np.ndarray:
    """How many different values of a key occur within the group; a missing one counts as a value."""
    key, inner = frame.keys(feature.by), frame.key(feature.args[0])
    pairs = key.codes * inner.size + inner.codes
    if key.size * inner.size <= 8 * len(pairs) + 1024:
        present = np.zeros(key.size * inner.size, dtype=bool)
        present[pairs] = True
        found = present.reshape(key.size, inner.size).sum(axis=1)
    else:
        found = np.bincount(np.unique(pairs) // inner.size, minlength=key.size)
    return found[key.codes]


OPERATORS = {
    "mean": Operator("transductive", ("number",), "number", mean, grouped=True),
    "sum": Operator("transductive", ("number",), "number", total, grouped=True),
    "std": Operator("transductive", ("number",), "number", std, grouped=True),
    "min": Operator("transductive", ("number",), "number", smallest, grouped=True),
    "max": Operator("transductive", ("number",), "number", largest, grouped=True),
    "median": Operator("transductive", ("number",), "number", median, grouped=True),
    "distinct": Operator("transductive", ("key",), "number", distinct, grouped=True),
}
