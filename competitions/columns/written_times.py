"""Times of day and durations as people write them, as numbers: hours since midnight, or seconds."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medalist.competitions.columns.number_words import is_missing

_CLOCK = re.compile(
    r"(?P<h>\d{1,2})(?::(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d(?:[.,]\d+)?))?)?\s*(?P<half>[AaPp])?\.?(?:(?<=[AaPp.])\s?[Mm]\.?)?"
)
_SPAN = re.compile(
    r"(?P<sign>-)?(?:(?P<d>\d+)\s*(?:days?|d|Tage?),?\s*)?\+?(?P<h>\d{1,5}):(?P<m>\d{1,2})(?::(?P<s>\d{1,2}(?:[.,]\d+)?))?"
)
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
_SECONDS = {"w": 604_800.0, "d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


@dataclass(frozen=True)
class TimeForm:
    """How times of day or durations are written: "clock" (read as hours), or "colons", "minutes and seconds", "iso" or
    "words" (read as seconds)."""

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
        return "times of day" if self.kind == "clock" else "durations"

    @property
    def unit(self) -> str:
        return "hours since midnight" if self.kind == "clock" else "seconds"

    @property
    def doubt(self) -> str:
        """The other reading of the form, "" where there is none."""
        return "they could be hours and minutes as well" if self.kind == "minutes and seconds" else ""


def decide_times(texts: pd.Series, durations: bool = False) -> TimeForm | None:
    """How distinct texts are written as times of day or durations; None where they are neither.

    `durations`: what can be both, such as 1:23:45, is a duration.
    """
    shown = texts.astype(str).str.strip()
    shown = shown[~shown.map(is_missing).astype(bool)]
    if len(shown) < 2:
        return None
    if shown.str.contains(":", regex=False).all() or shown.str.contains(r"\d\s*[AaPp]\.?[Mm]\.?$").all():
        clock = _read(shown, "clock")
        both = durations and bool(shown.str.count(":").eq(2).all()) and not shown.str.contains("[A-Za-z]").any()
        if np.isfinite(clock).all() and not both:
            return TimeForm("clock")
        if np.isfinite(_read(shown, "colons")).all():
            two = shown.str.count(":").eq(1) & ~shown.str.contains(r"[a-zA-Z]")
            return TimeForm("minutes and seconds" if two.all() else "colons") if two.all() or not two.any() else None
        return None
    for kind in ("iso", "words"):
        if np.isfinite(_read(shown, kind)).all():
            return TimeForm(kind)
    return None


def _read(texts: pd.Series, kind: str) -> np.ndarray:
    """The texts as hours ("clock") or seconds, (u,) float64, NaN where not written so."""
    pattern = {"clock": _CLOCK, "iso": _ISO, "words": _WORDS}.get(kind, _SPAN)
    found = texts.str.extract(rf"^{pattern.pattern}$")
    number = {
        key: pd.to_numeric(found[key].str.replace(",", "."), errors="coerce").to_numpy(dtype=float)
        for key in _SECONDS
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
    seconds = np.sum([filled[key] * _SECONDS[key] for key in filled], axis=0)
    if kind == "minutes and seconds":
        seconds = filled["h"] * 60 + filled["m"]
    if kind in ("colons", "minutes and seconds"):
        some &= (filled["m"] < 60) & (filled["s"] < 60)
        negative_days = texts.str.match(r"-\d+ days? \+").to_numpy(dtype=bool)  # as pandas writes them
        seconds = np.where(negative_days, seconds - 2 * filled["d"] * 86_400.0, seconds)
        return np.where(some, np.where(found["sign"].eq("-") & ~negative_days, -seconds, seconds), np.nan)
    return np.where(some, np.where(found["sign"].eq("-"), -seconds, seconds), np.nan)
