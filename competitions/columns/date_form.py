"""Decides how the dates of a column of text are written: day and month in which order, with which time zones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medalist.competitions.columns.date_order import order_beside, order_said
from medalist.competitions.columns.dates import parse_dates
from medalist.competitions.columns.written_dates import Dates, form_of, forms_in, read_dates, two_parts

_FORMS_MOST = 3  # forms that one column may mix
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?")
_FIRST, _LAST = np.datetime64("1678-01-01"), np.datetime64("2262-01-01")  # what nanoseconds hold


@dataclass(frozen=True)
class DateForm:
    """How the dates of a column are written.

    `forms`: those of `written_dates`, each with whether the day is before the month; a text is read by the first that
    it fits. `zones`: offsets from UTC differ between rows.
    """

    forms: tuple[tuple[str, bool], ...]
    zones: bool = False

    def columns(self, values: pd.Series, name: str, taken: set[str]) -> dict[str, pd.Series]:
        """The column as text in ISO 8601, in local time, missing where it is no date; where offsets from UTC differ, a
        column of these in hours and one of the time in UTC too. `taken`: names that these may not have."""
        dates, codes = self.dates(values)
        made = {name: _iso(dates.local, dates.clock)[codes]}
        if self.zones:
            utc = dates.local - (np.nan_to_num(dates.offset) * 3.6e9).astype("timedelta64[us]")
            made[_free(f"{name}_utc", taken)] = _iso(utc, True)[codes]
            made[_free(f"{name}_utc_offset", taken)] = np.append(dates.offset, np.nan)[codes]
        return {key: pd.Series(column, index=values.index, name=key) for key, column in made.items()}

    def dates(self, values: pd.Series) -> tuple[Dates, np.ndarray]:
        """(the distinct values as dates, the place of each row's value among them, -1 where missing)."""
        codes, uniques = pd.factorize(values)
        return self.read(pd.Series(np.asarray(uniques, dtype=object), dtype=object).astype(str)), codes

    def read(self, texts: pd.Series) -> Dates:
        """Distinct texts as dates; those outside 1678 to 2261 are NaT."""
        local = np.full(len(texts), np.datetime64("NaT", "us"))
        offset, absent, clock = np.full(len(texts), np.nan), np.zeros(len(texts), dtype=bool), False
        for form, day_first in self.forms:
            dates = read_dates(texts, form, day_first)
            new = np.isnat(local) & ~np.isnat(dates.local)
            local[new], offset[new] = dates.local[new], dates.offset[new]
            absent |= dates.absent
            clock |= dates.clock and bool(new.any())
        out = (local < _FIRST) | (local >= _LAST)
        local[out] = np.datetime64("NaT")
        return Dates(local, offset, clock, absent | out)


@dataclass(frozen=True)
class DateDecision:
    """The form of a column and what to say of it. `rewrite`: whether the column is to be written anew in ISO 8601.
    `day_first`: the order that the values prove, None where they prove none."""

    form: DateForm
    rewrite: bool
    said: str
    day_first: bool | None


def plain_iso(texts: Iterable[str]) -> bool:
    """Whether all texts are dates in ISO 8601 without a time zone."""
    return all(_ISO.fullmatch(text) for text in texts)


def decide_dates(
    tables: Mapping[str, pd.Series],
    description: str = "",
    known: bool | None = None,
    beside: pd.DataFrame | None = None,
) -> DateDecision | None:
    """How the texts of one column, by table, are written as dates, or None where they are none.

    `known`: whether days are before months in other columns, None where these do not show it. `beside`: the table of
    train, whose other columns may show the order.
    """
    texts = pd.concat([series.dropna() for series in tables.values()], ignore_index=True).astype(object).astype(str)
    distinct = pd.Series(pd.unique(texts), dtype=object)
    names = _forms(distinct)
    if not names:
        return None
    proven: bool | None = None
    why, day_first = "", False
    if "two orders" in names:
        first, second, sign = two_parts(distinct)
        over = bool((first > 12).any()), bool((second > 12).any())
        if all(over):
            return None  # both orders stand in one column
        proven = over[0] if any(over) else None
        day_first, why = (over[0], "") if any(over) else _order(tables, names, sign, description, known, beside)
    form = DateForm(tuple((name, day_first) for name in names))
    dates = form.read(distinct)
    lost = np.isnat(dates.local) & ~dates.absent
    if float(lost.mean()) > 0.05 or len(np.unique(dates.local[~np.isnat(dates.local)])) < 2:
        return None
    zoned = np.isfinite(dates.offset)
    form = DateForm(form.forms, bool(zoned.any() and len(np.unique(dates.offset[zoned])) > 1))
    order = "day/month/year" if day_first else "month/day/year"
    rewrite = ("two orders" in names and day_first) or form.zones or not _same_as_before(tables, form)
    telling = DateForm((("two orders", day_first),)).read(distinct) if "two orders" in names else dates
    shown = distinct.iloc[int(np.flatnonzero(~np.isnat(telling.local) & ~np.isnat(dates.local))[0])]
    iso = _iso(dates.local[distinct.eq(shown).to_numpy()][:1], dates.clock)[0]
    said = ""
    if "two orders" in names and (day_first or why):
        said = f"is read as {order} ({shown} is {iso}){why}"
        said += ", in local time, with the offset from UTC and UTC beside it" if form.zones else ""
    elif rewrite and form.zones:
        said = "holds times with several offsets from UTC: the local time is kept, with the offset and UTC beside it"
    elif rewrite:
        said = f"is read as dates ({shown} is {iso})"
    missing = int((np.isnat(dates.local)).sum())
    if missing and said:
        said += f", {distinct[np.isnat(dates.local)].iloc[0]!r} as missing"
    return DateDecision(form, rewrite, said, proven)


def _forms(texts: pd.Series) -> list[str]:
    """The forms in which the texts are written, the most frequent ones first; [] unless they cover 95 %."""
    whole = form_of(texts)
    if whole:
        return [whole]
    return forms_in(texts, _FORMS_MOST)


def _order(
    tables: Mapping[str, pd.Series],
    names: list[str],
    sign: str,
    description: str,
    known: bool | None,
    beside: pd.DataFrame | None,
) -> tuple[bool, str]:
    """(whether days are before months, a clause that says why) where no value proves it."""
    said = order_said(description)
    if said is not None:
        return said, ", as the description says"
    if sign == ".":
        return True, ""
    read = {order: DateForm(tuple((name, order) for name in names)) for order in (True, False)}
    if beside is not None and "train" in tables:
        found = order_beside(
            {o: _times(form, tables["train"]) for o, form in read.items()}, beside, str(tables["train"].name)
        )
        if found is not None:
            return found[0], f", since only so does it agree with {found[1]!r}"
    if known is not None:
        return known, ", as in the other columns"
    axes = {order: {key: _axis(form, values) for key, values in tables.items()} for order, form in read.items()}
    later = {
        order: "test" in axis and _later(axis["train"], axis["test"]) for order, axis in axes.items() if "train" in axis
    }
    if len(set(later.values())) == 2:
        return later[True], ", since only so does test lie after train"
    rising = {order: np.mean([_rising(axis) for axis in by_table.values()]) for order, by_table in axes.items()}
    if max(rising.values()) >= 0.99 and min(rising.values()) < 0.95:
        return rising[True] > rising[False], ", since only so do the rows follow one another in time"
    return False, (
        ": nothing shows the order of day and month, and it could be day/month/year as well; "
        "a line such as 'Dates are written day/month/year.' in the description settles it"
    )


def _times(form: DateForm, values: pd.Series) -> np.ndarray:
    """The column as (n,) datetime64[us], NaT where missing."""
    dates, codes = form.dates(values)
    return np.append(dates.local, np.datetime64("NaT", "us"))[codes]


def _axis(form: DateForm, values: pd.Series) -> np.ndarray:
    """The column as (n,) float64 seconds, NaN where missing."""
    times = _times(form, values)
    seconds = times.astype("datetime64[s]").astype(np.int64).astype(float)
    seconds[np.isnat(times)] = np.nan
    return seconds


def _later(train: np.ndarray, test: np.ndarray) -> bool:
    """Whether test lies after train; its first time may be train's last."""
    train, test = train[np.isfinite(train)], test[np.isfinite(test)]
    if not len(train) or not len(test):
        return False
    last = train.max()
    return bool((test >= last).mean() >= 0.95 and (test == last).mean() <= 0.2)


def _rising(axis: np.ndarray) -> float:
    """The share of rows, 0 to 1, that are not before the row above them, or not after it."""
    steps = np.diff(axis[np.isfinite(axis)])
    return float(max((steps >= 0).mean(), (steps <= 0).mean())) if len(steps) else 0.0


def _same_as_before(tables: Mapping[str, pd.Series], form: DateForm) -> bool:
    """Whether `parse_dates` reads the same dates in each table."""
    for values in tables.values():
        present = pd.Series(pd.unique(values.dropna().astype(object)), dtype=object)
        parsed = parse_dates(present) if len(present) else present
        if parsed is None:
            return False
        ours = form.read(present.astype(str)).local
        theirs = parsed.to_numpy("datetime64[us]")
        if not bool(((ours == theirs) | (np.isnat(ours) & np.isnat(theirs))).all()):
            return False
    return True


def _iso(times: np.ndarray, clock: bool) -> np.ndarray:
    """(u + 1,) objects: the times in ISO 8601, days alone unless `clock`; None where missing, and as the last one."""
    read = pd.Series(times)
    parts = read.dt.microsecond.fillna(0).ne(0).any() if clock else False
    texts = read.dt.strftime("%Y-%m-%d" if not clock else "%Y-%m-%d %H:%M:%S.%f" if parts else "%Y-%m-%d %H:%M:%S")
    made = np.full(len(times) + 1, None, dtype=object)
    made[:-1] = texts.astype(object).where(texts.notna(), None).to_numpy(dtype=object)
    return made


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name
