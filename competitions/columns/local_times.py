"""The local time of stamps in UTC, where a column beside them holds the time zone or the offset of each row."""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np
import pandas as pd

from medalist.competitions.columns.dates import is_text, parse_dates, since_1970
from medalist.competitions.columns.time_zones import region_hours, zone_hours

_MOST_ZONES = 600  # distinct time zones that a column may hold
_MOST_STAMPS = 3  # stamps for which the local time is made
_REGION = re.compile(r"[A-Z][A-Za-z]+(?:/[A-Z][A-Za-z_-]+){1,2}|UTC|GMT")
_OFFSET = re.compile(r"[+-]\d{1,2}(?::?\d{2})?|(?:UTC|GMT)[+-]\d{1,2}(?::?\d{2})?")
_OFFSET_NAME = re.compile(r"(?:^|[^a-z])(?:tz|time_?zone|utc|gmt)(?:[^a-z].*)?offset|(?:utc|gmt|tz|zone)_?offset|^tz$|"
                          r"^time_?zone$|^offset_?(?:from_?)?(?:utc|gmt)", re.IGNORECASE)  # fmt: skip
_IN_UTC = re.compile(r".*\d(?:\.\d+)?\s?(?:Z|UTC|GMT|[+-]00:?00)")
_UTC_NAME = re.compile(r"(?:^|[^a-z])(?:utc|gmt)(?:[^a-z]|$)", re.IGNORECASE)
_UNITS = ((14.0, 0.25, 1.0), (840.0, 15.0, 60.0), (50_400.0, 900.0, 3600.0))  # (largest, step, units in an hour)


def with_local_times(
    train: pd.DataFrame, test: pd.DataFrame, skip: Collection[str] = ()
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...]]:
    """(train, test, notes): both tables with the local time, in ISO 8601, of each column of times in UTC, where exactly
    one other column holds the time zone or the offset of the rows. `skip`: columns such as targets."""
    shared = [str(c) for c in train.columns if c in test.columns and c not in set(skip)]
    zones = [c for c in shared if _may_be_zone(train[c], c) and not _is_made(c, shared)]
    offsets = [c for c in zones if all(_is_zone(frame[c]) for frame in (train, test))]
    if len(offsets) != 1:
        return train, test, ()
    zone, notes, tables = offsets[0], [], [train, test]
    stamps = [c for c in shared if c != zone and _is_utc(train[c], c) and f"{c}_local" not in shared]
    for name in stamps[:_MOST_STAMPS]:
        made = [_local(frame[name], frame[zone]) for frame in (train, test)]
        if made[0] is None or made[1] is None or not (made[0].notna().any() and made[1].notna().any()):
            continue
        tables = [_after(frame, name, local) for frame, local in zip(tables, made, strict=True) if local is not None]
        row = int(np.flatnonzero(made[0].notna())[0])
        notes.append(
            f"column {name!r} is in UTC and {zone!r} holds the time zone of each row: {name}_local is the local time "
            f"({train[name].iloc[row]} with {train[zone].iloc[row]} is {made[0].iloc[row]})."
        )
    return tables[0], tables[1], tuple(notes)


def _is_made(name: str, shared: Collection[str]) -> bool:
    """Whether a column of offsets was made of stamps with offsets, whose local time stands in a column."""
    return name.endswith("_utc_offset") and name.removesuffix("_utc_offset") in shared


def _may_be_zone(values: pd.Series, name: str) -> bool:
    """Whether a column may hold time zones, by its first value, or by its name where it holds numbers."""
    if is_text(values):
        shown = next((v for v in values.head(100).tolist() if isinstance(v, str)), "").strip()
        return _REGION.fullmatch(shown) is not None or _OFFSET.fullmatch(shown) is not None
    numeric = pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)
    return bool(numeric and _OFFSET_NAME.search(name))


def _is_zone(values: pd.Series) -> bool:
    """Whether all values of a column that are present are time zones or offsets from UTC."""
    distinct = values.dropna().drop_duplicates()
    if not 0 < len(distinct) <= _MOST_ZONES:
        return False
    moments = np.full(len(distinct), np.datetime64("2020-01-01", "us"))
    return bool(np.isfinite(_hours(moments, distinct)).all())


def _hours(utc: np.ndarray, zones: pd.Series) -> np.ndarray:
    """Hours east of UTC of each row, (n,) float64, NaN where unknown. `utc`: (n,) datetime64, without NaT."""
    if not is_text(zones):
        numbers = zones.to_numpy(dtype=float, na_value=np.nan)
        largest = float(np.nanmax(np.abs(numbers), initial=0.0))
        unit = next(((step, per_hour) for most, step, per_hour in _UNITS if largest <= most), None)
        if unit is None:
            return np.full(len(zones), np.nan)
        return np.where(numbers % unit[0] == 0, numbers / unit[1], np.nan)
    hours = zones.map(lambda text: zone_hours(str(text).strip()), na_action="ignore").to_numpy(dtype=float, copy=True)
    named = np.isnan(hours) & zones.notna().to_numpy()
    if named.any():
        hours[named] = region_hours(utc[named], zones[named].astype(str).str.strip().to_numpy(dtype=object), utc=True)
    return hours


def _is_utc(values: pd.Series, name: str) -> bool:
    """Whether a column holds times since 1970, or dates with a time of day that are marked as UTC or called so."""
    if not is_text(values):
        return since_1970(values) > 0.0
    some = [v.strip() for v in values.head(100).tolist() if isinstance(v, str)]
    if not some or not all(":" in v for v in some):
        return False
    return bool(all(map(_IN_UTC.fullmatch, some)) or _UTC_NAME.search(name))


def _local(stamps: pd.Series, zones: pd.Series) -> pd.Series | None:
    """The local times as text in ISO 8601, missing without a stamp or a zone; None where the stamps are no dates."""
    if is_text(stamps):
        dates = parse_dates(stamps)
    else:
        seconds = stamps.to_numpy(dtype=float, na_value=np.nan) / (since_1970(stamps) or np.nan)
        dates = pd.Series(pd.to_datetime(seconds, unit="s"), index=stamps.index)
    if dates is None:
        return None
    known = dates.notna() & zones.notna()
    local = pd.Series(None, index=stamps.index, dtype=object)
    hours = _hours(dates[known].to_numpy("datetime64[us]"), zones[known])
    times = dates[known] + pd.to_timedelta(np.round(hours * 3600), unit="s")
    local[known] = times.dt.strftime("%Y-%m-%d %H:%M:%S").astype(object)
    return local


def _after(frame: pd.DataFrame, name: str, local: pd.Series) -> pd.DataFrame:
    """The table with the local time after the column `name`."""
    frame = frame.copy(deep=False)
    frame.insert(int(frame.columns.get_loc(name)) + 1, f"{name}_local", local)  # type: ignore[arg-type]
    return frame
