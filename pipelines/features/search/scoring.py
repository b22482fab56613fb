"""Scores: what bins or categories say of a residual in rows that they were not fitted on, and what that is worth.

The mean residual of a bin in one half of the rows times that in the other is, summed over the bins, what they explain
of the variance, without a part that chance explains in either half; and its standard error, where there is nothing to
explain, is known. So small effects are seen in many rows, however many bins there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalist.pipelines.features.frames.keys import bins_of
from medalist.pipelines.features.language.expression import Feature, nodes

TYPICAL = 10.0  # rows of the usual variance, that are added to those of a bin
SURE = 3.0  # standard errors from which on their distribution matters
COARSE = 12  # bins that a number is also put into: fewer see what is smooth better
ROWS_PER_BIN, MOST_BINS = 60, 128
SIMPLER = 0.95  # of the gain is left for each part more of an expression


@dataclass(frozen=True)
class Found:
    """A candidate with the share of the residual's variance that it explains, and the standard error of that, if there
    were nothing to explain.

    `synergy`: the share of the target's own variance that it explains beyond the best of its columns alone.
    """

    text: str
    gain: float
    error: float
    status: str = "candidate"
    reason: str = ""
    synergy: float = 0.0

    @property
    def z(self) -> float:
        return self.gain / self.error if self.error > 0 else 0.0


@dataclass
class Scorer:
    """Scores codes against the residual of some rows: (m, T), with a fixed half (m,) for each row."""

    residual: np.ndarray
    half: np.ndarray

    def __post_init__(self) -> None:
        self.residual = self.residual - self.residual.mean(axis=0)  # else every code would explain the mean
        products = self.residual.T @ self.residual
        alone = float(np.sum(np.diag(products) ** 2))
        self.together = float(np.sum(products**2)) / alone if alone > 0 else 1.0  # targets that err together tell less
        self.squares = self.residual**2
        self.scale = float(np.mean(np.sum(self.squares, axis=1))) or 1.0

    @property
    def bins(self) -> int:
        return int(np.clip(len(self.residual) // ROWS_PER_BIN, 8, MOST_BINS))

    def gain(self, codes: np.ndarray, size: int) -> tuple[float, float]:
        """The share of the residual's variance that a mean for each of the codes (m,) explains in new rows, and its
        standard error where there is nothing to explain.

        A mean of few rows says less than there is to say: it is shrunk by empirical Bayes, and the share with it.
        """
        cell, n = codes * 2 + self.half, len(codes)
        counts = np.bincount(cell, minlength=2 * size).reshape(size, 2)
        told = counts.all(axis=1)
        of_both, rows = counts[told].prod(axis=1), counts[told].sum(axis=1)
        explained, variances = 0.0, []
        for r, r2 in zip(self.residual.T, self.squares.T, strict=True):
            sums = np.bincount(cell, weights=r, minlength=2 * size).reshape(size, 2)[told]
            squares = np.bincount(codes, weights=r2, minlength=size)[told]
            spread = (squares + TYPICAL * np.mean(r2)) / (rows + TYPICAL)
            explained += float(np.sum(rows / n * sums.prod(axis=1) / of_both))
            variances.append((rows / n * spread) ** 2 / of_both * self.together)
        of_bins = np.concatenate(variances)
        share, error = explained / self.scale, float(np.sqrt(of_bins.sum())) / self.scale
        if share <= 0:
            return share, error
        if share > SURE * error:
            error = share / _normal(share / error, of_bins / of_bins.sum())
        kept = float(np.sum(rows / n * share / (share + 1 / rows)))
        return share * kept, error * kept

    def fitted(self, codes: np.ndarray, size: int) -> np.ndarray:
        """(m, T) the mean residual of each row's code, shrunk by what the codes explain."""
        share = max(self.gain(codes, size)[0], 0.0)
        rows = np.bincount(codes, minlength=size)
        shrunk = np.where(rows > 0, share / (share * np.maximum(rows, 1) + 1), 0.0)
        out = np.empty_like(self.residual)
        for t, r in enumerate(self.residual.T):
            out[:, t] = (np.bincount(codes, weights=r, minlength=size) * shrunk)[codes]
        return out


def _normal(z: float, shares: np.ndarray) -> float:
    """What z > 0 of a sum of products of two normal variables each is worth in standard errors of a normal variable.

    Of few terms large values are far likelier than of a normal variable: it is the signed root of the saddlepoint
    approximation (Lugannani and Rice, 1980). `shares` are those of the terms' variances.
    """
    low, high = 0.0, (1 - 1e-9) / float(np.sqrt(shares.max()))
    for _ in range(40):
        s = (low + high) / 2
        low, high = (s, high) if float(np.sum(s * shares / (1 - s * s * shares))) < z else (low, s)
    return float(np.sqrt(2 * max(s * z + 0.5 * float(np.log1p(-s * s * shares).sum()), 1e-12)))


def widest(residual: np.ndarray, most: int) -> np.ndarray:
    """The columns of (m, T) that vary most, at most so many."""
    if residual.shape[1] <= most:
        return residual
    return np.ascontiguousarray(residual[:, np.sort(np.argsort(-residual.var(axis=0), kind="stable")[:most])])


def binned(values: np.ndarray, bins: int) -> tuple[np.ndarray, int]:
    """Quantile bins (m,) int64 of numbers, missing in a bin of its own, and how many there are."""
    gaps = np.isnan(values)
    present = values[~gaps] if gaps.any() else values
    if not len(present):
        return np.zeros(len(values), dtype=np.int64), 1
    edges = np.unique(np.quantile(present, np.linspace(0, 1, bins + 1)[1:-1], method="nearest"))
    codes, size = bins_of(values, edges, bins)
    codes[gaps] = size
    return codes, size + 1


def coarse(codes: np.ndarray, size: int) -> tuple[np.ndarray, int] | None:
    """Bins (m,) in order, the last one of what is missing, put together to about COARSE; None where they are few."""
    known = size - 1
    if known < 2 * COARSE:
        return None
    merged = codes * COARSE // known
    merged[codes == known] = COARSE
    return merged, COARSE + 1


def worth(feature: Feature, gain: float) -> float:
    """A gain less what its complexity costs: of two that explain about the same, the simpler one."""
    return gain * SIMPLER ** sum(1 for _ in nodes(feature)) if gain > 0 else gain
