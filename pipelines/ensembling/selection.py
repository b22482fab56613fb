"""Greedy ensemble selection on out-of-fold predictions, bagged (Caruana et al., 2004), in the space that serves.

Members are drawn with replacement, each time the one that lowers the loss most. That is done several times, each time
on half of the rows (of the groups, of the folds that lie ahead), and the weights are averaged: a member that only some
rows like does not come through. Whether members are averaged as they are or in another space (log-odds, logarithms) is
decided by rows that did not choose them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from medalist.competitions.errors import MetricError
from medalist.competitions.folds.make import assign_groups
from medalist.competitions.metrics.metric import Metric
from medalist.pipelines.ensembling.blending import AREAS, Blends, Members, Space, back, into, spaces
from medalist.pipelines.problem import Problem

MAX_ROWS = 20_000  # rows on which members are chosen
MAX_NUMBERS = 140_000  # of one member's predictions on them
MAX_STEPS = 30
MAX_MEMBERS = 8
LEAST_WEIGHT = 0.02
POOL = 25  # candidates: the best by themselves, and the best beside the best
BY_THEMSELVES = 15
BESIDE = 4  # times that the best counts where others are tried beside it: what helps little by little differs more
DRAWS = 8  # an even number: two of them share the rows
ENOUGH_RARE = 400  # rows of the rarer class on which members are chosen
SINGLES = 3  # members that the ensemble is compared with at last
STARTS = 5  # best members that a draw may start from
NARROW = 10  # candidates that are tried again after the first step, at least
JUDGING_ROWS = 5000  # that judge what a draw has chosen, and whether a member is a candidate
LEAST_HALF = 50  # rows of a half that is made of whole units
AGREEING = 0.6  # share of the draws that has to gain by another space


@dataclass(frozen=True)
class Ensemble:
    """Weights over experiments, by number; they sum to one. `space` says in what their predictions are averaged."""

    weights: Mapping[int, float]
    space: Space = "mean"

    def blend(self, predictions: Mapping[int, np.ndarray]) -> np.ndarray:
        """Weighted mean (n, W) of the members' predictions in the ensemble's space, as predictions again."""
        if len(self.weights) == 1:
            return next(w * predictions[number] for number, w in self.weights.items())
        total = sum(w * into(self.space, predictions[number]) for number, w in self.weights.items())
        return back(self.space, np.asarray(total))


def smooth_loss(
    metric: Metric, problem: Problem, y: np.ndarray, p: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """A loss to choose members by: the metric itself, or for labels the loss of what they are decided from.

    A score of labels is a step function: choosing by it follows its noise. `weights` (r,) are the metric's.
    """
    if metric.needs == "label" or metric.needs == "ranking":
        if problem.problem_type == "binary":
            clipped = np.clip(p, 1e-6, 1 - 1e-6)
            return float(-np.mean(y * np.log(clipped) + (1 - y) * np.log(1 - clipped)))
        if problem.problem_type == "multiclass":
            of_truth = np.clip(p[np.arange(len(y)), y[:, 0].astype(int)], 1e-6, 1)
            return float(-np.mean(np.log(of_truth)))
        return float(np.mean((y - p) ** 2))
    limits = (1e-7, 1 - 1e-7) if problem.classification else problem.limits(y)
    p = np.clip(p, *limits)
    if problem.classification and problem.width > 1 and metric.shape in AREAS:
        return -_area(metric, problem, y, p)
    score = metric.score(y, p, weights)
    return -score if metric.greater_is_better else score


def _area(metric: Metric, problem: Problem, y: np.ndarray, p: np.ndarray) -> float:
    """The mean of a ranking score over the classes (the targets) that these rows tell from others: some of the rows may
    lack a rare one, of which the score itself is not defined. MetricError where they tell none."""
    truth = y if problem.problem_type == "binary" else y == np.arange(problem.n_classes)
    told = [t for t in range(truth.shape[1]) if 0 < truth[:, t].mean() < 1]
    if not told:
        raise MetricError(f"The {metric.title} is not defined for rows of one class.")
    return float(np.mean([float(metric.function(truth[:, t].astype(float), p[:, t])) for t in told]))


def select(
    metric: Metric,
    problem: Problem,
    y: np.ndarray,
    predictions: Mapping[int, np.ndarray],
    weights: np.ndarray | None = None,
    seed: int = 0,
    units: np.ndarray | None = None,
    known: Collection[int] = (),
) -> Ensemble:
    """Choose members, their weights and the space of their mean.

    Parameters
    ----------
    y: (r, T) targets of the evaluated rows; predictions: (r, W) by experiment number; weights: (r,) of the rows, for
        metrics that use them; units: (r,) what rows belong to, where those of one share an error: they choose together;
        known: numbers that are candidates in any case, as the members of the ensemble so far.

    Returns
    -------
    An ensemble of at most MAX_MEMBERS, or a single member where that has less loss.
    """
    rng = np.random.default_rng(seed)

    def members(numbers: Sequence[int], rows: np.ndarray, space: Space = "mean") -> Members:
        shares = None if weights is None else weights[rows]
        return Members(metric, problem, y[rows], [predictions[n][rows] for n in numbers], shares, space, smooth_loss)

    rare = _rare(metric, problem, y)
    judging = rng.permutation(len(y))[:JUDGING_ROWS]  # in random order: the first of them may have to do
    if rare is not None:
        judging = rng.permutation(_rows_with(rng, rare, JUDGING_ROWS))
    pool = _pool(sorted(predictions), partial(members, rows=judging), known)
    if len(pool) == 1:
        return Ensemble({pool[0]: 1.0})
    most = min(MAX_ROWS, max(JUDGING_ROWS, MAX_NUMBERS // problem.width))
    rows = _some(rng, len(y), most) if rare is None else _rows_with(rng, rare, most)
    draws = _draws(len(rows), rng, None if units is None else units[rows], partial(_tells, problem, y[rows]))
    plain = members(pool, rows)
    space, shares = plain.space, _shares(plain, draws)
    for other in spaces(metric, problem, y)[1:]:
        brought = members(pool, rows, other)
        there = _unseen(brought, draws, shares)
        gains = _unseen(plain, draws, shares) - there
        if gains.mean() > 0 and np.mean(gains > 0) >= AGREEING:
            again = _shares(brought, draws)
            space, shares = other, again if _unseen(brought, draws, again).mean() < there.mean() else shares
    mean = shares.mean(axis=0)
    kept = np.argsort(-mean, kind="stable")[:MAX_MEMBERS]
    kept = kept[mean[kept] >= min(LEAST_WEIGHT, mean.max())]
    chosen, total = [pool[i] for i in kept], mean[kept]
    if total.sum() < 1 - 1e-9:  # what the others would have taken goes to those most like them
        total = _shares(members(chosen, rows, space), draws).mean(axis=0)
    ensemble = Ensemble({n: float(w / total.sum()) for n, w in zip(chosen, total, strict=True) if w > 0}, space)
    seen = {n: predictions[n][rows] for n in pool}
    weights = None if weights is None else weights[rows]
    rivals = [ensemble, *(Ensemble({n: 1.0}) for n in pool[:SINGLES])]
    return min(rivals, key=lambda e: _loss(metric, problem, y[rows], e.blend(seen), weights))


def _loss(metric: Metric, problem: Problem, y: np.ndarray, p: np.ndarray, weights: np.ndarray | None) -> float:
    """The loss, 0 where it is not defined: then rows tell no blend from another."""
    try:
        return smooth_loss(metric, problem, y, p, weights)
    except MetricError:
        return 0.0


def _rare(metric: Metric, problem: Problem, y: np.ndarray) -> np.ndarray | None:
    """(n,) which rows are of the rarer of two classes, where rows that are drawn would hold too few of it; None where
    they hold enough, or where how many there are changes what the metric says of the others."""
    if metric.shape != "roc" or problem.problem_type != "binary" or y.shape[1] > 1 or len(y) <= MAX_ROWS:
        return None
    positive = y[:, 0] > 0.5
    rare = positive if positive.mean() <= 0.5 else ~positive
    return rare if rare.mean() * MAX_ROWS < ENOUGH_RARE and rare.any() else None


def _rows_with(rng: np.random.Generator, rare: np.ndarray, most: int) -> np.ndarray:
    """Sorted rows, at most so many: those that are rare as far as half of them go, and others."""
    own, others = np.flatnonzero(rare), np.flatnonzero(~rare)
    kept = own if len(own) <= most // 2 else rng.choice(own, most // 2, replace=False)
    beside = rng.choice(others, min(len(others), most - len(kept)), replace=False)
    return np.sort(np.concatenate([kept, beside]))


def _some(rng: np.random.Generator, n: int, most: int) -> np.ndarray:
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


def _pool(
    numbers: Sequence[int], members: Callable[[Sequence[int]], Members], known: Collection[int] = ()
) -> list[int]:
    """Numbers of the candidates: the best by themselves, then those that are known, then those that are best beside the
    best."""
    found = members(numbers)
    count = len(numbers)
    blends = found.on(np.arange(min(len(found.y), found.most_rows)))
    order = np.argsort(blends.added(np.zeros(count), np.arange(count)), kind="stable")
    if count > POOL:
        rest = order[BY_THEMSELVES:]
        beside = blends.added(BESIDE * np.eye(count)[order[0]], rest)
        given = np.array([numbers[i] in known for i in rest])
        order = np.concatenate([order[:BY_THEMSELVES], rest[np.lexsort((beside, ~given))]])[:POOL]
    return [numbers[i] for i in order]


Draw = tuple[np.ndarray, np.ndarray]


def _tells(problem: Problem, y: np.ndarray, half: np.ndarray) -> bool:
    """Whether the targets of some of the rows (n, T) can tell members apart: all classes are there, or values vary."""
    if problem.classification:
        return all(len(np.unique(of_one[half])) == len(np.unique(of_one)) for of_one in y.T)
    return bool((np.ptp(y[half], axis=0) > 0).all())


def _draws(
    n: int,
    rng: np.random.Generator,
    units: np.ndarray | None = None,
    tells: Callable[[np.ndarray], bool] | None = None,
) -> list[Draw]:
    """Rows that choose and rows that judge, halves in random order; two draws after another exchange them.

    Of rows with units (n,) each half has whole ones, where both then have enough rows and `tells` is true of both.
    """
    codes = None if units is None else np.unique(units, return_inverse=True)[1]
    draws: list[Draw] = []
    for _ in range(DRAWS // 2):
        order = rng.permutation(n)
        one, other = order[: (n + 1) // 2], order[n // 2 :]  # an odd row is in both
        if codes is not None and codes.max(initial=0) > 0:
            side = assign_groups(codes, 2, rng, shuffled=True)[order]
            halves = order[side == 0], order[side == 1]
            if min(map(len, halves)) >= max(LEAST_HALF, n // 10) and (tells is None or all(map(tells, halves))):
                one, other = halves
        draws += [(one, other), (other, one)]
    return draws


def _shares(members: Members, draws: Sequence[Draw]) -> np.ndarray:
    """(b, M) weights of the members that each draw chooses."""
    counts = np.array([_greedy(members.on(rows[: members.most_rows]), len(members.z)) for rows, _ in draws])
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def _unseen(members: Members, draws: Sequence[Draw], shares: np.ndarray) -> np.ndarray:
    """(b,) losses of each draw's weights (b, M) on rows that did not choose them."""
    losses = []
    for (_, rows), weights in zip(draws, shares, strict=True):
        used = np.flatnonzero(weights)
        losses.append(members.on(rows[:JUDGING_ROWS], used).losses(weights[None, used])[0])
    return np.array(losses)


def _greedy(blends: Blends, count: int) -> np.ndarray:
    """How often each of the members is chosen (M,)."""
    among = np.argsort(blends.added(np.zeros(count), np.arange(count)), kind="stable")
    starts = np.zeros((min(STARTS, count), count))
    for s in range(len(starts)):
        starts[s, among[: s + 1]] = 1
    losses = blends.losses(starts)
    counts, best = starts[losses.argmin()], float(losses.min())
    while counts.sum() < MAX_STEPS:
        tried = blends.added(counts, among)
        loss = float(tried.min())
        if not loss < best - 1e-6 * abs(best):  # no number is less than another that is infinite
            break
        best = loss
        counts[among[tried.argmin()]] += 1
        among = among[np.argsort(tried, kind="stable")[: max(NARROW, len(among) // 2)]]
    return counts
