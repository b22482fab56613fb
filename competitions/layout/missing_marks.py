"""Numbers such as -999 that stand in a target for a value that was not measured."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from pandas.api import types

_MARK = re.compile(r"-9+|9{3,}")  # -9, -999, 9999
_LEAST_ROWS = 5  # that have the number, and the least distinct values beside it, which are then those of a measurement
_LEAST_VALUES = 20


def unmark_missing(train: pd.DataFrame, targets: list[str], path: str) -> tuple[pd.DataFrame, list[str]]:
    """(train with missing values where a target holds a mark for them; notes).

    A mark is a number of nines that stands in at least five rows, further from all other values than these lie from
    each other. `path`: of the table, for the notes.
    """
    changed, notes = {}, []
    for name in targets:
        mark = _mark(train[name])
        if mark is not None:
            marked = train[name] == mark
            changed[name] = train[name].mask(marked).astype(float)
            notes.append(
                f"{int(marked.sum()):,} rows of {path} have {mark:g} for {name}, far from all other values "
                f"({changed[name].min():g} to {changed[name].max():g}): taken for missing values (write {mark:g}.0001 "
                f"where it is a value)."
            )
    return (train.assign(**changed) if changed else train), notes


def _mark(values: pd.Series) -> float | None:
    """The number that marks missing values in a column of numbers; None for none."""
    if not types.is_numeric_dtype(values.dtype) or types.is_bool_dtype(values.dtype) or not len(values):
        return None
    for end in (values.min(), values.max()):
        if pd.isna(end) or not _MARK.fullmatch(f"{end:.0f}") or end != round(end):
            continue
        others = values[(values != end) & values.notna()].to_numpy(dtype=float)
        rows = int((values == end).sum())
        if rows < _LEAST_ROWS or len(np.unique(others)) < _LEAST_VALUES:
            continue
        gap = others.min() - end if end < others.min() else end - others.max()
        if gap > others.max() - others.min():
            return float(end)
    return None
