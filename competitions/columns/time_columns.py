"""Time in several columns, such as year and month, or a date and an hour: which columns together say how test lies to
train, where none does alone."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medalist.competitions.columns.dates import parse_dates, time_axes
from medalist.competitions.columns.time_order import may_be_time, time_relation
from medalist.competitions.columns.written_dates import month_number
from medalist.competitions.tables.dtypes import is_number, is_text

_SAMPLED = 200_000  # rows of a table that are looked at
_CHANCE = 1e-6  # largest probability that rows drawn at random would all be later than the others
_WORDS = {
    "year": r"year|yr|jahr|annee|année|anno|ano|año|rok",
    "month": r"month|mon|mth|monat|mois|mes|mese|mês",
    "quarter": r"quarter|qtr|quartal|trimestre|q",
    "week": r"week|wk|woche|kw|semaine|semana|settimana",
    "yearday": r"doy|day_?of_?(?:the_?)?year|year_?day|yday|dayofyear|julian|jour_?annee",
    "day": r"day|dom|day_?of_?(?:the_?)?month|mday|tag|jour|dia|día|giorno",
    "hour": r"hour|hr|hh|stunde|std|heure|hora|ora|time|uhrzeit|zeit|heure",
    "minute": r"minute|min",
}
_RANGES = {
    "year": (1900, 2150), "month": (1, 12), "quarter": (1, 4), "week": (1, 53), "yearday": (1, 366), "day": (1, 31),
    "hour": (0, 24), "minute": (0, 59),
}  # fmt: skip
_COVERED = {"month": 12, "quarter": 4, "week": 50, "yearday": 300, "day": 31, "hour": 24, "minute": 60}
_CHAINS = (  # parts below a year or a date, coarse to fine
    ("month", "day", "hour", "minute"), ("yearday", "hour", "minute"), ("week",), ("quarter",),
)  # fmt: skip
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
    if _by_chance(len(train), len(test)) > _CHANCE or not any(_may_be_base(train[c].iloc[:100]) for c in shared):
        return None
    some = [_part_of(frame) for frame in (train, test)]
    roles = {name: _roles(some[0][name], some[1][name], str(name)) for name in shared}
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
    column = "date_of_" + "_".join(names)
    while column in train or column in test:
        column += "_"
    made = [_iso(_times(frame, kinds, names), clock, column, frame.index) for frame in (train, test)]
    shown = " and ".join(f"{name} {train[name].iloc[0]}" for name in names)
    together = " and ".join(map(repr, names))
    note = (
        f"no single column says when test was, but {together} do together: {column!r} holds their dates ({shown} is "
        f"{made[0].iloc[0]})."
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


def _may_be_base(some: pd.Series) -> bool:
    """Whether some values of a column may be years or dates."""
    if is_text(some):
        return any(isinstance(value, str) and re.search(r"\d{4}", value) for value in some.tolist())
    if not is_number(some):
        return False
    numbers = some.to_numpy(dtype=float, na_value=np.nan)
    low, high = _RANGES["year"]
    return bool(((numbers >= low) & (numbers <= high)).all() or (numbers >= 19_000_101).all())


def _part_of(frame: pd.DataFrame) -> pd.DataFrame:
    step = max(1, len(frame) // _SAMPLED)
    return frame.iloc[::step] if step > 1 else frame


def _roles(train: pd.Series, test: pd.Series, name: str) -> tuple[str, ...]:
    """The parts of a time that a column may hold, by its values and, where these do not cover a part, by its name."""
    word = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    words = set(re.split(r"[^a-zà-ÿ]+", word)) | {word}
    if is_text(train):
        shown = next((str(value) for value in train.head(100).tolist() if isinstance(value, str)), "")
        if not np.isfinite(month_number(shown)) and not re.search(r"\d{4}", shown):
            return ()
        if _month_names(train) and _month_names(test):
            return ("month",)
        dates = parse_dates(train)
        whole = dates is not None and bool((dates.dropna() == dates.dropna().dt.normalize()).all())
        return ("date",) if whole and parse_dates(test) is not None else ()
    if not (is_number(train) and is_number(test)):
        return ()
    if not _may_be_part(train.iloc[:500].to_numpy(dtype=float, na_value=np.nan)):
        return ()
    both = np.concatenate([v.to_numpy(dtype=float, na_value=np.nan) for v in (train, test)])
    if not len(both) or not np.isfinite(both).all() or both.min() < 0:
        return ()
    if (both % 1).any():  # times of day in hours
        return ("hour",) if both.max() < 24 and words & {"time", "hour", "hours", "uhrzeit", "zeit", "clock"} else ()
    if both.min() >= 19_000_101 and parse_dates(train) is not None:
        return ("date",)
    found = []
    distinct = np.count_nonzero(np.bincount(both.astype(np.int64))) if both.max() <= _RANGES["year"][1] else 0
    for role, (low, high) in _RANGES.items():
        if not distinct or both.min() < low or both.max() > high:
            continue
        named = re.fullmatch(_WORDS[role], word) or any(re.fullmatch(f"(?:{_WORDS[role]})s?", w) for w in words)
        if role == "year" or named or distinct >= _COVERED[role]:
            found.append(role)
    return tuple(found)


def _may_be_part(numbers: np.ndarray) -> bool:
    """Whether some numbers of a column are of the size of years and parts of them, or of dates in digits."""
    if not np.isfinite(numbers).all() or (numbers < 0).any():
        return False
    return bool((numbers <= _RANGES["year"][1]).all() or (numbers >= 19_000_101).all())


def _month_names(values: pd.Series) -> bool:
    distinct = pd.unique(values.dropna())
    return 0 < len(distinct) <= 12 and is_text(values) and all(np.isfinite(month_number(str(v))) for v in distinct)


def _combinations(roles: dict[str, tuple[str, ...]]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """(parts, columns) of all combinations of a year or a date with finer parts."""
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
        elif is_text(values):
            part[kind] = values.map(lambda word: month_number(str(word))).to_numpy(dtype=float)
        else:
            part[kind] = values.to_numpy(dtype=float, na_value=np.nan)
    if not all(np.isfinite(values).all() for values in part.values()):
        return None
    if "date" in part:
        days = part["date"]
    else:
        month = part.get("month", 3 * part.get("quarter", np.ones(len(frame))) - 2)
        first = ((part["year"] - 1970) * 12 + month - 1).astype(np.int64).astype("datetime64[M]")
        day = first.astype("datetime64[D]") + (part.get("day", np.ones(len(frame))) - 1).astype("timedelta64[D]")
        if (day.astype("datetime64[M]") != first).any():  # 30 February: the third part is no day
            return None
        days = day.astype(np.int64).astype(float)
        if "yearday" in part:
            days = days + part["yearday"] - 1
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
