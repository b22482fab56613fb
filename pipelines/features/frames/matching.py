"""Values of keys of two tables, made comparable: integers with every digit, whatever types they have in each table."""

from __future__ import annotations

from typing import Any

from medalist.competitions.tables.precision import LARGEST_EXACT
from medalist.pipelines.features.lazy import np, pd


def common_codes(row_values: pd.Series, table_values: pd.Series) -> tuple[np.ndarray, np.ndarray, int]:
    """Codes (n,) and (m,) of the values of two columns, equal where the values are, -1 where missing; and the number of
    distinct values.

    Values are compared as numbers where one column holds numbers, else as text without blanks around it.
    """
    (at, first), (other_at, second) = pd.factorize(row_values), pd.factorize(table_values)
    dtypes = row_values.dtype, table_values.dtype
    if any(pd.api.types.is_numeric_dtype(d) and not pd.api.types.is_bool_dtype(d) for d in dtypes):
        values = _together(_numbers(first), _numbers(second))
    else:
        values = pd.Series([str(v).strip() for v in (*first, *second)], dtype=object)
    place, distinct_values = pd.factorize(values)
    return np.append(place[: len(first)], -1)[at], np.append(place[len(first) :], -1)[other_at], len(distinct_values)


def _numbers(values: pd.Index) -> pd.Series:
    """Distinct values as numbers, integers exactly; text parsed, missing where it is no number."""
    if pd.api.types.is_integer_dtype(values.dtype):
        return pd.Series(np.asarray(values, dtype=np.uint64 if values.dtype.name.lower() == "uint64" else np.int64))
    from medalist.competitions.tables.integers import exact_integers, is_rounded  # they need pandas

    array = np.asarray(values)
    if array.dtype.kind in "bf":
        return pd.Series(array.astype(np.float64))
    read = pd.Series(pd.to_numeric(array, errors="coerce"))
    if not is_rounded(read):
        return read
    exact = exact_integers(pd.Series(array, dtype=object).where(read.notna()))
    return read if exact is None else exact


def _together(a: pd.Series, b: pd.Series) -> pd.Series:
    """Two columns of numbers one after the other, in a type in which equal numbers are equal and no digit is lost."""
    if a.dtype == b.dtype or not any(_beyond_floats(s) for s in (a, b)):
        small = [s.astype(np.int64) if s.dtype.kind == "u" and a.dtype != b.dtype else s for s in (a, b)]
        return pd.concat(small, ignore_index=True)
    return pd.Series([number for s in (a, b) for number in map(_exact, s.astype(object))], dtype=object)


def _beyond_floats(numbers: pd.Series) -> bool:
    return (
        pd.api.types.is_integer_dtype(numbers.dtype)
        and bool(len(numbers))
        and not (numbers.max() <= LARGEST_EXACT and numbers.min() >= -LARGEST_EXACT)
    )


def _exact(value: Any) -> int | float | None:
    """A number as a Python int where it is whole, None where it is missing."""
    if pd.isna(value):
        return None
    return int(value) if isinstance(value, int) or float(value).is_integer() else float(value)


def integers_of(column: pd.Series) -> tuple[np.ndarray, np.ndarray] | None:
    """((n,) integers with 0 in gaps, (n,) whether missing) of a column of integers beyond 2**53, which float64 would
    round; None for any other column."""
    if not pd.api.types.is_integer_dtype(column.dtype) or not _beyond_floats(column):
        return None
    gaps = column.isna().to_numpy()
    return (column.fillna(0) if gaps.any() else column).to_numpy(), gaps
