"""Whether an id merely numbers the rows, so that it tells nothing of the target."""

from __future__ import annotations

import pandas as pd

from medalist.competitions.columns.dates import is_text, parse_dates
from medalist.competitions.folds.by_group import SEPARATORS, group_keys


def is_row_number(train: pd.Series, test: pd.Series) -> bool:
    """Whether an id column merely numbers the rows: unique, no date, and no text whose leading part repeats."""
    if not (train.is_unique and test.is_unique) or parse_dates(train) is not None:
        return False
    if not is_text(train):
        return True
    texts = train.dropna().astype(str)
    for separator in SEPARATORS:
        if texts.head(1000).str.contains(separator, regex=False).mean() > 0.95:
            parts = group_keys(train, separator).nunique()
            if 1 < parts < 0.9 * len(train):
                return False
    return True
