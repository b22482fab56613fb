"""Further tables: their rows with an equal key, aggregated and joined to the rows of train and test.

`mean(orders.amount) by customer` joins on the column of that name in both; where the further table names its key
otherwise, `mean(orders.amount) by customer, orders.buyer`. Keys are compared as numbers where one side holds numbers,
as dates where one holds dates, else as text; a missing key matches nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from medalist.competitions.columns.dates import parse_dates
from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frame import Frame, Key, dates_of, key_of, numbers_of
from medalist.pipelines.features.language.expression import Column, Feature
from medalist.pipelines.features.operators.base import Operator


class Join(NamedTuple):
    """Groups of equal keys: `main` (n,) of the rows of train and test, `other` (m,) of those of the further table, -1
    where a key is missing; there are `size` groups."""

    main: np.ndarray
    other: np.ndarray
    size: int

    def spread(self, values: np.ndarray, nothing: float = np.nan) -> np.ndarray:
        """(n,) a value of each group (size,), at each row of train and test."""
        return np.append(np.asarray(values, dtype=np.float64), nothing)[self.main]


def _column(frame: Frame, column: Column) -> pd.Series:
    table = frame.table(column.table or "")
    if column.name not in table.columns:
        known = ", ".join(map(str, table.columns))
        raise PipelineError(f"The table {column.table} has no column {column.name!r}: use one of {known}.")
    return table[column.name]


def _measured(feature: Feature) -> Column:
    column = feature.args[0]
    if not isinstance(column, Column) or column.table is None:
        raise PipelineError(f"{feature} takes one column of a further table, as in mean(orders.amount) by customer.")
    return column


def _pairs(frame: Frame, feature: Feature) -> list[tuple[pd.Series, pd.Series]]:
    """The key columns of train and test with their counterparts in the further table."""
    table = _measured(feature).table
    own = [k for k in feature.by if not (isinstance(k, Column) and k.table)]
    named = [k for k in feature.by if isinstance(k, Column) and k.table]
    if named and (len(named) > 1 or len(own) != 1 or named[0].table != table):
        raise PipelineError(
            f"{feature} pairs its keys unclearly: give one key and one column of {table}, as in by key, {table}.key."
        )
    pairs = []
    for key in own:
        other = named[0] if named else Column(key.name, table) if isinstance(key, Column) else None
        if other is None:
            raise PipelineError(f"{key} is no column of {table}: name its counterpart, as in by {key}, {table}.key.")
        if not named and other.name not in frame.table(table or "").columns:
            raise PipelineError(
                f"The table {table} has no column {other.name!r} to join by: name its key, as in by {key}, {table}.key."
            )
        main = frame.column(key.name) if isinstance(key, Column) else pd.Series(frame.number(key))
        pairs.append((main, _column(frame, other)))
    return pairs


def _join(frame: Frame, feature: Feature) -> Join:
    def make() -> Join:
        main, other, size = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), 0
        for i, (mine, theirs) in enumerate(_pairs(frame, feature)):
            a, b, count = _together(mine, theirs)
            if i:
                pairs = np.concatenate([_crossed(main, a, count), _crossed(other, b, count)])
                codes, uniques = pd.factorize(np.where(pairs < 0, np.nan, pairs))
                a, b, count = codes[: len(a)], codes[len(a) :], len(uniques)
            main, other, size = a, b, count
        return Join(main, other, size)

    return frame.shared(("join", _measured(feature).table, feature.by), make)


def _crossed(a: np.ndarray, b: np.ndarray, size: int) -> np.ndarray:
    return np.where((a < 0) | (b < 0), -1, a * size + b)


def _together(mine: pd.Series, theirs: pd.Series) -> tuple[np.ndarray, np.ndarray, int]:
    """Codes of equal values in both columns, -1 where missing, and their count."""
    if any(pd.api.types.is_datetime64_any_dtype(s.dtype) for s in (mine, theirs)):
        a, b = pd.Series(dates_of(mine)), pd.Series(dates_of(theirs))
        codes, dates = pd.factorize(pd.concat([a, b], ignore_index=True))
        return codes[: len(a)], codes[len(a) :], len(dates)
    (at, first), (other_at, second) = pd.factorize(mine), pd.factorize(theirs)
    if any(pd.api.types.is_numeric_dtype(s.dtype) and not pd.api.types.is_bool_dtype(s.dtype) for s in (mine, theirs)):
        values = pd.concat([_as_number(first), _as_number(second)], ignore_index=True)
    else:
        values = pd.Series([str(v).strip() for v in (*first, *second)], dtype=object)
    place, distinct_values = pd.factorize(values)
    return np.append(place[: len(first)], -1)[at], np.append(place[len(first) :], -1)[other_at], len(distinct_values)


def _as_number(values: pd.Index) -> pd.Series:
    """Numbers as they are, whole ones exactly; text read as numbers, NaN where it is none."""
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        return pd.Series(array)
    return pd.Series(array.astype(np.float64) if array.dtype.kind in "bf" else pd.to_numeric(array, errors="coerce"))


def _values(frame: Frame, column: Column) -> np.ndarray:
    """(m,) the numbers of a further table's column; of dates, however they are written, seconds since 1970."""

    def make() -> np.ndarray:
        values = _column(frame, column)
        dates = parse_dates(values)
        return numbers_of(values if dates is None else dates)

    return frame.shared(("table number", column), make)


def _numbers(frame: Frame, feature: Feature) -> tuple[Join, np.ndarray, np.ndarray]:
    """The join, and the codes and the known numbers of the further table's rows that have both."""
    join, column = _join(frame, feature), _measured(feature)
    values = _values(frame, column)
    known = (join.other >= 0) & ~np.isnan(values)
    return join, join.other[known], values[known]


def _categories(frame: Frame, feature: Feature) -> tuple[Join, Key]:
    join, column = _join(frame, feature), _measured(feature)
    return join, frame.shared(("table key", column), lambda: key_of(_column(frame, column)))


def mean(frame: Frame, feature: Feature) -> np.ndarray:
    """Mean of a further table's number over its rows with this key."""
    join, codes, values = _numbers(frame, feature)
    count, sums = np.bincount(codes, minlength=join.size), np.bincount(codes, values, minlength=join.size)
    return join.spread(np.where(count > 0, sums / np.maximum(count, 1), np.nan))


def total(frame: Frame, feature: Feature) -> np.ndarray:
    """Sum of a further table's number over its rows with this key; 0 where there are none."""
    join, codes, values = _numbers(frame, feature)
    return join.spread(np.bincount(codes, values, minlength=join.size), 0.0)


def std(frame: Frame, feature: Feature) -> np.ndarray:
    """Standard deviation of a further table's number over its rows with this key; missing where fewer than two."""
    join, codes, values = _numbers(frame, feature)
    count, sums = np.bincount(codes, minlength=join.size), np.bincount(codes, values, minlength=join.size)
    squares = np.bincount(codes, (values - (sums / np.maximum(count, 1))[codes]) ** 2, minlength=join.size)
    return join.spread(np.where(count > 1, np.sqrt(squares / np.maximum(count - 1, 1)), np.nan))


def _quantile(frame: Frame, feature: Feature, share: float) -> np.ndarray:
    """The value at a share of the way through the sorted rows with this key, half-way between two where it falls so."""
    join, codes, values = _numbers(frame, feature)
    order = np.lexsort((values, codes))
    values = np.append(values[order], np.nan)
    count = np.bincount(codes, minlength=join.size)
    at = np.cumsum(count) - count + np.maximum(count - 1, 0) * share
    middle = (values[np.floor(at).astype(np.int64)] + values[np.ceil(at).astype(np.int64)]) / 2
    return join.spread(np.where(count > 0, middle, np.nan))


def smallest(frame: Frame, feature: Feature) -> np.ndarray:
    """Smallest value of a further table's number over its rows with this key."""
    return _quantile(frame, feature, 0.0)


def largest(frame: Frame, feature: Feature) -> np.ndarray:
    """Largest value of a further table's number over its rows with this key."""
    return _quantile(frame, feature, 1.0)


def median(frame: Frame, feature: Feature) -> np.ndarray:
    """Median of a further table's number over its rows with this key."""
    return _quantile(frame, feature, 0.5)


def count(frame: Frame, feature: Feature) -> np.ndarray:
    """How many rows of a further table have this key and a known value of the column; 0 where there are none."""
    join, key = _categories(frame, feature)
    known = (join.other >= 0) & (key.codes != key.missing)
    return join.spread(np.bincount(join.other[known], minlength=join.size), 0.0)


def distinct(frame: Frame, feature: Feature) -> np.ndarray:
    """How many different known values a column of a further table has over its rows with this key."""
    join, key = _categories(frame, feature)
    groups, _, _ = _pair_counts(join, key)
    matched = np.bincount(join.other[join.other >= 0], minlength=join.size) > 0
    return join.spread(np.where(matched, np.bincount(groups, minlength=join.size), np.nan))


def mode(frame: Frame, feature: Feature) -> np.ndarray:
    """Most frequent known value of a further table's column over its rows with this key; the first in order of ties."""
    join, key = _categories(frame, feature)
    groups, values, times = _pair_counts(join, key)
    order = np.lexsort((-values, times, groups))  # the last of a group wins
    found = np.full(join.size, np.nan)
    found[groups[order]] = values[order]
    return join.spread(found)


def _pair_counts(join: Join, key: Key) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Group, value and number of rows of each pair of a group and a known value that occurs."""
    known = (join.other >= 0) & (key.codes != key.missing)
    pairs, times = np.unique(join.other[known] * key.size + key.codes[known], return_counts=True)
    return pairs // max(key.size, 1), pairs % max(key.size, 1), times


def value(frame: Frame, feature: Feature) -> np.ndarray:
    """The number of the first row of a further table with this key, known or not."""
    join, column = _join(frame, feature), _measured(feature)
    return join.spread(_first(join, _values(frame, column)))


def label(frame: Frame, feature: Feature) -> np.ndarray:
    """The category of the first row of a further table with this key."""
    join, key = _categories(frame, feature)
    return join.spread(_first(join, np.where(key.codes == key.missing, np.nan, key.codes)))


def _first(join: Join, values: np.ndarray) -> np.ndarray:
    rows = np.flatnonzero(join.other >= 0)[::-1]
    found = np.full(join.size, np.nan)
    found[join.other[rows]] = values[rows]  # the first is written last
    return found


OPERATORS = {
    "table.mean": Operator("transductive", ("table",), "number", mean, grouped=True),
    "table.sum": Operator("transductive", ("table",), "number", total, grouped=True),
    "table.std": Operator("transductive", ("table",), "number", std, grouped=True),
    "table.min": Operator("transductive", ("table",), "number", smallest, grouped=True),
    "table.max": Operator("transductive", ("table",), "number", largest, grouped=True),
    "table.median": Operator("transductive", ("table",), "number", median, grouped=True),
    "table.count": Operator("transductive", ("table",), "number", count, grouped=True),
    "table.distinct": Operator("transductive", ("table",), "number", distinct, grouped=True),
    "table.value": Operator("transductive", ("table",), "number", value, grouped=True),
    "table.label": Operator("transductive", ("table",), "category", label, grouped=True),
    "table.mode": Operator("transductive", ("table",), "category", mode, grouped=True),
}
