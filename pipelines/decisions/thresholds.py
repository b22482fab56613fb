"""Labels from predictions: thresholds, factors of the classes' probabilities, cut-points between ordered classes.

A score of labels is a step function of such parameters, and the best ones on some rows overfit their noise. So the fits
here are means over resampled rows, and the searches coarse: finer ones scored less on held-out rows
(docs/decisions/2026-11-25-decisions-are-coarse-and-gated.md). Where the metric is a function of the confusion table,
all steps of a search are scored by one array of tables; any other metric is called once for each step.
"""

from __future__ import annotations

import numpy as np

from medalist.competitions.metrics.confusion import confusion_tables
from medalist.competitions.metrics.metric import ConfusionScore, Metric
from medalist.pipelines.decisions.calibration import beta_calibrated

THRESHOLD_ROWS = 80_000  # rows of all resamples together for a threshold; there are 4 to 20 resamples
TAIL_THRESHOLDS = 20  # thresholds tried within the lowest hundredth of the rows, and as many within the highest
CUT_POINT_ROWS = 15_000  # rows of all resamples together for cut-points; there are 1 to 10 resamples
FACTOR_PROBABILITIES = 28_000  # rows times classes of one resample for class factors
FACTOR_RESAMPLES = 4  # resamples for class factors
POWER_PROBABILITIES = 400_000  # rows times classes on which a power for many classes is searched
RARITY_POWERS = np.linspace(-0.3, 1.2, 16)  # powers g that are tried, where class factors are share ** -g
FACTORS = np.geomspace(0.4, 2.5, 9)  # factors tried for each class
GENERIC_ROWS = 3000  # rows on which class factors are searched by a metric that is no function of the confusion table
CUT_POINT_STEPS = np.linspace(-0.3, 0.3, 9)  # moves tried for each cut-point, in units of a class
SWEEPS = 2  # times that a search goes over all classes or cut-points


def threshold(metric: Metric, y: np.ndarray, p: np.ndarray) -> float:
    """The probability at and above which a row is predicted to be positive, for targets y and probabilities p (n,).

    The mean of two estimates: the best threshold on resampled rows, and the best one in expectation if calibrated
    probabilities are right (which has less noise, and is wrong where calibration is).
    """
    score = metric.confusion
    # where one class is rare, the best threshold lies beyond 99 % of the rows
    rare = np.geomspace(1 / len(p), 0.01, TAIL_THRESHOLDS)
    shares = np.concatenate([np.linspace(0.01, 0.99, 99), rare, 1 - rare])
    grid = np.unique(np.concatenate([np.quantile(p, shares), [0.5]]))
    if score is None:
        sign = 1 if metric.greater_is_better else -1
        return float(grid[_plateau(np.array([sign * metric.score(y, (p >= t).astype(float)) for t in grid]))])
    order = np.argsort(p, kind="stable")
    n_below = np.searchsorted(p[order], grid, side="left")
    rng = np.random.default_rng(0)
    draws = int(np.clip(THRESHOLD_ROWS // len(y), 4, 20))
    weights = rng.multinomial(len(y), np.full(len(y), 1 / len(y)), draws).astype(float)[:, order]
    positive = y[order] > 0.5
    resampled = _tables_by_threshold(weights * positive, weights * ~positive, n_below)
    q = beta_calibrated(y, p)[order]
    expected = _tables_by_threshold(q[None], 1 - q[None], n_below)
    best = [grid[_plateau(score(tables))] for tables in resampled]
    return float((np.mean(best) + grid[np.argmax(score(expected)[0])]) / 2)


def _tables_by_threshold(positive: np.ndarray, negative: np.ndarray, n_below: np.ndarray) -> np.ndarray:
    """(B, G, 2, 2) confusion tables by the weights (B, n) of positive and of negative rows, in the order of p.

    With the g-th threshold the first `n_below[g]` rows are predicted to be negative.
    """
    tables = np.empty((len(positive), len(n_below), 2, 2))
    for k, weights in enumerate((negative, positive)):
        below = np.concatenate([np.zeros((len(weights), 1)), weights.cumsum(axis=1)], axis=1)
        tables[:, :, k, 0] = below[:, n_below]
        tables[:, :, k, 1] = below[:, -1:] - below[:, n_below]
    return tables


def _plateau(scores: np.ndarray) -> int:
    """The index at which the moving average of five of the scores (g,) is greatest: a plateau, not a spike."""
    return int(np.argmax(np.convolve(np.pad(scores, 2, mode="edge"), np.ones(5) / 5, mode="valid")))


def class_factors(metric: Metric, y: np.ndarray, p: np.ndarray, *, one_by_one: bool = True) -> np.ndarray:
    """(K,) factors by which to multiply the probabilities p (n, K) before the arg-max, for true codes y (n,).

    First one number for all classes, the power g by which rarer ones are raised (share ** -g); then half of the
    logarithms of the factors that a search class by class adds on resampled rows (in full they fit noise). With
    `one_by_one` False the power alone.
    """
    score, k = metric.confusion, p.shape[1]
    if score is None and not one_by_one:
        return np.ones(k)
    if score is None:
        rows = np.random.default_rng(0).permutation(len(y))[:GENERIC_ROWS]  # a file may be sorted by class
        return _factors_by_metric(metric, y[rows], p[rows])
    if not one_by_one:
        few = np.random.default_rng(0).permutation(len(y))[: max(1000, POWER_PROBABILITIES // k)]
        y, p = y[few], p[few]
    counts = np.bincount(y.astype(np.intp), minlength=k) + 1.0
    rarity = np.log(counts.mean() / counts)
    z = np.log(np.clip(p, 1e-9, 1))
    raised = [score(confusion_tables(y, np.argmax(z + g * rarity, axis=1), k)) for g in RARITY_POWERS]
    if not one_by_one:
        return np.asarray(np.exp(RARITY_POWERS[int(np.argmax(raised))] * rarity))
    z = np.ascontiguousarray((z + RARITY_POWERS[int(np.argmax(raised))] * rarity).T).astype(np.float32)
    rng, most = np.random.default_rng(0), min(len(y), max(1000, FACTOR_PROBABILITIES // k))
    moved = np.zeros(k)
    for _ in range(FACTOR_RESAMPLES):
        rows = rng.integers(0, len(y), most)
        moved += _log_factors(score, z[:, rows], y[rows].astype(np.intp)) / FACTOR_RESAMPLES
    return np.asarray(np.exp(RARITY_POWERS[int(np.argmax(raised))] * rarity + moved / 2))


def _log_factors(score: ConfusionScore, z: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """(K,) shifts of log probabilities z (K, n) with which the score is greatest for true codes (n,), searched class by
    class.

    The tables of all steps of one class come from two counts of rows: a row is predicted to be of the class from the
    step on at which the class beats the best of the others.
    """
    logs, best = np.zeros(len(z)), -np.inf
    for sweep in range(SWEEPS):
        steps = np.log(FACTORS) * 0.5**sweep
        for i in range(len(z)):
            scores = score(_tables_by_step(z + logs[:, None].astype(np.float32), codes, i, steps))
            at = int(np.argmax(scores))
            if scores[at] > best:
                best, logs[i] = float(scores[at]), logs[i] + steps[at]
    return logs - logs.mean()


def _factors_by_metric(metric: Metric, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """(K,) class factors as `class_factors` returns, searched class by class with a call of the metric for each
    step."""
    factors = np.ones(p.shape[1])
    best = metric.score(y, np.argmax(p, axis=1).astype(float))
    for i in range(len(factors)):
        for factor in FACTORS:
            tried = factors.copy()
            tried[i] = factor
            score = metric.score(y, np.argmax(p * tried, axis=1).astype(float))
            if metric.better(score, best):
                factors, best = tried, score
    return factors


def _tables_by_step(z: np.ndarray, codes: np.ndarray, i: int, steps: np.ndarray) -> np.ndarray:
    """(S, K, K) confusion tables for each of the ascending `steps` (S,) added to row i of z (K, n); true codes (n,)."""
    k, n = z.shape
    rival, second = np.full(n, -np.inf, np.float32), np.zeros(n, np.intp)
    for j in range(k):
        if j != i:
            second[z[j] > rival] = j
            np.maximum(rival, z[j], out=rival)
    first = np.searchsorted(steps, rival - z[i], side="right")  # the first step with which the class is predicted
    shape = (len(steps) + 1, k, k)
    taken = np.bincount((first * k + codes) * k + i, minlength=np.prod(shape)).reshape(shape).cumsum(axis=0)
    left = np.bincount((first * k + codes) * k + second, minlength=np.prod(shape)).reshape(shape)[::-1].cumsum(axis=0)
    return np.asarray(taken[:-1] + left[::-1][1:], dtype=float)


def cut_points(metric: Metric, y: np.ndarray, p: np.ndarray, n_classes: int) -> np.ndarray:
    """(K - 1,) ascending limits between the classes of ordinal predictions p (n,), for true codes y (n,).

    On each resample they start where each class gets its share of the rows and are moved one by one; their mean is
    returned.
    """
    shares = np.bincount(y.astype(int), minlength=n_classes)[:-1].cumsum() / len(y)
    start = np.quantile(p, shares)
    score = metric.confusion
    if score is None:
        return _cuts_by_metric(metric, y, p, start)
    order = np.argsort(p, kind="stable")
    draws = int(np.clip(CUT_POINT_ROWS // len(y), 1, 10))
    weights = np.ones((1, len(y)))
    if draws > 1:
        weights = np.random.default_rng(0).multinomial(len(y), np.full(len(y), 1 / len(y)), draws).astype(float)
    below = np.zeros((draws, len(y) + 1, n_classes))
    for c in range(n_classes):
        below[:, 1:, c] = (weights[:, order] * (y[order] == c)).cumsum(axis=1)
    return np.asarray(_cuts_of_resamples(score, below, p[order], start).mean(axis=0))


def _cuts_of_resamples(
    score: ConfusionScore, below: np.ndarray, ascending: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """(B, K - 1) cut-points of B resamples, moved all at once.

    below : (B, n + 1, K) counts of each class among the rows with the lowest predictions.
    ascending : (n,) the predictions.
    start : (K - 1,) cut-points to begin with.
    """
    draws = np.arange(len(below))
    cuts = np.tile(start, (len(below), 1))

    def scored(tried: np.ndarray) -> np.ndarray:  # (B, S, K - 1) -> (B, S)
        counts = below[draws[:, None, None], np.searchsorted(ascending, tried)]
        ends = np.zeros((*tried.shape[:2], 1, below.shape[2]))
        full = np.concatenate([ends, counts, ends + below[:, None, -1:]], axis=2)
        return score(np.diff(full, axis=2).swapaxes(-1, -2))

    best = scored(cuts[:, None])[:, 0]
    for sweep in range(SWEEPS):
        for i in range(len(start)):
            tried = np.repeat(cuts[:, None], len(CUT_POINT_STEPS), axis=1)
            tried[:, :, i] += CUT_POINT_STEPS * 0.5**sweep
            scores = np.where((np.diff(tried, axis=2) >= 0).all(axis=2), scored(tried), -np.inf)
            at = scores.argmax(axis=1)
            greatest = scores[draws, at]
            moved = greatest > best + 1e-12
            cuts[moved], best[moved] = tried[draws, at][moved], greatest[moved]
    return cuts


def _cuts_by_metric(metric: Metric, y: np.ndarray, p: np.ndarray, start: np.ndarray) -> np.ndarray:
    """(K - 1,) cut-points moved one by one, with a call of the metric for each step."""
    cuts = start.copy()
    best = metric.score(y, np.searchsorted(cuts, p, side="right").astype(float))
    for sweep in range(SWEEPS):
        for i in range(len(cuts)):
            for step in CUT_POINT_STEPS * 0.5**sweep:
                tried = cuts.copy()
                tried[i] += step
                if np.any(np.diff(tried) < 0):
                    continue
                score = metric.score(y, np.searchsorted(tried, p, side="right").astype(float))
                if metric.better(score, best):
                    cuts, best = tried, score
    return cuts
