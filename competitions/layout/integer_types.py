"""Makes integers and zero-padded codes of train and test comparable without losing digits: one type, one width."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas.api import types

from medalist.competitions.tables.dtypes import is_number
from medalist.competitions.tables.integers import is_padded
from medalist.competitions.tables.precision import LARGEST_EXACT

_ZEROS = re.compile(r"column '(.*)' holds digits with zeros before them")

Pair = tuple[pd.DataFrame, pd.DataFrame]


def align_integer_types(train: pd.DataFrame, test: pd.DataFrame) -> Pair:
    """Both tables with one type for each shared column of integers of which pandas would make floats in putting the
    tables together: nullable integers where one has gaps, text where signed and unsigned ones do not fit together."""
    change: dict[str, tuple[pd.Series, pd.Series]] = {}
    for name in train.columns:
        if name not in test.columns or train[name].dtype == test[name].dtype:
            continue
        one, two = train[name], test[name]
        if not (is_number(one) and is_number(two)):
            continue
        if types.is_unsigned_integer_dtype(one.dtype) != types.is_unsigned_integer_dtype(two.dtype):
            change[name] = _one_sign(one, two)
        elif (_large(one) or _large(two)) and _is_whole(one) and _is_whole(two):
            change[name] = (_integers(one), _integers(two))
    if not change:
        return train, test
    return train.assign(**{c: v[0] for c, v in change.items()}), test.assign(**{c: v[1] for c, v in change.items()})


def pad_to_same_width(one: pd.Series, other: pd.Series) -> tuple[pd.Series, pd.Series] | None:
    """Two columns of text, with zeros put before the digits of one where only the other has kept them: "501" becomes
    "00501" where all of the other's codes have five digits. None where there is nothing to restore."""
    if is_padded(one) == is_padded(other):
        return None
    padded, bare = (one, other) if is_padded(one) else (other, one)
    widths, texts = padded.dropna().str.len(), bare.dropna().astype(str)
    width = int(widths.max())
    if widths.min() != width or not texts.str.fullmatch(r"[0-9]+").all():
        return None
    if not len(texts) or texts.str.len().max() > width or texts.str.len().min() == width:
        return None
    filled = bare.where(bare.isna(), bare.astype(str).str.zfill(width))
    return (padded, filled) if padded is one else (filled, padded)


def restore_zeros(
    train: pd.DataFrame, test: pd.DataFrame, names: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Both tables with `pad_to_same_width` for the columns `names`, and a note for each that was changed."""
    notes = []
    for name in names:
        both = pad_to_same_width(train[name], test[name]) if name in train and name in test else None
        if both is not None:
            train, test = train.assign(**{name: both[0]}), test.assign(**{name: both[1]})
            notes.append(f"column {name!r}: zeros before its digits, which one of train and test lacks, are restored.")
    return train, test, notes


def pad_ids(frame: pd.DataFrame, sample: pd.DataFrame, names: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """The table with ids as the sample writes them, with zeros before them, where the table holds them as numbers.

    `names`: (column of the table, its name in the sample)."""
    for name, in_sample in names:
        if name not in frame or not types.is_integer_dtype(frame[name].dtype) or in_sample not in sample:
            continue
        if types.is_numeric_dtype(sample[in_sample].dtype) or not is_padded(sample[in_sample]):
            continue
        lengths = sample[in_sample].dropna().astype(str).str.len()
        if lengths.min() == lengths.max():
            texts = frame[name].astype(str).str.zfill(int(lengths.max()))
            frame = frame.assign(**{name: texts.where(frame[name].notna())})
    return frame


def ids_without_zeros(
    train: pd.DataFrame, test: pd.DataFrame, sample: pd.DataFrame, names: Sequence[tuple[str, str]]
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Train and test with ids as whole numbers where the sample writes them without the zeros that the tables have
    before them, and a note for each such column.

    `names`: (column of the tables, its name in the sample). Nothing is changed where ids differ by zeros alone."""
    notes = []
    for name, in_sample in names:
        if name not in test or in_sample not in sample or not types.is_integer_dtype(sample[in_sample].dtype):
            continue
        padded = [table for table in (train, test) if name in table and not types.is_numeric_dtype(table[name].dtype)]
        if not any(table is test for table in padded) or not all(_without_zeros(table[name]) for table in padded):
            continue
        if not sample[in_sample].isin(pd.to_numeric(test[name])).all():
            continue
        train, test = (
            table.assign(**{name: pd.to_numeric(table[name])}) if any(table is p for p in padded) else table
            for table in (train, test)
        )
        notes.append(f"ids {in_sample} are numbers, as the sample writes them: without the zeros before their digits.")
    return train, test, notes


def says_zeros(note: str, train: pd.DataFrame) -> bool:
    """Whether a note tells of zeros before the digits of a column that is a number now."""
    found = _ZEROS.search(note)
    return found is not None and found[1] in train and types.is_numeric_dtype(train[found[1]].dtype)


def _without_zeros(ids: pd.Series) -> bool:
    """Whether ids of text are digits alone, up to 18, and stay apart as numbers."""
    texts = ids.astype(str)
    if ids.isna().any() or not texts.str.fullmatch(r"[0-9]{1,18}").all():
        return False
    return bool(pd.to_numeric(texts).nunique() == texts.nunique())


def _is_number(column: pd.Series) -> bool:
    return types.is_numeric_dtype(column.dtype) and not types.is_bool_dtype(column.dtype)


def _large(column: pd.Series) -> bool:
    """Whether a column of integers holds some beyond 2**53."""
    if not types.is_integer_dtype(column.dtype) or not column.notna().any():
        return False
    return max(int(column.max()), -int(column.min())) > LARGEST_EXACT


def _is_whole(column: pd.Series) -> bool:
    if types.is_integer_dtype(column.dtype):
        return True
    values = column.to_numpy(dtype=float, na_value=np.nan)
    return bool((np.isnan(values) | ((values % 1 == 0) & (np.abs(values) < LARGEST_EXACT))).all())


def _integers(column: pd.Series) -> pd.Series:
    return column.astype("UInt64" if types.is_unsigned_integer_dtype(column.dtype) else "Int64")


def _one_sign(one: pd.Series, two: pd.Series) -> tuple[pd.Series, pd.Series]:
    """A column of unsigned integers and one of other numbers in one type; as they are where the other has fractions."""
    if not (_is_whole(one) and _is_whole(two)):
        return one, two
    signed = two if types.is_unsigned_integer_dtype(one.dtype) else one
    if not (signed.dropna() < 0).any():
        return one.astype("UInt64"), two.astype("UInt64")
    texts = tuple(c.where(c.isna(), _integers(c).astype("str")).astype("str") for c in (one, two))
    return texts[0], texts[1]
