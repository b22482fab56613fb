"""Dates: their parts, and the time between them. A missing or unreadable date gives a missing number."""

from __future__ import annotations

from collections.abc import Callable

from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.language.expression import Feature
from medalist.pipelines.features.language.operator import Operator
from medalist.pipelines.features.lazy import np

_HOUR = 3_600_000_000_000  # nanoseconds
_DAY = 24 * _HOUR


def _part(of: Callable[[np.ndarray], np.ndarray], description: str) -> Callable[..., np.ndarray]:
    """A compute function of one date, from a function of (n,) datetime64[ns]."""

    def compute(frame: Frame, feature: Feature) -> np.ndarray:
        dates = frame.date(feature.args[0])
        return np.where(np.isnat(dates), np.nan, of(dates))

    compute.__doc__ = description
    return compute


def _whole(dates: np.ndarray, unit: str) -> np.ndarray:
    """(n,) whole units since 1970, such as days ("D") or months ("M")."""
    return dates.astype(f"datetime64[{unit}]").astype(np.int64)


def _within(dates: np.ndarray) -> np.ndarray:
    """Nanoseconds since midnight."""
    return dates.astype(np.int64) % _DAY


def _day(dates: np.ndarray) -> np.ndarray:
    return _whole(dates, "D") - _whole(dates.astype("datetime64[M]"), "D") + 1


def _weekday(dates: np.ndarray) -> np.ndarray:
    return (_whole(dates, "D") + 3) % 7  # 1970 began on a Thursday


def _dayofyear(dates: np.ndarray) -> np.ndarray:
    return _whole(dates, "D") - _whole(dates.astype("datetime64[Y]"), "D") + 1


def _week(dates: np.ndarray) -> np.ndarray:
    thursday = dates.astype("datetime64[D]") + (3 - _weekday(dates)).astype("timedelta64[D]")
    return (_dayofyear(thursday) - 1) // 7 + 1


def _days_between(later: np.ndarray, earlier: np.ndarray) -> np.ndarray:
    # in microseconds, as nanoseconds between two dates overflow after 292 years
    return (later.astype("datetime64[us]") - earlier.astype("datetime64[us]")) / np.timedelta64(1, "D")


def elapsed(frame: Frame, feature: Feature) -> np.ndarray:
    """Days since the first date of the column over train and test."""
    dates = frame.date(feature.args[0])
    fitted = dates[frame.fitted_rows]
    present = ~np.isnat(fitted)
    if not present.any():
        return np.full(len(dates), np.nan)
    return _days_between(dates, fitted[present].min())


def days(frame: Frame, feature: Feature) -> np.ndarray:
    """Days from the second date to the first."""
    return _days_between(frame.date(feature.args[0]), frame.date(feature.args[1]))


def _date(
    name: str, of: Callable[[np.ndarray], np.ndarray], description: str, words: str = "", proposed: bool = True
) -> dict[str, Operator]:
    """The operator that takes a part of a date, under its name."""
    compute = _part(of, description)
    words = words or f"{name} of {{0}}"
    return {
        name: Operator("stateless", ("date",), "number", compute, words, f"{name}(day)", proposed=proposed),
    }


OPERATORS = {  # the search tries them in this order
    **_date("year", lambda d: _whole(d, "Y") + 1970, "The year of a date.", proposed=False),
    **_date("hour", lambda d: _within(d) // _HOUR, "The hour of a date, 0 to 23."),
    **_date("weekday", _weekday, "The day of the week, Monday 0 to Sunday 6."),
    **_date("month", lambda d: _whole(d, "M") % 12 + 1, "The month of a date, 1 to 12."),
    **_date("day", _day, "The day of the month, 1 to 31.", "day of the month of {0}"),
    **_date("dayofyear", _dayofyear, "The day of the year, 1 to 366.", "day of the year of {0}"),
    **_date("week", _week, "The week of the year (ISO 8601), 1 to 53.", "week of the year of {0}"),
    **_date("minute", lambda d: _within(d) // (_HOUR // 60) % 60, "The minute of a date, 0 to 59."),
    **_date("second", lambda d: _within(d) // (_HOUR // 3600) % 60, "The second of a date, 0 to 59."),
    **_date("quarter", lambda d: _whole(d, "M") % 12 // 3 + 1, "The quarter of a date, 1 to 4."),
    **_date(
        "daytime",
        lambda d: _within(d) / _HOUR,
        "Hours since midnight, 13.5 at half past one.",
        "hours since midnight of {0}",
    ),
    "elapsed": Operator(
        "transductive", ("date",), "number", elapsed, "days since the first {0}", "elapsed(day)", proposed=True
    ),
    "days": Operator("stateless", ("date", "date"), "number", days, "days from {1} to {0}", "days(day, until)"),
}
