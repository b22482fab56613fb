"""Keys: the groups of rows with equal values, as integer codes; and binning of numbers."""

from __future__ import annotations

from dataclasses import dataclass

from medalist.pipelines.features.lazy import np, pd


@dataclass(frozen=True)
class Key:
    """Groups of rows with equal values.

    codes: (n,) int64 from 0 to size - 1, in sorted order of the values. size: number of groups. missing: the code of
    the group of rows without a value, or -1 where there are none.
    """

    codes: np.ndarray
    size: int
    missing: int = -1


def key_of(column: pd.Series) -> Key:
    """The groups of equal values in a column: numbers and dates in ascending order, others as text in alphabetical
    order, missing values last."""
    if not (pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_datetime64_any_dtype(column.dtype)):
        codes, uniques = pd.factorize(column)
        texts = list(map(str, np.asarray(uniques, dtype=object)))
        ordered = sorted(set(texts))
        code_of = {text: i for i, text in enumerate(ordered)}
        new_codes = np.fromiter((code_of[t] for t in texts), dtype=np.int64, count=len(texts))
        codes = np.where(codes < 0, -1, np.append(new_codes, -1)[codes])
        size = len(ordered)
    else:
        codes, uniques = pd.factorize(column, sort=True)
        size = len(uniques)
    codes = codes.astype(np.int64, copy=False)
    if len(codes) and codes.min() < 0:
        return Key(np.where(codes < 0, size, codes), size + 1, size)
    return Key(codes, size)


def crossed(a: Key, b: Key) -> Key:
    """The groups of rows that are equal in both keys, numbered in the order of `a`, then of `b`.

    A missing value counts as a value, and the result has no `missing` code.
    """
    pairs = a.codes * b.size + b.codes
    if a.size * b.size <= 8 * len(pairs) + 1024:
        present = np.zeros(a.size * b.size, dtype=bool)
        present[pairs] = True
        return Key((np.cumsum(present) - 1)[pairs], int(present.sum()))
    codes, uniques = pd.factorize(pairs, sort=True)
    return Key(codes.astype(np.int64, copy=False), len(uniques))


def bins_of(values: np.ndarray, edges: np.ndarray, bins: int) -> tuple[np.ndarray, int]:
    """(n,) int64 the bin of each number between ascending edges, and the number of bins. The bin of NaN is undefined.

    Where ties leave fewer edges than `bins` bins need, each edge is a frequent value and gets a separate bin, so that
    rare values above it are not put into its bin.
    """
    codes = np.searchsorted(edges, values, side="right")
    if len(edges) >= bins - 1:
        return codes, len(edges) + 1
    return codes + np.searchsorted(edges, values, side="left"), 2 * len(edges) + 1
