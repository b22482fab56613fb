"""What is put beside or below a fold's matrices: predictions of other pipelines, and pseudo-labelled test rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medalist.pipelines.features.matrix import Matrix
from medalist.pipelines.problem import Problem

BEYOND = 0.95  # share of the later rows that lie beyond all training rows


@dataclass(frozen=True)
class Beside:
    """Further columns (predictions of other pipelines) for the fitted, the validation and the test rows of a fold."""

    fit: np.ndarray
    valid: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class Labels:
    """Pseudo-labels (Lee, 2013): `predicted` (m, W) canonical predictions of the test rows by models that saw no
    validation row of the fold, and `weight`, how much a test row counts beside a training row at most."""

    predicted: np.ndarray
    weight: float = 0.5

    def codes(self, problem: Problem) -> np.ndarray:
        """(m, T) the likeliest classes; of values, the predictions themselves."""
        p = self.predicted
        if problem.problem_type == "multiclass":
            return p.argmax(axis=1)[:, None].astype(float)
        return (p >= 0.5).astype(float) if problem.problem_type == "binary" else p

    def certainty(self, problem: Problem) -> np.ndarray:
        """(m,) from 0 at equal chances to 1 where it is certain; always 1 for values."""
        p = self.predicted
        if problem.problem_type == "multiclass":
            return np.maximum(0, (p.max(axis=1) - 1 / p.shape[1]) / (1 - 1 / p.shape[1]))
        return np.abs(2 * p - 1).mean(axis=1) if problem.problem_type == "binary" else np.ones(len(p))


def widened(matrix: Matrix, columns: np.ndarray, name: str = "stacked") -> Matrix:
    """A matrix with further columns of numbers (n, c)."""
    names = (*matrix.names, *(f"{name}[{i}]" for i in range(columns.shape[1])))
    return replace(matrix, dense=np.hstack([matrix.dense, columns.astype(np.float32)]), names=names, token="")


def below(above: Matrix, more: Matrix) -> Matrix:
    """The rows of one matrix, and below them those of another with the same columns."""
    sparse = None
    if above.sparse is not None:
        from scipy.sparse import vstack

        sparse = vstack([above.sparse, more.sparse], format="csr")
    return Matrix(np.vstack([above.dense, more.dense]), above.names, above.categorical, sparse)


def some_rows(matrix: Matrix, rows: np.ndarray) -> Matrix:
    """Some rows (k,) of a matrix."""
    sparse: Any = None if matrix.sparse is None else matrix.sparse[rows]
    return replace(matrix, dense=matrix.dense[rows], sparse=sparse, token="")


def counts(own: np.ndarray | None, n: int, problem: Problem, labels: Labels) -> np.ndarray:
    """(n + m,) how much training rows and the pseudo-labelled rows below them count: at certainty `labels.weight` of a
    mean training row, and nothing at equal chances. `own` (n,) are the weights of the training rows."""
    own = np.ones(n) if own is None else own
    return np.concatenate([own, labels.certainty(problem) * labels.weight * own.mean()])


def without_columns_beyond(train: Matrix, others: Sequence[Matrix]) -> list[Matrix]:
    """Matrices without the numbers that lie beyond all training rows in almost all of the other rows.

    Of such a column, a date or a running number, trees can only carry on what was special about the last training
    rows. Categories and sparse blocks stay, and so does everything where nothing else were left.
    """
    matrices = [train, *others]
    codes = set(train.categorical)
    later = np.vstack([m.dense for m in others])
    kept = [j for j in range(train.dense.shape[1]) if j in codes or not beyond(train.dense[:, j], later[:, j])]
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


def beyond(train: np.ndarray, later: np.ndarray) -> bool:
    """Whether almost all of a number's later values (k,) lie beyond all of train's (n,), on one side."""
    known, asked = train[~np.isnan(train)], later[~np.isnan(later)]
    if not len(known) or len(asked) < BEYOND * len(later) or not len(asked):
        return False
    return bool((asked > known.max()).mean() >= BEYOND or (asked < known.min()).mean() >= BEYOND)
