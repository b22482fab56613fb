"""The order of day and month that a description says, or that other columns of a table show, such as weekdays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from medalist.competitions.columns.dates import is_text
from medalist.competitions.columns.written_dates import month_number

_LEAST = 20  # distinct dates that are needed
_SAMPLED = 20_000  # rows that are looked at
_MOST_COLUMNS = 200
_MOST_VALUES = 366
_AGREE = 0.99  # share of the rows in which a column must agree with the dates
_NAMES = {
    "month": re.compile(r"(?:^|[^a-z])(?:month|monat|mois|mes|mese|mo|mm|mon)(?:[^a-z]|$)", re.IGNORECASE),
    "day": re.compile(r"(?:^|[^a-z])(?:day|tag|jour|dia|giorno|dd|dom)(?:[^a-z]|$)", re.IGNORECASE),
}

_SIGN = r"\s*[-/.,\s]\s*"
_DAY_SAID = re.compile(
    rf"\bday{_SIGN}month{_SIGN}year|\bd{{1,2}}[-/. ]m{{1,2}}[-/. ]y{{1,4}}|%d.%[mb].%[yY]|\bday[- ]first|"
    r"\bday (?:comes |is )?before (?:the )?month|\bT{1,2}[-/.]M{1,2}[-/.]J{1,4}|\btag.monat.jahr|\bjj[/.-]mm[/.-]a{2,4}"
    r"|european (?:date|day)",
    re.IGNORECASE,
)
_MONTH_SAID = re.compile(
    rf"\bmonth{_SIGN}day{_SIGN}year|\bm{{1,2}}[-/. ]d{{1,2}}[-/. ]y{{1,4}}|%m.%d.%[yY]|\bmonth[- ]first|"
    r"\bmonth (?:comes |is )?before (?:the )?day|\b(?:american|us) (?:date|day)",
    re.IGNORECASE,
)
_SHOWN = re.compile(r"(?<![\d/.-])(\d{1,2})([/.-])(\d{1,2})\2(?:\d{4}|\d{2})(?![\d/-])")


def order_said(description: str) -> bool | None:
    """Whether a description says that days are before months, in words or by an example; None where it does not say."""
    day, month = _DAY_SAID.search(description) is not None, _MONTH_SAID.search(description) is not None
    if day != month:
        return day
    if day:
        return None
    first = [(int(a) > 12, int(b) > 12) for a, _, b in _SHOWN.findall(description)]
    shown = {a for a, b in first if a != b}
    return shown.pop() if len(shown) == 1 else None


def order_beside(dates: Mapping[bool, np.ndarray], frame: pd.DataFrame, skip: str) -> tuple[bool, str] | None:
    """(whether days are before months, the column that shows it), or None where no column does.

    `dates`: (n,) datetime64 of the rows of `frame` by either order. A column shows the order where it agrees with the
    dates in it and not in the other one: it is the weekday or depends on it alone, or it is the month's name or number,
    the day, the quarter, the week or the day of the year. `skip`: the column of the dates.
    """
    rows = np.flatnonzero(~np.isnat(dates[True]) & ~np.isnat(dates[False]))[:_SAMPLED]
    times = {order: pd.Series(axis[rows]) for order, axis in dates.items()}
    if times[True].nunique() < _LEAST:
        return None
    for name in [c for c in frame.columns if str(c) != skip][:_MOST_COLUMNS]:
        values = frame[name].iloc[rows].reset_index(drop=True)
        if not 2 <= values.iloc[:2000].nunique() <= _MOST_VALUES:
            continue
        agree = {order: any(_agreements(values, times[order], str(name))) for order in (True, False)}
        if agree[True] != agree[False]:
            return agree[True], str(name)
    return None


def _agreements(values: pd.Series, times: pd.Series, name: str) -> Iterator[bool]:
    """Whether a column agrees with the dates, in each of the ways in which it may."""
    part = times.dt
    yield _depends(values, part.day_of_week)
    if is_text(values):
        words = {word: month_number(str(word)) for word in pd.unique(values.dropna())}
        if all(map(np.isfinite, words.values())):
            yield _equal(values.map(words), part.month)
        numbered = values.astype(str).str.extract(r"^(?:Q|q)\s?([1-4])$")[0]
        yield _equal(pd.to_numeric(numbered), part.quarter)
    elif pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        numbers = values.astype(float)
        yield _equal(numbers, part.day_of_year)
        yield _equal(numbers, part.isocalendar().week)
        yield _equal(numbers, part.quarter)
        if _NAMES["month"].search(name):
            yield _equal(numbers, part.month)
        elif _NAMES["day"].search(name):
            yield _equal(numbers, part.day)


def _equal(numbers: pd.Series, part: pd.Series) -> bool:
    present = numbers.notna()
    if present.sum() < 0.9 * len(numbers):
        return False
    return float((numbers[present].astype(float) == part[present].astype(float)).mean()) >= _AGREE


def _depends(values: pd.Series, weekdays: pd.Series) -> bool:
    """Whether a column has the same value on each weekday, and not one value alone."""
    codes = pd.factorize(values)[0]
    table = pd.crosstab(weekdays.to_numpy(), codes)
    if len(table) < 3 or not 2 <= (table.sum() > 0).sum() <= 7:
        return False
    usual = table.to_numpy()
    return bool(usual.max(axis=1).sum() >= _AGREE * len(codes) and np.ptp(usual.argmax(axis=1)) > 0)
