"""Scaling of the blocks of a linear model's columns, so that one penalty suits numbers, categories and text alike.

Each block is scaled by the share of the target's variance that it explains alone, so that a block that explains little
is penalised more, whatever the number and the scale of its columns. Terms of a text can be scaled one by one, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from medalist.pipelines.estimators.linear.design import Block
from medalist.pipelines.features.operators.text_targets import log_count_ratios, presence

SAMPLE = 6000  # training rows on which lengths and explained shares are measured, at most
MAX_TARGETS = 8  # target columns whose explained shares are measured; more are projected at random to as many
INNER_FOLDS = 3  # folds of the cross-validation in which explained shares are measured
MIN_SHARE = 0.05  # least explained share of a block, as a multiple of the best block's
SHARES = (0.02, 0.97)  # bounds to which the best block's explained share is clipped
LOGISTIC = np.pi**2 / 3  # variance of the standard logistic distribution


def sample_of(rows: int, rng: np.random.Generator) -> np.ndarray:
    """(m,) ascending positions of the training rows on which blocks are measured: at most SAMPLE, drawn at random."""
    return np.sort(rng.choice(rows, SAMPLE, replace=False)) if rows > SAMPLE else np.arange(rows)


def balance(blocks: Sequence[Block], target: np.ndarray, seed: int, *, classes: bool) -> list[Block]:
    """The blocks, scaled so that a ridge penalty of 1 suits them, without blocks of zeros.

    target: (n, K) values, or class indicators. A penalty of 1 is a standard normal prior of the coefficients, under
    which the squared length of a row is the prior variance of its prediction. All blocks together get the variance that
    the best of them explains, relative to the unexplained one; each gets a part in proportion to the square of its
    explained share, measured out-of-fold by ridge regression on the block alone. For classes it is the variance of the
    log-odds.
    """
    rng = np.random.default_rng(seed)
    sample = sample_of(len(target), rng)
    goal = target[sample] - target[sample].mean(axis=0)
    if not classes:  # several targets may have different units
        goal = goal / np.where((spread := goal.std(axis=0)) > 0, spread, 1)
    if goal.shape[1] > MAX_TARGETS:
        goal = goal @ rng.choice([-1.0, 1.0], size=(goal.shape[1], MAX_TARGETS))
    inner = rng.permutation(len(sample)) % INNER_FOLDS
    used = [(b, length) for b in blocks if (length := b.length(sample)) > 0]
    shares = np.array([explained_share(b.sample(sample) / np.float32(length), goal, inner) for b, length in used])
    best = float(np.clip(shares.max(initial=0.0), *SHARES))
    parts = np.maximum(shares, MIN_SHARE * best) ** 2
    variance = _odds(best)
    if classes:
        variance = LOGISTIC * _odds(min(best / binarised_share(target.mean(axis=0)), SHARES[1]))
    scales = np.sqrt(variance * parts / parts.sum())
    return [b.scaled(scale / length) for (b, length), scale in zip(used, scales, strict=True)]


def binarised_share(means: np.ndarray) -> float:
    """The ratio of the variance explained of a binarised normal variable to that explained of the variable (Dempster &
    Lerner, 1950).

    `means` (K,) are the shares of class 1 of K such variables; the factor is their mean, weighted by their variances.
    """
    from scipy.special import ndtri

    p = means[(means > 0) & (means < 1)]
    heights = np.exp(-np.square(ndtri(p)) / 2) / np.sqrt(2 * np.pi)  # standard normal density at the cut
    return float(np.square(heights).sum() / (p * (1 - p)).sum()) if len(p) else 1.0


def _odds(share: float) -> float:
    return share / (1 - share)


def explained_share(rows: Any, goal: np.ndarray, inner: np.ndarray) -> float:
    """The squared correlation of `goal` (m, K), which is centred, with out-of-fold predictions of ridge regression.

    `rows` (m, k), dense or sparse, have a mean squared length of 1; `inner` (m,) is the fold of each, from 0 on.
    """
    from sklearn.linear_model import Ridge

    predicted = np.zeros(goal.shape)
    for k in range(INNER_FOLDS):
        held = inner == k
        if held.any() and not held.all():
            model = Ridge(alpha=1.0, fit_intercept=False, tol=1e-3, max_iter=60)
            predicted[held] = model.fit(rows[~held], goal[~held]).predict(rows[held]).reshape(-1, goal.shape[1])
    predicted -= predicted.mean(axis=0)
    both = float((predicted**2).sum() * (goal**2).sum())
    return max(0.0, float((predicted * goal).sum())) ** 2 / both if both > 0 else 0.0


def weight_terms(block: Block, target: np.ndarray, seed: int, *, classes: bool) -> Block:
    """A block of text as the presence of terms, each scaled by how the target (n, K) differs where it occurs.

    For classes the scale is the root mean square, over the classes, of naive Bayes' log-count ratio (NB-SVM, Wang &
    Manning, 2012, but without its sign). For values it is the root mean square of the mean standardised target over the
    rows with the term, shrunk by one row with mean 0. Rows have length 1 before terms are scaled; the block keeps its
    mean length.
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
    """Sparse rows of 0 and 1 (n, k), each divided by its length in place."""
    counts = np.diff(ones.indptr)
    ones.data = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts).astype(np.float32)
    return ones
