"""The evaluation of a pipeline: the results of its folds combined into out-of-fold and test predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medalist.pipelines.fitting.fit_record import FitRecord
from medalist.pipelines.fitting.fold import FoldResult


@dataclass(frozen=True)
class Evaluation:
    """The outcome of a pipeline on all its folds.

    oof: (r, W) canonical out-of-fold predictions of the evaluated rows, averaged over repetitions of the folds.
    test: (m, W) canonical predictions of the test rows: the mean over the folds' models, or those of the last fold's.
    rounds: (folds, T) boosting rounds of each model.
    fit_seconds, feature_seconds: sums over the folds. importance: means over the folds.
    patience_share: share of the rounds that were run after the best one, waiting for early stopping.
    records: how each fold was fitted; () where that is not known. hashes: of `oof` and `test`, by
    `hashing.array_hash`, once they are stored; () before, and where they are not known.
    """

    oof: np.ndarray
    test: np.ndarray
    rounds: np.ndarray
    fit_seconds: float
    feature_seconds: float
    importance: Mapping[str, float]
    patience_share: float = 0.0
    records: tuple[FitRecord, ...] = ()
    hashes: tuple[str, ...] = ()

    @property
    def mean_rounds(self) -> tuple[int, ...]:
        """Boosting rounds for each target: the mean over the folds, at least 1. For fits without early stopping."""
        return tuple(int(r) for r in np.maximum(1, np.rint(self.rounds.mean(axis=0))))


def combine(
    results: Sequence[FoldResult], valid_positions: Sequence[np.ndarray], *, last_only: bool = False
) -> Evaluation:
    """The evaluation of a pipeline from the results of all its folds, in the order of the folds.

    valid_positions: for each fold, the positions of its validation rows among the evaluated rows. last_only: whether
    the test predictions are those of the last fold's model, which saw the latest rows, instead of the mean over folds.
    """
    n_rows = 1 + max((int(s.max()) for s in valid_positions if len(s)), default=-1)
    total, models = np.zeros((n_rows, results[0].valid.shape[1])), np.zeros((n_rows, 1))
    for result, positions in zip(results, valid_positions, strict=True):
        total[positions] += result.valid
        models[positions] += 1
    names = {name for r in results for name in r.importance}
    used, run = sum(sum(r.rounds) for r in results), sum(r.rounds_run for r in results)
    return Evaluation(
        oof=total / np.maximum(models, 1),
        test=results[-1].test if last_only else np.mean([r.test for r in results], axis=0),
        rounds=np.array([r.rounds for r in results]),
        fit_seconds=sum(r.fit_seconds for r in results),
        feature_seconds=sum(r.feature_seconds for r in results),
        importance={n: float(np.mean([r.importance.get(n, 0.0) for r in results])) for n in sorted(names)},
        patience_share=max(0.0, 1 - used / run) if run else 0.0,
        records=tuple(r.record for r in results),
    )
