"""Whole numbers that are names: codes of people, products or places, whose order says nothing of the target."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from medalist.competitions.columns.cards import ColumnCard, Kind
from medalist.pipelines.features.base_sets import values_recur

FEWEST = 10  # distinct values, below which trees tell them apart as numbers
LEAST_REPEATS = 2.0  # rows of a value, on average, at least
LEAST_Z = 3.0  # standard errors by which the target's means differ between values
MOST_ORDER = 0.5  # covariance of neighbouring values' means, relative to the variance between values
LEAST_ORDER_Z = 2.0  # standard errors above 0 of that covariance, where values are far apart
SPARSE = 5.0  # range per distinct value, in steps of their greatest common divisor, from which they look like codes
SAMPLED_ROWS = 50_000  # rows that are looked at
MOST_COLUMNS = 100  # columns that are looked at
MOST_GOALS = 6  # columns of targets, or most frequent classes, that are looked at


def nominal_numbers(
    cards: Sequence[ColumnCard], train: pd.DataFrame, y: np.ndarray, classes: int = 0
) -> dict[str, bool]:
    """Columns of whole numbers that may be names rather than amounts, in the order of the cards, and whether each looks
    like codes: its values lie far apart, and the target differs between them.

    The evidence is that values repeat, that the mean target differs between them, and that it does so no less between
    neighbouring values. Values that lie far apart are taken for names unless an order shows, also where the means do
    not differ: they may count in combination. y: (n, T) encoded targets of train; classes: of a multiclass target, else
    0. It tells what is worth a try, and no feature is made of what it looked at.
    """
    rng = np.random.default_rng(0)
    rows = np.arange(len(train))
    if len(rows) > SAMPLED_ROWS:
        rows = np.sort(rng.choice(len(rows), SAMPLED_ROWS, replace=False))
    goals = _goals(y[rows], classes)
    kinds = (Kind.NUMBER, Kind.COUNT, Kind.ORDINAL, Kind.KEY)
    eligible = [c for c in cards if c.numeric and c.kind in kinds and c.distinct >= FEWEST and values_recur(c, len(y))]
    found = {}
    for card in eligible[:MOST_COLUMNS]:
        values = train[card.name].iloc[rows].to_numpy(dtype=float, na_value=np.nan)
        may_be, codes = _judged(values, goals)
        if may_be:
            found[card.name] = codes
    return found


def _goals(y: np.ndarray, classes: int) -> np.ndarray:
    """(n, K) standardised targets, or indicators of the most frequent classes; missing ones at the mean."""
    if classes > 2:
        frequent = np.argsort(-np.bincount(y[:, 0].astype(int), minlength=classes), kind="stable")[:MOST_GOALS]
        y = y[:, :1] == frequent
    goals = y[:, :MOST_GOALS].astype(float)
    goals = np.nan_to_num(goals - np.nanmean(goals, axis=0)) if len(goals) else goals
    spread = goals.std(axis=0)
    return np.asarray(goals[:, spread > 0] / spread[spread > 0])


def _judged(values: np.ndarray, goals: np.ndarray) -> tuple[bool, bool]:
    """Whether numbers (n,) may be names by the standardised targets (n, K), and whether they look like codes; NaN where
    missing."""
    present = np.isfinite(values)
    if not present.any() or (values[present] % 1).any():
        return False, False
    levels, codes, counts = np.unique(values[present], return_inverse=True, return_counts=True)
    if len(levels) < FEWEST or len(codes) < LEAST_REPEATS * len(levels):
        return False, False
    z, order, certainty = _evidence(codes.ravel(), counts, goals[present])
    differs = z >= LEAST_Z
    if _are_sparse(levels):
        may_be = not differs or order < MOST_ORDER or certainty < LEAST_ORDER_Z
        return may_be, may_be and differs
    return differs and order < MOST_ORDER, False


def _evidence(codes: np.ndarray, counts: np.ndarray, goals: np.ndarray) -> tuple[float, float, float]:
    """How many standard errors the variance between values is above 0, the covariance of neighbouring values' means
    relative to it, and how many standard errors that is above 0; of the target where the first is largest.

    Both are of effects: products of different rows alone enter, so that the noise of a mean does not count.
    """
    best = (0.0, 1.0, 0.0)
    several = counts > 1
    weight = np.minimum(counts[1:], counts[:-1])
    for goal in goals.T:
        sums = np.bincount(codes, weights=goal)
        pairs = (sums**2 - np.bincount(codes, weights=goal**2))[several]
        n = counts[several]
        z = float((pairs / n).sum() / np.sqrt(2 * ((n - 1) / n).sum())) if len(n) else 0.0
        between = float((pairs / (n - 1)).sum() / n.sum()) if len(n) else 0.0
        means = sums / counts
        products = weight * means[1:] * means[:-1]
        neighbours, error = float(products.sum() / weight.sum()), float(np.sqrt((products**2).sum()) / weight.sum())
        if z > best[0] and between > 0:
            best = (z, neighbours / between, neighbours / error if error > 0 else 0.0)
    return best


def _are_sparse(levels: np.ndarray) -> bool:
    """Whether ascending whole numbers (k,) leave out most of their range, as codes of several digits do; not amounts
    that are rounded, nor such that thin out towards the large ones."""
    gaps = np.diff(levels)
    step = float(np.gcd.reduce(gaps.astype(np.int64)))
    middle = levels[len(levels) // 10], levels[-(len(levels) // 10) - 1]
    within = max(1, len(levels) - 2 * (len(levels) // 10))
    return bool((middle[1] - middle[0]) / step >= SPARSE * within)
