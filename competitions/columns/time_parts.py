"""Parts of a time in columns of their own: which part, such as a year, a month or an hour, a column may hold."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from medalist.competitions.columns.dates import is_text, parse_dates
from medalist.competitions.columns.written_dates import LATEST, month_number

_WORDS = {
    "year": r"year|yr|yy|yyyy|y|jahr|jj|jjjj|annee|année|an|anno|ano|año|rok|season|saison|temporada|stagione",
    "month": r"month|mon|mo|mm|m|mth|monat|mois|mes|mese|mês",
    "quarter": r"quarter|qtr|quartal|trimestre|q",
    "half": r"half|half_?year|halbjahr|hy|hj|h|semester|semestre|sem|s",
    "round": r"round|rnd|matchday|match_?day|match_?week|game_?week|gw|spieltag|runde|journee|journée|jornada|giornata",
    "week": r"week|wk|woche|kw|semaine|semana|settimana",
    "yearday": r"doy|day_?of_?(?:the_?)?year|year_?day|yday|dayofyear|julian|jour_?annee",
    "day": r"day|dy|dd|d|dom|day_?of_?(?:the_?)?month|mday|tag|jour|dia|día|giorno",
    "hour": r"hour|hr|hh|h|stunde|std|heure|hora|ora|time|uhrzeit|zeit|heure",
    "minute": r"minute|min",
}
_RANGES = {
    "year": (1900, 2150), "month": (1, 12), "quarter": (1, 4), "half": (1, 2), "round": (1, 366), "week": (1, 53),
    "yearday": (1, 366), "day": (1, 31), "hour": (0, 24), "minute": (0, 59),
}  # fmt: skip
_COVERED = {"month": 12, "quarter": 4, "week": 50, "yearday": 300, "day": 31, "hour": 24, "minute": 60}
_LARGEST = 2359  # of all these, as 23:59 in digits
_SEASON = re.compile(r"(\d{4})\s*[-/–]\s*(?:\d{2})?(\d{2})")
_NUMBERED = re.compile(r"([^\W\d_]{1,12})\.?[\s_-]*(\d{1,3})")  # Q1, KW 05, Round 12


def may_be_base(some: pd.Series, name: str) -> bool:
    """Whether some values of a column may be years, seasons or dates. Years of two digits, and months that may
    be those of one year, are known by the name."""
    if is_text(some):
        return any(isinstance(value, str) and re.search(r"\d{4}", value) for value in some.tolist())
    if not pd.api.types.is_numeric_dtype(some.dtype) or pd.api.types.is_bool_dtype(some.dtype):
        return False
    numbers = some.to_numpy(dtype=float, na_value=np.nan)
    low, high = _RANGES["year"]
    named = any(_is_named(role, *_words_of(name)) for role in ("year", "month"))
    short = named and bool(((numbers >= 0) & (numbers <= 99)).all())
    return bool(((numbers >= low) & (numbers <= high)).all() or (numbers >= 19_000_101).all() or short)


def part_roles(train: pd.Series, test: pd.Series, name: str) -> tuple[str, ...]:
    """The parts of a time that a column may hold, by its values and, where these do not cover a part, by its name: of
    "year", "season", "month", "quarter", "half", "round", "week", "yearday", "day", "hour", "minute" and "date"."""
    word, words = _words_of(name)
    if is_text(train):
        shown = next((str(value).strip() for value in train.head(100).tolist() if isinstance(value, str)), "")
        numbered = _NUMBERED.fullmatch(shown)
        if not np.isfinite(month_number(shown)) and not re.search(r"\d{4}", shown) and numbered is None:
            return ()
        if _month_names(train) and _month_names(test):
            return ("month",)
        if numbered is not None:
            return _numbered_roles(train, test, word, words)
        if _SEASON.fullmatch(shown) and all(np.isfinite(part_numbers(v, "season")).all() for v in (train, test)):
            return ("season",)
        dates = parse_dates(train)
        whole = dates is not None and bool((dates.dropna() == dates.dropna().dt.normalize()).all())
        return ("date",) if whole and parse_dates(test) is not None else ()
    numbers = [
        pd.api.types.is_numeric_dtype(v.dtype) and not pd.api.types.is_bool_dtype(v.dtype) for v in (train, test)
    ]
    if not all(numbers):
        return ()
    if not _may_be_part(train.iloc[:500].to_numpy(dtype=float, na_value=np.nan)):
        return ()
    both = np.concatenate([v.to_numpy(dtype=float, na_value=np.nan) for v in (train, test)])
    if not len(both) or not np.isfinite(both).all() or both.min() < 0:
        return ()
    if (both % 1).any():  # times of day in hours
        return ("hour",) if both.max() < 24 and words & {"time", "hour", "hours", "uhrzeit", "zeit", "clock"} else ()
    if both.min() >= 19_000_101 and parse_dates(train) is not None:
        return ("date",)
    return _roles_of_numbers(both, word, words)


def part_numbers(values: pd.Series, kind: str) -> np.ndarray:
    """A column that holds such a part of a time as numbers, (n,) float64, NaN where it is none: names of months by
    their place in the year, "Q3" as 3, the season 2014/15 as 2014, years of two digits in full, the hour 1430 as 14.5.
    """
    if is_text(values):
        codes, uniques = pd.factorize(values)
        read = [_number_of(str(text).strip(), kind) for text in uniques]
        numbers = np.append(read, np.nan)[codes]
    else:
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
    if kind == "hour" and len(numbers) and bool((numbers > 24).any()):
        return numbers // 100 + numbers % 100 / 60
    if kind == "year" and len(numbers) and bool((numbers <= 99).all()):
        return np.where(numbers + 2000 <= LATEST, numbers + 2000, numbers + 1900)
    return numbers


def _number_of(text: str, kind: str) -> float:
    if kind == "season":
        found = _SEASON.fullmatch(text)
        return float(found[1]) if found and (int(found[1]) + 1) % 100 == int(found[2]) else np.nan
    numbered = _NUMBERED.fullmatch(text)
    return float(numbered[2]) if numbered else month_number(text)


def _words_of(name: str) -> tuple[str, set[str]]:
    """(a name in lower case with _ between words, its words)."""
    word = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return word, set(re.split(r"[^a-zà-ÿ]+", word)) | {word}


def _is_named(role: str, word: str, words: set[str]) -> bool:
    """Whether a name says that a column holds such a part; a single letter says so only as the whole name."""
    if re.fullmatch(_WORDS[role], word):
        return True
    return any(len(w) > 1 and re.fullmatch(f"(?:{_WORDS[role]})s?", w) for w in words)


def _roles_of_numbers(both: np.ndarray, word: str, words: set[str]) -> tuple[str, ...]:
    """The parts that whole numbers, none of them negative, may be."""
    found = []
    distinct = np.count_nonzero(np.bincount(both.astype(np.int64))) if both.max() <= _LARGEST else 0
    for role, (low, high) in _RANGES.items():
        named = bool(distinct) and _is_named(role, word, words)
        if not distinct or ((both.min() < low or both.max() > high) and not (role in ("year", "hour") and named)):
            continue
        if role == "year":
            full = both.min() >= low
            found += ["year"] if full or both.max() <= 99 else []
            found += ["season"] if full else []
        elif role == "hour" and both.max() > high:
            found += ["hour"] if bool((both % 100 < 60).all()) else []
        elif named or distinct >= _COVERED.get(role, np.inf):
            found.append(role)
    return tuple(found)


def _numbered_roles(train: pd.Series, test: pd.Series, word: str, words: set[str]) -> tuple[str, ...]:
    """The parts that texts such as Q1 or "Round 12" may be, all of them with the same letters before the number."""
    distinct = pd.unique(pd.concat([train, test], ignore_index=True))
    found = [_NUMBERED.fullmatch(str(value).strip()) for value in distinct] if len(distinct) <= 366 else [None]
    if any(match is None for match in found):
        return ()
    letters = {match[1].lower() for match in found if match is not None}
    if len(letters) != 1:
        return ()
    numbers = np.array([float(match[2]) for match in found if match is not None])
    before = letters.pop()
    roles = _roles_of_numbers(numbers, word, words | {word}) + _roles_of_numbers(numbers, before, {before})
    return tuple(dict.fromkeys(role for role in roles if role not in ("year", "season", "hour", "minute")))


def _may_be_part(numbers: np.ndarray) -> bool:
    """Whether some numbers of a column are of the size of years and parts of them, or of dates in digits."""
    if not np.isfinite(numbers).all() or (numbers < 0).any():
        return False
    return bool((numbers <= _LARGEST).all() or (numbers >= 19_000_101).all())


def _month_names(values: pd.Series) -> bool:
    distinct = pd.unique(values.dropna())
    return 0 < len(distinct) <= 12 and is_text(values) and all(np.isfinite(month_number(str(v))) for v in distinct)
