"""Scales on which a target is fitted: increasing functions of each value, with their inverse.

Each function of `SCALES` takes training targets y (n, T) and returns the fitted `Scale`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

MOST_LOG = 80.0  # logarithm above which predictions are cut off
SMALLEST = 1e-9  # least unit of a logarithm, as a share of the largest value
KNOTS = 2000  # quantiles between which the scale of ranks is interpolated
POWERS = (-2.0, 4.0)  # range in which the power of Yeo and Johnson is searched
Map = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Scale:
    """An invertible map of targets: `forward` to the fitted scale and `backward` to the target's, (k, T) → (k, T)."""

    forward: Map
    backward: Map


def plain(y: np.ndarray) -> Scale:  # noqa: ARG001 - nothing is fitted
    """The identity."""
    return Scale(lambda v: v, lambda p: p)


def log(y: np.ndarray) -> Scale:
    """The scale log1p(y / u), u a tenth of the target's median, so that the unit of the target does not matter.

    Raises ValueError where a value is negative.
    """
    unit = _unit(y, "a logarithm")
    return Scale(lambda v: np.log1p(np.maximum(v, 0) / unit), lambda p: unit * np.expm1(np.clip(p, 0.0, MOST_LOG)))


def sqrt(y: np.ndarray) -> Scale:
    """The scale of square roots. Raises ValueError where a value is negative."""
    _unit(y, "a square root")
    return Scale(lambda v: np.sqrt(np.maximum(v, 0)), lambda p: np.square(np.maximum(p, 0)))


def _unit(y: np.ndarray, what: str) -> np.ndarray:
    """(T,) `tenth_of_median` of each target. Raises ValueError where a value is negative, which `what` cannot take."""
    if y.min() < 0:
        raise ValueError(f"{what} needs values of 0 or more, and the least is {y.min():g}")
    return np.array([tenth_of_median(column) for column in y.T])


def tenth_of_median(column: np.ndarray) -> float:
    """A tenth of the median of the values above 0 (n,), no less than SMALLEST of the largest; 1 where there is none."""
    above = column[column > 0]
    return max(float(np.median(above)) / 10, SMALLEST * float(above.max())) if len(above) else 1.0


def ranks(y: np.ndarray) -> Scale:
    """The scale of normal scores of the ranks (Blom, 1958), interpolated linearly between quantiles.

    Values beyond those of y are mapped to the least or the greatest score, and the other way round.
    """
    from scipy.special import ndtri

    knots = []
    for column in y.T:
        values, counts = np.unique(column, return_counts=True)
        middle = np.cumsum(counts) - (counts - 1) / 2  # the mean rank of equal values, from 1
        scores = ndtri((middle - 0.375) / (len(column) + 0.25))
        chosen = np.unique(np.linspace(0, len(values) - 1, min(KNOTS, len(values))).round().astype(int))
        knots.append((values[chosen], scores[chosen]))
    return _by_column(
        [lambda v, k=k: np.interp(v, *k) for k in knots],  # type: ignore[misc]
        [lambda p, k=k: np.interp(p, k[1], k[0]) for k in knots],  # type: ignore[misc]
    )


def yeojohnson(y: np.ndarray) -> Scale:
    """The power transformation under which the standardised values are most normal (Yeo and Johnson, 2000)."""
    from scipy import optimize, stats

    forwards: list[Map] = []
    backwards: list[Map] = []
    for column in y.T:
        centre, spread, power = float(column.mean()), float(column.std()), 1.0
        if spread > np.finfo(float).tiny / np.finfo(float).eps:
            standard = (column - centre) / spread
            fit = optimize.minimize_scalar(
                lambda m, v=standard: -stats.yeojohnson_llf(m, v), bounds=POWERS, method="bounded"
            )
            power = float(fit.x)
        else:
            spread = 1.0
        forwards.append(lambda v, c=centre, s=spread, m=power: stats.yeojohnson((v - c) / s, m))  # type: ignore[misc]
        backwards.append(lambda p, c=centre, s=spread, m=power: c + s * _yeojohnson_inverse(p, m))  # type: ignore[misc]
    return _by_column(forwards, backwards)


def _yeojohnson_inverse(p: np.ndarray, power: float) -> np.ndarray:
    """The inverse of the transformation with a power, finite also beyond the range that the power can reach."""
    out = np.empty_like(p)
    above = p >= 0
    up, down = p[above], -p[~above]
    if abs(power) > 1e-9:
        out[above] = np.maximum(1 + power * up, 1e-9) ** (1 / power) - 1
    else:
        out[above] = np.expm1(np.minimum(up, MOST_LOG))
    rest = 2 - power
    if abs(rest) > 1e-9:
        out[~above] = 1 - np.maximum(1 + rest * down, 1e-9) ** (1 / rest)
    else:
        out[~above] = -np.expm1(np.minimum(down, MOST_LOG))
    return out


def _by_column(forwards: list[Map], backwards: list[Map]) -> Scale:
    def apply(maps: list[Map], values: np.ndarray) -> np.ndarray:
        return np.column_stack([f(values[:, t]) for t, f in enumerate(maps)])

    return Scale(lambda v: apply(forwards, v), lambda p: apply(backwards, p))


SCALES: dict[str, Callable[[np.ndarray], Scale]] = {
    "plain": plain,
    "log": log,
    "sqrt": sqrt,
    "ranks": ranks,
    "yeojohnson": yeojohnson,
}
