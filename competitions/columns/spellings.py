"""Values that are spelled otherwise in test than in train get train's spelling: Yes for 1, 3 for 3.0, é in one form."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection

import numpy as np
import pandas as pd

from medalist.competitions.tables.dtypes import is_text

_SOME = 300  # values of a table that are looked at before all are
_MOST = 2000  # distinct values in train of a column whose letter case and blanks are compared
_PAIRS = (  # yes and no; a pair is taken before one below
    ("yes", "no"), ("y", "n"), ("true", "false"), ("t", "f"), ("1", "0"), ("1.0", "0.0"), ("on", "off"), ("ja", "nein"),
    ("oui", "non"), ("si", "no"), ("sí", "no"), ("sim", "não"), ("wahr", "falsch"), ("да", "нет"),
)  # fmt: skip
_POINTED = re.compile(r"(-?\d+)\.0+")
Spelling = Callable[[list[str], list[str]], dict[str, str]]  # (values of train, of test) → test's values in train's


def same_spellings(
    train: pd.DataFrame, test: pd.DataFrame, skip: Collection[str] = ()
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...]]:
    """(train, test, notes): both tables with one spelling of each value of text in the columns that they share.

    Accents that are written in two ways (composed and decomposed) become composed; whole numbers with a point lose it
    where train has none; yes and no get train's words; and where test's values are unknown to train but for letter case
    and blanks, they become train's. `skip`: columns that stay as they are.
    """
    changed: dict[str, tuple[pd.Series, pd.Series]] = {}
    notes: list[str] = []
    for name in train.columns:
        if name in skip or name not in test or not is_text(train[name]) or not is_text(test[name]):
            continue
        pair = (train[name], test[name])
        composed = _composed(*pair)
        if composed is not None:
            pair = changed[name] = composed
            notes.append(f"column {name!r}: letters with accents are written in two ways (Unicode), now in one.")
        found = _respelled(*pair)
        if found:
            changed[name] = (pair[0], _replaced(pair[1], found))
            shown = ", ".join(f"{old!r} is {new!r}" for old, new in list(found.items())[:3])
            notes.append(f"column {name!r}: values that test spells otherwise than train are as in train: {shown}.")
    if not changed:
        return train, test, ()
    return (
        train.assign(**{name: pair[0] for name, pair in changed.items()}),
        test.assign(**{name: pair[1] for name, pair in changed.items()}),
        tuple(notes),
    )


def _some(values: pd.Series) -> set[str]:
    """Some values that are present."""
    return {v for v in values.iloc[:: max(1, len(values) // _SOME)].tolist() if isinstance(v, str)}


def _values(values: pd.Series) -> list[str]:
    """The distinct values that are present."""
    return [str(value) for value in pd.unique(values.dropna().astype(object))]


def _composed(train: pd.Series, test: pd.Series) -> tuple[pd.Series, pd.Series] | None:
    """Both columns in Unicode's form C, where some values are equal only so; else None."""
    if all(text.isascii() for text in _some(train) | _some(test)):
        return None
    distinct = [{*_values(values)} for values in (train, test)]
    other = {v: c for v in distinct[0] | distinct[1] if (c := unicodedata.normalize("NFC", v)) != v}
    if not other or not {*other.values()} & (distinct[0] | distinct[1]):
        return None
    return _replaced(train, other), _replaced(test, other)


def _respelled(train: pd.Series, test: pd.Series) -> dict[str, str]:
    """Values of test in train's spelling, those that are spelled otherwise; {} where there are none."""
    some = _some(test)
    unknown = some - _some(train)
    if not unknown:
        return {}
    of_train: list[str] | None = None
    for may_be, spelling in (
        (any(_POINTED.fullmatch(v) for v in unknown), _without_point),
        (len(some) <= 2 and all(_truth(v) is not None for v in some), _yes_and_no),
        (len(unknown) == len(some) and any(v.strip() != v or v.lower() != v.upper() for v in some), _in_case),
    ):
        if may_be:
            of_train = of_train if of_train is not None else _values(train)
            found = spelling(of_train, _values(test))
            if found:
                return found
    return {}


def _without_point(train: list[str], test: list[str]) -> dict[str, str]:
    """3.0 as 3, where train writes all whole numbers so, and test all with a point."""
    if any(_POINTED.fullmatch(v) for v in train) or any(v.isdecimal() for v in test):
        return {}
    known = set(train)
    found = {v: match[1] for v in test if (match := _POINTED.fullmatch(v))}
    return found if any(new in known for new in found.values()) else {}


def _truth(word: str) -> bool | None:
    """Whether a word means yes or no, None for other words."""
    plain = word.strip().casefold()
    return next((plain == yes for yes, no in _PAIRS if plain in (yes, no)), None)


def _yes_and_no(train: list[str], test: list[str]) -> dict[str, str]:
    """Yes and no in the words of train, where test has none of these."""
    plain = [{v.strip().casefold() for v in values} for values in (train, test)]
    if len(train) > 2 or plain[0] & plain[1] or not all(_truth(v) is not None for v in (*train, *test)):
        return {}
    words = {_truth(v): v for v in train}
    if len(words) < len(train) or len({_truth(v) for v in test}) < len(test):
        return {}
    for truth in {_truth(v) for v in test} - set(words):  # train has one of the two words alone
        known = next(iter(words.values())).strip()
        pair = next(p for p in _PAIRS if known.casefold() in p)
        word = pair[not truth]
        words[truth] = word.upper() if known.isupper() else word.title() if known.istitle() else word
    return {v: words[_truth(v)] for v in test}


def _in_case(train: list[str], test: list[str]) -> dict[str, str]:
    """Values in train's letter case and blanks, where test has none of train's, and most of them are known so."""
    if len(train) > _MOST or {*train} & {*test}:
        return {}
    key: Callable[[str], str] = lambda text: " ".join(text.split()).casefold()  # noqa: E731
    spellings = {key(v): v for v in train}
    if len(spellings) < len(train):
        return {}
    found = {v: spellings[key(v)] for v in test if key(v) in spellings}
    return found if 2 * len(found) > len(test) and len({key(v) for v in test}) == len(test) else {}


def _replaced(values: pd.Series, words: dict[str, str]) -> pd.Series:
    """A column with other words for some values."""
    codes, uniques = pd.factorize(values)
    spelled = np.array([words.get(v, v) for v in uniques] + [np.nan], dtype=object)
    made = pd.Series(spelled[codes], index=values.index, name=values.name)
    return made.astype(values.dtype)
