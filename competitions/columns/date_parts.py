"""Columns that hold parts of the dates of another one, such as its year, its month, or its hour."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from medalist.competitions.columns.dates import is_text, parse_dates
from medalist.competitions.columns.written_dates import month_number

MADE = "date_of_"  # with which the name of a column begins that is made of parts
_ROWS = 2000  # that are compared
_SHARE = 0.98  # of them that must agree


def parts_of_dates(frame: pd.DataFrame, names: Iterable[str], column: str | None) -> frozenset[str]:
    """Those of the columns `names` of which `column` was made: their values are the year, quarter, month, week, day,
    hour, … or the date of its dates; none where it is another column of dates."""
    if column is None or not column.startswith(MADE) or column not in frame:
        return frozenset()
    some = frame.iloc[:_ROWS]
    dates = parse_dates(some[column])
    if dates is None or not dates.notna().any():
        return frozenset()
    parts = _parts(dates)
    return frozenset(name for name in names if name != column and _is_part(some[name], dates, parts))


def _parts(dates: pd.Series) -> dict[str, np.ndarray]:
    """The parts of dates as (n,) float64, NaN where missing; without those that do not vary."""
    of_date, week = dates.dt, dates.dt.isocalendar()
    clock = of_date.hour + of_date.minute / 60
    found = {
        "year": of_date.year, "quarter": of_date.quarter, "month": of_date.month, "day": of_date.day,
        "day of the year": of_date.day_of_year, "hour": of_date.hour, "clock": clock, "minute": of_date.minute,
        "week": week["week"], "year of the week": week["year"],
    }  # fmt: skip
    arrays = {name: part.to_numpy(dtype=float, na_value=np.nan) for name, part in found.items()}
    return {name: part for name, part in arrays.items() if np.nanmin(part) < np.nanmax(part)}


def _is_part(values: pd.Series, dates: pd.Series, parts: dict[str, np.ndarray]) -> bool:
    if is_text(values):
        own = parse_dates(values)
        if own is not None:
            return bool((own.dt.normalize() == dates.dt.normalize()).mean() >= _SHARE)
        shown = pd.unique(values.dropna())
        if not 1 < len(shown) <= 12 or "month" not in parts:
            return False
        numbers = values.map({word: month_number(str(word)) for word in shown}).to_numpy(dtype=float)
        return bool((numbers == parts["month"]).mean() >= _SHARE)
    if not pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype):
        return False
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    return any(bool((numbers == part).mean() >= _SHARE) for part in parts.values())
