"""Matrices with some of their rows, with appended rows or columns, and without columns that are out of range."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from medalist.pipelines.estimators.preprocessing import is_out_of_range
from medalist.pipelines.features.matrix import Matrix


def select_rows(matrix: Matrix, rows: np.ndarray) -> Matrix:
    """The rows of a matrix at these positions (k,)."""
    sparse: Any = None if matrix.sparse is None else matrix.sparse[rows]
    return replace(matrix, dense=matrix.dense[rows], sparse=sparse, token="")


def append_rows(matrix: Matrix, other: Matrix) -> Matrix:
    """The rows of a matrix, then those of another one with the same columns."""
    sparse = None
    if matrix.sparse is not None:
        from scipy.sparse import vstack

        sparse = vstack([matrix.sparse, other.sparse], format="csr")
    return Matrix(np.vstack([matrix.dense, other.dense]), matrix.names, matrix.categorical, sparse)


def append_columns(matrix: Matrix, columns: np.ndarray, name: str = "stacked") -> Matrix:
    """A matrix with further dense columns of numbers (n, c), called name[0], name[1], …"""
    names = (*matrix.names, *(f"{name}[{i}]" for i in range(columns.shape[1])))
    return replace(matrix, dense=np.hstack([matrix.dense, columns.astype(np.float32)]), names=names, token="")


def drop_out_of_range(train: Matrix, others: Sequence[Matrix], known: np.ndarray) -> list[Matrix]:
    """All matrices without the numbers that are out of the training range in almost all rows of the others.

    On such a column, a date or a running number, trees can only split off the last training rows and repeat them.
    Categories and sparse columns stay; where no dense column would remain, all do. known: which rows of the last matrix
    count; those that came after a run do not.
    """
    matrices = [train, *others]
    codes = set(train.categorical)
    *first, last = [m.dense for m in others]
    later = np.vstack([*first, last[known]])
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
