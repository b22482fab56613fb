"""Design matrices of linear models: blocks of standardised numbers, one-hot categories and text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from medalist.pipelines.estimators.base import FitRequest
from medalist.pipelines.estimators.preprocessing import impute, numeric_columns
from medalist.pipelines.features.matrix import Matrix

MAX_LEVELS = 5000  # levels of a category with one-hot columns, at most; one with more has none
MIN_FREQUENCY = 5  # training rows of a level with its one-hot column, at least; rarer ones share one
MIN_MISSING = 0.005  # share of missing values, above which a number has an indicator of them
CLIP = 6.0  # standard deviations at which numbers are clipped
MAX_SPLINE_BYTES = 512 << 20  # bytes of the splines of all rows, beyond which there are none


@dataclass(frozen=True)
class Block:
    """Columns of one kind, with a scale factor.

    rows: those of the training, the validation and the test rows, unscaled: dense (n, k) or CSR, float32. factor: a
    number or one for each column (k,), applied when blocks are joined.
    """

    kind: Literal["numbers", "categories", "text"]
    rows: tuple[Any, Any, Any]
    factor: Any = 1.0

    @property
    def train(self) -> Any:
        """The training rows (n, k), unscaled."""
        return self.rows[0]

    @property
    def factors(self) -> np.ndarray:
        """(k,) the factor of each column."""
        return np.broadcast_to(np.asarray(self.factor, dtype=np.float32), self.train.shape[1])

    def scaled(self, factor: Any) -> Block:
        """The block with its factor times a number, or times one number for each column (k,)."""
        return replace(self, factor=self.factor * factor)

    def sample(self, positions: np.ndarray) -> Any:
        """The training rows at these positions, scaled: (m, k), dense or CSR."""
        rows = self.train[positions]
        if not hasattr(rows, "indptr"):
            return rows * self.factors
        rows.data = rows.data * self.factors[rows.indices]
        return rows

    def length(self, positions: np.ndarray) -> float:
        """Root of the mean squared Euclidean length of the training rows at these positions, scaled."""
        rows = self.sample(positions)
        values = rows.data if hasattr(rows, "indptr") else rows
        return float(np.sqrt(np.square(values, dtype=np.float64).sum() / max(1, len(positions))))


def blocks_of(request: FitRequest, knots: int, *, categories: bool = True) -> list[Block]:
    """The blocks of a request: its numbers, its categories unless they are left out, and one block for each text
    feature; none without columns.

    Numbers are standardised and clipped, with indicators of missing values. With `knots` there are cubic B-splines on
    as many quantile knots beside them, unless these take too much memory. Categories are one-hot, rare levels together.
    """
    matrices = (request.train, request.valid, request.test)
    categorical, numbers = list(request.train.categorical), numeric_columns(request.train)
    blocks: list[Block] = []
    if 4 * sum(map(len, matrices)) * len(numbers) * (knots + 3) > MAX_SPLINE_BYTES:
        knots = 0
    if numbers:
        blocks.append(Block("numbers", numbers_and_splines([m.dense[:, numbers] for m in matrices], knots)))
    if categorical and categories:
        one_hot = _one_hot([codes_of(m) for m in matrices])
        blocks += [] if one_hot is None else [Block("categories", one_hot)]
    if request.train.sparse is not None:
        train, valid, test = (m.sparse.astype(np.float32, copy=False) for m in matrices)
        widths: Sequence[int] = request.test.sparse_widths or (train.shape[1],)
        ends = np.cumsum(widths)
        for start, end in zip((0, *ends[:-1]), ends, strict=True):
            whole = len(widths) == 1
            parts = (train, valid, test) if whole else tuple(m[:, start:end] for m in (train, valid, test))
            blocks.append(Block("text", parts))
    return blocks


def codes_of(matrix: Matrix) -> np.ndarray:
    """(n, c) int64 codes of the columns of categories, -1 where missing."""
    return np.nan_to_num(matrix.dense[:, list(matrix.categorical)], nan=-1).astype(np.int64)


def numbers_and_splines(raw: list[np.ndarray], knots: int) -> tuple[Any, Any, Any]:
    """Columns (rows, d) float32 of numbers: standardised, their splines, and indicators of missing values.

    `raw` are the numbers (rows, c) of the training, the validation and the test rows.
    """
    from sklearn.preprocessing import SplineTransformer, StandardScaler

    missing = [np.isnan(r) for r in raw]
    flagged = missing[0].mean(axis=0) > MIN_MISSING
    filled = impute(raw)
    scaler = StandardScaler().fit(filled[0])
    scaled = [np.clip(scaler.transform(f), -CLIP, CLIP) if len(f) else f for f in filled]
    count = filled[0].shape[1]
    each = knots + 2 if knots else 0  # cubic B-splines on so many knots
    width = count * (1 + each)
    rows = [np.empty((len(s), width + int(flagged.sum())), dtype=np.float32) for s in scaled]
    for out, s, m in zip(rows, scaled, missing, strict=True):
        out[:, :count], out[:, width:] = s, m[:, flagged]
    for j in range(count if knots else 0):  # column by column: all at once would take several times the memory
        spline = SplineTransformer(n_knots=knots, degree=3, knots="quantile", extrapolation="linear")
        spline.fit(scaled[0][:, j : j + 1])
        for out, s in zip(rows, scaled, strict=True):
            if len(s):
                out[:, count + j * each : count + (j + 1) * each] = spline.transform(s[:, j : j + 1])
    train, valid, test = rows
    return train, valid, test


def _one_hot(codes: list[np.ndarray]) -> tuple[Any, Any, Any] | None:
    """CSR columns of the levels of categories (rows, c) of integer codes; None where all have too many levels."""
    from scipy import sparse
    from sklearn.preprocessing import OneHotEncoder

    few = [j for j in range(codes[0].shape[1]) if len(np.unique(codes[0][:, j])) <= MAX_LEVELS]
    if not few:
        return None
    encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=MIN_FREQUENCY, dtype=np.float32)
    encoder.fit(codes[0][:, few])
    width = len(encoder.get_feature_names_out())
    train, valid, test = (
        encoder.transform(c[:, few]) if len(c) else sparse.csr_matrix((0, width), dtype=np.float32) for c in codes
    )
    return train, valid, test


def joined(blocks: Sequence[Block], request: FitRequest) -> list[Any]:
    """The scaled blocks side by side, for the training, validation and test rows: CSR where any block is, else dense.

    Without blocks there is one column of zeros.
    """
    from scipy import sparse

    if not blocks:
        return [np.zeros((len(m), 1), dtype=np.float32) for m in (request.train, request.valid, request.test)]
    factors = np.concatenate([b.factors for b in blocks])
    if not any(sparse.issparse(b.train) for b in blocks):
        return [np.hstack([b.rows[i] for b in blocks]) * factors for i in range(3)]
    out = []
    for i in range(3):
        rows = sparse.hstack([sparse.csr_matrix(b.rows[i]) for b in blocks], format="csr", dtype=np.float32)
        rows.data = rows.data * factors[rows.indices]  # not in place: blocks may share this memory
        out.append(rows)
    return out
