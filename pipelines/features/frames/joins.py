"""Joins of further tables to the rows of train and test.

Keys are compared as numbers where one side holds numbers, as dates where one holds dates, else as text; a missing key
matches nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.conversion import dates_of, numbers_of, parsed_dates
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.keys import Key, key_of
from medalist.pipelines.features.frames.matching import common_codes
from medalist.pipelines.features.language.expression import Column, Feature, Node, in_table
from medalist.pipelines.features.lazy import np, pd


class Join(NamedTuple):
    """Groups of equal keys over two tables.

    main: (n,) the group of each row of train and test. other: (m,) that of each row of the further table. Both are -1
    where a key is missing, other also where a row does not count. size: number of groups. rows: the positions in the
    further table of the m rows; None where they are all of it in its order. name: identifies the join in the cache.
    """

    main: np.ndarray
    other: np.ndarray
    size: int
    rows: np.ndarray | None
    name: Any

    def to_rows(self, values: np.ndarray, nothing: float = float("nan")) -> np.ndarray:
        """(n,) the value of each row's group, from `values` (size,); `nothing` where the row's key is missing."""
        return np.append(np.asarray(values, dtype=np.float64), nothing)[self.main]

    def of_table(self, values: np.ndarray) -> np.ndarray:
        """(m,) the values of the join's rows, from those of all rows of the further table."""
        return values if self.rows is None else values[self.rows]

    def only(self, at: np.ndarray) -> Join:
        """The join of the rows at some of its m positions alone."""
        return self._replace(other=self.other[at], rows=at if self.rows is None else self.rows[at])


class Grouped(NamedTuple):
    """Rows of a further table sorted by group, then by an order where there is one.

    order: (r,) positions of the sorted rows among those of the join. codes: (r,) the group of each. first, last: (g,)
    positions in `order` of the first and the last row of each group that has rows.
    """

    order: np.ndarray
    codes: np.ndarray
    first: np.ndarray
    last: np.ndarray


def table_column(frame: Frame, column: Column) -> pd.Series:
    """A column of a further table. PipelineError where there is none of that name."""
    table = frame.table(column.table or "")
    if column.name not in table.columns:
        names = ", ".join(map(str, table.columns))
        raise PipelineError(f"The table {column.table} has no column {column.name!r}: use one of {names}.")
    return table[column.name]


def _table_of(feature: Feature) -> str:
    """The further table that a feature aggregates. PipelineError where it aggregates none."""
    if feature.measured is None:
        raise PipelineError(f"{feature} takes one column of a further table, as in mean(orders.amount) by customer.")
    return feature.measured


def _pairs(frame: Frame, feature: Feature) -> list[tuple[pd.Series, pd.Series]]:
    """The key columns of train and test with their counterparts in the further table."""
    table = _table_of(feature)
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
        if not table_keys and other.name not in frame.table(table).columns:
            raise PipelineError(
                f"The table {table} has no column {other.name!r} to join by: name its key, as in by {key}, {table}.key."
            )
        main = frame.column(key.name) if isinstance(key, Column) else pd.Series(frame.number(key))
        pairs.append((main, table_column(frame, other)))
    return pairs


def keys_joined(frame: Frame, feature: Feature) -> Join:
    """The groups of equal keys over a feature's further table and the rows of the frame, whatever its conditions."""
    name = ("join", _table_of(feature), feature.by)

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
        join = Join(main, other, size, None, name)
        if frame.rows is None:
            return join
        present = np.zeros(size + 1, dtype=bool)  # of few rows, those of the table that belong to none are left out
        present[main] = True
        present[-1] = False
        return join.only(np.flatnonzero(present[other]))

    return frame.cached(name, make)


def _crossed(a: np.ndarray, b: np.ndarray, size: int) -> np.ndarray:
    return np.where((a < 0) | (b < 0), -1, a * size + b)


def _common_codes(row_values: pd.Series, table_values: pd.Series) -> tuple[np.ndarray, np.ndarray, int]:
    """The `common_codes` of two columns, where one holds dates those of their dates."""
    if any(pd.api.types.is_datetime64_any_dtype(s.dtype) for s in (row_values, table_values)):
        a, b = pd.Series(dates_of(row_values)), pd.Series(dates_of(table_values))
        codes, dates = pd.factorize(pd.concat([a, b], ignore_index=True))
        return codes[: len(a)], codes[len(a) :], len(dates)
    return common_codes(row_values, table_values)


def table_numbers(frame: Frame, node: Node) -> np.ndarray:
    """(m,) the numbers of a further table's column, or of a feature over its rows; of dates in any form, seconds since
    1970."""

    def make() -> np.ndarray:
        if isinstance(node, Feature):
            return frame.within(node.home or "").number(in_table(node, node.home or ""))
        assert isinstance(node, Column)
        values = table_column(frame, node)
        dates = parsed_dates(values)
        return numbers_of(values if dates is None else dates)

    return frame.cached(("table number", node), make)


def table_key(frame: Frame, node: Node) -> Key:
    """The values of a further table's column, or of a feature over its rows, as a key over its rows."""

    def make() -> Key:
        if isinstance(node, Feature):
            return frame.within(node.home or "").key(in_table(node, node.home or ""))
        assert isinstance(node, Column)
        return key_of(table_column(frame, node))

    return frame.cached(("table key", node), make)


def grouped(frame: Frame, join: Join, order: Node | None = None) -> Grouped:
    """The rows of a join that count, sorted by group, within them by the numbers of `order` (a missing one does not
    count) and then as they stand in the table."""

    def make() -> Grouped:
        counts = join.other >= 0
        if order is None:
            at = np.flatnonzero(counts)
            at = at[np.argsort(join.other[at], kind="stable")]
        else:
            values = join.of_table(table_numbers(frame, order))
            at = np.flatnonzero(counts & ~np.isnan(values))
            at = at[np.lexsort((values[at], join.other[at]))]
        return sorted_groups(at, join.other[at])

    return frame.cached(("grouped", join.name, order), make)


def sorted_groups(order: np.ndarray, codes: np.ndarray) -> Grouped:
    """Rows that are sorted already, with where their groups begin and end."""
    change = np.flatnonzero(codes[1:] != codes[:-1]) + 1 if len(codes) else np.zeros(0, dtype=np.int64)
    first = np.concatenate([np.zeros(min(len(codes), 1), dtype=np.int64), change])
    last = np.concatenate([change - 1, np.full(min(len(codes), 1), len(codes) - 1, dtype=np.int64)])
    return Grouped(order, codes, first, last)


def of_groups(join: Join, rows: Grouped, values: np.ndarray, nothing: float = float("nan")) -> np.ndarray:
    """(size,) a value for each group of a join, from those (g,) of the groups that have rows."""
    out = np.full(join.size, nothing)
    out[rows.codes[rows.first]] = values
    return out
