"""FoldSet: the folds that a run evaluates on, and how their rows are grouped when scores are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medalist.agent.blocks import block_of_rows


@dataclass(frozen=True)
class Drawn:
    """How folds were drawn: the arguments of `RunData.folds`, and the hash of the rows that each validates."""

    name: str
    seed: int
    count: int | None
    repeats: int
    sha256: str


@dataclass(frozen=True)
class FoldSet:
    """Folds of cross-validation, possibly repeated, over n training rows of which r are validated at least once.

    Attributes
    ----------
    path: .npz file in which child processes find the rows of each fold, as fit_<k> and valid_<k>.
    positions: for each fold the indices into `rows` of its validation rows, (v,).
    rows: (r,) indices of the training rows that are validated at least once, ascending; the "evaluated rows".
    fold_of_row: (r,) the fold of each of them, in the first repetition.
    blocks: (r,) the block of each of them for paired comparisons (see `score.block_of_rows`).
    y, weights: (r, T) encoded targets of `rows`, and their weights (r,) in the metric, or what else it is told of them,
        (r, F): see `Metric.score`.
    groups: (r,) the group or the span of time of each row, where folds hold out whole groups or spans; else None.
    forecast: whether each fold lies later than the rows that its model is fitted on.
    fit_rows: rows that a fold's model is fitted on, on average.
    drawn: how the folds were drawn; None where that is not known.
    """

    path: Path
    positions: tuple[np.ndarray, ...]
    rows: np.ndarray
    fold_of_row: np.ndarray
    blocks: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None
    groups: np.ndarray | None = None
    forecast: bool = False
    fit_rows: float = 0.0
    drawn: Drawn | None = None

    @property
    def count(self) -> int:
        """Number of folds, over all repetitions."""
        return len(self.positions)

    @property
    def clusters(self) -> np.ndarray | None:
        """(r,) the clusters for clustered standard errors: the fold of each row in a forecast, where the rows of a fold
        share the level of a period and their errors are correlated; else None."""
        return self.fold_of_row if self.forecast else None

    @property
    def selection_groups(self) -> np.ndarray | None:
        """(r,) the groups that must not be split between choosing an ensemble and judging it: the folds of a forecast,
        else `groups`; None where rows are independent."""
        return self.fold_of_row if self.forecast and self.count > 1 else self.groups

    def mostly_equals(self, other: FoldSet) -> bool:
        """Whether at least half of these folds hold out exactly the same rows as a fold of another set."""
        theirs = {other.rows[positions].tobytes() for positions in other.positions}
        return sum(self.rows[positions].tobytes() in theirs for positions in self.positions) >= self.count / 2

    def subset(self, folds: Sequence[int]) -> FoldSet:
        """The set of the folds with these numbers, in the order given, with the rows that they validate."""
        if list(folds) == list(range(self.count)):
            return self
        kept = np.unique(np.concatenate([self.positions[k] for k in folds]))
        positions = tuple(np.searchsorted(kept, self.positions[k]) for k in folds)
        y = self.y[kept]
        groups = None if self.groups is None else self.groups[kept]
        return FoldSet(
            path=self.path,
            positions=positions,
            rows=self.rows[kept],
            fold_of_row=first_fold(positions, len(kept)),
            blocks=block_of_rows(y, groups=groups),
            y=y,
            weights=None if self.weights is None else self.weights[kept],
            groups=groups,
            forecast=self.forecast,
            fit_rows=self.fit_rows,
            drawn=self.drawn,
        )


def first_fold(positions: Sequence[np.ndarray], n_rows: int) -> np.ndarray:
    """(n_rows,) the first fold that validates each row, from the `positions` of the folds (see `FoldSet`)."""
    fold_of_row = np.zeros(n_rows, dtype=np.int16)
    for k in reversed(range(len(positions))):
        fold_of_row[positions[k]] = k
    return fold_of_row
