"""Dates in a column: which columns hold them, in whatever form, and the position of each row on the time axis."""

from __future__ import annotations

import numpy as np
import pandas as pd

from medalist.competitions.tables.dtypes import is_number, is_text

_SHAPE = (
    r"^\s*(?:\d{4}[-/.]\d{1,2}(?:[-/.]\d{1,2})?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{1,2}[- ][A-Za-z]{3,9}[-, ]+\d{2,4}"
    r"|[A-Za-z]{3,9} \d{1,2},? \d{4})(?:[T ].*)?$"
)
_DAYS = ("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y.%m.%d", "%m-%d-%Y", "%d-%m-%Y", "%m/%d/%y", "%d/%m/%y",
         "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%Y-%m",
         "%Y/%m")  # fmt: skip
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_NO_DATE = r"0{1,4}[-/. ]0{1,2}[-/. ]0{1,4}(?:[T ].*)?"
_FIRST, _LAST = pd.Timestamp("1678-01-01"), pd.Timestamp("2262-01-01")  # what nanoseconds hold
_DIGITS = (  # (least, most, format, least number of distinct values): fewer may be other numbers by chance
    (190_001, 210_012, "%Y%m", 6),
    (19_000_101, 21_001_231, "%Y%m%d", 1),
    (1_900_010_100, 2_100_123_123, "%Y%m%d%H", 6),
    (190_001_010_000, 210_012_312_359, "%Y%m%d%H%M", 4),
    (19_000_101_000_000, 21_001_231_235_959, "%Y%m%d%H%M%S", 4),
)
_SINCE_1970 = ((8e8, 4e9, 1.0), (8e11, 4e12, 1e3))  # ranges of times since 1970, from 1995 to 2096; units a second
_SECONDS_PER_DAY = 86_400.0


def parse_dates(values: pd.Series, sample: int = 300, share: float = 0.95) -> pd.Series | None:
    """The column as `datetime64` without time zone, NaT where missing, or None where it holds no dates.

    Dates are datetimes, strings in ISO 8601 or a usual national format (month first is tried before day first), and
    whole numbers yyyymm, yyyymmdd or yyyymmdd with a time of day; other numbers, such as years, are none. A column of
    strings is parsed only where at least the share `share` of `sample` values looks like dates, and it is None unless
    one format fits that share of all. Dates outside 1678 to 2261 are NaT.
    """
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return values.dt.tz_localize(None) if getattr(values.dt, "tz", None) is not None else values
    if pd.api.types.is_integer_dtype(values.dtype) or pd.api.types.is_float_dtype(values.dtype):
        return _parse_digits(values)
    if not is_text(values):
        return None
    present = values.dropna()
    if present.empty:
        return None
    probe = present.iloc[np.linspace(0, len(present) - 1, min(sample, len(present))).astype(int)].astype(str)
    if probe.str.match(_SHAPE).mean() < share:
        return None
    codes, uniques = pd.factorize(values)
    texts = pd.Series(np.asarray(uniques, dtype=object)).astype(str).str.strip()
    parsed = _parse_texts(texts, share)
    if parsed is None:
        return None
    times = np.append(parsed.to_numpy("datetime64[ns]"), np.datetime64("NaT", "ns"))
    return pd.Series(times[codes], index=values.index)


def _parse_texts(texts: pd.Series, share: float) -> pd.Series | None:
    """The texts as dates, by the first format that fits at least the share `share` of them, or None.

    Texts such as 0000-00-00 do not count; dates that nanoseconds cannot hold count, and are NaT.
    """
    real = texts[~texts.str.fullmatch(_NO_DATE)]
    if real.empty:
        return None
    probe = real.iloc[np.linspace(0, len(real) - 1, min(2000, len(real))).astype(int)]
    for form in ("ISO8601", *(day + clock for day in _DAYS for clock in _CLOCKS)):
        if _read(probe, form).notna().mean() >= share:
            parsed = _read(real, form)
            if parsed.notna().mean() >= share:
                within = parsed.where((parsed >= _FIRST) & (parsed < _LAST))
                return within.reindex(texts.index).astype("datetime64[ns]")
    return None


def _read(texts: pd.Series, form: str) -> pd.Series:
    """The texts as dates by one format, to the microsecond, NaT where it does not fit."""
    try:
        read = pd.to_datetime(texts, format=form, errors="coerce", utc=True)
    except ValueError:  # years outside what the format can hold
        return pd.Series(pd.NaT, index=texts.index)
    return read.dt.tz_localize(None).astype("datetime64[us]")


def _parse_digits(values: pd.Series) -> pd.Series | None:
    """Numbers as dates where all of them are written in one of the _DIGITS, else None."""
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    present = numbers[np.isfinite(numbers)]
    if present.size == 0 or present.min() < 190_001 or (present % 1).any():
        return None
    low, high = present.min(), present.max()
    form, least = next(((f, n) for a, b, f, n in _DIGITS if a <= low and high <= b), ("", 0))
    if not form:
        return None
    uniques, codes = np.unique(present.astype(np.int64), return_inverse=True)
    if len(uniques) < least or (form == "%Y%m" and ((uniques % 100 < 1) | (uniques % 100 > 12)).any()):
        return None
    parsed = pd.to_datetime(pd.Series(uniques).astype(str), format=form, errors="coerce")
    if parsed.isna().any():
        return None
    times = np.full(len(numbers), np.datetime64("NaT", "ns"))
    times[np.isfinite(numbers)] = parsed.to_numpy("datetime64[ns]")[codes]
    return pd.Series(times, index=values.index)


def since_1970(values: pd.Series) -> float:
    """How many units make a second where a column holds whole numbers of the size of seconds or milliseconds since
    1970 that span more than 86,400; 0.0 for any other column."""
    if not is_number(values):
        return 0.0
    present = values.to_numpy(np.float64, na_value=np.nan)
    present = present[np.isfinite(present)]
    if len(present) < 2 or (present % 1).any():
        return 0.0
    low, high = float(present.min()), float(present.max())
    return next((unit for a, b, unit in _SINCE_1970 if a <= low and high <= b and high - low > 86_400), 0.0)


def time_axis(values: pd.Series, since: pd.Series | None = None) -> tuple[np.ndarray, bool] | None:
    """(position of each row in time, whether it is in days since 1970): (n,) float64 with NaN where missing, and bool.

    Dates, and seconds or milliseconds since 1970, are in days; other numbers are positions in whatever unit they have.
    None for any other column. `since`: the values, by default the column's own, that decide whether it holds seconds or
    milliseconds since 1970.
    """
    times = parse_dates(values)
    if times is not None:
        seconds = times.to_numpy("datetime64[s]")
        axis = np.where(np.isnat(seconds), np.nan, seconds.astype(np.int64) / _SECONDS_PER_DAY)
        return axis, True
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        unit = since_1970(values if since is None else since)
        return (numbers / (unit * _SECONDS_PER_DAY), True) if unit else (numbers, False)
    return None


def time_axes(
    train: pd.Series, test: pd.Series
) -> tuple[tuple[np.ndarray, bool] | None, tuple[np.ndarray, bool] | None]:
    """The `time_axis` of a column in both tables.

    Texts of both are read by one form, since the few days of a short test may leave open whether 01/12 is in December,
    and numbers in the unit of train.
    """
    separate = time_axis(train), time_axis(test, train if len(train) else None)
    if not (is_text(train) and is_text(test) and len(train) and len(test)):
        return separate
    together = time_axis(pd.concat([train.astype(object), test.astype(object)], ignore_index=True))
    if together is None:
        return separate
    axis, is_date = together
    parts = axis[: len(train)], axis[len(train) :]
    fewer = any(
        single is not None and np.isfinite(single[0]).sum() > np.isfinite(part).sum()
        for single, part in zip(separate, parts, strict=True)
    )  # the tables have different forms
    return separate if fewer else ((parts[0], is_date), (parts[1], is_date))


def months_in(days: float) -> int:
    """The whole number of calendar months that is within 1.6 days of a span of days, else 0.

    28 days are therefore four weeks, not a month.
    """
    months = round(days / 30.436875)
    return months if months >= 1 and abs(days - months * 30.436875) <= 1.6 else 0


def step_back(day: float, span: float, is_date: bool) -> float:
    """The point `span` before `day`, in days since 1970 where `is_date`, else in the unit of the axis.

    A span of whole months is stepped back on the calendar, so that the end of a year stays the end of a year.
    """
    months = months_in(span) if is_date else 0
    if not months:
        return day - span
    moment = pd.Timestamp(day * _SECONDS_PER_DAY, unit="s")
    last_of_month = moment.normalize() == (moment + pd.offsets.MonthEnd(0)).normalize()
    earlier = moment - pd.DateOffset(months=months)
    if last_of_month:
        earlier = earlier + pd.offsets.MonthEnd(0)
    return float(earlier.timestamp() / _SECONDS_PER_DAY)
