"""How alike two submission files are: by the correlation of their predictions."""

from __future__ import annotations

import io
from collections.abc import Collection

import numpy as np
import pandas as pd


def table_of(data: bytes) -> pd.DataFrame | None:
    """The table of a submission's bytes; None where it cannot be read as one."""
    try:
        return pd.read_csv(io.BytesIO(data), sep=None, engine="python")
    except (ValueError, pd.errors.ParserError, UnicodeDecodeError):
        return None


def similarity(one: pd.DataFrame, other: pd.DataFrame, ids: Collection[str] = ()) -> float:
    """The mean over the columns of predictions of Spearman's rank correlation, for numbers of more than two values, and
    else of the share of rows that agree; 1 for files of another form, which tell nothing.

    ids: columns that name the rows; the first column where none of them is there.
    """
    if list(one.columns) != list(other.columns) or len(one) != len(other) or not len(one):
        return 1.0
    keys = [c for c in one.columns if c in ids] or [one.columns[0]]
    values = [c for c in one.columns if c not in keys]
    found = [_of_column(one[c], other[c]) for c in values]
    return float(np.mean(found)) if found else 1.0


def _of_column(one: pd.Series, other: pd.Series) -> float:
    numbers = pd.api.types.is_numeric_dtype(one) and pd.api.types.is_numeric_dtype(other)
    if not numbers or min(one.nunique(), other.nunique()) <= 2:
        return float((one == other).mean())
    return float(np.corrcoef(one.rank(), other.rank())[0, 1])
