"""Design matrices of linear models: blocks of standardised numbers, one-hot categories and text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from medalist.pipelines.estimators.base import FitRequest
from medalist.pipelines.estimators.preprocessing import impute

MAX_LEVELS = 5000  # categories with more levels are left to their encodings
MOST_EXPANDED = 512 << 20  # bytes of numbers expanded to splines; where there would be more they stay as they are


@dataclass(frozen=True)
class Block:
    """Columns of one sort for the training, the validation and the test rows: dense (n, k) or CSR, float32.

    `factor` scales all of them, or each one (k,); it is applied when blocks are joined.
    """

    kind: Literal["numbers", "categories", "text"]
    rows: tuple[Any, Any, Any]
    factor: Any = 1.0

    @property
    def train(self) -> Any:
        """The training rows, without the factor."""
        return self.rows[0]

    @property
    def factors(self) -> np.ndarray:
        """(k,) the factor of each column."""
        return np.broadcast_to(np.asarray(self.factor, dtype=np.float32), self.train.shape[1])

    def scaled(self, factor: Any) -> Block:
        """The block times a number, or times one number for each column."""
        return replace(self, factor=self.factor * factor)

    def taken(self, sample: np.ndarray) -> Any:
        """These training rows, with the factor."""
        rows = self.train[sample]
        if not hasattr(rows, "indptr"):
            return rows * self.factors
        rows.data = rows.data * self.factors[rows.indices]
        return rows

    def length(self, sample: np.ndarray) -> float:
        """Root of the mean squared length of these training rows, with the factor."""
        rows = self.taken(sample)
        values = rows.data if hasattr(rows, "indptr") else rows
        return float(np.sqrt(np.square(values, dtype=np.float64).sum() / max(1, len(sample))))


def blocks_of(request: FitRequest, knots: int) -> list[Block]:
    """The blocks of a request that hold columns: numbers, categories, and one block for each feature of text.

    Numbers are standardised and clipped, with flags of missing values; with `knots` they are expanded to cubic
    B-splines on quantile knots, unless they are too many. Categories are one-hot, rare levels together.
    """
    matrices = (request.train, request.valid, request.test)
    categorical = list(request.train.categorical)
    numbers = [i for i in range(request.train.dense.shape[1]) if i not in set(categorical)]
    blocks: list[Block] = []
    if 4 * sum(map(len, matrices)) * len(numbers) * (knots + 3) > MOST_EXPANDED:
        knots = 0
    if numbers:
        blocks.append(Block("numbers", _numbers([m.dense[:, numbers] for m in matrices], knots)))
    if categorical:
        one_hot = _one_hot([np.nan_to_num(m.dense[:, categorical], nan=-1).astype(np.int64) for m in matrices])
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


def _numbers(raw: list[np.ndarray], knots: int) -> tuple[Any, Any, Any]:
    from sklearn.preprocessing import SplineTransformer, StandardScaler

    flags = [np.isnan(r) for r in raw]
    gaps = flags[0].mean(axis=0) > 0.005
    filled = impute(raw)
    scaler = StandardScaler().fit(filled[0])
    scaled = [np.clip(scaler.transform(f), -6, 6) if len(f) else f for f in filled]
    count = filled[0].shape[1]
    each = knots + 2 if knots else 0  # cubic B-splines on so many knots
    told = count * (1 + each)
    rows = [np.empty((len(s), told + int(gaps.sum())), dtype=np.float32) for s in scaled]
    for out, s, f in zip(rows, scaled, flags, strict=True):
        out[:, :count], out[:, told:] = s, f[:, gaps]
    for j in range(count if knots else 0):  # column by column: all at once would take several times the memory
        spline = SplineTransformer(n_knots=knots, degree=3, knots="quantile", extrapolation="linear")
        spline.fit(scaled[0][:, j : j + 1])
        for out, s in zip(rows, scaled, strict=True):
            if len(s):
                out[:, count + j * each : count + (j + 1) * each] = spline.transform(s[:, j : j + 1])
    train, valid, test = rows
    return train, valid, test


def _one_hot(codes: list[np.ndarray]) -> tuple[Any, Any, Any] | None:
    from scipy import sparse
    from sklearn.preprocessing import OneHotEncoder

    keep = [j for j in range(codes[0].shape[1]) if len(np.unique(codes[0][:, j])) <= MAX_LEVELS]
    if not keep:
        return None
    encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=5, dtype=np.float32)
    encoder.fit(codes[0][:, keep])
    width = len(encoder.get_feature_names_out())
    train, valid, test = (
        encoder.transform(c[:, keep]) if len(c) else sparse.csr_matrix((0, width), dtype=np.float32) for c in codes
    )
    return train, valid, test


def joined(blocks: Sequence[Block], request: FitRequest) -> list[Any]:
    """The scaled blocks side by side, for the training, validation and test rows: CSR where any is, else dense.

    A column of zeros stands in where there is none.
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
        rows.data = rows.data * factors[rows.indices]  # what it was made from may share its memory
        out.append(rows)
    return out
