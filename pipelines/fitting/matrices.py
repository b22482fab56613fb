"""Rows and columns of matrices: some rows, appended rows, appended columns, and without columns of later dates."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from medalist.pipelines.estimators.preprocessing import is_out_of_range
from medalist.pipelines.features.matrix import Matrix


def some_rows(matrix: Matrix, rows: np.ndarray) -> Matrix:
    """Some rows (k,) of a matrix."""
    sparse: Any = None if matrix.sparse is None else matrix.sparse[rows]
    return replace(matrix, dense=matrix.dense[rows], sparse=sparse, token="")


def below(above: Matrix, more: Matrix) -> Matrix:
    """The rows of one matrix, and below them those of another with the same columns."""
    sparse = None
    if above.sparse is not None:
        from scipy.sparse import vstack

        sparse = vstack([above.sparse, more.sparse], format="csr")
    return Matrix(np.vstack([above.dense, more.dense]), above.names, above.categorical, sparse)


def widened(matrix: Matrix, columns: np.ndarray, name: str = "stacked") -> Matrix:
    """A matrix with further columns of numbers (n, c)."""
    names = (*matrix.names, *(f"{name}[{i}]" for i in range(columns.shape[1])))
    return replace(matrix, dense=np.hstack([matrix.dense, columns.astype(np.float32)]), names=names, token="")


def without_columns_beyond(train: Matrix, others: Sequence[Matrix]) -> list[Matrix]:
    """Matrices without the numbers that lie beyond all training rows in almost all of the other rows.

    Of such a column, a date or a running number, trees can only carry on what was special about the last training
    rows. Categories and sparse blocks stay, and so does everything where nothing else were left.
    """
    matrices = [train, *others]
    codes = set(train.categorical)
    later = np.vstack([m.dense for m in others])
    kept = [j for j in range(train.dense.shape[1]) if j in codes or not is_out_of_range(train.dense[:, j], later[:, j])]
    if not kept or len(kept) == train.dense.shape[1]:
        return matrices
    digest = hashlib.sha256(repr(kept).encode()).hexdigest()[:8]
    return [
        replace(
            m,
            dense=m.dense[:, kept],
            names=tuple(m.names[j] for j in kept),
            categorical=tuple(i for i, j in enumerate(kept) if j in codes),
            token=f"{m.token}/{digest}" if m.token else "",
        )
        for m in matrices
    ]
