"""Columns of text that hold numbers and a placeholder for missing values, such as "?", become numeric."""

from __future__ import annotations

import re
from collections.abc import Collection

import pandas as pd

from medalist.competitions.tables.dtypes import is_strings
from medalist.competitions.tables.integers import exact_integers, is_rounded

_PLACEHOLDER = re.compile(r"[^\w\s]+")  # "?", "-", "--": no letter, no digit
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_SAMPLE_VALUES = 100  # values of a column that are looked at before all of it is converted
_SAMPLE_SHARE = 0.3  # share of these that must be numbers for that
_MIXED_SHARE = 0.9  # share of a column's values that must be numbers for a note on the others


def numbers_from_text(frame: pd.DataFrame, path: str, text: Collection[str]) -> list[str]:
    """Converts, in place, columns of text that are numbers but for one or two placeholders such as "?" (then missing).

    Columns in `text` stay as they are. Returns a note, beginning with `path`, for each converted column, and for each
    that stays text although at least 90 % of its values are numbers.
    """
    notes = []
    for name in frame.columns:
        if name in text or not is_strings(frame[name]):
            continue
        some = frame[name].iloc[:: max(1, len(frame) // _SAMPLE_VALUES)].dropna().to_numpy(dtype=object)
        if sum(map(_is_number, some)) <= _SAMPLE_SHARE * len(some):
            continue
        column = frame[name].dropna()
        numbers = pd.to_numeric(column, errors="coerce")
        others = column[numbers.isna()].unique()
        shown = ", ".join(repr(str(value)) for value in others[:3])
        if 0 < len(others) <= 2 and all(_PLACEHOLDER.fullmatch(str(value).strip()) for value in others):
            read = pd.to_numeric(frame[name], errors="coerce")
            exact = exact_integers(frame[name].where(read.notna())) if is_rounded(read) else None
            frame[name] = read if exact is None else exact
            notes.append(f"{path}: column {name!r} holds numbers and {shown}, read as missing.")
        elif len(others) and numbers.notna().mean() >= _MIXED_SHARE:
            notes.append(f"{path}: column {name!r} mixes numbers with text ({shown}): read as text.")
    return notes


def _is_number(value: object) -> bool:
    return isinstance(value, str) and _NUMBER.fullmatch(value) is not None
