"""Calibration of probabilities: beta calibration of two classes, temperature and shifts of several.

Beta calibration and temperature keep the order of rows and of classes; only the shifts may change the most probable
class.
"""

from __future__ import annotations

import numpy as np

FLOOR = 1e-6  # distance from 0 and 1 at which probabilities are clipped before a logarithm
RIDGE = 1.0  # ridge penalty towards the identity map, in units of one row's weight
ITERATIONS = 25  # steps of Newton's method, at most
MAX_PROBABILITIES = 40_000  # probabilities on which several classes are calibrated, at most
IDENTITY = (1.0, 1.0, 0.0)  # coefficients of beta calibration under which probabilities stay as they are


def logarithms(p: np.ndarray) -> np.ndarray:
    """(..., 3) log p, -log(1 - p) and 1: the inputs of beta calibration, a logistic regression."""
    clipped = np.clip(p, FLOOR, 1 - FLOOR)
    return np.stack([np.log(clipped), -np.log1p(-clipped), np.ones_like(clipped)], axis=-1)


def beta(y: np.ndarray, p: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, float, float]:
    """(a, b, c) of sigmoid(a log p - b log(1 - p) + c), beta calibration (Kull et al., 2017).

    Fitted to targets y (n,) and probabilities p (n,) by Newton's method, with a ridge penalty towards the
    identity (1, 1, 0); with a = b it is Platt scaling. a and b are not negative, so that the order of rows stays.
    `weights` (n,) are sample weights. Raises LinAlgError where the equations have no solution.
    """
    x, w = logarithms(p), np.ones(len(y)) if weights is None else weights
    start = np.array(IDENTITY)
    free = np.ones(3, dtype=bool)
    for _ in range(3):  # a coefficient that would be negative is 0, and the others are fitted again
        fitted = _newton(x, y, w, np.where(free, start, 0.0), free)
        if (fitted[:2] >= 0).all():
            break
        free[:2] &= fitted[:2] >= 0
    return float(fitted[0]), float(fitted[1]), float(fitted[2])


def _newton(x: np.ndarray, y: np.ndarray, w: np.ndarray, prior: np.ndarray, free: np.ndarray) -> np.ndarray:
    """(3,) coefficients of beta calibration with the least penalised log loss, for inputs x (n, 3), targets y and
    weights w (n,). Those that are not `free` (3,) stay as in `prior` (3,), towards which the others are shrunk."""
    positive = y > 0.5

    def at(theta: np.ndarray) -> tuple[np.ndarray, float]:
        q = 1 / (1 + np.exp(-np.clip(x @ theta, -30, 30)))
        penalty = RIDGE / 2 * ((theta - prior) ** 2).sum()
        return q, float(penalty - w @ np.log(np.where(positive, q, 1 - q)))

    theta = prior.copy()
    q, loss = at(theta)
    for _ in range(ITERATIONS):
        gradient = (x.T @ (w * (q - y)) + RIDGE * (theta - prior))[free]
        bend = (x * (w * q * (1 - q))[:, None]).T @ x + RIDGE * np.eye(3)
        step = np.zeros(3)
        step[free] = np.linalg.solve(bend[np.ix_(free, free)], gradient)
        next_q, next_loss = at(theta - step)
        while next_loss > loss and np.abs(step).max() > 1e-5:  # an overshooting step is halved
            step /= 2
            next_q, next_loss = at(theta - step)
        theta, q, loss = theta - step, next_q, next_loss
        if np.abs(step).max() < 1e-4:
            break
    return theta


def apply_beta(numbers: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Calibrated probabilities (n, T) from p (n, T) by the coefficients of `beta` for each target, `numbers` (3 T,)."""
    z = np.clip((logarithms(p) * numbers.reshape(-1, 3)).sum(axis=-1), -50, 50)
    return np.asarray(1 / (1 + np.exp(-z)))


def beta_calibrated(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """(n,) probabilities p (n,) after beta calibration fitted to the same rows, with targets y (n,)."""
    return apply_beta(np.array(beta(y, p)), p[:, None])[:, 0]


def temperature(y: np.ndarray, p: np.ndarray, *, shifts: bool, weights: np.ndarray | None = None) -> tuple[float, ...]:
    """(s, b_1, …, b_K) of softmax(s log p + b): temperature scaling (Guo et al., 2017), with a shift of each class.

    y (n,) codes, p (n, K). The inverse temperature s is fitted by Newton's method, and with `shifts`, in turn with it,
    the b with which the mean probability of each class is its share of the rows; without, b is 0. `weights` (n,) are
    sample weights. At most MAX_PROBABILITIES / K random rows are used.
    """
    n, k = p.shape
    most = max(1000, MAX_PROBABILITIES // k)
    rows = np.random.default_rng(0).choice(n, most, replace=False) if n > most else np.arange(n)
    z, codes = np.log(np.clip(p[rows], FLOOR, 1)).astype(np.float32), y[rows].astype(np.intp)
    w = np.ones(len(rows)) if weights is None else weights[rows]
    occurs = np.bincount(codes, w, minlength=k)
    of_truth = z[np.arange(len(rows)), codes]
    scale, bias = 1.0, np.zeros(k)
    for _ in range(ITERATIONS if shifts else 8):
        q = np.exp(np.float32(scale) * z + bias.astype(np.float32))
        q /= q.sum(axis=1, keepdims=True)
        mean = (q * z).sum(axis=1)
        spread = (q * z * z).sum(axis=1) - mean**2
        step = (w @ (mean - of_truth) + RIDGE * (scale - 1)) / (w @ spread + RIDGE)
        scale = float(np.clip(scale - np.clip(step, -0.5, 0.5), 0.05, 20))
        change = np.log((occurs + RIDGE) / (w @ q + RIDGE)) if shifts else np.zeros(k)
        bias = bias + change
        if abs(step) < 1e-5 and np.abs(change).max() < 1e-4:
            break
    return (scale, *(bias - bias.mean()).tolist())


def apply_temperature(numbers: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Calibrated probabilities (n, K) from p (n, K) by the `numbers` (1 + K,) of `temperature`."""
    z = numbers[0] * np.log(np.clip(p, FLOOR, 1)) + numbers[1:]
    q = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(q / q.sum(axis=1, keepdims=True))
