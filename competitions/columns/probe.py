"""A first look at some values of a column: whether it is worth reading all of them as numbers, dates or times."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medalist.competitions.columns.date_form import plain_iso
from medalist.competitions.columns.number_words import is_missing
from medalist.competitions.columns.written_dates import may_be_date
from medalist.competitions.columns.written_numbers import may_be_number
from medalist.competitions.tables.dtypes import is_number

_SOME = 100  # values of a table that are looked at
_DIGITS = 0.5  # share of these that must have digits
_NUMBERS = 0.8  # share of these that must be numbers
_DATES = 0.9
_DIGIT = re.compile(r"\d")
_TIME = re.compile(r"-?\+?(?=\d).*(?::\d|\d\s*[a-zA-Z'\"°])|\d{1,2}\s*[AaPp]\.?[Mm]|-?P(?:\d|T)")


@dataclass(frozen=True)
class Probe:
    """Whether the values of a column of text may be numbers, dates that are not plain ISO 8601, or times."""

    numbers: bool = False
    dates: bool = False
    times: bool = False


def probe(tables: Iterable[pd.Series]) -> Probe:
    """What the values of a column of text, by table, may be."""
    some: list[str] = []
    for values in tables:
        some += [text for text in values.iloc[:: max(1, len(values) // _SOME)].tolist() if isinstance(text, str)]
    with_digits = sum(_DIGIT.search(text) is not None for text in some)
    if not with_digits:
        return Probe()
    some = [text for text in map(str.strip, some) if not is_missing(text)]
    if with_digits < _DIGITS * len(some):
        return Probe()
    dates = not plain_iso(some) and sum(map(may_be_date, some)) >= _DATES * len(some)
    return Probe(
        sum(map(may_be_number, some)) >= _NUMBERS * len(some),
        dates,
        sum(_TIME.match(text) is not None for text in some) >= _DATES * len(some),
    )


def may_be_thousands(tables: Mapping[str, pd.Series]) -> bool:
    """Whether numbers with decimals, by table, may be thousands whose sign was taken for a decimal one: all are below
    1,000, none is between 0 and 1, and those that are not whole have three decimals, most of them no fewer."""
    return _three_decimals([v.iloc[:500] for v in tables.values()]) and _three_decimals(list(tables.values()))


def _three_decimals(tables: Sequence[pd.Series]) -> bool:
    """Whether numbers are as `may_be_thousands` says."""
    decimals = 0
    for values in tables:
        if not is_number(values):
            return False
        numbers = np.abs(values.to_numpy(dtype=float, na_value=np.nan))
        numbers = numbers[np.isfinite(numbers)]
        broken = numbers[numbers % 1 != 0]
        if (numbers >= 1000).any() or (broken < 1).any():
            return False
        thousandths = broken * 1000
        near = np.abs(thousandths - np.round(thousandths)) <= 1e-6 * thousandths
        if not near.all() or (len(broken) and (np.round(thousandths) % 10 != 0).mean() < 0.6):
            return False
        decimals += len(broken)
    return decimals > 0
