"""Corrections of predicted values: a linear function of them, and rounding to values of the training targets.

A line corrects models whose predictions are shrunk or shifted; rounding suits targets with recurring values.
"""

from __future__ import annotations

import numpy as np

from medalist.competitions.metrics.metric import Metric

MOST_VALUES = 5000  # distinct target values for rounding, at most
RECURRING = 2.0  # rows for each distinct value, at least, so that values count as recurring
MOST_TRIES = 60  # calls of the metric in a search for a line
LARGEST_LOG = 80.0  # logarithm at which predictions are clipped, so that they stay finite


def in_logs(metric: Metric, y: np.ndarray) -> bool:
    """Whether `line` is fitted to logarithms: for targets y (n, T) of zero or more, unless the metric is squared
    error."""
    return float(np.nanmin(y)) >= 0 and metric.shape != "squared"


def line(
    metric: Metric, y: np.ndarray, p: np.ndarray, limits: tuple[float, float], logs: bool, weights: np.ndarray | None
) -> tuple[float, float]:
    """(a, b) of the line a + b p with the least loss, or of a + b log1p p where `logs`; y, p and weights (n,).

    By least squares where that is the metric, else by a search with the metric (Nelder and Mead, 1965), in which
    predictions are clipped to the `limits` (low, high). Raises MetricError where the metric is not defined.
    """
    x = np.log1p(np.maximum(p, 0)) if logs else p
    w = weights if weights is not None and metric.weighted else None
    centre, spread = float(np.average(x, weights=w)), float(x.std())
    if spread <= 0:
        return 0.0, 1.0
    if metric.shape == ("log_squared" if logs else "squared"):
        target = np.log1p(y) if logs else y
        slope = np.average((x - centre) * target, weights=w) / np.average((x - centre) ** 2, weights=w)
        return float(np.average(target, weights=w) - slope * centre), float(slope)
    from scipy.optimize import minimize

    def score(theta: np.ndarray) -> float:
        z = centre + spread * theta[0] + theta[1] * (x - centre)
        value = metric.score(y, np.clip(np.expm1(np.minimum(z, LARGEST_LOG)) if logs else z, *limits), w)
        return -value if metric.greater_is_better else value

    corners = np.array([[0.0, 1.0], [0.03, 1.0], [0.0, 1.03]])
    options = {"maxfev": MOST_TRIES, "initial_simplex": corners, "xatol": 1e-4, "fatol": 0.0}
    shift, slope = minimize(score, corners[0], method="Nelder-Mead", options=options).x
    return float(centre + spread * shift - slope * centre), float(slope)


def apply_line(numbers: np.ndarray, p: np.ndarray, logs: bool) -> np.ndarray:
    """Corrected values (n, T) by `numbers` (4 T,): a, b, low and high of each target."""
    a, b, low, high = numbers.reshape(-1, 4).T
    z = a + b * (np.log1p(np.maximum(p, 0)) if logs else p)
    return np.clip(np.expm1(np.minimum(z, LARGEST_LOG)) if logs else z, low, high)


def recurring(y: np.ndarray) -> np.ndarray | None:
    """The distinct values (v,) of one target y (n, 1), ascending, where they are few and recur; else None."""
    if y.shape[1] != 1:
        return None
    values = np.unique(y)
    return values if 2 <= len(values) <= min(MOST_VALUES, len(y) / RECURRING) else None


def nearest(values: np.ndarray, p: np.ndarray) -> np.ndarray:
    """(n, 1) the nearest of the ascending `values` (v,) to each prediction p (n, 1)."""
    return np.asarray(values[np.searchsorted((values[1:] + values[:-1]) / 2, p)])
