"""A sample of a large table that keeps all rows of a key's values, so that what rows of one key say of each other
(counts, means, the row before) is in the sample what it is in the table."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from medalist.pipelines.features.frames.source import Source
from medalist.pipelines.features.lazy import pd
from medalist.pipelines.features.schema import Schema

LEAST_ROWS = 2.0  # mean rows of a key's values, below which a sample of rows says as much
MOST_SHARE = 0.25  # share of the sample that the rows of one value may be
MANY_VALUES = 1000  # different whole numbers in a column that may be a key


def rows_of_whole_keys(source: Source, schema: Schema, most: int, rng: np.random.Generator) -> np.ndarray | None:
    """(r,) positions of at most `most` rows of train and test, in order: all rows of values that are drawn at random.

    The values are of the key with the most of them, since a sample of rows leaves the fewest of theirs together: of the
    columns of words or, where none is a key, of whole numbers. Rows without a value are each drawn for themselves. None
    where no column is such a key.
    """
    best: np.ndarray | None = None
    values = 0
    for words in (True, False):
        for codes in _keys(source, schema, words):
            counts = np.bincount(codes)
            if len(counts) > values and counts.max() <= MOST_SHARE * most:
                best, values = codes, len(counts)
        if best is not None:
            break
    if best is None:
        return None
    drawn = rng.permutation(values)
    counts = np.bincount(best, minlength=values)
    kept = drawn[np.cumsum(counts[drawn]) <= most]
    return np.flatnonzero(np.isin(best, kept))


def _keys(source: Source, schema: Schema, words: bool) -> Iterator[np.ndarray]:
    """The codes (n,) of each column whose values recur, each missing value being one of its own."""
    for name, kind in schema.columns.items():
        if kind not in (("category", "text", "figures") if words else ("number",)):
            continue
        column = source.column(name)
        if not words and not pd.api.types.is_integer_dtype(column.dtype):
            continue
        codes = pd.factorize(column)[0].astype(np.int64)
        missing = codes < 0
        present = int(codes.max(initial=-1)) + 1
        recurs = 0 < present <= (len(codes) - missing.sum()) / LEAST_ROWS
        if recurs and (words or present >= MANY_VALUES):
            codes[missing] = present + np.arange(int(missing.sum()))
            yield codes
