"""Which test row each row of the sample submission asks for."""

from __future__ import annotations

import numpy as np
import pandas as pd

from medalist.competitions.errors import SubmissionError


def rows_of_sample(
    test: pd.DataFrame, sample: pd.DataFrame | None, ids: tuple[str, ...], sample_ids: tuple[str, ...]
) -> np.ndarray:
    """The position in test of each row of the sample, (m,) int64; by ids, or by order where they share no id column.

    Raises SubmissionError where ids of the sample are absent from test or stand there twice.
    """
    if sample is None:
        return np.arange(len(test))
    if not ids:
        if len(sample) != len(test):
            raise SubmissionError(
                f"The sample submission has {len(sample)} rows and test {len(test)}, and no id column links them: "
                f"name it with --id."
            )
        return np.arange(len(test))
    left, right = test[list(ids)], sample[list(sample_ids)]
    if len(left) == len(right) and all(
        left[a].reset_index(drop=True).equals(right[b].reset_index(drop=True).rename(a))
        for a, b in zip(ids, sample_ids, strict=True)
    ):
        return np.arange(len(test))
    keys, wanted = _index(left), _index(right)
    if not keys.is_unique:
        raise SubmissionError(f"Ids in test are not unique ({', '.join(ids)}): {int(keys.duplicated().sum())} repeat.")
    rows = keys.get_indexer(wanted)
    if (rows < 0).any():
        raise SubmissionError(
            f"{int((rows < 0).sum())} ids of the sample submission do not stand in test ({', '.join(ids)}), such as "
            f"{wanted[rows < 0][0]!r}."
        )
    return rows.astype(np.int64)


def _index(table: pd.DataFrame) -> pd.Index:
    """The ids as one index of text, whole floats written as integers, so that 1, 1.0 and "1" are the same id."""
    columns = []
    for name in table.columns:
        values = table[name]
        if pd.api.types.is_float_dtype(values.dtype) and bool((values.dropna() % 1 == 0).all()):
            values = values.astype("Int64")
        columns.append(values.astype(str).to_numpy(dtype=object))
    return pd.Index(columns[0]) if len(columns) == 1 else pd.MultiIndex.from_arrays(columns)
