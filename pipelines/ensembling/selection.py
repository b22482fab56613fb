"""Greedy ensemble selection on out-of-fold predictions, bagged (Caruana et al., 2004), in the best of several spaces.

Members are drawn with replacement, each time the one that lowers the loss most. That is done several times, each time
on half of the rows (or of their groups), and the weights are averaged: a member that is good on some rows only gets
little weight. Whether members are averaged as they are or in another space (log-odds, logarithms) is decided by the
loss on the rows that were not used to choose them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics.metric import Metric
from medalist.pipelines.ensembling.blends import Blends
from medalist.pipelines.ensembling.draws import (
    JUDGING_ROWS,
    Draw,
    choosing_rows,
    distinguishes,
    draws,
    judging_rows,
)
from medalist.pipelines.ensembling.loss import smooth_loss
from medalist.pipelines.ensembling.members import POOL, Members
from medalist.pipelines.ensembling.spaces import Space, from_space, spaces, to_space
from medalist.pipelines.problem import Problem

MAX_STEPS = 30  # members that a draw takes, with repetitions, at most
MAX_MEMBERS = 8  # different members of an ensemble, at most
LEAST_WEIGHT = 0.02  # mean weight over the draws, below which a member is dropped
BEST_SINGLES = 15  # candidates with the least loss by themselves
LEADER_WEIGHT = 4  # copies of the best member to which each further candidate is added once to rank them
SINGLE_RIVALS = 3  # best single members that the final ensemble has to beat
STARTS = 5  # a draw starts with the best 1, 2, … or STARTS members, whichever has the least loss
MIN_RETRIED = 10  # candidates that are tried at each step, at least: the worse half is dropped after each
MIN_AGREEMENT = 0.6  # share of the draws in which another space has to lower the loss


@dataclass(frozen=True)
class Ensemble:
    """Weights by experiment number, which sum to one, and the space in which predictions are averaged."""

    weights: Mapping[int, float]
    space: Space = "mean"

    def blend(self, predictions: Mapping[int, np.ndarray]) -> np.ndarray:
        """(n, W) canonical predictions: the weighted mean of the members' in the ensemble's space, transformed back.

        predictions: (n, W) by experiment number, for all members at least.
        """
        if len(self.weights) == 1:
            return next(w * predictions[number] for number, w in self.weights.items())
        total = sum(w * to_space(self.space, predictions[number]) for number, w in self.weights.items())
        return from_space(self.space, np.asarray(total))


def select(
    metric: Metric,
    problem: Problem,
    y: np.ndarray,
    predictions: Mapping[int, np.ndarray],
    weights: np.ndarray | None = None,
    seed: int = 0,
    groups: np.ndarray | None = None,
    incumbents: Collection[int] = (),
) -> Ensemble:
    """Choose members, their weights and the space of their mean.

    Parameters
    ----------
    y : (r, T) targets of the evaluated rows.
    predictions : (r, W) canonical out-of-fold predictions by experiment number.
    weights : (r,) of the rows, for metrics that use them.
    groups : (r,) codes of dependent rows, which are kept in the same half of a split.
    incumbents : experiment numbers that are preferred as candidates, such as the members of the ensemble so far.

    Returns
    -------
    An ensemble of at most MAX_MEMBERS, or a single member where that has less loss.
    """
    rng = np.random.default_rng(seed)

    def members(numbers: Sequence[int], rows: np.ndarray, space: Space = "mean") -> Members:
        part = None if weights is None else weights[rows]
        return Members(metric, problem, y[rows], [predictions[n][rows] for n in numbers], part, space)

    judging = judging_rows(metric, problem, y, rng)
    pool = candidates(sorted(predictions), partial(members, rows=judging), incumbents)
    if len(pool) == 1:
        return Ensemble({pool[0]: 1.0})
    rows = choosing_rows(metric, problem, y, rng, POOL / len(pool))
    pairs = draws(len(rows), rng, None if groups is None else groups[rows], partial(distinguishes, problem, y[rows]))
    plain = members(pool, rows)
    space, shares = plain.space, _weights_by_draw(plain, pairs)
    for other in spaces(metric, problem, y)[1:]:
        transformed = members(pool, rows, other)
        losses = _held_out_losses(transformed, pairs, shares)
        with np.errstate(invalid="ignore"):  # of infinite losses, where the metric is not defined
            gains = _held_out_losses(plain, pairs, shares) - losses
        if gains.mean() > 0 and np.mean(gains > 0) >= MIN_AGREEMENT:
            again = _weights_by_draw(transformed, pairs)
            is_better = _held_out_losses(transformed, pairs, again).mean() < losses.mean()
            space, shares = other, again if is_better else shares
    mean = shares.mean(axis=0)
    kept = np.argsort(-mean, kind="stable")[:MAX_MEMBERS]
    kept = kept[mean[kept] >= min(LEAST_WEIGHT, mean.max())]
    chosen, total = [pool[i] for i in kept], mean[kept]
    if total.sum() < 1 - 1e-9:  # the weight of those that were dropped goes to the members most like them
        total = _weights_by_draw(members(chosen, rows, space), pairs).mean(axis=0)
    ensemble = Ensemble({n: float(w / total.sum()) for n, w in zip(chosen, total, strict=True) if w > 0}, space)
    of_rows = {n: predictions[n][rows] for n in pool}
    part = None if weights is None else weights[rows]
    rivals = [ensemble, *(Ensemble({n: 1.0}) for n in pool[:SINGLE_RIVALS])]
    return min(rivals, key=lambda e: _loss(metric, problem, y[rows], e.blend(of_rows), part))


def _loss(metric: Metric, problem: Problem, y: np.ndarray, p: np.ndarray, weights: np.ndarray | None) -> float:
    """The loss, or 0 where it is not defined on these rows, which makes all blends equal."""
    try:
        return smooth_loss(metric, problem, y, p, weights)
    except MetricError:
        return 0.0


def candidates(
    numbers: Sequence[int], members: Callable[[Sequence[int]], Members], incumbents: Collection[int] = ()
) -> list[int]:
    """At most POOL of the experiment `numbers`: those with the least loss by themselves, then the `incumbents`, then
    those that most lower the loss of a blend with the best.

    `members` returns the `Members` of some experiment numbers on the rows on which candidates are ranked.
    """
    judged = members(numbers)
    count = len(numbers)
    blends = judged.blends_on(np.arange(min(len(judged.y), judged.most_rows)))
    order = np.argsort(blends.losses_after_adding(np.zeros(count), np.arange(count)), kind="stable")
    if count > POOL:
        rest = order[BEST_SINGLES:]
        beside = blends.losses_after_adding(LEADER_WEIGHT * np.eye(count)[order[0]], rest)
        incumbent = np.array([numbers[i] in incumbents for i in rest])
        order = np.concatenate([order[:BEST_SINGLES], rest[np.lexsort((beside, ~incumbent))]])[:POOL]
    return [numbers[i] for i in order]


def _weights_by_draw(members: Members, pairs: Sequence[Draw]) -> np.ndarray:
    """(b, M) weights of the members by each of the b draws, which sum to one."""
    counts = np.array([_greedy(members.blends_on(rows[: members.most_rows]), len(members.z)) for rows, _ in pairs])
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def _held_out_losses(members: Members, pairs: Sequence[Draw], shares: np.ndarray) -> np.ndarray:
    """(b,) losses of each draw's weights (b, M) on rows that did not choose them."""
    losses = []
    for (_, rows), weights in zip(pairs, shares, strict=True):
        used = np.flatnonzero(weights)
        losses.append(
            members.blends_on(rows[: max(JUDGING_ROWS, members.most_rows)], used).losses(weights[None, used])[0]
        )
    return np.array(losses)


def _greedy(blends: Blends, count: int) -> np.ndarray:
    """(M,) how often greedy forward selection chooses each of `count` members."""
    ranked = np.argsort(blends.losses_after_adding(np.zeros(count), np.arange(count)), kind="stable")
    starts = np.zeros((min(STARTS, count), count))
    for s in range(len(starts)):
        starts[s, ranked[: s + 1]] = 1
    losses = blends.losses(starts)
    counts, best = starts[losses.argmin()], float(losses.min())
    while counts.sum() < MAX_STEPS:
        tried = blends.losses_after_adding(counts, ranked)
        loss = float(tried.min())
        if not loss < best - 1e-6 * abs(best):  # no number is less than another that is infinite
            break
        best = loss
        counts[ranked[tried.argmin()]] += 1
        ranked = ranked[np.argsort(tried, kind="stable")[: max(MIN_RETRIED, len(ranked) // 2)]]
    return counts
