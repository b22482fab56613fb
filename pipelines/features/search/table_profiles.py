"""What the rows of a further table offer to candidates: numbers, categories, orders, and conditions worth a look."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.joins import keys_joined, table_numbers
from medalist.pipelines.features.frames.ordering import times
from medalist.pipelines.features.language.conditions import BEFORE
from medalist.pipelines.features.language.expression import Column, Condition, Node, feature
from medalist.pipelines.features.schema import USES, Schema

MOST_NUMBERS = 24  # numbers of a table that are aggregated under conditions or in expressions, at most
MOST_LEVELS = 30  # distinct values of a category of which single ones are looked at
FEW_NUMBERS = 12  # distinct whole numbers that are looked at one by one
LEVELS_EACH, LEAST_LEVEL = 6, 0.01  # values of one category, at most, and the share of rows of each, at least
UNTIED = 0.9  # distinct pairs of a key and a value per row, from which on a column orders the rows of a key
MOST_ORDERS = 2
DAYS = (1, 3, 7, 14, 30, 60, 90, 180, 365, 730)  # lengths of windows in time
UNITS = (1, 2, 3, 6, 12, 24, 30, 60, 90, 180, 365, 730)  # the same for times that are numbers, such as months
MOST_WINDOWS = 5
PROFILE_ROWS = 100_000  # rows of a table of which values are counted


@dataclass(frozen=True)
class Joined:
    """A further table with the keys by which it is joined.

    by: the keys after `by`. keys: those of them that are its columns, by name. once: whether it has one row for each
    value of these. where: conditions that every aggregate needs, since later rows would tell too much. numbers,
    categories, dates: its columns by use. orders: dates, and numbers that put the rows of a key in order. levels:
    conditions on single values of categories; windows: on the time before a row, or before what the table counts its
    time from. own_dates: dates of train and test.
    """

    table: str
    by: tuple[Node, ...]
    keys: tuple[str, ...]
    once: bool
    where: tuple[Condition, ...]
    numbers: tuple[Column, ...]
    categories: tuple[Column, ...]
    dates: tuple[Column, ...]
    orders: tuple[Column, ...] = ()
    levels: tuple[Condition, ...] = ()
    windows: tuple[Condition, ...] = ()
    own_dates: tuple[Column, ...] = ()

    @property
    def key(self) -> Column:
        """The column whose values are counted to count rows."""
        return Column(self.keys[0], self.table)


def profile(
    frame: Frame,
    schema: Schema,
    table: str,
    by: tuple[Node, ...],
    keys: tuple[str, ...],
    own_dates: tuple[Column, ...],
    ids: Collection[str],
) -> Joined:
    """The profile of a further table that is joined by these keys. own_dates: date columns of train and test. ids: the
    rows' own, whose counterparts are no numbers, as little as keys by which tables refer to each other."""
    rows, kinds = frame.table(table), schema.tables[table]
    referring = {b for a, b in schema.keys_of(table) if a in ids}
    referring |= {key for links in schema.links.values() for _, owner, key in links if owner == table}
    referring |= {column for column, _, _ in schema.links.get(table, ())}
    names = [name for name in kinds if name not in keys and name not in referring]
    numbers = tuple(Column(n, table) for n in names if "number" in USES[kinds[n]] and kinds[n] != "instant")
    dates = tuple(Column(n, table) for n in names if "date" in USES[kinds[n]])
    categories = tuple(Column(n, table) for n in names if "text" in USES[kinds[n]])
    once = keys in schema.lookups.get(table, ())
    where: tuple[Condition, ...] = ()
    if table in schema.times:
        own, column = schema.times[table]
        where = (Condition(Column(column, table), BEFORE, Column(own)),)
    if once:
        return Joined(table, by, keys, once, where, numbers, categories, dates)
    some = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), PROFILE_ROWS)).astype(int))]
    counters = _counters(rows, some, numbers, keys)
    windows = [c for own in own_dates for date in dates for c in _windows(frame, by, own, date)]
    windows += [c for column in counters for c in _since(some[column.name], column)]
    levels = [c for column in (*categories, *numbers) for c in _levels(some[column.name], column)]
    return Joined(
        table,
        by,
        keys,
        once,
        where,
        numbers,
        categories,
        dates,
        tuple([*dates, *counters][:MOST_ORDERS]),
        tuple(levels),
        tuple(windows),
        own_dates if dates else (),
    )


def _whole(values: pd.Series) -> bool:
    present = values.dropna()
    if pd.api.types.is_bool_dtype(values.dtype) or not pd.api.types.is_numeric_dtype(values.dtype) or present.empty:
        return False
    return pd.api.types.is_integer_dtype(values.dtype) or not (present.to_numpy(np.float64) % 1).any()


def _counters(
    rows: pd.DataFrame, some: pd.DataFrame, numbers: tuple[Column, ...], keys: tuple[str, ...]
) -> list[Column]:
    """Whole numbers that put the rows of a key in order: of several values, which hardly repeat with a key, and do over
    all rows; those below 0, which count back from something, first."""
    found: list[tuple[bool, Column]] = []
    for column in numbers:
        values = some[column.name]
        if not _whole(values) or not FEW_NUMBERS / 2 < values.nunique() < 0.2 * len(values):
            continue
        pairs = rows[[*keys, column.name]].dropna()
        if len(pairs) and 1 - pairs.duplicated().mean() >= UNTIED:
            found.append((not bool((values.dropna() <= 0).all()), column))
    return [column for _, column in sorted(found, key=lambda f: f[0])]


def _levels(values: pd.Series, column: Column) -> list[Condition]:
    """Conditions on the frequent values of a column of few."""
    numeric = pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)
    if numeric and not _whole(values):
        return []
    shares = values.value_counts(normalize=True)
    if not 2 <= len(shares) <= (FEW_NUMBERS if numeric else MOST_LEVELS):
        return []
    frequent = [value for value, share in shares.items() if share >= LEAST_LEVEL][:LEVELS_EACH]
    return [Condition(column, "=", int(v) if numeric else str(v)) for v in frequent]  # type: ignore[call-overload]


def _since(values: pd.Series, column: Column) -> list[Condition]:
    """Conditions on the latest of a time that counts back from something, or on the first of one that counts up."""
    present = values.dropna().to_numpy(np.float64)
    if (present <= 0).all():
        return [Condition(column, ">=", -width) for width in _between(-present, UNITS)]
    return [Condition(column, "<=", width) for width in _between(present, UNITS)] if (present >= 0).all() else []


def _windows(frame: Frame, by: tuple[Node, ...], own: Column, date: Column) -> list[Condition]:
    """Windows before a row's own date, of lengths that hold some of the table's rows and not almost all."""
    try:
        join = keys_joined(frame, feature("count", date, by=by))
        own_times, unit = times(frame, own)
        instants = table_numbers(frame, date)
    except PipelineError:
        return []
    of_group = np.full(join.size + 1, np.nan)
    of_group[join.main] = own_times
    of_group[-1] = np.nan
    ages = (of_group[join.other] - instants) / unit
    ages = ages[ages > 0]
    if not len(ages):
        return []
    return [Condition(date, BEFORE, own), *(Condition(date, BEFORE, own, width) for width in _between(ages, DAYS))]


def _between(ages: np.ndarray, widths: tuple[int, ...]) -> list[int]:
    """The lengths of windows that hold 2 % of (m,) ages and leave out 10 %, spread where they are many."""
    low, high = np.quantile(ages, [0.02, 0.9])
    inside = [w for w in widths if low <= w <= high]
    at = np.unique(np.linspace(0, len(inside) - 1, min(len(inside), MOST_WINDOWS)).astype(int))
    return [inside[i] for i in at] if inside else []
