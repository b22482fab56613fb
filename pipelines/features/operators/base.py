"""What an operator is: what it takes and gives, where it may be fitted, and how it is computed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

Kind = Literal["stateless", "transductive", "supervised"]
Output = Literal["number", "numbers", "category", "sparse"]


@dataclass(frozen=True)
class Operator:
    """An operator of the feature language.

    kind: *stateless* works row by row; *transductive* looks at all rows of train and test, never at the target;
    *supervised* uses the target and is fitted inside the training part of a fold, always.

    takes: the type of each argument: "number", "key" (anything that groups rows), "date", "text", "sparse", "table" (a
    column of a further table), "whole" (a literal whole number), "literal" (a literal number); a type that ends with
    "?" may be left out (from the right), one that ends with "+" stands for one or more.

    gives: "number" (n,), "numbers" (n, k), "category" (n,) codes 0… with NaN where missing, or "sparse".

    grouped: whether it needs `by` (True), refuses it (False), or takes it where given (None).

    compute: (frame, feature) → array, or (frame, feature, target) for a supervised one; the docstring tells what.
    """

    kind: Kind
    takes: tuple[str, ...]
    gives: Output
    compute: Callable[..., Any]
    grouped: bool | None = False

    @property
    def says(self) -> str:
        """The first line of what it does."""
        return (self.compute.__doc__ or "").strip().split("\n")[0]


@dataclass(frozen=True)
class Target:
    """What a supervised operator is fitted on: the training part of one fold.

    fit: (m,) positions of its rows in the frame. y: (m, T) their target: values on the fitted scale, or class codes.
    classes: number of classes of a multiclass target, else 0. seed: of the inner folds. `token` identifies all of it.
    """

    fit: np.ndarray
    y: np.ndarray
    classes: int
    seed: int

    @cached_property
    def token(self) -> str:
        """24 hexadecimal digits that stand for the rows, their target and the seed."""
        digest = hashlib.sha256(f"{self.classes} {self.seed}".encode())
        for part in (self.fit.astype(np.int64), self.y.astype(np.float64)):
            digest.update(np.ascontiguousarray(part).data)
        return digest.hexdigest()[:24]

    @property
    def values(self) -> np.ndarray:
        """(m, T) targets, or (m, classes) indicators."""
        return np.eye(self.classes)[self.y[:, 0].astype(int)] if self.classes > 2 else self.y.astype(float)

    def inner(self, folds: int = 5) -> np.ndarray:
        """(m,) the inner fold of each row of `fit`, at random and of equal size."""
        return np.random.default_rng(self.seed).permutation(len(self.fit)) % min(folds, max(2, len(self.fit)))


def out_of_fold(
    n: int, target: Target, fit_predict: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray], folds: int = 5
) -> np.ndarray:
    """(n, k) what a model of the target says of every row: of a row of `target.fit` by the other inner folds alone.

    `fit_predict(rows, values, asked)` fits on the frame's `rows` (m',) with `values` (m', k) and gives (a, k) for the
    rows `asked`.
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
