"""Block weights of linear models: what each block of columns is scaled by, so that one penalty suits them all.

One penalty for all columns suits columns of one sort. Balanced blocks are therefore scaled by what each explains by
itself: a block that says little of the target is shrunk, whatever the number and the size of its columns, and the
penalty says by how much more or less than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from medalist.pipelines.estimators.linear.design import Block
from medalist.pipelines.features.operators.text_targets import log_count_ratios, presence

SAMPLE = 6000  # training rows on which it is measured how long rows are and what a block explains
MOST_TARGETS = 8  # columns of the target there; more are projected to as many
INNER_FOLDS = 3
LEAST_PART = 0.05  # of what the best block explains, which any other is taken to explain
SHARES = (0.02, 0.97)  # of the target's variance that the best block is taken to explain, at least and at most
LOGISTIC = np.pi**2 / 3  # variance of the standard logistic distribution


def sample_of(rows: int, rng: np.random.Generator) -> np.ndarray:
    """Positions of the training rows on which blocks are measured, ascending."""
    return np.sort(rng.choice(rows, SAMPLE, replace=False)) if rows > SAMPLE else np.arange(rows)


def balanced(blocks: Sequence[Block], target: np.ndarray, seed: int, *, classes: bool) -> list[Block]:
    """Blocks scaled so that a penalty of 1 suits what they explain of `target` (m, K): values, or 0 and 1 for classes.

    A penalty of 1 says that coefficients are spread like a standard normal, so the squared length of a row is the
    variance that the model expects to explain. All blocks together get the variance that the best of them explains,
    relative to what is left of the target; each gets a part in proportion to the square of its own share. A share is
    what ridge regression on the block alone explains out of fold, on a sample of the rows. For classes the variance is
    that of the log-odds.
    """
    rng = np.random.default_rng(seed)
    sample = sample_of(len(target), rng)
    goal = target[sample] - target[sample].mean(axis=0)
    if not classes:  # several targets may be told in different units
        goal = goal / np.where((spread := goal.std(axis=0)) > 0, spread, 1)
    if goal.shape[1] > MOST_TARGETS:
        goal = goal @ rng.choice([-1.0, 1.0], size=(goal.shape[1], MOST_TARGETS))
    inner = rng.permutation(len(sample)) % INNER_FOLDS
    used = [(b, length) for b in blocks if (length := b.length(sample)) > 0]
    shares = np.array([explained(b.taken(sample) / np.float32(length), goal, inner) for b, length in used])
    best = float(np.clip(shares.max(initial=0.0), *SHARES))
    parts = np.maximum(shares, LEAST_PART * best) ** 2
    variance = _odds(best)
    if classes:
        variance = LOGISTIC * _odds(min(best / visible(target.mean(axis=0)), SHARES[1]))
    scales = np.sqrt(variance * parts / parts.sum())
    return [b.scaled(scale / length) for (b, length), scale in zip(used, scales, strict=True)]


def visible(means: np.ndarray) -> float:
    """Of the explained share of a normal variable, what is left of it once it is cut into 0 and 1 (Dempster & Lerner,
    1950); `means` (K,) are the shares of 1, and the mean over them counts each by its variance."""
    from scipy.special import ndtri

    p = means[(means > 0) & (means < 1)]
    heights = np.exp(-np.square(ndtri(p)) / 2) / np.sqrt(2 * np.pi)  # of the normal density at the cut
    return float(np.square(heights).sum() / (p * (1 - p)).sum()) if len(p) else 1.0


def _odds(share: float) -> float:
    return share / (1 - share)


def explained(rows: Any, goal: np.ndarray, inner: np.ndarray) -> float:
    """The squared correlation of `goal` (m, K), centred, with what ridge regression on `rows` says of it out of fold.

    `rows` (m, k), dense or sparse, are of length 1 in the mean; `inner` (m,) is the fold of each.
    """
    from sklearn.linear_model import Ridge

    said = np.zeros(goal.shape)
    for k in range(INNER_FOLDS):
        held = inner == k
        if held.any() and not held.all():
            model = Ridge(alpha=1.0, fit_intercept=False, tol=1e-3, max_iter=60)
            said[held] = model.fit(rows[~held], goal[~held]).predict(rows[held]).reshape(-1, goal.shape[1])
    said -= said.mean(axis=0)
    both = float((said**2).sum() * (goal**2).sum())
    return max(0.0, float((said * goal).sum())) ** 2 / both if both > 0 else 0.0


def by_terms(block: Block, target: np.ndarray, seed: int, *, classes: bool) -> Block:
    """A block of text as which terms a row has, each weighted by how the target (m, K) differs where it occurs.

    For classes that is the root mean square over the classes of naive Bayes' log-count ratio (NB-SVM, Wang & Manning,
    2012; the sign is the coefficient's own). For values it is the mean of the standardised target where the term
    occurs, shrunken as if one more row had it. Rows have length 1 before they are weighted, and the block is as long
    as it was.
    """
    ones, *others = (presence(rows) for rows in block.rows)
    if classes:
        weights = log_count_ratios(ones, target)
    else:
        spread = target.std(axis=0)
        goal = ((target - target.mean(axis=0)) / np.where(spread > 0, spread, 1)).astype(np.float32)
        weights = np.asarray(ones.T @ goal) / (np.asarray(ones.sum(axis=0)).reshape(-1, 1) + 1)
    rows = tuple(_unit(r) for r in (ones, *others))
    made = Block(block.kind, rows, np.sqrt((weights**2).mean(axis=1)))
    sample = sample_of(len(target), np.random.default_rng(seed))
    length = made.length(sample)
    return made.scaled(block.length(sample) / length) if length > 0 else made


def _unit(ones: Any) -> Any:
    """Rows of 0 and 1, each divided by its length; what is given is changed."""
    counts = np.diff(ones.indptr)
    ones.data = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts).astype(np.float32)
    return ones
