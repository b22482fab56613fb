"""A single column that tells test rows from train rows, though it is neither a time nor a key."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

_LEAST = 20  # rows with a value that are needed in each table
_REPEATED = 0.98  # largest share of distinct values of a column that does not merely number rows
_TELLS = 0.9  # least AUC of a column that tells test from train
_SAMPLED = 500  # rows of each table that are looked at


@dataclass(frozen=True)
class Separation:
    """A column, by `name`, whose values tell test from train with the area `auc` under the ROC curve, 0.5 to 1.

    `numeric`: it holds numbers."""

    name: str
    auc: float
    numeric: bool


def separating_column(train: pd.DataFrame, test: pd.DataFrame, columns: list[str]) -> Separation | None:
    """The column that tells test from train best, with an AUC of at least 0.9, or None.

    Columns whose values never repeat, such as numbers of rows, do not count: they differ wherever test was taken from.
    """
    if len(train) < _LEAST or len(test) < _LEAST:
        return None
    best: Separation | None = None
    one, two = (frame.iloc[:: max(1, len(frame) // _SAMPLED)] for frame in (train, test))
    for name in columns:
        numeric = all(pd.api.types.is_numeric_dtype(frame[name].dtype) for frame in (one, two))
        auc = _auc_of_numbers(one[name], two[name]) if numeric else _auc_of_texts(one[name], two[name])
        if auc >= _TELLS and (best is None or auc > best.auc) and train[name].nunique() <= _REPEATED * len(train):
            best = Separation(name, auc, numeric)
    return best


def _auc_of_numbers(train: pd.Series, test: pd.Series) -> float:
    """How well numbers tell test from train by their order; 0.5 where fewer than 20 are present."""
    a, b = (values.to_numpy(dtype=float, na_value=np.nan) for values in (train, test))
    a, b = np.sort(a[~np.isnan(a)]), b[~np.isnan(b)]
    if len(a) < _LEAST or len(b) < _LEAST:
        return 0.5
    below = np.searchsorted(a, b, "left") + np.searchsorted(a, b, "right")
    auc = float(below.mean()) / (2 * len(a))
    return max(auc, 1 - auc)


def _auc_of_texts(train: pd.Series, test: pd.Series) -> float:
    """How well texts tell test from train by how frequent they are in each; 0.5 where they hardly repeat."""
    a, b = (values.dropna().tolist() for values in (train, test))
    counts, counts_test = Counter(a), Counter(b)
    if len(counts | counts_test) > 0.2 * (len(a) + len(b)) or len(a) < _LEAST or len(b) < _LEAST:
        return 0.5
    share = {v: counts_test[v] / len(b) / (counts[v] / len(a) + counts_test[v] / len(b)) for v in counts | counts_test}
    return _auc_of_numbers(pd.Series([share[v] for v in a]), pd.Series([share[v] for v in b]))
