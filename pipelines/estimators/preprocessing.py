"""Preprocessing that several estimators share: imputation, category codes, components of text, uninformative
columns."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from medalist.pipelines.features.matrix import Matrix

OUT_OF_RANGE = 0.95  # share of the later rows outside the training range, from which on a column is out of range


def is_informative(matrix: Matrix, *, text: bool = True) -> bool:
    """Whether any dense column has more than one value (counting missing), or, with `text`, any sparse value is not
    0."""
    for column in matrix.dense.T:
        if len(column) and ((column != column[0]) & ~(np.isnan(column) & np.isnan(column[0]))).any():
            return True
    return bool(text and matrix.sparse is not None and matrix.sparse.nnz)


def numeric_columns(matrix: Matrix) -> list[int]:
    """Positions of the dense columns that hold numbers, not category codes."""
    codes = set(matrix.categorical)
    return [i for i in range(matrix.dense.shape[1]) if i not in codes]


def impute(matrices: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Matrices (rows, d) float32 with missing values replaced by the medians of the first one's columns.

    Columns that are all missing there are filled with 0.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        centre = np.nan_to_num(np.nanmedian(matrices[0], axis=0) if len(matrices[0]) else 0.0)
    return [np.where(np.isnan(m), centre, m).astype(np.float32) for m in matrices]


def level_positions(levels: np.ndarray, column: np.ndarray) -> np.ndarray:
    """(n,) the position of each value of a column (n,) among the levels (k,), which ascend; -1 where absent."""
    if not len(levels):
        return np.full(len(column), -1)
    at = np.searchsorted(levels, column).clip(max=len(levels) - 1)
    return np.where(levels[at] == column, at, -1)


def text_components(matrices: Sequence[Matrix], most: int, seed: int) -> list[np.ndarray]:
    """The sparse blocks of matrices as at most `most` dense columns each, (rows, c) float32.

    Latent semantic analysis (Deerwester et al., 1990), fitted on the first matrix.
    """
    from sklearn.decomposition import TruncatedSVD

    first = matrices[0].sparse
    size = min(most, min(first.shape) - 1)
    if size < 1:
        return [np.asarray(m.sparse.todense(), dtype=np.float32) for m in matrices]
    reduce = TruncatedSVD(size, n_iter=3, random_state=seed).fit(first)
    width = reduce.components_.shape[0]
    return [(reduce.transform(m.sparse) if len(m) else np.zeros((0, width))).astype(np.float32) for m in matrices]


def is_out_of_range(train: np.ndarray, later: np.ndarray) -> bool:
    """Whether almost all later values (k,) of a column lie on one side of all its training values (n,).

    That is so for dates and running numbers where the later rows follow in time. Missing values count as within it.
    """
    seen, new = train[~np.isnan(train)], later[~np.isnan(later)]
    if not len(seen) or len(new) < OUT_OF_RANGE * len(later) or not len(new):
        return False
    return bool((new > seen.max()).mean() >= OUT_OF_RANGE or (new < seen.min()).mean() >= OUT_OF_RANGE)
