"""Matches the rows of a sample submission with those of test: by which id columns, and which row is which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api.types import is_float_dtype, is_integer_dtype, is_numeric_dtype

from medalist.competitions.errors import SubmissionError
from medalist.competitions.layout.affixes import affix_of
from medalist.competitions.tables.integers import is_padded

EXAMPLE_ROWS = 20  # a sample of so few rows, of many, may be an example of the form with ids of its own
_ROWS = 1000  # of a table that are compared value by value, where all would take too long


@dataclass(frozen=True)
class IdMatch:
    """How a sample's rows correspond to test's.

    `confidence`: 1.0 where both have the same ids, 0.9 where the sample has some of test's, or test several rows for
    each, less where some of its ids are not in test or rows match by position, 0.0 for no match. `renamed`: (column of
    test, its name in the sample) where the names differ, ("", name) for an id that is in no column of test. `by_order`:
    rows correspond by their position.
    """

    confidence: float
    renamed: tuple[tuple[str, str], ...] = ()
    by_order: bool = False


def id_columns(sample: pd.DataFrame, test: pd.DataFrame, shared: Sequence[str]) -> tuple[str, ...]:
    """Those of the columns `shared` by sample and test that are ids. A class may be called as an input is: where one of
    the columns has the ids alone, columns that have one value in the sample and several in test are none."""
    alone = (
        [c for c in shared if sample[c].is_unique and test[c].is_unique] if len(shared) > 1 and len(sample) > 1 else []
    )
    if not any(share_in(sample, test, [c]) == 1.0 for c in alone):
        return tuple(shared)
    return tuple(c for c in shared if c in alone or sample[c].nunique() > 1 or test[c].nunique() < 2)


def match_ids(sample: pd.DataFrame, test: pd.DataFrame, keys: Sequence[str], rest: Sequence[str]) -> IdMatch:
    """How the sample's rows correspond to test's, decided by values.

    `keys`: columns of the sample that test has under the same name; `rest`: the sample's other columns.
    """
    if not len(sample) or not len(test):
        return IdMatch(1.0 if keys and len(sample) == len(test) else 0.0)
    if keys:
        share = share_in(sample, test, keys)
        if share == 1.0:
            return IdMatch(1.0 if len(sample) == len(test) else 0.9)
        if share == 0.0 and len(keys) == 1 and affix_of(sample[keys[0]], test[keys[0]]):
            return IdMatch(0.9)
        if share == 0.0 and len(sample) <= EXAMPLE_ROWS and len(sample) <= 0.2 * len(test):
            return IdMatch(0.3)  # an example of the form
        return IdMatch(0.5 * share if share > 0.5 else 0.0)
    for name in rest[: max(1, len(rest) - 1)]:
        sample_keys = set(sample[name])
        for column in test.columns:
            values = test[column]
            if len(values) == len(sample) and values.is_unique and set(values) == sample_keys:
                return IdMatch(1.0, ((str(column), name),))
            if _repeats(values, sample_keys, len(sample)):
                return IdMatch(0.9, ((str(column), name),))  # several rows of test for each id
    if len(sample) != len(test):
        return IdMatch(0.0)
    if not sample[rest[0]].is_unique:
        return IdMatch(0.4, (), True)  # no id column at all
    if len(rest) > 1 and _is_sequence(sample[rest[0]]):
        first = int(sample[rest[0]].iloc[0])
        return IdMatch(0.6 if first in (0, 1) else 0.5, (("", rest[0]),), True)  # the number of the row
    key = sample[rest[0]].iloc[:_ROWS].astype(str)
    for column in test.columns:  # ids put together from several columns, such as "1_1_2012-11-02"
        values = test[column].iloc[:_ROWS].astype(str)
        if values.nunique() > 1 and all(v in k for v, k in zip(values, key, strict=True)):
            return IdMatch(0.6, (("", rest[0]),), True)
    if len(rest) > 1 and not any(test[c].is_unique and not is_float_dtype(test[c].dtype) for c in test.columns):
        return IdMatch(0.3, (("", rest[0]),), True)  # test has no ids at all
    return IdMatch(0.0)


def _repeats(values: pd.Series, ids: set[object], count: int) -> bool:
    """Whether a column has each of `count` different ids, and some of them in several rows."""
    if len(values) <= count or len(ids) != count or not values.iloc[:_ROWS].isin(list(ids)).all():
        return False
    return bool(values.nunique() == count and set(values.unique()) == ids)


def _is_sequence(values: pd.Series) -> bool:
    """Whether the values are whole numbers in steps of one: 0, 1, 2 …, or 1461, 1462 …, which go on after train's."""
    if not is_integer_dtype(values.dtype):
        return False
    return bool((np.diff(values.to_numpy()) == 1).all())


def share_in(sample: pd.DataFrame, test: pd.DataFrame, ids: Sequence[str]) -> float:
    """The share of the rows of `sample`, 0 to 1, whose ids (the values in the columns `ids`) are also in `test`."""
    if not len(sample) or not len(test):
        return 0.0
    if len(ids) == 1:
        left, right = sample[ids[0]], test[ids[0]]
        if left.dtype != right.dtype and not (is_numeric_dtype(left.dtype) and is_numeric_dtype(right.dtype)):
            left, right = pd.Series(id_index(sample[[ids[0]]])), pd.Series(id_index(test[[ids[0]]]))
            if is_padded(left) != is_padded(right):  # one of the files lost the zeros before its ids
                left, right = left.str.lstrip("0"), right.str.lstrip("0")
        if len(left) == len(right) and bool((left.array == right.array).all()):
            return 1.0
        return float(left.isin(right).mean())
    return float(id_index(sample[list(ids)]).isin(id_index(test[list(ids)])).mean())


def find_id_column(ids: pd.Series, inputs: pd.DataFrame) -> str | None:
    """The column of the inputs that holds the ids under another name, or None. Numbers that merely count the rows are
    ids only of inputs with several rows for each."""
    if not ids.is_unique:
        return None
    counted = counts_rows(ids)
    if counted and len(ids) == len(inputs):
        return None
    for name in inputs.columns:
        column = inputs[name]
        if is_float_dtype(column.dtype) or is_numeric_dtype(ids.dtype) != is_numeric_dtype(column.dtype):
            continue
        if not column.iloc[:1000].isin(ids).mean() > (0.999 if counted else 0.5):
            continue
        distinct = column.drop_duplicates().to_frame("id")
        share = share_in(ids.to_frame("id"), distinct, ["id"])
        if (share == 1.0 and len(distinct) == len(ids)) if counted else (share > 0.9 and 2 * len(distinct) >= len(ids)):
            return str(name)
    return None


def counts_rows(values: pd.Series) -> bool:
    """Whether a column is the number of the row: 0, 1, 2, … or 1, 2, 3, …"""
    return is_integer_dtype(values.dtype) and values.iloc[0] in (0, 1) and _is_sequence(values)


def same_rows(one: pd.DataFrame, other: pd.DataFrame, ids: Sequence[str]) -> bool:
    """Whether two tables have the same rows: equally many, the same ids, and 90 % equal values in shared columns."""
    if not ids or len(one) != len(other) or not len(one) or share_in(one, other, ids) < 1.0:
        return False
    shared = [c for c in one.columns if c in other.columns and c not in ids]
    if not shared:
        return True
    left = one.drop_duplicates(list(ids)).set_index(list(ids))[shared].iloc[:_ROWS]
    right = other.drop_duplicates(list(ids)).set_index(list(ids))[shared].reindex(left.index)
    equal = (left.astype(str) == right.astype(str)).to_numpy()
    return float(equal.mean()) > 0.9


def rows_of_sample(
    test: pd.DataFrame, sample: pd.DataFrame | None, ids: tuple[str, ...], sample_ids: tuple[str, ...]
) -> np.ndarray:
    """The position in test of each row of the sample, (m,) int64.

    Rows are matched by the columns `ids` of test and `sample_ids` of the sample, and by order where there are none, or
    no sample. Raises SubmissionError where ids of the sample are absent from test or occur there twice.
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
    keys, sample_keys = id_index(left), id_index(right)
    if not keys.is_unique:
        raise SubmissionError(f"Ids in test are not unique ({', '.join(ids)}): {int(keys.duplicated().sum())} repeat.")
    rows = keys.get_indexer(sample_keys)
    if (rows < 0).any():
        first = sample_keys[rows < 0][0]
        shown = ", ".join(map(str, first)) if isinstance(first, tuple) else str(first)
        raise SubmissionError(
            f"{int((rows < 0).sum())} ids of the sample submission do not stand in test ({', '.join(ids)}), such as "
            f"{shown}."
        )
    return rows.astype(np.int64)


def same_ids_in_order(
    one: pd.DataFrame, other: pd.DataFrame, ids: Sequence[str], other_ids: Sequence[str] = ()
) -> bool:
    """Whether two tables have the same ids row by row, in their columns `ids` and `other_ids` (by default the same)."""
    if not ids or len(one) != len(other):
        return False
    return id_index(one[list(ids)]).equals(id_index(other[list(other_ids or ids)]))


def id_index(table: pd.DataFrame) -> pd.Index:
    """The rows of the id columns `table` as one index of text, in which 1, 1.0 and "1" are the same id."""
    columns = []
    for name in table.columns:
        values = table[name]
        if pd.api.types.is_float_dtype(values.dtype) and bool((values.dropna() % 1 == 0).all()):
            values = values.astype("Int64")
        columns.append(values.astype(str).to_numpy(dtype=object))
    return pd.Index(columns[0]) if len(columns) == 1 else pd.MultiIndex.from_arrays(columns)
