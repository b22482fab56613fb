"""Offsets from UTC: of "+05:30", of abbreviations such as CET, and of regions such as Europe/Paris at a time."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

#: Offsets of time zones by abbreviation, in hours east of UTC.
ZONES = {
    "Z": 0.0, "UTC": 0.0, "GMT": 0.0, "WET": 0.0, "WEST": 1.0, "BST": 1.0, "CET": 1.0, "CEST": 2.0, "MEZ": 1.0,
    "MESZ": 2.0, "EET": 2.0, "EEST": 3.0, "MSK": 3.0, "IST": 5.5, "SGT": 8.0, "HKT": 8.0, "AWST": 8.0, "JST": 9.0,
    "KST": 9.0, "ACST": 9.5, "AEST": 10.0, "AEDT": 11.0, "NZST": 12.0, "NZDT": 13.0, "EST": -5.0, "EDT": -4.0,
    "CST": -6.0, "CDT": -5.0, "MST": -7.0, "MDT": -6.0, "PST": -8.0, "PDT": -7.0, "AKST": -9.0, "AKDT": -8.0,
    "HST": -10.0,
}  # fmt: skip


def zone_hours(zone: str) -> float:
    """Hours east of UTC of "+05:30", "UTC-3" or an abbreviation; NaN where it is unknown."""
    match = re.fullmatch(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?", zone)
    if match is None:
        return ZONES.get(zone, np.nan)
    hours = int(match[2]) + int(match[3] or 0) / 60
    return -hours if match[1] == "-" else hours


def region_hours(times: np.ndarray, regions: np.ndarray, utc: bool = False) -> np.ndarray:
    """Hours east of UTC at local times, (n,) datetime64, in regions such as "Europe/Paris"; NaN where one is unknown.

    `utc`: the times are in UTC. Of local times, an hour that occurs twice is read as the first one, and one that does
    not exist as the one after it.
    """
    hours = np.full(len(times), np.nan)
    for region in pd.unique(regions):
        rows = regions == region
        index, first = pd.DatetimeIndex(times[rows]), np.ones(int(rows.sum()), dtype=bool)
        try:
            if utc:
                there = index.tz_localize("UTC").tz_convert(region)
            else:
                there = index.tz_localize(region, ambiguous=first, nonexistent="shift_forward")
        except (KeyError, ValueError, TypeError):  # no such region
            continue
        ahead = there.tz_localize(None) - there.tz_convert("UTC").tz_localize(None)
        hours[rows] = ahead.total_seconds().to_numpy() / 3600
    return hours
