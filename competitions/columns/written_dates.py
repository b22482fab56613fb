"""Dates as people write them: day and month in either order, months by name, weeks, quarters, clocks and time zones."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from medalist.competitions.columns.time_zones import region_hours, zone_hours

_MONTHS = """
january february march april may june july august september october november december
januar februar märz april mai juni juli august september oktober november dezember
jänner feber maerz . . . . . sept . . .
janvier février mars avril mai juin juillet août septembre octobre novembre décembre
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre
janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro
januari februari maart april mei juni juli augustus september oktober november december
januari februari mars april maj juni juli augusti september oktober november december
styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień
stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia
ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık
"""
_SEASONS = dict.fromkeys(("spring", "fruhling", "fruhjahr", "printemps", "primavera"), 3.0)
_SEASONS |= dict.fromkeys(("summer", "sommer", "ete", "verano", "estate"), 6.0)
_SEASONS |= dict.fromkeys(("autumn", "fall", "herbst", "automne", "otono", "autunno"), 9.0)
_SEASONS |= dict.fromkeys(("winter", "hiver", "invierno", "inverno"), 1.0)  # that which began in the year before
_CLOCK = (
    r"(?:T|,?\s+(?:at\s+|um\s+)?|:)(?P<hour>\d{1,2})(?:[:h.](?P<minute>\d{2})(?:[:.](?P<second>\d{2}(?:[.,]\d+)?))?)?"
    r"(?:\s*(?P<half>[AaPp])\.?\s?[Mm]\.?|\s*(?:Uhr|hrs?|h))?"
    r"(?:\s*\(?(?P<zone>[+-]\d{2}(?::?\d{2})?|(?:UTC|GMT)[+-]\d{1,2}(?::?\d{2})?|[A-Z]{3,4}|Z)\)?)?"
    r"(?:\s*\[?(?P<region>[A-Z][A-Za-z]+(?:/[A-Z][A-Za-z_-]+){1,2})\]?)?"
)
_WORD = r"[^\W\d_]{3,12}"
_WEEKDAY = rf"(?:{_WORD}\.?,?\s+)?"
_FORMS = {  # named groups: y, m, d, and a, b for a day and a month in unknown order; n for a month's name
    "year first": r"(?P<y>\d{4})(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})",
    "two orders": rf"{_WEEKDAY}(?P<a>\d{{1,2}})(?P<s>[-/.]| )(?P<b>\d{{1,2}})(?P=s)(?P<y>\d{{4}}|\d{{2}})",
    "day name": rf"{_WEEKDAY}(?P<d>\d{{1,2}})(?:st|nd|rd|th|er|\.)?(?:\s*[-/ ]\s*|\s+(?:of|de)\s+|(?<=\.)|(?=[A-Z]))"
                rf"(?P<n>{_WORD})\.?,?(?:\s*[-/ ]\s*|\s+(?:of|de)\s+|(?<=[a-z]))(?P<y>\d{{4}}|\d{{2}})",
    "name day": rf"{_WEEKDAY}(?P<n>{_WORD})\.?[-\s]\s*(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?[-\s]\s*(?P<y>\d{{4}})",
    "year name day": rf"(?P<y>\d{{4}})[-/\s](?P<n>{_WORD})[-/\s](?P<d>\d{{1,2}})",
    "year month": r"(?P<y>\d{4})(?:[-/.]|M|\s)(?P<m>\d{1,2})",
    "month year": r"(?P<m>\d{1,2})[-/.](?P<y>\d{4})",
    "name year": rf"(?P<n>{_WORD})\.?[-,/\s]\s*'?(?P<y>\d{{4}}|\d{{2}})",
    "year name": rf"(?P<y>\d{{4}})[-/\s](?P<n>{_WORD})",
    "week": r"(?P<y>\d{4})[-\s]?(?:W|KW|w)(?P<w>\d{1,2})(?:-?(?P<wd>[1-7]))?",
    "quarter": r"(?P<y>\d{4})[-/\s]?Q(?P<q>[1-4])",
    "quarter year": r"Q(?P<q>[1-4])[-/\s']*(?P<y>\d{4}|\d{2})",
    "year day": r"(?P<y>\d{4})-(?P<yd>\d{3})",
    "digits": r"(?P<y>(?:19|20)\d{2})(?P<m>\d{2})(?P<d>\d{2})",
    "east": r"(?P<y>\d{4})\s?[年년]\s?(?P<m>\d{1,2})\s?[月월]\s?(?P<d>\d{1,2})\s?[日일]",
    "year": r"(?P<y>(?:19|20)\d{2})",
}  # fmt: skip
_NONE = re.compile(r"0{1,4}([-/. ]?)0{1,2}\1?0{1,4}(?:[T ].*)?|9999[-/.]12[-/.]31.*|\d{1,2}/0/\d{2,4}")
_FORM_OF = {name: re.compile(pattern + r"(?:" + _CLOCK + r")?") for name, pattern in _FORMS.items()}
LATEST = 2040  # the last year of a century in which a two-digit year may lie


@dataclass(frozen=True)
class Dates:
    """Texts read as dates.

    `local`: (u,) datetime64[us], NaT where unreadable; `offset`: (u,) hours east of UTC, NaN without a zone. `clock`:
    any has a time of day. `absent`: (u,) bool, texts that stand for no date, such as 0000-00-00.
    """

    local: np.ndarray
    offset: np.ndarray
    clock: bool
    absent: np.ndarray


def may_be_date(text: str) -> bool:
    """Whether a text has the shape of a date."""
    return any(pattern.fullmatch(text) for pattern in _FORM_OF.values()) or _NONE.fullmatch(text) is not None


def form_of(texts: pd.Series) -> str | None:
    """The form, a key of the forms of this module, in which at least 95 % of the texts are written, else None."""
    shown = texts.astype(str).str.strip()
    shown = shown[~shown.str.fullmatch(_NONE)]
    if shown.empty:
        return None
    for name, pattern in _FORM_OF.items():
        if name == "year":
            continue  # one beside other forms
        if pattern.fullmatch(shown.iloc[0]) is None and (len(shown) < 2 or pattern.fullmatch(shown.iloc[-1]) is None):
            continue
        if float(shown.str.fullmatch(pattern).mean()) >= 0.95:
            return name
    return None


def forms_in(texts: pd.Series, most: int) -> list[str]:
    """At most `most` forms in which at least 95 % of the texts are written, the most frequent first; else []."""
    rest = texts.astype(str).str.strip()
    rest = rest[~rest.str.fullmatch(_NONE)]
    enough = 0.05 * len(rest)
    found: list[str] = []
    while len(rest) > enough and len(found) < most:
        fits = {name: rest.str.fullmatch(pattern) for name, pattern in _FORM_OF.items() if name not in found}
        best = max(fits, key=lambda name: int(fits[name].sum()))
        if not fits[best].any():
            return []
        found.append(best)
        rest = rest[~fits[best]]
    return found if len(rest) <= enough and found != ["year"] else []


def two_parts(texts: pd.Series) -> tuple[np.ndarray, np.ndarray, str]:
    """(first number, second number, sign between them) of dates in the form "two orders"; NaN where unreadable."""
    found = texts.astype(str).str.strip().str.extract(_full("two orders"))
    numbers = [pd.to_numeric(found[key], errors="coerce").to_numpy(dtype=float) for key in ("a", "b")]
    signs = found["s"].dropna()
    return numbers[0], numbers[1], str(signs.iloc[0]) if len(signs) else "/"


def read_dates(texts: pd.Series, form: str, day_first: bool) -> Dates:
    """The texts, (u,) of str, as dates in one form. `day_first`: of the form "two orders"."""
    texts = texts.astype(str).str.strip()
    found = texts.str.extract(_full(form))
    absent = texts.str.fullmatch(_NONE).to_numpy(dtype=bool)
    number = {str(key): pd.to_numeric(found[key], errors="coerce").to_numpy(dtype=float) for key in found if key != "s"}
    year = _full_years(number["y"], found["y"].str.len().to_numpy(dtype=float))
    month, day = number.get("m", np.ones(len(texts))), number.get("d", np.ones(len(texts)))
    if form == "two orders":
        day, month = (number["a"], number["b"]) if day_first else (number["b"], number["a"])
    if "n" in found:
        month = found["n"].map(month_number, na_action="ignore").to_numpy(dtype=float)
    if "q" in number:
        month = 3 * number["q"] - 2
    good = np.isfinite(year) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    local = np.full(len(texts), np.datetime64("NaT", "D"))
    first = _months(year[good], month[good])
    local[good] = first.astype("datetime64[D]") + (day[good] - 1).astype("timedelta64[D]")
    good[good] = local[good].astype("datetime64[M]") == first  # 30 February
    if "w" in number:
        local, good = _weeks(year, number["w"], number["wd"])
    if "yd" in number:
        good &= (number["yd"] >= 1) & (number["yd"] <= 366)
        local[good] = local[good] + (number["yd"][good] - 1).astype("timedelta64[D]")
    local = np.where(good, local, np.datetime64("NaT")).astype("datetime64[us]")
    clock = np.isfinite(number["hour"])
    local, sane = _at(local, number, found)
    local[~sane] = np.datetime64("NaT")
    offset = found["zone"].map(zone_hours, na_action="ignore").to_numpy(dtype=float, copy=True)
    named = np.isnan(offset) & found["region"].notna().to_numpy() & ~np.isnat(local)
    if named.any():
        offset[named] = region_hours(local[named], found["region"].to_numpy(dtype=object)[named])
    return Dates(local, offset, bool(clock.any()), absent)


def month_number(word: str) -> float:
    """The month that a word names, whole or by its first three or more letters, or with which the season begins that it
    names (winter: January), 1 to 12; NaN where it names none."""
    plain = _plain(word)
    return _month_words().get(plain, _SEASONS.get(plain, np.nan))


def _full(form: str) -> str:
    return rf"^{_FORM_OF[form].pattern}$"


def _plain(word: str) -> str:
    folded = unicodedata.normalize("NFKD", word.casefold().replace("ı", "i").replace("ł", "l"))
    return "".join(letter for letter in folded if not unicodedata.combining(letter))


@cache
def _month_words() -> dict[str, float]:
    """Each beginning, of three or more letters, of a month's name that begins no other month's."""
    found: dict[str, float] = {}
    for line in _MONTHS.strip().splitlines():
        for place, name in enumerate(line.split()):
            plain = _plain(name)
            for end in range(3, len(plain) + 1):
                month = found.setdefault(plain[:end], float(place + 1))
                if month != place + 1:
                    found[plain[:end]] = np.nan
    return {word: month for word, month in found.items() if np.isfinite(month)}


def _months(year: np.ndarray, month: np.ndarray) -> np.ndarray:
    """The months as datetime64[M]."""
    return ((year - 1970) * 12 + month - 1).astype(np.int64).astype("datetime64[M]")


def _full_years(year: np.ndarray, digits: np.ndarray) -> np.ndarray:
    """Years of two digits in a century such that all of them lie together, the last at most in LATEST."""
    short = np.isfinite(year) & (digits == 2)
    if not short.any():
        return year
    points = np.unique(year[short])
    gaps = np.diff(np.append(points, points[0] + 100))
    first = points[(int(np.argmax(gaps)) + 1) % len(points)]
    years = np.where(year < first, year + 100, year)
    years = years + 1900
    if years[short].max() + 100 <= LATEST:
        years = years + 100
    elif years[short].max() > LATEST:
        years = years - 100
    return np.where(short, years, year)


def _weeks(year: np.ndarray, week: np.ndarray, weekday: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(days, whether they exist) of ISO weeks; the Monday without a weekday."""
    good = np.isfinite(year) & (week >= 1) & (week <= 53)
    days = np.full(len(year), np.datetime64("NaT", "D"))
    fourth = _months(year[good], np.ones(int(good.sum()))).astype("datetime64[D]") + 3  # always in week 1
    monday = fourth - ((fourth.astype(np.int64) + 3) % 7).astype("timedelta64[D]")
    shift = 7 * (week[good] - 1) + np.nan_to_num(weekday[good] - 1)
    days[good] = monday + shift.astype("timedelta64[D]")
    return days, good


def _at(local: np.ndarray, number: dict[str, np.ndarray], found: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """(days with their times of day, whether these exist)."""
    hour, minute = np.nan_to_num(number["hour"]), np.nan_to_num(number["minute"])
    second = pd.to_numeric(found["second"].str.replace(",", "."), errors="coerce").fillna(0).to_numpy(dtype=float)
    half = found["half"].str.lower()
    sane = np.where(half.notna(), (hour >= 1) & (hour <= 12), hour < 24) & (minute < 60) & (second < 61)
    hour = np.where(half.notna(), hour % 12, hour) + np.where(half.eq("p"), 12, 0)
    micro = np.round((hour * 3600 + minute * 60 + second) * 1e6).astype("timedelta64[us]")
    return local + micro, sane
