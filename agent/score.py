"""Scores with their standard errors, paired comparisons of candidates, and the verdict: keep or discard."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from medalist.agent.blocks import BLOCKS, FEW_ROWS, block_of_rows, contributions, exchanged, sign_flip_p_value
from medalist.competitions.errors import MetricError
from medalist.competitions.metrics.metric import Metric
from medalist.pipelines.ensembling.loss import AREAS, CLIP, smooth_loss
from medalist.pipelines.problem import Problem

LEAST_FOLD_ROWS = 40  # rows of a fold, from which on a candidate has to gain in it where errors are correlated
RENEWAL_Z = 0.5  # gain, in its standard errors, beyond which a new ensemble replaces the incumbent one


@dataclass(frozen=True)
class Score:
    """A score over the evaluated rows.

    Attributes
    ----------
    value: the metric, in its own units.
    standard_error: of `value`: the standard deviation of what blocks of rows contribute to it (see `agent/blocks.py`),
        divided by the square root of the number of blocks. Where the errors of a fold's rows are correlated
        (`clusters` of `score`), no less than the standard error over folds.
    loss: what candidates are compared by, less being better: the metric itself, negated where greater is better; where
        the metric takes labels, the log loss or the squared error of the predictions that labels are decided from,
        since counts of right labels are too coarse.
    blocks: (b,) what blocks of rows contribute to the loss, the same rows for every candidate of a run; NaN where
        undefined.
    folds: (f, 2) losses and numbers of rows of the folds, where errors are correlated within folds; else (0, 2).
    rows: how many rows the score is on, which the standard error is that of; 0 where it is not known.
    """

    value: float
    standard_error: float
    loss: float
    blocks: np.ndarray
    folds: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    rows: int = 0


@dataclass(frozen=True)
class Comparison:
    """A candidate against an incumbent on the same rows, paired by blocks.

    Attributes
    ----------
    gain: the incumbent's loss minus the candidate's.
    standard_error: of the gain; 0 where it could not be measured.
    blocks: number of blocks on which both losses are defined.
    in_every_fold: whether the candidate gains in each fold, where errors are correlated within folds; else True.
    by_signs: one-sided p-value of the gain by random signs of the blocks (see `blocks.sign_flip_p_value`), where there
        are more blocks than BLOCKS; else None.
    """

    gain: float
    standard_error: float
    blocks: int = 0
    in_every_fold: bool = True
    by_signs: float | None = None

    @property
    def p_value(self) -> float:
        """One-sided p-value of the gain: by random signs of the blocks where there are enough, else by Student's
        t-test over the blocks; 1 where the standard error is unknown."""
        from scipy.special import stdtr

        if self.standard_error <= 0 or self.blocks < 2:
            return 1.0
        if self.by_signs is not None:
            return self.by_signs
        return float(stdtr(self.blocks - 1, -self.z))

    @property
    def z(self) -> float:
        """The gain in standard errors; 0 where the standard error is unknown."""
        return self.gain / self.standard_error if self.standard_error > 0 else 0.0


def score(
    metric: Metric,
    problem: Problem,
    y: np.ndarray,
    p: np.ndarray,
    decided: np.ndarray | None,
    blocks: np.ndarray,
    weights: np.ndarray | None = None,
    clusters: np.ndarray | None = None,
) -> Score:
    """The score of predictions, with its standard error.

    Parameters
    ----------
    y, p: (r, T) targets and (r, W) canonical predictions.
    decided: (r, T) what the metric scores: values, probabilities or labels decided from p. None where only the loss is
        wanted, which value and standard error then are.
    blocks: (r,) block of each row. One for which the metric is undefined (one class only) does not count.
    weights: (r,) row weights.
    clusters: (r,) fold of each row, where the errors of a fold's rows are correlated.

    Raises MetricError where the metric is undefined on all rows together.
    """
    loss = smooth_loss(metric, problem, y, p, weights)
    same = decided is not None and is_scored_by_loss(metric, problem, p, decided)
    sign = -1.0 if metric.greater_is_better else 1.0
    if decided is None or same:
        value = loss if decided is None else sign * loss
    else:
        value = _value(metric, y, decided, weights, loss)

    def of_rows(rows: np.ndarray) -> tuple[float, float]:
        """(score, loss) of some rows; the score is NaN where it is undefined."""
        part = None if weights is None else weights[rows]
        of_these = smooth_loss(metric, problem, y[rows], p[rows], part)
        if decided is None or same:
            return of_these if decided is None else sign * of_these, of_these
        try:
            return float(metric.score(y[rows], decided[rows], part)), of_these
        except MetricError:
            return np.nan, of_these

    whole = (value, loss)
    of_blocks = weights if metric.weighted else None
    scores, losses = contributions(blocks, of_rows, whole, of_blocks, leave_out=len(y) < FEW_ROWS)
    if not np.isfinite(scores).any() and metric.needs not in ("label", "ranking"):
        scores = losses  # each block lacks a rare class: the loss is the score over the other classes
    if clusters is None:
        return Score(float(value), _standard_error(scores), loss, losses, rows=len(y))
    codes = np.unique(clusters, return_inverse=True)[1]
    rows = np.bincount(codes).astype(float)
    fold_scores, fold_losses = contributions(codes, of_rows, whole)
    error = max(_standard_error(scores), _standard_error(fold_scores, rows))
    return Score(float(value), error, loss, losses, np.column_stack([fold_losses, rows]), len(y))


def is_scored_by_loss(metric: Metric, problem: Problem, p: np.ndarray, decided: np.ndarray) -> bool:
    """Whether the metric of what was decided is the loss of the canonical predictions p but for its sign, so that only
    one of the two has to be computed: where they are the same probabilities, once clipped."""
    by_class_area = problem.width > 1 and metric.shape in AREAS
    if not problem.classification or metric.needs in ("label", "ranking") or by_class_area:
        return False
    return decided.shape == p.shape and np.array_equal(np.clip(p, CLIP, 1 - CLIP), decided)


def _value(metric: Metric, y: np.ndarray, decided: np.ndarray, weights: np.ndarray | None, loss: float) -> float:
    """The score, or where it is undefined because these rows lack a class, that over the classes that they have."""
    try:
        return float(metric.score(y, decided, weights))
    except MetricError:
        if metric.needs in ("label", "ranking"):
            raise
        return -loss if metric.greater_is_better else loss


def _standard_error(parts: np.ndarray, rows: np.ndarray | None = None) -> float:
    """The standard error of the mean of the finite `parts`, weighted by their numbers of rows; 0 of fewer than two."""
    finite = np.isfinite(parts)
    if (count := int(finite.sum())) < 2:
        return 0.0
    shares = np.full(count, 1 / count) if rows is None else rows[finite] / rows[finite].sum()
    residuals = parts[finite] - shares @ parts[finite]
    return float(np.sqrt(count / (count - 1) * np.sum((shares * residuals) ** 2)))


def compare(candidate: Score, incumbent: Score) -> Comparison:
    """Paired comparison of two scores on the same rows, over the blocks on which both are defined; over none where
    an earlier version has divided the rows in another way for one of them.

    Where they have folds too, the candidate has to gain in each: what is gained in one year and lost in the next is
    chance, however many rows show it. By how much may differ from year to year.
    """
    alike = incumbent.blocks.shape == candidate.blocks.shape
    differences = incumbent.blocks - candidate.blocks if alike else np.empty(0)
    in_every_fold = True
    if len(incumbent.folds) == len(candidate.folds):
        large = incumbent.folds[:, 1] >= LEAST_FOLD_ROWS
        in_every_fold = not (incumbent.folds[large, 0] <= candidate.folds[large, 0]).any()
    return _comparison(incumbent.loss - candidate.loss, differences, in_every_fold=in_every_fold)


def _comparison(gain: float, differences: np.ndarray, *, in_every_fold: bool) -> Comparison:
    """A comparison by what blocks contribute to the gain (b,), NaN where undefined."""
    finite = differences[np.isfinite(differences)]
    by_signs = sign_flip_p_value(finite, gain) if len(finite) > BLOCKS else None
    return Comparison(gain, _standard_error(finite), len(finite), in_every_fold, by_signs)


def paired(
    metric: Metric,
    problem: Problem,
    y: np.ndarray,
    incumbent: np.ndarray,
    candidate: np.ndarray,
    chosen: np.ndarray,
    weights: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    clusters: np.ndarray | None = None,
) -> Comparison:
    """Candidate against incumbent, both canonical predictions (r, W), on the rows that `chosen` (r,) marks.

    groups: (r,) groups that stay in one block (see `block_of_rows`). clusters: (r,) see `score`. Raises MetricError
    where the metric is undefined on the chosen rows.

    What a block contributes to a gain in the root of a mean, of few rows, is measured by `blocks.exchanged`.
    """
    blocks = block_of_rows(y[chosen], groups=None if groups is None else groups[chosen])
    part = None if weights is None else weights[chosen]
    folds = None if clusters is None else clusters[chosen]
    y, one, other = y[chosen], incumbent[chosen], candidate[chosen]
    scores = [score(metric, problem, y, p, None, blocks, part, folds) for p in (other, one)]
    comparison = compare(scores[0], scores[1])
    if metric.mean != "root" or len(y) >= FEW_ROWS:
        return comparison

    def gain_of(rows: np.ndarray) -> float:
        first, second = (np.where(rows[:, None], *pair) for pair in ((other, one), (one, other)))
        return smooth_loss(metric, problem, y, first, part) - smooth_loss(metric, problem, y, second, part)

    differences = exchanged(blocks, gain_of, comparison.gain)
    return _comparison(comparison.gain, differences, in_every_fold=comparison.in_every_fold)


def replaces_incumbent(comparison: Comparison) -> bool:
    """Whether an ensemble replaces the incumbent one: its gain is more than RENEWAL_Z of its standard errors.

    A whole standard error would refuse most of the small gains that add up over a night.
    """
    return comparison.gain > 0 and comparison.z > RENEWAL_Z


def noise_floor(comparison: Comparison) -> float:
    """The loss difference below which a gain counts as noise, from the comparison of two fits of one pipeline with
    different seeds: the larger of their absolute difference and its standard error."""
    return max(abs(comparison.gain), comparison.standard_error)


def verdict(comparison: Comparison | None, ensemble: Comparison | None, floor: float = 0.0) -> tuple[str, str]:
    """The verdict on a scored experiment: ("keep" or "discard", the reason in words).

    comparison: with the best experiment so far; None for the first. ensemble: the change of the ensemble that the
    experiment made; None where it made none.

    Kept is what beats the best experiment so far by more than the standard error of the comparison and more than
    `floor` (see `noise_floor`), or what gains in the ensemble (`ensemble`: see `replaces_incumbent`). The first
    experiment is kept.
    """
    if comparison is None:
        return "keep", "the first of its run"
    words = f"{comparison.gain:+.5g} ± {comparison.standard_error:.2g} against the best so far"
    if comparison.gain > floor and comparison.z > 1:
        return "keep", words
    if ensemble is not None:
        return "keep", f"{words}; the ensemble gains {ensemble.gain:.3g} by it"
    return "discard", words + ("; within the noise" if comparison.gain > 0 else "")
