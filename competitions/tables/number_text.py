"""Columns that hold numbers and something else: a sign for "missing" is mended, other mixtures are told."""

from __future__ import annotations

import re
from collections.abc import Collection

import pandas as pd
from pandas.api import types

_PLACEHOLDER = re.compile(r"[^\w\s]+")  # "?", "-", "--": no letter, no digit
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_SAMPLE_VALUES = 100  # looked at before a whole column of text is tried as numbers
_SAMPLE_SHARE = 0.3
_MIXED_SHARE = 0.9


def numbers_from_text(frame: pd.DataFrame, path: str, text: Collection[str]) -> list[str]:
    """Turns columns of text that are numbers but for a sign such as "?" into numbers, in place; returns notes.

    Columns in `text` are left alone; other mixtures of numbers and text are only noted.
    """
    notes = []
    for name in frame.columns:
        if name in text or not _is_text(frame[name]):
            continue
        some = frame[name].iloc[:: max(1, len(frame) // _SAMPLE_VALUES)]
        if sum(map(_is_number, some)) <= _SAMPLE_SHARE * int(some.notna().sum()):
            continue
        column = frame[name].dropna()
        numbers = pd.to_numeric(column, errors="coerce")
        others = column[numbers.isna()].unique()
        shown = ", ".join(repr(str(value)) for value in others[:3])
        if 0 < len(others) <= 2 and all(_PLACEHOLDER.fullmatch(str(value).strip()) for value in others):
            frame[name] = pd.to_numeric(frame[name], errors="coerce")
            notes.append(f"{path}: column {name!r} holds numbers and {shown}, read as missing.")
        elif len(others) and numbers.notna().mean() >= _MIXED_SHARE:
            notes.append(f"{path}: column {name!r} mixes numbers with text ({shown}): read as text.")
    return notes


def _is_number(value: object) -> bool:
    return isinstance(value, str) and _NUMBER.fullmatch(value) is not None


def _is_text(column: pd.Series) -> bool:
    if isinstance(column.dtype, pd.StringDtype):
        return True
    return types.is_object_dtype(column.dtype) and types.infer_dtype(column.iloc[:100], skipna=True) == "string"
