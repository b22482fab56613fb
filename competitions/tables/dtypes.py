"""What a column is stored as: text, strings alone, or numbers."""

from __future__ import annotations

import pandas as pd
from pandas.api import types


def is_text(values: pd.Series) -> bool:
    """Whether a column holds strings or Python objects, or categories of them."""
    dtype = values.cat.categories.dtype if isinstance(values.dtype, pd.CategoricalDtype) else values.dtype
    return bool(types.is_object_dtype(dtype) or types.is_string_dtype(dtype))


def is_strings(values: pd.Series) -> bool:
    """Whether a column holds strings and nothing else but missing values, judging by its first rows."""
    if isinstance(values.dtype, pd.StringDtype):
        return True
    return bool(types.is_object_dtype(values.dtype)) and types.infer_dtype(values.iloc[:100], skipna=True) == "string"


def is_number(values: pd.Series) -> bool:
    """Whether a column holds numbers; booleans are none."""
    return bool(types.is_numeric_dtype(values.dtype)) and not types.is_bool_dtype(values.dtype)
