"""The target that supervised features are fitted on, and out-of-fold values of such features."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from medalist.pipelines.features.lazy import np


@dataclass(frozen=True)
class Target:
    """What a supervised operator is fitted on: the training part of one fold.

    fit: (m,) positions of the training rows in the frame. y: (m, T) their targets: values on the fitted scale, or class
    codes.
    classes: number of classes of a multiclass target, else 0. seed: of the inner folds.
    """

    fit: np.ndarray
    y: np.ndarray
    classes: int
    seed: int

    @cached_property
    def token(self) -> str:
        """24 hexadecimal digits that identify the rows, their target and the seed."""
        digest = hashlib.sha256(f"{self.classes} {self.seed}".encode())
        for part in (self.fit.astype(np.int64), self.y.astype(np.float64)):
            digest.update(np.ascontiguousarray(part).data)
        return digest.hexdigest()[:24]

    @property
    def values(self) -> np.ndarray:
        """(m, T) float64 targets, or (m, classes) indicators of a multiclass target."""
        return np.eye(self.classes)[self.y[:, 0].astype(int)] if self.classes > 2 else self.y.astype(float)

    def inner(self, folds: int = 5) -> np.ndarray:
        """(m,) the inner fold of each row of `fit`, 0 to folds - 1: random, of sizes that differ by at most one."""
        return np.random.default_rng(self.seed).permutation(len(self.fit)) % min(folds, max(2, len(self.fit)))


def out_of_fold(
    n: int, target: Target, fit_predict: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray], folds: int = 5
) -> np.ndarray:
    """(n, k) predictions of a model of the target for every row of a frame, out-of-fold for the rows of `target.fit`.

    `fit_predict(rows, values, queries)` fits on the frame's `rows` (m',) with `values` (m', k) and returns (q, k)
    predictions for the rows `queries` (q,). A row of `target.fit` is predicted by a fit on the other inner folds, any
    other row by a fit on all of `target.fit`.
    """
    values = target.values
    out = np.empty((n, values.shape[1]))
    others = np.ones(n, dtype=bool)
    others[target.fit] = False
    if others.any():
        out[others] = fit_predict(target.fit, values, np.flatnonzero(others))
    inner = target.inner(folds)
    for k in range(int(inner.max()) + 1):
        held = inner == k
        if held.all():
            out[target.fit] = values.mean(axis=0)
        else:
            out[target.fit[held]] = fit_predict(target.fit[~held], values[~held], target.fit[held])
    return out
