"""Keep or discard, against the measured noise."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from medalist.competitions.errors import MetricError
from medalist.competitions.folds.make import assign_groups
from medalist.competitions.metrics.metric import Metric
from medalist.pipelines.ensembling.loss import smooth_loss
from medalist.pipelines.problem import Problem

BLOCKS = 20
ROWS_PER_BLOCK = 40


@dataclass(frozen=True)
class Score:
    """A score over the evaluated rows with its standard error, and the loss that candidates are compared by.

    The standard error is the standard deviation of the scores of blocks of rows over the root of their number, in the
    metric's units; blocks are drawn at random, balanced over the first target, or made of whole groups or spans of time
    where the folds are. `loss` and `blocks` (b,), the losses of the same blocks for every candidate of a run, are the
    metric itself, turned so that less is better, or, where the metric wants labels, the log loss or squared error that
    labels are decided from: counts of right labels are too coarse to compare by. Where the rows of a fold share an
    error that those of another do not have, as the level of a year ahead, `folds` (f, 2) are the losses of the folds
    and their numbers of rows, and the standard error is no less than that of the folds' scores.
    """

    value: float
    standard_error: float
    loss: float
    blocks: np.ndarray
    folds: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))


@dataclass(frozen=True)
class Comparison:
    """Candidate against incumbent, paired by blocks: the gain in loss (positive is better), its standard error, and the
    number of blocks that told. `everywhere`: the gain is one in each fold, where the rows of a fold share an error."""

    gain: float
    noise: float
    blocks: int = 0
    everywhere: bool = True

    @property
    def chance(self) -> float:
        """How likely a gain of this size or more is where there is none (Student's t over the blocks).

        1 where the noise could not be measured.
        """
        from scipy.special import stdtr

        if self.noise <= 0 or self.blocks < 2:
            return 1.0
        return float(stdtr(self.blocks - 1, -self.z))

    @property
    def z(self) -> float:
        """Gain in units of its noise; 0 where the noise could not be measured."""
        return self.gain / self.noise if self.noise > 0 else 0.0


def block_of_rows(y: np.ndarray, seed: int = 0, units: np.ndarray | None = None) -> np.ndarray:
    """(r,) a random block for each evaluated row, balanced over the target's order so that blocks are alike.

    units: (r,) the unit of each row, where rows are not drawn one by one: those of a unit stay in one block, and blocks
    are of about the same size.
    """
    n = len(y)
    blocks = int(np.clip(n // ROWS_PER_BLOCK, 2, BLOCKS))
    if units is not None:
        codes = np.unique(units, return_inverse=True)[1]
        count = min(blocks, int(codes.max(initial=0)) + 1)
        if count > 1:
            return assign_groups(codes, count, np.random.default_rng(seed)).astype(np.int16)
    shuffled = np.random.default_rng(seed).permutation(n)
    order = shuffled[np.argsort(y[shuffled, 0], kind="stable")]
    out = np.empty(n, dtype=np.int16)
    out[order] = np.arange(n) % blocks
    return out


def score(
    metric: Metric,
    problem: Problem,
    y: np.ndarray,
    p: np.ndarray,
    decided: np.ndarray | None,
    blocks: np.ndarray,
    weights: np.ndarray | None = None,
    apart: np.ndarray | None = None,
) -> Score:
    """The score of predictions, with its noise.

    Parameters
    ----------
    y, p, decided: (r, T) targets, (r, W) canonical predictions and what was decided from them; None where only the loss
        is asked for, which the value and its standard error then are.
    blocks: (r,) block of each row. One for which the metric is not defined (one class only) is left out of the noise.
    apart: (r,) fold of each row, where folds differ by more than their rows do: the noise is no less than theirs.
    """
    loss = smooth_loss(metric, problem, y, p, weights)
    value = loss if decided is None else _value(metric, y, decided, weights, loss)

    def by(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        count = int(codes.max()) + 1
        parts, losses = np.full(count, np.nan), np.full(count, np.nan)
        for b in range(count):
            rows = codes == b
            try:
                part = None if weights is None else weights[rows]
                losses[b] = smooth_loss(metric, problem, y[rows], p[rows], part)
                parts[b] = losses[b] if decided is None else metric.score(y[rows], decided[rows], part)
            except MetricError:
                continue
        return parts, losses

    parts, losses = by(blocks)
    if not np.isfinite(parts).any() and metric.needs not in ("label", "ranking"):
        parts = losses  # each block lacks a rare class: the loss is the score of the others
    if apart is None:
        return Score(float(value), _error(parts), loss, losses)
    codes = np.unique(apart, return_inverse=True)[1]
    rows = np.bincount(codes).astype(float)
    seen, of_folds = by(codes)
    return Score(float(value), max(_error(parts), _error(seen, rows)), loss, losses, np.column_stack([of_folds, rows]))


def _value(metric: Metric, y: np.ndarray, decided: np.ndarray, weights: np.ndarray | None, loss: float) -> float:
    """The score, or where it is not defined because these rows lack a class, that of the classes which they have."""
    try:
        return float(metric.score(y, decided, weights))
    except MetricError:
        if metric.needs in ("label", "ranking"):
            raise
        return -loss if metric.greater_is_better else loss


def _error(parts: np.ndarray, rows: np.ndarray | None = None) -> float:
    """The standard error of the mean of those that are finite, weighted by their rows; 0 of fewer than two."""
    known = np.isfinite(parts)
    if (count := int(known.sum())) < 2:
        return 0.0
    shares = np.full(count, 1 / count) if rows is None else rows[known] / rows[known].sum()
    away = parts[known] - shares @ parts[known]
    return float(np.sqrt(count / (count - 1) * np.sum((shares * away) ** 2)))


def compare(candidate: Score, incumbent: Score) -> Comparison:
    """Paired comparison over the blocks that both have, and over the folds where these are apart: what is gained in one
    year and lost in the next is chance, however many rows tell of it. How much is gained may differ from year to year.
    """
    differences = incumbent.blocks - candidate.blocks
    everywhere = True
    if len(incumbent.folds) == len(candidate.folds):
        told = incumbent.folds[:, 1] >= ROWS_PER_BLOCK
        everywhere = not (incumbent.folds[told, 0] <= candidate.folds[told, 0]).any()
    count = int(np.isfinite(differences).sum())
    return Comparison(incumbent.loss - candidate.loss, _error(differences), count, everywhere)


def paired(
    metric: Metric,
    problem: Problem,
    y: np.ndarray,
    incumbent: np.ndarray,
    candidate: np.ndarray,
    chosen: np.ndarray,
    weights: np.ndarray | None = None,
    units: np.ndarray | None = None,
    apart: np.ndarray | None = None,
) -> Comparison:
    """Candidate against incumbent on some of the rows, `chosen` (r,) of truth values; predictions are (r, W).

    units: (r,) those of the rows, where these are not drawn one by one (see `block_of_rows`).
    apart: (r,) folds that differ by more than their rows do (see `score`).
    """
    blocks = block_of_rows(y[chosen], units=None if units is None else units[chosen])
    part = None if weights is None else weights[chosen]
    folds = None if apart is None else apart[chosen]
    scores = [score(metric, problem, y[chosen], p[chosen], None, blocks, part, folds) for p in (candidate, incumbent)]
    return compare(scores[0], scores[1])


def renews(change: Comparison) -> bool:
    """Whether an ensemble takes the place of another: its gain is more than half of the comparison's noise.

    A whole standard error would refuse most of the small gains that add up over a night.
    """
    return change.gain > 0 and change.z > 0.5


def noise_floor(change: Comparison) -> float:
    """How much of a difference in loss means nothing, from two models of one recipe that differ in their seeds alone:
    the larger of their difference and of its standard error."""
    return max(abs(change.gain), change.noise)


def verdict(comparison: Comparison | None, ensemble: Comparison | None, floor: float = 0.0) -> tuple[str, str]:
    """("keep" or "discard", the reason in words).

    Kept is what beats the best pipeline so far by more than the noise of the comparison and more than seeds alone do
    (`floor`: see `noise_floor`), or what the ensemble takes up and gains by (`ensemble`: see `renews`). The first
    pipeline is kept.
    """
    if comparison is None:
        return "keep", "the first of its run"
    words = f"{comparison.gain:+.5g} ± {comparison.noise:.2g} against the best so far"
    if comparison.gain > floor and comparison.z > 1:
        return "keep", words
    if ensemble is not None:
        return "keep", f"{words}; the ensemble gains {ensemble.gain:.3g} by it"
    return "discard", words + ("; within the noise" if comparison.gain > 0 else "")
