"""A paired test of two decisions on the same rows: the gain in score, if it exceeds a number of standard errors."""

from __future__ import annotations

import numpy as np

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics.confusion import confusion_tables
from medalist.competitions.metrics.metric import Metric
from medalist.pipelines.problem import Problem

BLOCKS = 20  # random blocks of rows, left out in turn by the jackknife


def gain(
    metric: Metric,
    problem: Problem,
    y: np.ndarray,
    plain: np.ndarray,
    other: np.ndarray,
    folds: np.ndarray,
    weights: np.ndarray | None = None,
    min_z: float = 0.5,
    min_fold_share: float = 0.0,
    blocks: np.ndarray | None = None,
) -> float:
    """The gain in the metric of `other` over `plain`, positive where it scores better; 0 where that may be noise.

    Parameters
    ----------
    y : (n, T) targets.
    plain, other : post-processed predictions, (n, T) or (n, K).
    folds : (n,) fold of each row.
    weights : (n,) of the rows, for metrics that use them.
    min_z : standard errors that the gain has to exceed, by the jackknife over blocks of rows (Tukey, 1958).
    min_fold_share : share of the folds in which it has to be above 0, at least.
    blocks : (n,) codes from 0 on of the jackknife's blocks of dependent rows; by default random blocks.

    Raises
    ------
    MetricError
        Where the metric is not defined for all of the rows.
    """
    ways = [_Scores(metric, problem, y, decided, weights) for decided in (plain, other)]
    gained = float(ways[1].all_rows - ways[0].all_rows)
    if not gained > 0:
        return 0.0
    if blocks is None:
        blocks = np.random.default_rng(0).permutation(len(y)) % min(BLOCKS, len(y))
    left_out = ways[1].without(blocks) - ways[0].without(blocks)
    left_out = left_out[np.isfinite(left_out)]
    n = len(left_out)
    noise = float(np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())) if n else 0.0
    if gained <= min_z * noise:
        return 0.0
    if not min_fold_share:
        return gained
    codes = np.unique(folds, return_inverse=True)[1]
    by_fold = ways[1].within(codes) - ways[0].within(codes)
    by_fold = by_fold[np.isfinite(by_fold)]
    return gained if len(by_fold) and np.mean(by_fold > 0) >= min_fold_share else 0.0


class _Scores:
    """The score of post-processed predictions, greater being better, on parts of the rows; NaN where it is not
    defined."""

    def __init__(
        self, metric: Metric, problem: Problem, y: np.ndarray, decided: np.ndarray, weights: np.ndarray | None
    ) -> None:
        self.metric, self.y, self.decided = metric, y, decided
        self.weights = weights if metric.uses_rows else None
        self.sign = 1 if metric.greater_is_better else -1
        self.n_classes = problem.n_classes
        self.losses = metric.losses(y, decided)
        self.all_rows = self.sign * metric.score(y, decided, weights)

    def within(self, group: np.ndarray) -> np.ndarray:
        """(G,) scores of the rows of each group; `group` (n,) codes from 0 on."""
        return self._scores(group, left_out=False)

    def without(self, group: np.ndarray) -> np.ndarray:
        """(G,) scores of all rows but those of each group."""
        return self._scores(group, left_out=True)

    def _scores(self, group: np.ndarray, left_out: bool) -> np.ndarray:
        if self.losses is not None:
            rows = np.ones(len(group)) if self.weights is None else np.asarray(self.weights, dtype=float).reshape(-1)
            sums = np.stack([np.bincount(group, rows * self.losses), np.bincount(group, rows)])
            total, count = sums.sum(axis=1, keepdims=True) - sums if left_out else sums
            means = np.where(count > 0, total / np.where(count > 0, count, 1), np.nan)
            return np.array([self.sign * self.metric.from_mean(float(m)) for m in means])
        if self.metric.confusion is not None and not np.isnan(self.y).any():
            columns = []
            for t in range(self.y.shape[1]):
                tables = confusion_tables(self.y[:, t], self.decided[:, t], self.n_classes, group)
                columns.append(self.metric.confusion(tables.sum(axis=0) - tables if left_out else tables))
            return np.asarray(np.mean(columns, axis=0))
        return np.array([self._score((group != g) if left_out else (group == g)) for g in range(int(group.max()) + 1)])

    def _score(self, rows: np.ndarray) -> float:
        weights = None if self.weights is None else self.weights[rows]
        try:
            return self.sign * self.metric.score(self.y[rows], self.decided[rows], weights)
        except MetricError:
            return float("nan")
