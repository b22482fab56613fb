"""Scores: what bins or categories say of a residual in rows that they were not fitted on, and what that is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.features.expression import Feature, nodes
from pipelines.features.frame import bins_of

SHRINKAGE = 10.0  # rows, of the mean residual of a bin
ROWS_PER_BIN, MOST_BINS = 60, 128
SIMPLER = 0.95  # of the gain is left for each part more of an expression


@dataclass(frozen=True)
class Found:
    """A candidate with the share of the residual's variance that it explains, and the standard error of that.

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
    """Scores codes or numbers against the residual of some rows: (m, T), with a fixed half (m,) for each row."""

    residual: np.ndarray
    half: np.ndarray

    def __post_init__(self) -> None:
        self.scale = float(np.mean(np.sum(self.residual**2, axis=1))) or 1.0

    @property
    def bins(self) -> int:
        return int(np.clip(len(self.residual) // ROWS_PER_BIN, 8, MOST_BINS))

    def fitted(self, codes: np.ndarray, size: int) -> np.ndarray:
        """(m, T) the mean residual of each row's code in the other half of the rows, shrunk towards 0."""
        cell = codes * 2 + self.half
        counts = np.bincount(cell, minlength=2 * size).reshape(size, 2)[:, ::-1]
        out = np.empty_like(self.residual)
        for t in range(self.residual.shape[1]):
            sums = np.bincount(cell, weights=self.residual[:, t], minlength=2 * size).reshape(size, 2)[:, ::-1]
            out[:, t] = (sums / (counts + SHRINKAGE))[codes, self.half]
        return out

    def gain(self, fitted: np.ndarray) -> tuple[float, float]:
        """The share of the residual's variance that `fitted` (m, T) explains, and its standard error."""
        each = np.sum((2 * self.residual - fitted) * fitted, axis=1) / self.scale
        return float(each.mean()), float(each.std() / np.sqrt(len(each)))


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


def worth(feature: Feature, gain: float) -> float:
    """A gain less what its complexity costs: of two that explain about the same, the simpler one."""
    return gain * SIMPLER ** sum(1 for _ in nodes(feature)) if gain > 0 else gain
