"""Tells tables of the same columns that are parts of one from those that are versions or subsets of each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas.api import types

_REPEATED = 0.05  # share of ids that stand in several tables, above which these are no parts
_COMPARED = 2000  # rows of two tables that are compared value by value


def rows_repeat(frames: Sequence[pd.DataFrame], named: bool) -> bool:
    """Whether rows of one table stand in another, so that they are versions or subsets of each other.

    Tables with the same ids are none where the rows of an id are no more alike than others: each file counts anew.
    `named`: the names of the files tell that both are train, or test; where they do not, a column that is empty in one
    of two tables is what has to be predicted.
    """
    frames = [frame for frame in frames if len(frame)]  # a part may be empty
    if len(frames) < 2:
        return not frames
    if len(frames) == 2 and not named:
        blank = [{c for c in f.columns if bool(f[c].isna().all())} for f in frames]
        if blank[0] != blank[1]:
            return True  # what is to be predicted, perhaps
    keys = [c for c in frames[0].columns if all(_identifies(f[c]) for f in frames)]
    if keys:
        columns = [f[keys[0]] for f in frames]
        one_type = len({c.dtype for c in columns}) == 1
        ids = pd.concat([c if one_type else c.astype(str) for c in columns], ignore_index=True)
        if float(ids.duplicated().mean()) <= _REPEATED:
            return False
        return any(_are_alike(frames[0], other, keys[0]) for other in frames[1:])
    names = list(frames[0].columns)
    numeric = {c for c in names if all(types.is_numeric_dtype(f[c].dtype) for f in frames)}
    hashes = [
        pd.util.hash_pandas_object(f[names].astype({c: "f8" if c in numeric else str for c in names}), index=False)
        for f in frames
    ]
    own = np.mean([h.duplicated().mean() for h in hashes])
    together = pd.concat(hashes, ignore_index=True).duplicated().mean()
    return bool(together - own > 0.25)


def _identifies(values: pd.Series) -> bool:
    """Whether a column may hold ids: each value once, none missing, no decimals."""
    if types.is_float_dtype(values.dtype) or types.is_bool_dtype(values.dtype):
        return False
    return bool(values.iloc[:1000].is_unique) and bool(values.is_unique) and not bool(values.isna().any())


def _are_alike(one: pd.DataFrame, other: pd.DataFrame, key: str) -> bool:
    """Whether rows of the same id in two tables have equal values more often than rows of different ids."""
    left = one.assign(**{key: one[key].astype(str)}).set_index(key)
    right = other.assign(**{key: other[key].astype(str)}).set_index(key)
    ids = left.index.intersection(right.index)[:_COMPARED]
    rest = [c for c in left.columns if c in right.columns]
    if len(ids) < 2 or not rest:
        return len(ids) > 0.5 * min(len(one), len(other))
    left, right = left.loc[ids, rest].astype(str), right.loc[ids, rest].astype(str)
    same = (left.to_numpy() == right.to_numpy()).mean()
    chance = (left.to_numpy() == np.roll(right.to_numpy(), 1, axis=0)).mean()
    return bool(same - chance > 0.3 * (1 - chance))
