"""Repeats the rows of test as a long sample asks for them, where train has a row for each of them too."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from medalist.competitions.layout.long_ids import KEY, LongIds, as_text


def key_column(long: LongIds, train: pd.DataFrame, lacking: Sequence[str]) -> str | None:
    """The column of train that holds the keys of a long sample, such as a horizon; None where train is no long table.

    It is one of the columns that test lacks, beside the predicted one: of the sample's name, or with the same values.
    """
    named = next((c for c, t in zip(long.columns, long.templates, strict=True) if t == KEY), None)
    others = [c for c in lacking if c != long.value]
    if named in others and set(long.keys) <= _texts(train, str(named)):
        return named
    same = [c for c in others if train[c].nunique() <= 10 * len(long.keys) and set(long.keys) <= _texts(train, c)]
    repeated = [c for c in same if bool(train.duplicated([i for i in long.ids if i in train] or [c]).any())]
    return repeated[0] if len(repeated) == 1 and len(others) - len(same) <= 1 else None


def expand_test(
    long: LongIds, key: str, train: pd.DataFrame, test: pd.DataFrame, sample: pd.DataFrame
) -> tuple[pd.DataFrame, str]:
    """(test with a row for each row of the sample, in its order, the column `key` and the sample's own ids; a note)."""
    rows, places = long.rows(sample, test)
    expanded = test.iloc[rows].reset_index(drop=True)
    keys = pd.Series(long.keys)
    if pd.api.types.is_numeric_dtype(train[key].dtype):
        keys = pd.to_numeric(keys)
    expanded[key] = keys.to_numpy()[places]
    for column in long.columns:
        if column not in expanded:
            expanded[column] = sample[column].to_numpy()
    return expanded, (
        f"the sample asks for {len(long.keys)} values of each row of test, and train has a row for each: test's rows "
        f"are repeated, with {key} as a column."
    )


def _texts(table: pd.DataFrame, name: str) -> set[str]:
    """The distinct values of a column as text, whole numbers without decimals."""
    values = table[[name]].drop_duplicates().dropna()
    return set(as_text(values, [name])[name])
