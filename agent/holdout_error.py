"""The standard error of a score on a holdout: how much it would vary with other test rows of the same kind."""

from __future__ import annotations

import numpy as np

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics.metric import Metric

#: Rows from which disjoint blocks take the place of resamples, which would take too long.
MANY_ROWS = 20_000
BLOCKS = 20  # of so many rows
RESAMPLES = 200  # of fewer;
SLOW_RESAMPLES = 40  # by a function of a person's own, which may be slow
LEAST_ROWS = 10  # of a holdout for which a standard error is estimated
LEAST_DEFINED = 10  # resamples or blocks on which the metric must be defined
EIGHTY_PERCENT = 1.2815515655446004  # half the width of a normal 80 % interval, in standard errors


def holdout_error(
    metric: Metric, y: np.ndarray, predictions: np.ndarray, weights: np.ndarray | None = None, seed: int = 0
) -> float | None:
    """Standard error of ``metric.score(y, predictions, weights)`` over the draw of its rows.

    The bootstrap's standard deviation over resampled rows (Efron, 1979); of MANY_ROWS or more, that of the scores of
    disjoint random blocks, divided by the square root of their number.

    Parameters
    ----------
    y, predictions: (n, T) targets and (n, W) predictions in the form that the metric takes.
    weights: (n,) row weights.
    seed: of the rows that are drawn: the same gives the same error.

    Returns
    -------
    None where there are too few rows, or the metric is undefined on most draws of them.
    """
    n = len(y)
    if n < LEAST_ROWS:
        return None
    rng = np.random.default_rng(seed)
    many = n >= MANY_ROWS
    resamples = SLOW_RESAMPLES if ".py:" in metric.name else RESAMPLES
    draws = np.array_split(rng.permutation(n), BLOCKS) if many else (rng.integers(0, n, n) for _ in range(resamples))
    scores = []
    for rows in draws:
        try:
            part = None if weights is None else weights[rows]
            scores.append(float(metric.score(y[rows], predictions[rows], part)))
        except MetricError:  # such as one class only
            continue
    finite = np.asarray([s for s in scores if np.isfinite(s)])
    if len(finite) < LEAST_DEFINED:
        return None
    error = float(finite.std(ddof=1))
    return error / np.sqrt(BLOCKS) if many else error


def interval_of(metric: Metric, score: float, standard_error: float | None) -> tuple[float, float] | None:
    """The normal 80 % interval of a score, over other rows of the same kind, within the metric's bounds; None where its
    standard error is not known."""
    if standard_error is None:
        return None
    low, high = metric.bounds
    margin = EIGHTY_PERCENT * standard_error
    return max(low, score - margin), min(high, score + margin)
