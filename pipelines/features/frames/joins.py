"""Joins of further tables to the rows of train and test.

Keys are compared as numbers where one side holds numbers, as dates where one holds dates, else as text; a missing key
matches nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.conversion import dates_of, numbers_of, parsed_dates
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.keys import Key, key_of
from medalist.pipelines.features.frames.matching import common_codes
from medalist.pipelines.features.language.expression import Column, Feature
from medalist.pipelines.features.lazy import np, pd


class Join(NamedTuple):
    """Groups of equal keys over two tables.

    main: (n,) the group of each row of train and test. other: (m,) that of each row of the further table. Both are -1
    where a key is missing. size: number of groups.
    """

    main: np.ndarray
    other: np.ndarray
    size: int

    def to_rows(self, values: np.ndarray, nothing: float = float("nan")) -> np.ndarray:
        """(n,) the value of each row's group, from `values` (size,); `nothing` where the row's key is missing."""
        return np.append(np.asarray(values, dtype=np.float64), nothing)[self.main]


def _column(frame: Frame, column: Column) -> pd.Series:
    table = frame.table(column.table or "")
    if column.name not in table.columns:
        names = ", ".join(map(str, table.columns))
        raise PipelineError(f"The table {column.table} has no column {column.name!r}: use one of {names}.")
    return table[column.name]


def aggregated_column(feature: Feature) -> Column:
    """The column of a further table that a feature aggregates. PipelineError where its argument is not such."""
    column = feature.args[0]
    if not isinstance(column, Column) or column.table is None:
        raise PipelineError(f"{feature} takes one column of a further table, as in mean(orders.amount) by customer.")
    return column


def _pairs(frame: Frame, feature: Feature) -> list[tuple[pd.Series, pd.Series]]:
    """The key columns of train and test with their counterparts in the further table."""
    table = aggregated_column(feature).table
    row_keys = [k for k in feature.by if not (isinstance(k, Column) and k.table)]
    table_keys = [k for k in feature.by if isinstance(k, Column) and k.table]
    if table_keys and (len(table_keys) > 1 or len(row_keys) != 1 or table_keys[0].table != table):
        raise PipelineError(
            f"{feature} pairs its keys unclearly: give one key and one column of {table}, as in by key, {table}.key."
        )
    pairs = []
    for key in row_keys:
        other = table_keys[0] if table_keys else Column(key.name, table) if isinstance(key, Column) else None
        if other is None:
            raise PipelineError(f"{key} is no column of {table}: name its counterpart, as in by {key}, {table}.key.")
        if not table_keys and other.name not in frame.table(table or "").columns:
            raise PipelineError(
                f"The table {table} has no column {other.name!r} to join by: name its key, as in by {key}, {table}.key."
            )
        main = frame.column(key.name) if isinstance(key, Column) else pd.Series(frame.number(key))
        pairs.append((main, _column(frame, other)))
    return pairs


def join_of(frame: Frame, feature: Feature) -> Join:
    """The groups of equal keys by which a feature joins its further table to the rows of the frame."""

    def make() -> Join:
        main, other, size = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), 0
        for i, (row_values, table_values) in enumerate(_pairs(frame, feature)):
            a, b, count = _common_codes(row_values, table_values)
            if i:
                pairs = np.concatenate([_crossed(main, a, count), _crossed(other, b, count)])
                codes = np.full(len(pairs), -1)
                codes[pairs >= 0], uniques = pd.factorize(pairs[pairs >= 0])
                a, b, count = codes[: len(a)], codes[len(a) :], len(uniques)
            main, other, size = a, b, count
        return Join(main, other, size)

    return frame.cached(("join", aggregated_column(feature).table, feature.by), make)


def _crossed(a: np.ndarray, b: np.ndarray, size: int) -> np.ndarray:
    return np.where((a < 0) | (b < 0), -1, a * size + b)


def _common_codes(row_values: pd.Series, table_values: pd.Series) -> tuple[np.ndarray, np.ndarray, int]:
    """The `common_codes` of two columns, where one holds dates those of their dates."""
    if any(pd.api.types.is_datetime64_any_dtype(s.dtype) for s in (row_values, table_values)):
        a, b = pd.Series(dates_of(row_values)), pd.Series(dates_of(table_values))
        codes, dates = pd.factorize(pd.concat([a, b], ignore_index=True))
        return codes[: len(a)], codes[len(a) :], len(dates)
    return common_codes(row_values, table_values)


def table_numbers(frame: Frame, column: Column) -> np.ndarray:
    """(m,) the numbers of a further table's column; of dates in any form, seconds since 1970."""

    def make() -> np.ndarray:
        values = _column(frame, column)
        dates = parsed_dates(values)
        return numbers_of(values if dates is None else dates)

    return frame.cached(("table number", column), make)


def joined_numbers(frame: Frame, feature: Feature) -> tuple[Join, np.ndarray, np.ndarray]:
    """The join, and the groups (r,) and numbers (r,) of the further table's rows that have both a key and a number."""
    join, column = join_of(frame, feature), aggregated_column(feature)
    values = table_numbers(frame, column)
    present = (join.other >= 0) & ~np.isnan(values)
    return join, join.other[present], values[present]


def joined_categories(frame: Frame, feature: Feature) -> tuple[Join, Key]:
    """The join, and the values of the further table's column as a key over its m rows."""
    join, column = join_of(frame, feature), aggregated_column(feature)
    return join, frame.cached(("table key", column), lambda: key_of(_column(frame, column)))
