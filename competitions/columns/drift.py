"""Drift: the distance between the distributions of a column in two samples, 0 (equal) to 1 (disjoint)."""

from __future__ import annotations

import numpy as np


def number_drift(a: np.ndarray, b: np.ndarray, most: int = 50_000) -> float:
    """The two-sample Kolmogorov-Smirnov distance of (n,) and (m,) numbers beyond its critical value at α = 0.05.

    Missing values are left out. Of samples larger than `most`, every k-th value is used. 0 for an empty sample.
    """
    a, b = (np.sort(thinned[~np.isnan(thinned)]) for thinned in (a[:: 1 + len(a) // most], b[:: 1 + len(b) // most]))
    if not len(a) or not len(b):
        return 0.0
    points = np.concatenate([a, b])
    distance = np.abs(
        np.searchsorted(a, points, side="right") / len(a) - np.searchsorted(b, points, side="right") / len(b)
    ).max()
    return max(0.0, float(distance) - 1.36 * float(np.sqrt(1 / len(a) + 1 / len(b))))


def category_drift(a: np.ndarray, b: np.ndarray, most: int = 50) -> float:
    """The total variation distance between (n,) and (m,) int codes, less 1.75 times its expectation under equality.

    Codes below 0 are missing and left out. Values beyond the `most` most frequent ones count as a single value.
    """
    a, b = a[a >= 0], b[b >= 0]
    if not len(a) or not len(b):
        return 0.0
    size = int(max(a.max(), b.max())) + 1
    counts_a, counts_b = np.bincount(a, minlength=size), np.bincount(b, minlength=size)
    order = np.argsort(-(counts_a + counts_b), kind="stable")
    head, tail = order[:most], order[most:]
    shares_a = np.append(counts_a[head], counts_a[tail].sum()) / len(a)
    shares_b = np.append(counts_b[head], counts_b[tail].sum()) / len(b)
    pooled = (shares_a * len(a) + shares_b * len(b)) / (len(a) + len(b))
    chance = np.sqrt(pooled * (1 - pooled) * (1 / len(a) + 1 / len(b)) / (2 * np.pi)).sum()
    return max(0.0, float(np.abs(shares_a - shares_b).sum() / 2 - 1.75 * chance))
