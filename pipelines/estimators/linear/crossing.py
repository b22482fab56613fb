"""Crosses of categories: which pairs and triples of columns say more of the target than their columns do, and their
one-hot columns.

A cell, the combination of the levels of two or three columns, is a hash of 64 bits of its codes, so that crosses of any
number of levels take one number a row until their columns are made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from medalist.pipelines.estimators.linear.design import Block
from medalist.pipelines.estimators.preprocessing import level_positions

LEAST_ROWS = 2  # training rows of a level or a cell with a column of its own, at least
MOST_CELLS = 1 << 18  # columns of one cross, at most: those of the most frequent cells
MOST_PAIRS = 300  # pairs of columns that are scored, at most
MOST_TRIPLES = 200  # triples that are scored, at most: those that hold the best pairs
RESCORED = 24  # best crosses that are scored again after each choice
LEAST_Z = 2.5  # standard errors by which a cross has to explain what the chosen ones leave
INNER_FOLDS = 4  # folds out of which a cell's mean is scored
PRIOR_ROWS = 3.0  # rows with mean 0 that count in a cell's mean
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2**64 divided by the golden ratio (Knuth, multiplicative hashing)

Cross = tuple[int, ...]


def cells(codes: np.ndarray, cross: Cross) -> np.ndarray:
    """(n,) uint64 hashes of the cells of a cross: equal where the codes (n, c) agree in its columns."""
    out = np.full(len(codes), len(cross), dtype=np.uint64)
    for column in cross:
        out = (out ^ (codes[:, column] + 2).astype(np.uint64)) * _ODD
        out ^= out >> np.uint64(29)
    return out


def one_hot(codes: Sequence[np.ndarray], cross: Cross) -> Block | None:
    """CSR columns of the cells of a cross for the training, validation and test rows; None where no cell has LEAST_ROWS
    training rows. codes: (rows, c) integers of each."""
    from scipy import sparse

    hashed = [cells(c, cross) for c in codes]
    levels, counts = np.unique(hashed[0], return_counts=True)
    kept = np.flatnonzero(counts >= LEAST_ROWS)
    if len(kept) > MOST_CELLS:
        kept = np.sort(kept[np.argsort(-counts[kept], kind="stable")[:MOST_CELLS]])
    if not len(kept):
        return None
    rows: list[Any] = []
    for h in hashed:
        at = level_positions(levels[kept], h)
        there = at >= 0
        ends = np.concatenate([[0], np.cumsum(there)])
        ones = np.ones(int(ends[-1]), dtype=np.float32)
        rows.append(sparse.csr_matrix((ones, at[there], ends), shape=(len(h), len(kept))))
    return Block("categories", (rows[0], rows[1], rows[2]))


def choose(codes: np.ndarray, residual: np.ndarray, most: int, order: int, seed: int) -> list[Cross]:
    """Crosses of two to `order` columns that explain the residual, at most `most`, the best first.

    codes: (n, c) integers of training rows. residual: (n, K) what a model of the single columns leaves of their
    target, out of fold. A cross is scored by the correlation of the residual with its cells' means in the other inner
    folds. The best one is taken, what it explains is subtracted, and the next best are scored again, until none is
    LEAST_Z standard errors above 0.
    """
    rng = np.random.default_rng(seed)
    residual = residual - residual.mean(axis=0)
    inner = rng.permutation(len(codes)) % INNER_FOLDS
    scores: dict[Cross, float] = {}

    def score(crosses: Iterable[Cross]) -> None:
        for cross in crosses:
            scores[cross] = _z(_means(codes, cross, residual, inner), residual)

    score(list(combinations(range(codes.shape[1]), 2))[:MOST_PAIRS])
    if order > 2:
        ranked = sorted(scores, key=lambda c: -scores[c])
        triples = (tuple(sorted({*pair, j})) for pair in ranked for j in range(codes.shape[1]) if j not in pair)
        score(list(dict.fromkeys(triples))[:MOST_TRIPLES])
    chosen: list[Cross] = []
    while scores and len(chosen) < most:
        best = max(scores, key=lambda c: scores[c])
        if scores.pop(best) < LEAST_Z:
            break
        chosen.append(best)
        residual = residual - _means(codes, best, residual, inner)
        score(sorted(scores, key=lambda c: -scores[c])[:RESCORED])
    return chosen


def _means(codes: np.ndarray, cross: Cross, goal: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """(n, K) mean of the goal in the row's cell over the other inner folds, shrunk towards 0 by PRIOR_ROWS rows."""
    at = np.unique(cells(codes, cross), return_inverse=True)[1].ravel()
    size = int(at.max()) + 1
    where = at * INNER_FOLDS + inner
    counts = np.bincount(where, minlength=size * INNER_FOLDS)
    rows = np.bincount(at, minlength=size)[at] - counts[where] + PRIOR_ROWS
    out = np.empty(goal.shape)
    for k, values in enumerate(goal.T):
        sums = np.bincount(where, weights=values, minlength=size * INNER_FOLDS)
        out[:, k] = (np.bincount(at, weights=values, minlength=size)[at] - sums[where]) / rows
    return out


def _z(predicted: np.ndarray, goal: np.ndarray) -> float:
    """How many standard errors the covariance of a prediction (n, K) with the goal (n, K) is above 0."""
    product = (predicted * goal).sum(axis=1)
    spread = float(product.std())
    return float(product.mean()) / spread * np.sqrt(len(product)) if spread > 0 else 0.0
