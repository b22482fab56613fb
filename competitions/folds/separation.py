"""A single column that tells test rows from train rows, though it is neither a time nor a key."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from scipy.stats import rankdata

from medalist.competitions.columns.dates import is_text

_TELLS = 0.9  # least AUC of a column that tells test from train
_SAMPLED = 20_000  # rows of each table that are looked at


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
    best: Separation | None = None
    for name in columns:
        one, two = (frame[name].iloc[:: max(1, len(frame) // _SAMPLED)].dropna() for frame in (train, test))
        if len(one) < 20 or len(two) < 20 or one.nunique() > 0.98 * len(one):
            continue
        auc = _auc(one, two)
        if auc >= _TELLS and (best is None or auc > best.auc):
            best = Separation(name, auc, pd.api.types.is_numeric_dtype(one.dtype))
    return best


def _auc(train: pd.Series, test: pd.Series) -> float:
    """How well the values tell test from train: by their order for numbers, by their frequencies for text."""
    both = pd.concat([train, test], ignore_index=True)
    if is_text(both) or not pd.api.types.is_numeric_dtype(both.dtype):
        if both.nunique() > 0.2 * len(both):
            return 0.5
        share = [part.astype(object).value_counts(normalize=True) for part in (train, test)]
        gain = (share[1].sub(share[0], fill_value=0) / share[1].add(share[0], fill_value=0)).to_dict()
        values = both.astype(object).map(gain).to_numpy(dtype=float)
    else:
        values = both.to_numpy(dtype=float)
    ranks = rankdata(values)[len(train) :]
    auc = (ranks.sum() - len(test) * (len(test) + 1) / 2) / (len(train) * len(test))
    return float(max(auc, 1 - auc))
