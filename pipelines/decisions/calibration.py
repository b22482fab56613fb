"""Probabilities made to keep what they promise: beta calibration of two classes, temperature and shifts of several.

Beta calibration and temperature keep the order of rows and of classes; only the shifts may change what is most likely.
"""

from __future__ import annotations

import numpy as np

FLOOR = 1e-6  # probabilities are kept this far from 0 and 1 before a logarithm
RIDGE = 1.0  # rows' worth of belief that nothing has to change
ITERATIONS = 25
NUMBERS = 40_000  # probabilities on which several classes are calibrated
IDENTITY = (1.0, 1.0, 0.0)


def logarithms(p: np.ndarray) -> np.ndarray:
    """(..., 3) log p, -log(1 - p) and 1: what beta calibration is linear in."""
    clipped = np.clip(p, FLOOR, 1 - FLOOR)
    return np.stack([np.log(clipped), -np.log1p(-clipped), np.ones_like(clipped)], axis=-1)


def beta(y: np.ndarray, p: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, float, float]:
    """(a, b, c) of sigmoid(a log p - b log(1 - p) + c), beta calibration (Kull et al., 2017); y and p (n,).

    Fitted by Newton's method, a little drawn towards (1, 1, 0), which changes nothing; with a = b it is Platt's map.
    a and b are kept from falling below zero, so that order stays. `weights` (n,) count rows.
    """
    x, w = logarithms(p), np.ones(len(y)) if weights is None else weights
    start = np.array(IDENTITY)
    free = np.ones(3, dtype=bool)
    for _ in range(3):  # a coefficient that would be negative is 0, and the others are fitted again
        found = _newton(x, y, w, np.where(free, start, 0.0), free)
        if (found[:2] >= 0).all():
            break
        free[:2] &= found[:2] >= 0
    return float(found[0]), float(found[1]), float(found[2])


def _newton(x: np.ndarray, y: np.ndarray, w: np.ndarray, belief: np.ndarray, free: np.ndarray) -> np.ndarray:
    """(3,) coefficients of least penalised log loss; those that are not `free` stay as the belief has them."""
    positive = y > 0.5

    def at(theta: np.ndarray) -> tuple[np.ndarray, float]:
        q = 1 / (1 + np.exp(-np.clip(x @ theta, -30, 30)))
        penalty = RIDGE / 2 * ((theta - belief) ** 2).sum()
        return q, float(penalty - w @ np.log(np.where(positive, q, 1 - q)))

    theta = belief.copy()
    q, loss = at(theta)
    for _ in range(ITERATIONS):
        gradient = (x.T @ (w * (q - y)) + RIDGE * (theta - belief))[free]
        bend = (x * (w * q * (1 - q))[:, None]).T @ x + RIDGE * np.eye(3)
        step = np.zeros(3)
        step[free] = np.linalg.solve(bend[np.ix_(free, free)], gradient)
        tried, found = at(theta - step)
        while found > loss and np.abs(step).max() > 1e-5:  # too far: where chances are extreme, the curve is flat
            step /= 2
            tried, found = at(theta - step)
        theta, q, loss = theta - step, tried, found
        if np.abs(step).max() < 1e-4:
            break
    return theta


def apply_beta(numbers: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Calibrated probabilities (n, T) by `numbers` (3 T,)."""
    z = np.clip((logarithms(p) * numbers.reshape(-1, 3)).sum(axis=-1), -50, 50)
    return np.asarray(1 / (1 + np.exp(-z)))


def beta_calibrated(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """(n,) probabilities p calibrated by the rows' own targets y (n,)."""
    return apply_beta(np.array(beta(y, p)), p[:, None])[:, 0]


def temperature(y: np.ndarray, p: np.ndarray, *, shifts: bool, weights: np.ndarray | None = None) -> tuple[float, ...]:
    """(s, b_1 .. b_K) of softmax(s log p + b): temperature scaling (Guo et al., 2017), with a shift of each class.

    y (n,) codes, p (n, K). The inverse temperature s is found by Newton's method, and with `shifts`, in turn with it,
    the b that give each class the share that it has.
    """
    n, k = p.shape
    most = max(1000, NUMBERS // k)
    rows = np.random.default_rng(0).choice(n, most, replace=False) if n > most else np.arange(n)
    z, codes = np.log(np.clip(p[rows], FLOOR, 1)).astype(np.float32), y[rows].astype(np.intp)
    w = np.ones(len(rows)) if weights is None else weights[rows]
    occurs = np.bincount(codes, w, minlength=k)
    own = z[np.arange(len(rows)), codes]
    scale, bias = 1.0, np.zeros(k)
    for _ in range(ITERATIONS if shifts else 8):
        q = np.exp(np.float32(scale) * z + bias.astype(np.float32))
        q /= q.sum(axis=1, keepdims=True)
        mean = (q * z).sum(axis=1)
        spread = (q * z * z).sum(axis=1) - mean**2
        step = (w @ (mean - own) + RIDGE * (scale - 1)) / (w @ spread + RIDGE)
        scale = float(np.clip(scale - np.clip(step, -0.5, 0.5), 0.05, 20))
        change = np.log((occurs + RIDGE) / (w @ q + RIDGE)) if shifts else np.zeros(k)
        bias = bias + change
        if abs(step) < 1e-5 and np.abs(change).max() < 1e-4:
            break
    return (scale, *(bias - bias.mean()).tolist())


def apply_temperature(numbers: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Calibrated probabilities (n, K) by `numbers` (1 + K,)."""
    z = numbers[0] * np.log(np.clip(p, FLOOR, 1)) + numbers[1:]
    q = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(q / q.sum(axis=1, keepdims=True))
