"""Splits of the evaluated rows for ensemble selection: rows on which members are chosen, and rows on which the choice
is scored."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from medalist.competitions.folds.make import assign_groups
from medalist.competitions.metrics.metric import Metric
from medalist.pipelines.problem import Problem

MAX_ROWS = 20_000  # rows on which as many members as can be are chosen, at most; of fewer members more rows
MAX_NUMBERS = 140_000  # the same times prediction columns, at most, but at least JUDGING_ROWS rows in any case
JUDGING_ROWS = 5000  # rows on which a draw's choice is scored, and on which the candidates are ranked
DRAWS = 8  # draws of the bagging, an even number: the second of a pair swaps the halves of the first
ENOUGH_RARE = 400  # rows of the rarer class expected in a random draw, below which draws are enriched with them
LEAST_HALF = 50  # rows of a half that is made of whole groups, at least
Draw = tuple[np.ndarray, np.ndarray]


def rare_rows(metric: Metric, problem: Problem, y: np.ndarray) -> np.ndarray | None:
    """(n,) whether a row is of the rarer of two classes, where a random draw would hold too few of it.

    None where it holds enough, or where the metric depends on the class shares, as all but the area under the ROC curve
    do.
    """
    if metric.shape != "roc" or problem.problem_type != "binary" or y.shape[1] > 1 or len(y) <= MAX_ROWS:
        return None
    positive = y[:, 0] > 0.5
    rare = positive if positive.mean() <= 0.5 else ~positive
    return rare if rare.mean() * MAX_ROWS < ENOUGH_RARE and rare.any() else None


def rows_with_rare(rng: np.random.Generator, rare: np.ndarray, most: int) -> np.ndarray:
    """At most `most` rows, sorted: those that are `rare` (n,), up to half of them, and a random draw of others."""
    few, others = np.flatnonzero(rare), np.flatnonzero(~rare)
    kept = few if len(few) <= most // 2 else rng.choice(few, most // 2, replace=False)
    beside = rng.choice(others, min(len(others), most - len(kept)), replace=False)
    return np.sort(np.concatenate([kept, beside]))


def judging_rows(metric: Metric, problem: Problem, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Positions of the rows on which candidates are ranked beforehand, in random order. y: (n, T) targets."""
    judging = rng.permutation(len(y))[:JUDGING_ROWS]
    if (rare := rare_rows(metric, problem, y)) is None:
        return judging
    return rng.permutation(rows_with_rare(rng, rare, JUDGING_ROWS))


def choosing_rows(
    metric: Metric, problem: Problem, y: np.ndarray, rng: np.random.Generator, factor: float = 1.0
) -> np.ndarray:
    """Positions of the rows on which members are chosen, sorted. y: (n, T) targets. factor: by which the most rows are
    multiplied, where fewer members than usual leave time for them."""
    n, most = len(y), int(factor * min(MAX_ROWS, max(JUDGING_ROWS, MAX_NUMBERS // problem.width)))
    if n > most and (rare := rare_rows(metric, problem, y)) is not None:
        return rows_with_rare(rng, rare, most)
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


def distinguishes(problem: Problem, y: np.ndarray, half: np.ndarray) -> bool:
    """Whether the rows `half` (h,) of the targets y (n, T) can distinguish good members from bad ones: they hold all
    classes, or values that vary."""
    if problem.classification:
        return all(len(np.unique(of_one[half])) == len(np.unique(of_one)) for of_one in y.T)
    if np.isnan(y).any():
        return all(len(np.unique(of_one[half][~np.isnan(of_one[half])])) > 1 for of_one in y.T)
    return bool((np.ptp(y[half], axis=0) > 0).all())


def draws(
    n: int,
    rng: np.random.Generator,
    groups: np.ndarray | None = None,
    suffices: Callable[[np.ndarray], bool] | None = None,
) -> list[Draw]:
    """DRAWS splits of n rows into two random halves of positions: (rows that choose, rows that score the choice).

    Every second split swaps the halves of the one before it. With `groups` (n,) each half has whole groups, provided
    that both halves have enough rows and `suffices` is true of both.
    """
    codes = None if groups is None else np.unique(groups, return_inverse=True)[1]
    pairs: list[Draw] = []
    for _ in range(DRAWS // 2):
        order = rng.permutation(n)
        one, other = order[: (n + 1) // 2], order[n // 2 :]  # an odd row is in both
        if codes is not None and codes.max(initial=0) > 0:
            side = assign_groups(codes, 2, rng, shuffled=True)[order]
            halves = order[side == 0], order[side == 1]
            if min(map(len, halves)) >= max(LEAST_HALF, n // 10) and (suffices is None or all(map(suffices, halves))):
                one, other = halves
        pairs += [(one, other), (other, one)]
    return pairs
