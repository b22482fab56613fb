"""Rows that are not independent: the variance of sums of residuals over bins, where the rows of a unit err together.

A unit is a group or a stretch of time that folds hold out as a whole. The residuals of its rows share what the model
does not know of it, so that twenty rows of one unit say little more than one. Variances are therefore estimated from
the sums of whole units, as in cluster-robust inference (Liang and Zeger, 1986). A unit whose rows are in several bins
makes the sums of these bins covary, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOST_SPARSE = 1_000_000  # products of entries of a sparse matrix, up to which its Gram matrix is computed exactly
MOST_DENSE = 100_000_000  # the same for a dense matrix
TABLE_CELLS = 1_000_000  # cells of a table of units and bins that is counted rather than sorted
PROBES = 24  # random vectors by which the norm of a larger Gram matrix is estimated
MOST_EIGENVALUES = 160  # order of a Gram matrix whose eigenvalues are computed


@dataclass(frozen=True)
class Cells:
    """The pairs of a unit and a bin that have rows: (c,) `unit` and `code` of each, and (m,) the `cell` of each row."""

    unit: np.ndarray
    code: np.ndarray
    cell: np.ndarray

    @classmethod
    def of(cls, units: np.ndarray, count: int, codes: np.ndarray, size: int) -> Cells:
        """The cells of rows in `count` units and `size` bins, from their codes from 0 on, (m,) each."""
        pair = units * size + codes
        if count * size <= max(TABLE_CELLS, 4 * len(pair)):
            present = np.flatnonzero(np.bincount(pair, minlength=count * size))
            numbers = np.zeros(count * size, dtype=np.int64)
            numbers[present] = np.arange(len(present))
            cell = numbers[pair]
        else:
            present = np.unique(pair)
            cell = np.searchsorted(present, pair)
        return cls(present // size, present % size, cell)

    def sums(self, r: np.ndarray) -> np.ndarray:
        """(c,) the sum of r (m,) over the rows of each cell."""
        return np.bincount(self.cell, weights=r, minlength=len(self.unit))


def covariance_norm(
    cells: Cells, entries: np.ndarray, totals: np.ndarray, shares: np.ndarray
) -> tuple[float, np.ndarray]:
    """The squared Frobenius norm of the Gram matrix of a matrix of units by bins, and its eigenvalues.

    The matrix has the `entries` (c,) in the cells, less the outer product of `totals`, of the U units, and `shares`, of
    the B bins. The Gram matrices by units and by bins have the same norm and the same eigenvalues but for zeros, and
    the cheaper one is computed. Of what is large either way the norm is estimated by random projections (Hutchinson,
    1990), and in place of its eigenvalues there is the diagonal.
    """
    from scipy import sparse

    count, size = len(totals), len(shares)
    of_unit, of_bin = np.bincount(cells.unit, minlength=count), np.bincount(cells.code, minlength=size)
    by_unit, by_bin = float(np.sum(of_bin.astype(float) ** 2)), float(np.sum(of_unit.astype(float) ** 2))
    least, few = min(count, size), min(by_unit, by_bin) <= MOST_SPARSE
    if least * float(count) * size <= MOST_DENSE and (least <= MOST_EIGENVALUES or not few):
        matrix = -np.outer(totals, shares)
        matrix[cells.unit, cells.code] += entries
        gram = matrix.T @ matrix if size <= count else matrix @ matrix.T
        small = least <= MOST_EIGENVALUES
        return float(np.sum(gram**2)), np.maximum(np.linalg.eigvalsh(gram) if small else np.diag(gram), 0.0)
    diagonal = np.bincount(cells.code, weights=entries**2, minlength=size)
    made = sparse.csr_matrix((entries, (cells.unit, cells.code)), shape=(count, size))
    if of_unit.max() <= 1:
        norm = float(np.sum(diagonal**2))
    elif few:
        products = made @ made.T if by_unit <= by_bin else made.T @ made
        norm = float(np.sum(products.data**2))
    else:
        signs = np.where(np.random.default_rng(0).random((size, PROBES)) < 0.5, -1.0, 1.0)
        norm = float(np.sum((made.T @ (made @ signs)) ** 2)) / PROBES
    # with A the entries, t the totals, v the shares and w = A v: (A - t v')(A - t v')' = A A' - w t' - t w' + v'v t t'
    w, k, tt = made @ shares, float(shares @ shares), float(totals @ totals)
    of_totals, of_w, wt = made.T @ totals, made.T @ w, float(w @ totals)
    norm += 2 * (k * float(of_totals @ of_totals) - 2 * float(of_totals @ of_w))
    norm += 2 * float(w @ w) * tt + 2 * wt**2 - 4 * k * wt * tt + (k * tt) ** 2
    return max(norm, 0.0), diagonal


def permuted_by_unit(values: np.ndarray, units: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(m, …) values shuffled between units: each row gets the value of a row of the one unit that takes the place of
    its own, so that what is equal within units stays so. units: (m,) codes from 0 on."""
    order = np.argsort(units, kind="stable")
    sizes = np.bincount(units)
    starts = np.cumsum(sizes) - sizes
    present = np.flatnonzero(sizes)
    of_unit = np.zeros(len(sizes), dtype=np.int64)
    of_unit[present] = rng.permutation(present)
    rank = np.empty(len(units), dtype=np.int64)
    rank[order] = np.arange(len(units)) - starts[units[order]]
    source = of_unit[units]
    return values[order[starts[source] + rank % sizes[source]]]
