"""Time in several columns, such as year and month, or a date and an hour: which columns together say how test lies to
train, where none does alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medalist.competitions.columns.date_parts import MADE
from medalist.competitions.columns.dates import time_axes
from medalist.competitions.columns.time_order import may_be_time, time_relation
from medalist.competitions.columns.time_parts import may_be_base, part_numbers, part_roles

_SAMPLED = 200_000  # rows of a table that are looked at
_CHANCE = 1e-6  # largest probability that rows drawn at random would all be later than the others
_CHAINS = (  # parts below a year, coarse to fine
    ("month", "day", "hour", "minute"), ("yearday", "hour", "minute"), ("week",), ("quarter",), ("half",), ("round",),
)  # fmt: skip
_OF_SEASONS = (("round",), ("half",))  # parts below a season, whose months are those of two years
_SOME_YEAR = 2000  # of months and days without a year: a leap year
_HOURS = ("hour", "minute")


@dataclass(frozen=True)
class TimeColumn:
    """A column of dates in ISO 8601 made of several `parts`: its `name`, its values in train and test, and a `note`."""

    name: str
    parts: tuple[str, ...]
    train: pd.Series
    test: pd.Series
    note: str


def time_in_columns(train: pd.DataFrame, test: pd.DataFrame, skip: Collection[str] = ()) -> TimeColumn | None:
    """The column of dates that several columns make together, where test lies after train in it, or both alternate in
    long stretches, and no single column says so; else None. `skip`: columns that are no parts, such as targets."""
    shared = [c for c in train.columns if c in test.columns and c not in set(skip)]
    if _by_chance(len(train), len(test)) > _CHANCE or not any(may_be_base(train[c].iloc[:100], str(c)) for c in shared):
        return None
    some = [_part_of(frame) for frame in (train, test)]
    roles = {name: part_roles(some[0][name], some[1][name], str(name)) for name in shared}
    best: tuple[tuple[bool, int], tuple[str, ...], tuple[str, ...]] | None = None
    for kinds, names in _combinations(roles):
        axes = [_times(frame, kinds, names) for frame in some]
        if axes[0] is None or axes[1] is None:
            continue
        relation = time_relation(axes[0], axes[1])
        if relation is None:
            continue
        rank = (relation == "time", len(np.unique(axes[0])))
        if best is None or rank > best[0]:
            best = rank, kinds, names
    if best is None or _single(some[0], some[1], shared):
        return None
    _, kinds, names = best
    clock = any(kind in _HOURS for kind in kinds)
    column = MADE + "_".join(names)
    while column in train or column in test:
        column += "_"
    made = [_iso(_times(frame, kinds, names), clock, column, frame.index) for frame in (train, test)]
    shown = " and ".join(f"{name} {train[name].iloc[0]}" for name in names)
    together = " and ".join(map(repr, names))
    remark = ", a week for each round" if "round" in kinds else ""
    remark += f", in the year {_SOME_YEAR} for want of one" if kinds[0] == "month" else ""
    note = (
        f"no single column says when test was, but {together} do together: {column!r} holds their dates ({shown} is "
        f"{made[0].iloc[0]}{remark})."
    )
    return TimeColumn(column, names, made[0], made[1], note)


def with_time_column(
    train: pd.DataFrame, test: pd.DataFrame, skip: Collection[str] = ()
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...]]:
    """(train, test, notes): both tables with the column of `time_in_columns` after its parts, where there is one."""
    found = time_in_columns(train, test, skip)
    if found is None:
        return train, test, ()
    tables = []
    for frame, column in ((train, found.train), (test, found.test)):
        place = 1 + max(int(frame.columns.get_loc(part)) for part in found.parts)  # type: ignore[arg-type]
        frame = frame.copy(deep=False)
        frame.insert(place, found.name, column)
        tables.append(frame)
    return tables[0], tables[1], (found.note,)


def _by_chance(n: int, n_test: int) -> float:
    """The probability that `n_test` rows drawn at random from all are the latest ones."""
    return math.exp(math.lgamma(n + 1) + math.lgamma(n_test + 1) - math.lgamma(n + n_test + 1))


def _part_of(frame: pd.DataFrame) -> pd.DataFrame:
    step = max(1, len(frame) // _SAMPLED)
    return frame.iloc[::step] if step > 1 else frame


def _combinations(roles: dict[str, tuple[str, ...]]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """(parts, columns) of all combinations of a year or a date, or a month where there is neither, with finer parts."""
    having: Callable[[str], list[str]] = lambda role: [name for name, found in roles.items() if role in found]  # noqa: E731

    def longer(kinds: tuple[str, ...], names: tuple[str, ...], rest: tuple[str, ...]) -> Iterator:
        if len(names) > 1:
            yield kinds, names
        if rest:
            for name in having(rest[0])[:4]:
                if name not in names:
                    yield from longer((*kinds, rest[0]), (*names, name), rest[1:])

    for year in having("year")[:4]:
        for chain in _CHAINS:
            yield from longer(("year",), (year,), chain)
    for season in having("season")[:4]:
        for chain in _OF_SEASONS:
            yield from longer(("season",), (season,), chain)
    if not having("year") and not having("date"):
        for month in having("month")[:4]:
            yield from longer(("month",), (month,), _CHAINS[0][1:])
    for date in having("date")[:4]:
        yield from longer(("date",), (date,), _HOURS)


def _times(frame: pd.DataFrame, kinds: tuple[str, ...], names: tuple[str, ...]) -> np.ndarray | None:
    """The times that the columns make, (n,) float64 in days since 1970, or None where one of them does not exist."""
    part = {}
    for kind, name in zip(kinds, names, strict=True):
        values = frame[name]
        if kind == "date":
            axis = time_axes(values, values.iloc[:0])[0]
            part[kind] = axis[0] if axis is not None else np.full(len(frame), np.nan)
        else:
            part[kind] = part_numbers(values, kind)
    if not all(np.isfinite(values).all() for values in part.values()):
        return None
    if "date" in part:
        days = part["date"]
    else:
        one = np.ones(len(frame))
        month = part.get("month", 3 * part.get("quarter", one) - 2 + 6 * (part.get("half", one) - 1))
        year = part.get("year", part.get("season", _SOME_YEAR * one))
        first = ((year - 1970) * 12 + month - 1).astype(np.int64).astype("datetime64[M]")
        day = first.astype("datetime64[D]") + (part.get("day", np.ones(len(frame))) - 1).astype("timedelta64[D]")
        if (day.astype("datetime64[M]") != first).any():  # 30 February: the third part is no day
            return None
        days = day.astype(np.int64).astype(float)
        if "yearday" in part:
            days = days + part["yearday"] - 1
        if "round" in part:
            days = days + 7 * (part["round"] - 1)
        if "week" in part:  # the Monday of the ISO week
            fourth = days + 3
            days = fourth - (fourth + 3) % 7 + 7 * (part["week"] - 1)
    return days + part.get("hour", 0.0) / 24 + part.get("minute", 0.0) / 1440


def _single(train: pd.DataFrame, test: pd.DataFrame, shared: list[str]) -> bool:
    """Whether a single column says how test lies to train."""
    for name in shared:
        if may_be_time(train[name], str(name)):
            parts = time_axes(train[name], test[name])
            if parts[0] is not None and parts[1] is not None and time_relation(parts[0][0], parts[1][0]):
                return True
    return False


def _iso(days: np.ndarray | None, clock: bool, name: str, index: pd.Index) -> pd.Series:
    """Days since 1970 as text in ISO 8601."""
    if days is None:
        return pd.Series(None, index=index, name=name, dtype=object)
    times = pd.Series(np.round(days * 86_400).astype(np.int64).astype("datetime64[s]"), index=index, name=name)
    return times.dt.strftime("%Y-%m-%d %H:%M:%S" if clock else "%Y-%m-%d")
