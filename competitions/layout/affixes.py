"""Ids that the sample submission writes with words around them: "id_501" for 501."""

from __future__ import annotations

import re

import pandas as pd

_NUMBER = re.compile(r"(.*?)(\d+)(\D*)", re.DOTALL)


def affix_of(sample: pd.Series, ids: pd.Series) -> tuple[str, str] | None:
    """(text before, text after) with which the sample writes all of the `ids`; None where it writes them otherwise.

    Ids are whole numbers, or text of digits.
    """
    if not len(sample) or not len(ids) or pd.api.types.is_numeric_dtype(sample.dtype):
        return None
    found = _NUMBER.fullmatch(str(sample.iloc[0]))
    texts = ids.iloc[:1000].astype(str)
    if found is None or not any(found.group(1, 3)) or not texts.str.fullmatch(r"\d+").all():
        return None
    before, after = found.group(1, 3)
    asked = sample.astype(str)
    if not (asked.str.startswith(before) & asked.str.endswith(after)).all():
        return None
    bare = asked.str.slice(len(before), -len(after) if after else None)
    return (before, after) if bare.isin(ids.astype(str)).all() else None


def with_affix(ids: pd.Series, affix: tuple[str, str]) -> pd.Series:
    """The ids as text with the texts before and after them; missing ones stay missing."""
    return (affix[0] + ids.astype("string") + affix[1]).astype("str").where(ids.notna())
