"""Times of day, durations, angles and heights in feet as people write them, as numbers: hours since midnight, seconds,
degrees, inches."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medalist.competitions.columns.number_words import is_missing

_CLOCK = re.compile(
    r"(?P<h>\d{1,2})(?:(?::|\s?[hH]\s?)(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d(?:[.,]\d+)?))?)?\s*(?P<half>[AaPp])?\.?(?:(?<=[AaPp.])\s?[Mm]\.?)?"
)
_SPAN = re.compile(
    r"(?P<sign>-)?(?:(?P<d>\d+)\s*(?:days?|d|Tage?),?\s*)?\+?(?P<h>\d{1,5}):(?P<m>\d{2})(?::(?P<s>\d{1,2}(?:[.,]\d+)?))?"
)
_LAP = re.compile(r"(?P<sign>-)?(?P<m>\d{1,4}):(?P<s>[0-5]\d[.,]\d+)")
_FEET = re.compile(r"(?P<ft>\d)\s*['′’]\s*(?:(?P<in>\d{1,2}(?:\.\d+)?)\s*(?:[\"″”]|''))?")
_ANGLE = re.compile(
    r"(?P<sign>-)?(?P<deg>\d{1,3}(?:[.,]\d+)?)\s*°\s*(?:(?P<m>\d{1,2}(?:[.,]\d+)?)\s*['′’]\s*)?"
    r"(?:(?P<s>\d{1,2}(?:[.,]\d+)?)\s*(?:[\"″”]|'')\s*)?(?P<side>[NSEWnsew])?"
)
_FRENCH = re.compile(r"\d{1,2}\s?[hH]\s?[0-5]\d")
_ISO = re.compile(
    r"(?P<sign>-)?P(?:(?P<w>\d+)W)?(?:(?P<d>\d+)D)?"
    r"(?:T(?:(?P<h>\d+(?:\.\d+)?)H)?(?:(?P<m>\d+(?:\.\d+)?)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?"
)
_N = r"\d+(?:[.,]\d+)?"
_WORDS = re.compile(
    rf"(?P<sign>-)?(?:(?P<w>{_N})\s*(?:w|wks?|weeks?|Wochen?)[\s,]*)?(?:(?P<d>{_N})\s*(?:d|days?|Tage?)[\s,]*)?"
    rf"(?:(?P<h>{_N})\s*(?:h|hrs?|hours?|Std\.?|Stunden?)[\s,]*(?:and\s+|und\s+)?)?"
    rf"(?:(?P<m>{_N})\s*(?:m|mins?\.?|minutes?|Minuten?|')[\s,]*(?:and\s+|und\s+)?)?"
    rf"(?:(?P<s>{_N})\s*(?:s|secs?\.?|seconds?|Sekunden?|\"))?",
)
_ENOUGH = 30  # distinct times, so many that one of them has a minute from 45 on but for a chance of 2 in 10,000
_SECONDS = {"w": 604_800.0, "d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


@dataclass(frozen=True)
class TimeForm:
    """How times of day or durations are written: "clock" (read as hours), or "colons", "minutes and seconds", "lap",
    "iso" or "words" (read as seconds); or "feet": heights in feet and inches (read as inches); or "angle":
    degrees, minutes and seconds (read as degrees, negative in the south and the west)."""

    kind: str

    def read(self, values: pd.Series) -> pd.Series:
        """The column as (n,) float64, NaN where missing or not written so."""
        if pd.api.types.is_numeric_dtype(values.dtype):
            return values
        codes, uniques = pd.factorize(values)
        read = _read(pd.Series(np.asarray(uniques, dtype=object), dtype=object).astype(str).str.strip(), self.kind)
        return pd.Series(np.append(read, np.nan)[codes], index=values.index, name=values.name)

    @property
    def what(self) -> str:
        return {"clock": "times of day", "feet": "feet and inches", "angle": "angles"}.get(self.kind, "durations")

    @property
    def unit(self) -> str:
        return {"clock": "hours since midnight", "feet": "inches", "angle": "degrees"}.get(self.kind, "seconds")

    @property
    def doubt(self) -> str:
        """The other reading of the form, "" where there is none."""
        other = {"minutes and seconds": "hours and minutes", "feet": "minutes and seconds"}.get(self.kind, "")
        return f"they could be {other} as well" if other else ""


def decide_times(texts: pd.Series, durations: bool = False) -> TimeForm | None:
    """How distinct texts are written as times of day or durations; None where they are neither.

    `durations`: what can be both, such as 1:23:45, is a duration.
    """
    shown = texts.astype(str).str.strip()
    shown = shown[~shown.map(is_missing).astype(bool)]
    if len(shown) < 2 or _are_scores(shown):
        return None
    if shown.str.fullmatch(_LAP).all():
        return TimeForm("lap")
    if shown.str.fullmatch(_ANGLE).all():
        return TimeForm("angle")
    if shown.str.fullmatch(_FEET).all():
        inches = pd.to_numeric(shown.str.extract(f"^{_FEET.pattern}$")["in"])
        if (inches.dropna() < 12).all() and inches.nunique() >= 6:
            return TimeForm("feet")
    french = shown.str.fullmatch(_FRENCH).all()
    if french or shown.str.contains(":", regex=False).all() or shown.str.contains(r"\d\s*[AaPp]\.?[Mm]\.?$").all():
        clock = _read(shown, "clock")
        both = durations and bool(shown.str.count(":").eq(2).all()) and not shown.str.contains("[A-Za-z]").any()
        if np.isfinite(clock).all() and not both:
            return TimeForm("clock")
        if np.isfinite(_read(shown, "colons")).all():
            two = shown.str.count(":").eq(1) & ~shown.str.contains(r"[a-zA-Z]")
            return TimeForm("minutes and seconds" if two.all() else "colons") if two.all() or not two.any() else None
        if not french:
            return None
    for kind in ("iso", "words"):
        if np.isfinite(_read(shown, kind)).all():
            return TimeForm(kind)
    return None


def _are_scores(texts: pd.Series) -> bool:
    """Whether distinct texts such as 28:31 are results of games rather than times: the second number never comes near
    60, and is not only that of quarters or of every fifth minute."""
    parts = texts.str.extract(r"^\d{1,2}:(\d{2})$")[0]
    if parts.isna().any() or len(parts) < _ENOUGH:
        return False
    second = parts.astype(int)
    return bool(second.max() < 45 and (second % 5 != 0).any())


def _read(texts: pd.Series, kind: str) -> np.ndarray:
    """The texts as hours ("clock") or seconds, (u,) float64, NaN where not written so."""
    pattern = {"clock": _CLOCK, "iso": _ISO, "words": _WORDS, "lap": _LAP, "feet": _FEET, "angle": _ANGLE}.get(
        kind, _SPAN
    )
    found = texts.str.extract(rf"^{pattern.pattern}$")
    number = {
        key: pd.to_numeric(found[key].str.replace(",", "."), errors="coerce").to_numpy(dtype=float)
        for key in (*_SECONDS, "ft", "in", "deg")
        if key in found
    }
    some = np.any([np.isfinite(part) for part in number.values()], axis=0)
    filled = {key: np.nan_to_num(part) for key, part in number.items()}
    if kind == "clock":
        half = found["half"].str.lower()
        fits = np.where(half.notna(), (filled["h"] >= 1) & (filled["h"] <= 12), filled["h"] < 24)
        fits = fits & (np.isfinite(number["m"]) | half.notna())
        hour = np.where(half.notna(), filled["h"] % 12, filled["h"]) + np.where(half.eq("p"), 12.0, 0.0)
        return np.where(some & fits, hour + filled["m"] / 60 + filled["s"] / 3600, np.nan)
    if kind == "feet":
        return np.where(some, 12 * filled["ft"] + filled["in"], np.nan)
    if kind == "angle":
        degrees = filled["deg"] + filled["m"] / 60 + filled["s"] / 3600
        below = found["sign"].eq("-").to_numpy() ^ found["side"].isin([*"SWsw"]).to_numpy()
        return np.where(some & (filled["m"] < 60) & (filled["s"] < 60), np.where(below, -degrees, degrees), np.nan)
    seconds = np.sum([filled[key] * _SECONDS[key] for key in filled], axis=0)
    if kind == "minutes and seconds":
        seconds = filled["h"] * 60 + filled["m"]
    if kind in ("colons", "minutes and seconds"):
        some &= (filled["m"] < 60) & (filled["s"] < 60)
        negative_days = texts.str.match(r"-\d+ days? \+").to_numpy(dtype=bool)  # as pandas writes them
        seconds = np.where(negative_days, seconds - 2 * filled["d"] * 86_400.0, seconds)
        return np.where(some, np.where(found["sign"].eq("-") & ~negative_days, -seconds, seconds), np.nan)
    return np.where(some, np.where(found["sign"].eq("-"), -seconds, seconds), np.nan)
