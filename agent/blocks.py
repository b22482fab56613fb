"""Blocks of evaluated rows, and what each contributes to a loss: from how these differ follow standard errors.

Of many rows a block's contribution is its own loss. Of few rows, more and smaller blocks leave a test enough degrees of
freedom, and what a block contributes is measured by leaving it out (jackknife, Tukey, 1958). For a loss that is a mean
over rows that is the same; for an area under the ROC curve or the root of a mean it is the influence of the block on
the loss of all rows, where the loss of three rows by themselves would say nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from medalist.competitions.errors import MetricError
from medalist.competitions.folds.make import assign_groups

BLOCKS = 20  # blocks of FEW_ROWS rows or more
FEW_ROWS = 2000  # rows below which blocks are left out in turn,
SMALL_BLOCKS = 40  # and there are so many of them
LEAST_ROWS = 2  # rows of each, at least
SIGNS = 4999  # random assignments of signs


def block_of_rows(y: np.ndarray, seed: int = 0, groups: np.ndarray | None = None) -> np.ndarray:
    """(r,) a random block for each row of targets y (r, T).

    Blocks are stratified by the first target, so that they are alike. With `groups` (r,), rows of a group stay in one
    block, and blocks are of about the same size.
    """
    n = len(y)
    blocks = BLOCKS if n >= FEW_ROWS else max(2, min(SMALL_BLOCKS, n // LEAST_ROWS))
    if groups is not None:
        codes = np.unique(groups, return_inverse=True)[1]
        count = min(blocks, int(codes.max(initial=0)) + 1)
        if count > 1:
            return assign_groups(codes, count, np.random.default_rng(seed)).astype(np.int16)
    shuffled = np.random.default_rng(seed).permutation(n)
    order = shuffled[np.argsort(y[shuffled, 0], kind="stable")]
    out = np.empty(n, dtype=np.int16)
    out[order] = np.arange(n) % blocks
    return out


def contributions(
    codes: np.ndarray,
    losses_of: Callable[[np.ndarray], tuple[float, ...]],
    whole: tuple[float, ...],
    weights: np.ndarray | None = None,
    *,
    leave_out: bool = False,
) -> tuple[np.ndarray, ...]:
    """For each of several losses, (b,) what the blocks that `codes` (r,) number from 0 contribute; NaN where undefined.

    losses_of: returns the losses of some rows, given their positions, or raises MetricError. whole: the losses of all
    rows. weights: (r,) row weights. leave_out: whether contributions are measured by leaving blocks out, so that they
    are centred at the loss of all rows, else each is the block's own loss.
    """
    rows_of = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    out = np.full((len(whole), len(rows_of)), np.nan)
    sizes = np.array([len(rows) if weights is None else weights[rows].sum() for rows in rows_of], dtype=float)
    for b, rows in enumerate(rows_of):
        if not len(rows):
            continue
        try:
            if leave_out and len(rows_of) > 1:
                rest = np.array(losses_of(np.flatnonzero(codes != b)))
                out[:, b] = whole + len(rows_of) * (1 - sizes[b] / sizes.sum()) * (np.array(whole) - rest)
            else:
                out[:, b] = losses_of(rows)
        except MetricError:
            continue
    return tuple(out)


def exchanged(codes: np.ndarray, gain_of: Callable[[np.ndarray], float], gain: float) -> np.ndarray:
    """(b,) what the blocks that `codes` (r,) number from 0 contribute to the `gain` of one model over another, by
    exchanging their predictions in each block in turn.

    gain_of: returns the gain when the predictions of some rows, a mask (r,), are exchanged. Random signs of these
    contributions are exchanges, which leave two equally good models alike. By leaving blocks out, one large error would
    raise the root of a mean of its own model, and so count for less in it than in the other.
    """
    count = int(codes.max()) + 1
    return count * (gain - np.array([gain_of(codes == b) for b in range(count)])) / 2


def sign_flip_p_value(differences: np.ndarray, gain: float) -> float:
    """The one-sided p-value of a `gain` to which blocks contribute `differences` (b,), by random signs of these.

    Where two models are equally good, each difference is as likely to be of the other sign (Fisher, 1935). Beside
    Student's t-test it needs no normal distribution, and detects more where errors have long tails. The smallest
    p-value is 1 / (SIGNS + 1).
    """
    centred = differences - differences.mean() + gain
    total = float(centred.sum())
    as_large = _signs(len(centred)) @ centred >= total - 1e-12 * float(np.abs(centred).sum())
    return (1 + int(as_large.sum())) / (SIGNS + 1)


@lru_cache(maxsize=64)
def _signs(count: int) -> np.ndarray:
    """(SIGNS, count) random signs, the same in each process."""
    return np.where(np.random.default_rng(0).random((SIGNS, count)) < 0.5, -1.0, 1.0)
