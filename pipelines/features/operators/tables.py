"""Further tables: their rows with an equal key, aggregated and joined to the rows of train and test.

`mean(orders.amount) by customer` joins on the column of that name in both; where the further table names its key
otherwise, `mean(orders.amount) by customer, orders.buyer`. Keys are compared as numbers where one side holds numbers,
as dates where one holds dates, else as text; a missing key matches nothing. What is aggregated may be an expression
over the table's rows, and conditions after `where` leave out some of them.
"""

from __future__ import annotations

from collections.abc import Callable

from medalist.pipelines.features.frames.conditions import join_of
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.joins import (
    Join,
    grouped,
    of_groups,
    table_key,
    table_numbers,
)
from medalist.pipelines.features.frames.keys import Key
from medalist.pipelines.features.language.expression import Feature
from medalist.pipelines.features.language.operator import Operator, Output
from medalist.pipelines.features.lazy import np


def _numbers(frame: Frame, feature: Feature) -> tuple[Join, np.ndarray, np.ndarray]:
    """The join, and the groups (r,) and numbers (r,) of the further table's rows that have both a key and a number."""
    join = join_of(frame, feature)
    values = join.of_table(table_numbers(frame, feature.args[0]))
    present = (join.other >= 0) & ~np.isnan(values)
    if present.all():
        return join, join.other, values
    return join, join.other[present], values[present]


def _categories(frame: Frame, feature: Feature) -> tuple[Join, Key]:
    """The join, and the values of the further table's column as a key over the join's rows."""
    join, key = join_of(frame, feature), table_key(frame, feature.args[0])
    return join, Key(join.of_table(key.codes), key.size, key.missing)


def mean(frame: Frame, feature: Feature) -> np.ndarray:
    """Mean of a further table's number over its rows with this key."""
    join, codes, values = _numbers(frame, feature)
    count, sums = np.bincount(codes, minlength=join.size), np.bincount(codes, values, minlength=join.size)
    return join.to_rows(np.where(count > 0, sums / np.maximum(count, 1), np.nan))


def total(frame: Frame, feature: Feature) -> np.ndarray:
    """Sum of a further table's number over its rows with this key; 0 where there are none."""
    join, codes, values = _numbers(frame, feature)
    return join.to_rows(np.bincount(codes, values, minlength=join.size), 0.0)


def std(frame: Frame, feature: Feature) -> np.ndarray:
    """Standard deviation of a further table's number over its rows with this key; missing where fewer than two."""
    join, codes, values = _numbers(frame, feature)
    count, sums = np.bincount(codes, minlength=join.size), np.bincount(codes, values, minlength=join.size)
    squares = np.bincount(codes, (values - (sums / np.maximum(count, 1))[codes]) ** 2, minlength=join.size)
    return join.to_rows(np.where(count > 1, np.sqrt(squares / np.maximum(count - 1, 1)), np.nan))


def _extreme(frame: Frame, feature: Feature, choose: np.ufunc) -> np.ndarray:
    """(n,) the smallest or largest of the values with each row's key; `choose` is np.fmin or np.fmax."""
    join = join_of(frame, feature)
    rows, values = grouped(frame, join), join.of_table(table_numbers(frame, feature.args[0]))
    if not len(rows.order):
        return np.full(frame.n, np.nan)
    return join.to_rows(of_groups(join, rows, choose.reduceat(values[rows.order], rows.first)))


def smallest(frame: Frame, feature: Feature) -> np.ndarray:
    """Smallest value of a further table's number over its rows with this key."""
    return _extreme(frame, feature, np.fmin)


def largest(frame: Frame, feature: Feature) -> np.ndarray:
    """Largest value of a further table's number over its rows with this key."""
    return _extreme(frame, feature, np.fmax)


def median(frame: Frame, feature: Feature) -> np.ndarray:
    """Median of a further table's number over its rows with this key."""
    node, join = feature.args[0], join_of(frame, feature)
    numbers, ranks = frame.cached(("ranks", node), lambda: np.unique(table_numbers(frame, node), return_inverse=True))
    present = (join.other >= 0) & ~np.isnan(join.of_table(table_numbers(frame, node)))
    codes, size = join.other[present], max(len(numbers), 1)
    places = np.sort(codes * size + join.of_table(ranks)[present])  # by group, then by number: far faster than lexsort
    count = np.bincount(codes, minlength=join.size)
    at = np.cumsum(count) - count + np.maximum(count - 1, 0) / 2
    values = np.append(numbers[places % size] if len(numbers) else numbers, np.nan)
    middle = (values[np.floor(at).astype(np.int64)] + values[np.ceil(at).astype(np.int64)]) / 2
    return join.to_rows(np.where(count > 0, middle, np.nan))


def count(frame: Frame, feature: Feature) -> np.ndarray:
    """How many rows of a further table with this key have a value in the column; 0 where there are none."""
    join, key = _categories(frame, feature)
    present = (join.other >= 0) & (key.codes != key.missing)
    return join.to_rows(np.bincount(join.other[present], minlength=join.size), 0.0)


def distinct(frame: Frame, feature: Feature) -> np.ndarray:
    """How many different values a column of a further table has over its rows with this key."""
    join, key = _categories(frame, feature)
    groups, _, _ = _pair_counts(join, key)
    matched = np.bincount(join.other[join.other >= 0], minlength=join.size) > 0
    return join.to_rows(np.where(matched, np.bincount(groups, minlength=join.size), np.nan))


def mode(frame: Frame, feature: Feature) -> np.ndarray:
    """Most frequent value of a further table's column over its rows with this key; the first in order of ties."""
    join, key = _categories(frame, feature)
    groups, values, counts = _pair_counts(join, key)
    order = np.lexsort((-values, counts, groups))  # the last assignment of a group wins
    modes = np.full(join.size, np.nan)
    modes[groups[order]] = values[order]
    return join.to_rows(modes)


def _pair_counts(join: Join, key: Key) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(p,) groups, (p,) value codes and (p,) numbers of rows of the p pairs of a group and a value that occur."""
    present = (join.other >= 0) & (key.codes != key.missing)
    pairs, size = join.other[present] * key.size + key.codes[present], max(key.size, 1)
    if join.size * size <= 8 * len(pairs) + 1024:
        occurring = np.bincount(pairs, minlength=join.size * size)
        at = np.flatnonzero(occurring)
        return at // size, at % size, occurring[at]
    found, counts = np.unique(pairs, return_counts=True)
    return found // size, found % size, counts


def value(frame: Frame, feature: Feature) -> np.ndarray:
    """The number of the first row of a further table with this key; missing where it is missing there."""
    join = join_of(frame, feature)
    return join.to_rows(_of_first(join, join.of_table(table_numbers(frame, feature.args[0]))))


def label(frame: Frame, feature: Feature) -> np.ndarray:
    """The category of the first row of a further table with this key."""
    join, key = _categories(frame, feature)
    return join.to_rows(_of_first(join, np.where(key.codes == key.missing, np.nan, key.codes)))


def _of_first(join: Join, values: np.ndarray) -> np.ndarray:
    """(size,) the value of the first row of each group, from `values` (m,); NaN where a group has none."""
    rows = np.flatnonzero(join.other >= 0)[::-1]
    first = np.full(join.size, np.nan)
    first[join.other[rows]] = values[rows]  # in reverse order, so that the first row wins
    return first


def _aggregate(
    compute: Callable[..., np.ndarray], gives: Output, words: str, example: str, *, proposed: bool = False
) -> Operator:
    return Operator("transductive", ("table",), gives, compute, words, example, grouped=True, proposed=proposed)


_OVER, _IN_FIRST = " over the rows of {matching}", " in the first row of {matching}"
OPERATORS = {  # the search tries them in this order
    "table.mean": _aggregate(mean, "number", "mean of {0}" + _OVER, "mean(orders.amount) by shop", proposed=True),
    "table.sum": _aggregate(total, "number", "sum of {0}" + _OVER, "sum(orders.amount) by shop", proposed=True),
    "table.min": _aggregate(
        smallest, "number", "smallest value of {0}" + _OVER, "min(orders.amount) by guest, orders.buyer", proposed=True
    ),
    "table.max": _aggregate(
        largest, "number", "largest value of {0}" + _OVER, "max(orders.amount) by shop", proposed=True
    ),
    "table.std": _aggregate(
        std, "number", "standard deviation of {0}" + _OVER, "std(orders.amount) by shop", proposed=True
    ),
    "table.median": _aggregate(
        median, "number", "median of {0}" + _OVER, "median(orders.amount) by shop", proposed=True
    ),
    "table.value": _aggregate(
        value, "number", "{0}" + _IN_FIRST, "value(orders.amount) by guest, orders.buyer", proposed=True
    ),
    "table.count": _aggregate(count, "number", "number of known values of {0}" + _OVER, "count(orders.kind) by shop"),
    "table.distinct": _aggregate(
        distinct, "number", "number of different values of {0}" + _OVER, "distinct(orders.kind) by shop"
    ),
    "table.mode": _aggregate(mode, "category", "most frequent value of {0}" + _OVER, "mode(orders.kind) by shop"),
    "table.label": _aggregate(label, "category", "{0} as a category" + _IN_FIRST, "label(orders.kind) by shop"),
}
