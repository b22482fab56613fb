"""Predicted values corrected: a line through them, and rounding to values that were seen.

A line mends what a model shrinks or shifts; rounding serves where the target takes the same values again and again.
"""

from __future__ import annotations

import numpy as np

from medalist.competitions.metrics.metric import Metric

MOST_VALUES = 5000
RECURRING = 2.0  # rows for each distinct value, at least
MOST_TRIES = 60


def in_logs(metric: Metric, seen: np.ndarray) -> bool:
    """Whether a line is drawn through logarithms: values of zero or more whose errors are not plainly squared."""
    return float(seen.min()) >= 0 and metric.shape != "squared"


def line(
    metric: Metric, y: np.ndarray, p: np.ndarray, limits: tuple[float, float], logs: bool, weights: np.ndarray | None
) -> tuple[float, float]:
    """(a, b) of a + b p, or of log1p p where `logs`, with the least loss; y and p (n,), `limits` of what is predicted.

    By least squares where that is the metric, else by the metric itself (Nelder and Mead, 1965).
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
        found = metric.score(y, np.clip(np.expm1(np.minimum(z, 80.0)) if logs else z, *limits), w)
        return -found if metric.greater_is_better else found

    corners = np.array([[0.0, 1.0], [0.03, 1.0], [0.0, 1.03]])
    options = {"maxfev": MOST_TRIES, "initial_simplex": corners, "xatol": 1e-4, "fatol": 0.0}
    shift, slope = minimize(score, corners[0], method="Nelder-Mead", options=options).x
    return float(centre + spread * shift - slope * centre), float(slope)


def apply_line(numbers: np.ndarray, p: np.ndarray, logs: bool) -> np.ndarray:
    """Corrected values (n, T) by `numbers` (4 T,): a, b, low and high of each target."""
    a, b, low, high = numbers.reshape(-1, 4).T
    z = a + b * (np.log1p(np.maximum(p, 0)) if logs else p)
    return np.clip(np.expm1(np.minimum(z, 80.0)) if logs else z, low, high)


def recurring(seen: np.ndarray) -> np.ndarray | None:
    """The distinct values (v,) of one target (n, 1), ascending, where they are few and come again; else None."""
    if seen.shape[1] != 1:
        return None
    values = np.unique(seen)
    return values if 2 <= len(values) <= min(MOST_VALUES, len(seen) / RECURRING) else None


def nearest(values: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Of the ascending `values` (v,) the nearest to each of p (n, 1)."""
    return np.asarray(values[np.searchsorted((values[1:] + values[:-1]) / 2, p)])
