"""Scores of bins or categories: the share of a residual's variance that they explain out of sample.

The rows are split into two random halves. The product of a bin's mean residuals in the two, summed over the bins, is an
unbiased estimate of the variance that the bins explain, and its standard error under the null hypothesis that they
explain nothing is known. So small effects are detected in many rows, whatever the number of bins. Where rows err
together, as those of a group do, the halves are of whole units, and variances are those of sums over units (`units`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalist.pipelines.features.frames.keys import bins_of
from medalist.pipelines.features.language.expression import Feature, nodes
from medalist.pipelines.features.search.units import Cells, covariance_norm

PRIOR_ROWS = 10.0  # weight, in rows, of the overall variance in the estimated variance of a bin
NORMAL_Z = 3.0  # z-score above which the standard error is corrected for heavy tails (see `_normal_z`)
COARSE = 12  # bins of the second, coarser binning of a number, which has more power for smooth effects
ROWS_PER_BIN, MOST_BINS = 60, 128  # rows of a quantile bin, and number of bins, at most
SIMPLER = 0.95  # factor of a feature's gain for each node of its expression, to prefer simple ones


@dataclass(frozen=True)
class ScoredFeature:
    """A candidate's text with its score.

    gain: the share of the residual's variance that it explains out of sample. error: standard error of the gain under
    the null hypothesis. status, reason: the outcome, for the ledger. synergy: the share of the target's variance that
    it explains, less that of the best of its columns alone.
    """

    text: str
    gain: float
    error: float
    status: str = "candidate"
    reason: str = ""
    synergy: float = 0.0

    @property
    def z(self) -> float:
        """The gain in standard errors."""
        return self.gain / self.error if self.error > 0 else 0.0


@dataclass
class Scorer:
    """Scores codes of m rows by their residual (m, T); `half` (m,) of 0 and 1 is each row's half.

    units: (m,) codes from 0 on of the units whose rows are not independent; all rows of a unit are in one half. None
    where rows are independent.
    """

    residual: np.ndarray
    half: np.ndarray
    units: np.ndarray | None = None

    def __post_init__(self) -> None:
        self.residual = self.residual - self.residual.mean(axis=0)  # else every feature would explain the mean
        if self.units is not None:
            for rows in (self.half == 0, self.half == 1):  # and halves of few units differ in it
                if rows.any():
                    self.residual[rows] -= self.residual[rows].mean(axis=0)
        self.n_units = 0 if self.units is None else int(self.units.max(initial=-1)) + 1
        products = self.residual.T @ self.residual
        diagonal = float(np.sum(np.diag(products) ** 2))
        # the explained variance of correlated targets has a larger variance than that of independent ones
        self.variance_inflation = float(np.sum(products**2)) / diagonal if diagonal > 0 else 1.0
        self.squares = self.residual**2
        self.scale = float(np.mean(np.sum(self.squares, axis=1))) or 1.0

    @property
    def bins(self) -> int:
        """The number of quantile bins for so many rows."""
        return int(np.clip(len(self.residual) // ROWS_PER_BIN, 8, MOST_BINS))

    def gain(self, codes: np.ndarray, size: int) -> tuple[float, float]:
        """The gain of codes (m,) from 0 to size - 1, and its standard error under the null hypothesis.

        The gain is the share of the residual's variance that the mean of each code explains out of sample. A mean of
        few rows is shrunk by empirical Bayes, and the gain and its error with it.
        """
        cell, n = codes * 2 + self.half, len(codes)
        counts = np.bincount(cell, minlength=2 * size).reshape(size, 2)
        in_both = counts.all(axis=1)
        products, rows = counts[in_both].prod(axis=1), counts[in_both].sum(axis=1)
        explained, variances = 0.0, []
        cells = None if self.units is None else Cells.of(self.units, self.n_units, codes, size)
        for r, r2 in zip(self.residual.T, self.squares.T, strict=True):
            sums = np.bincount(cell, weights=r, minlength=2 * size).reshape(size, 2)[in_both]
            explained += float(np.sum(rows / n * sums.prod(axis=1) / products))
            if cells is not None:
                variances.append(self._variances_by_unit(cells, r, counts) * self.variance_inflation)
                continue
            squares = np.bincount(codes, weights=r2, minlength=size)[in_both]
            spread = (squares + PRIOR_ROWS * np.mean(r2)) / (rows + PRIOR_ROWS)
            variances.append((rows / n * spread) ** 2 / products * self.variance_inflation)
        of_bins = np.concatenate(variances)
        share, error = explained / self.scale, float(np.sqrt(of_bins.sum())) / self.scale
        if share <= 0 or error <= 0:  # what a single bin, or one for all rows of each unit, explains is rounding
            return min(share, 0.0), error
        if share > NORMAL_Z * error:
            error = share / _normal_z(share / error, of_bins / of_bins.sum())
        shrinkage = float(np.sum(rows / n * share / (share + 1 / rows)))
        return share * shrinkage, error * shrinkage

    def _variances_by_unit(self, cells: Cells, r: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Terms whose sum is the variance of what the bins explain of a residual r (m,), where the rows of a unit err
        together. counts: (size, 2) rows of each bin in the halves.

        The covariance matrix of the bins' sums is that of the sums over units in `cells`, of both halves together. Its
        diagonal is shrunk to the overall variance by PRIOR_ROWS times the rows of a cell.
        """
        rows, products, n = counts.sum(axis=1), counts.prod(axis=1), len(r)
        weights = np.zeros(len(counts))  # by which the product of a bin's variances in the halves counts
        both = products > 0
        weights[both] = 1 / (n * np.sqrt(products[both]))
        sums = cells.sums(r)
        totals = np.bincount(cells.unit, weights=sums, minlength=self.n_units)
        # the sum of a unit in a bin counts less the bin's share of the unit's total, since residuals are centred
        shares = rows / n
        squares = np.bincount(
            cells.code, weights=sums * (sums - 2 * shares[cells.code] * totals[cells.unit]), minlength=len(counts)
        )
        squares = squares + shares**2 * float(totals @ totals)
        prior = PRIOR_ROWS * n / len(sums)
        shrunk = rows * (squares + prior * squares.sum() / n) / (rows + prior)
        root = np.sqrt(weights)
        norm, eigenvalues = covariance_norm(cells, sums * root[cells.code], totals, shares * root)
        total = float(np.sum((weights * shrunk) ** 2)) + max(norm - float(np.sum((weights * squares) ** 2)), 0.0)
        of_terms = eigenvalues**2
        return total * of_terms / (of_terms.sum() or 1.0)

    def fitted(self, codes: np.ndarray, size: int) -> np.ndarray:
        """(m, T) the mean residual of each row's code, shrunk by the gain of the codes."""
        share = max(self.gain(codes, size)[0], 0.0)
        rows = np.bincount(codes, minlength=size)
        shrunk = np.where(rows > 0, share / (share * np.maximum(rows, 1) + 1), 0.0)
        out = np.empty_like(self.residual)
        for t, r in enumerate(self.residual.T):
            out[:, t] = (np.bincount(codes, weights=r, minlength=size) * shrunk)[codes]
        return out


def _normal_z(z: float, shares: np.ndarray) -> float:
    """The z-score of a normal variable with the tail probability of z > 0 for a sum of products of two normal
    variables.

    A sum of few such terms has heavy tails: the signed root of the saddlepoint approximation (Lugannani and Rice,
    1980). shares: of the terms in the variance of the sum, summing to 1.
    """
    low, high = 0.0, (1 - 1e-9) / float(np.sqrt(shares.max()))
    for _ in range(40):
        s = (low + high) / 2
        low, high = (s, high) if float(np.sum(s * shares / (1 - s * s * shares))) < z else (low, s)
    return float(np.sqrt(2 * max(s * z + 0.5 * float(np.log1p(-s * s * shares).sum()), 1e-12)))


def widest(residual: np.ndarray, most: int) -> np.ndarray:
    """The `most` columns of (m, T) with the largest variance, in their order; all where there are no more."""
    if residual.shape[1] <= most:
        return residual
    return np.ascontiguousarray(residual[:, np.sort(np.argsort(-residual.var(axis=0), kind="stable")[:most])])


def binned(values: np.ndarray, bins: int) -> tuple[np.ndarray, int]:
    """Quantile bins (m,) int64 of numbers (m,), and the number of bins; missing values are in the last one."""
    gaps = np.isnan(values)
    present = values[~gaps] if gaps.any() else values
    if not len(present):
        return np.zeros(len(values), dtype=np.int64), 1
    edges = np.unique(np.quantile(present, np.linspace(0, 1, bins + 1)[1:-1], method="nearest"))
    codes, size = bins_of(values, edges, bins)
    codes[gaps] = size
    return codes, size + 1


def coarse(codes: np.ndarray, size: int) -> tuple[np.ndarray, int] | None:
    """Bins (m,) in order, the last one of missing values, merged into COARSE bins and one of missing values.

    Returns the merged bins and their number; None where there are too few bins to merge.
    """
    without_missing = size - 1
    if without_missing < 2 * COARSE:
        return None
    merged = codes * COARSE // without_missing
    merged[codes == without_missing] = COARSE
    return merged, COARSE + 1


def worth(feature: Feature, gain: float) -> float:
    """A gain discounted by the size of the expression, so that the simpler of two features of similar gain is
    preferred."""
    return gain * SIMPLER ** sum(1 for _ in nodes(feature)) if gain > 0 else gain
