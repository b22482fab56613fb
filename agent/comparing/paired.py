"""Paired differences between the scores of several predictions of the same rows, with confidence intervals.

What two scores on the same rows share, such as rows that are hard for everyone, leaves their difference: its standard
error is far below that of either score.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics.metric import Metric

Method = Literal["row losses", "bootstrap", "blocks"]
LEVEL = 0.95  # of the confidence intervals
LEAST_UNITS = 5  # rows, or groups of rows, for which an interval is given
MANY_ROWS = 20_000  # rows from which disjoint blocks take the place of resamples, which would take too long
BLOCKS = 20
RESAMPLES = 500
FEWER_RESAMPLES = 200  # from SOME_ROWS on
SOME_ROWS = 5_000
SLOW_RESAMPLES = 40  # by a function of a person's own, which may be slow
LEAST_DEFINED = 10  # resamples or blocks on which both scores must be defined


@dataclass(frozen=True)
class Predicted:
    """Targets y (n, T), and predictions p (n, W) of them in the form that the metric takes."""

    y: np.ndarray
    p: np.ndarray


@dataclass(frozen=True)
class ScoreOf:
    """A score and its standard error; None where the metric is undefined (`reason` says why), or rows are too few."""

    value: float | None
    standard_error: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Difference:
    """By how much the first of two predictions scores better than the second, in the metric's unit: below 0 where it
    is worse. `interval`: of confidence LEVEL. None where it cannot be estimated."""

    first: int
    second: int
    value: float
    standard_error: float | None
    interval: tuple[float, float] | None

    @property
    def verdict(self) -> Literal["better", "worse", "open"]:
        """What the interval says of the first: "open" where it holds 0, or there is none."""
        if self.interval is None or self.interval[0] <= 0 <= self.interval[1]:
            return "open"
        return "better" if self.value > 0 else "worse"


@dataclass(frozen=True)
class Paired:
    """The scores of several predictions, the differences of all pairs that are defined, the earlier one first, how
    their standard errors were found, and the number of independent units (rows or groups)."""

    scores: tuple[ScoreOf, ...]
    differences: tuple[Difference, ...]
    method: Method
    units: int


def paired_differences(
    metric: Metric,
    predicted: Sequence[Predicted],
    weights: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    seed: int = 0,
) -> Paired:
    """Scores of several predictions of the same n rows, and their differences.

    Where the score is a function of the mean of the rows' losses, the standard error is that of the mean of the
    differences of what each row contributes: of the losses, and for a root of their mean of its linear approximation
    (the delta method). Else it is the standard deviation over bootstrap resamples on which all are scored (Efron,
    1979), or for MANY_ROWS and more over disjoint random blocks, divided by the root of their number. The interval is
    Student's t.

    Parameters
    ----------
    weights: (n,) of the rows, for metrics that use them.
    groups: (n,) of dependent rows, such as those of a key or of a span of time, which are the units in place of rows:
        standard errors are then clustered, and whole groups are drawn. None where rows are independent.
    seed: of the rows that are drawn: the same gives the same intervals.
    """
    n = len(predicted[0].y)
    units = np.arange(n) if groups is None else np.unique(groups, return_inverse=True)[1]
    count = int(units.max()) + 1
    scores, reasons = _scores(metric, predicted, weights)
    signed = scores if metric.greater_is_better else -scores
    pairs = [(i, j) for i in range(len(predicted)) for j in range(i + 1, len(predicted))]
    pairs = [(i, j) for i, j in pairs if np.isfinite(scores[[i, j]]).all()]
    errors: dict[tuple[int, ...], float | None] = {}
    method: Method
    known = [k for k in range(len(predicted)) if np.isfinite(scores[k])]
    w = np.ones(n) if weights is None or not metric.weighted else np.asarray(weights, float)
    contributions = _contributions(metric, [predicted[k] for k in known], w) if known else None
    if contributions is not None:
        method, freedom = "row losses", count - 1
        by_entrant = dict(zip(known, contributions, strict=True))
        for key in [*((k,) for k in known), *pairs]:
            values = by_entrant[key[0]] - (by_entrant[key[1]] if len(key) > 1 else 0.0)
            errors[key] = _clustered_error(values, w, units, count)
    else:
        blocks = n >= MANY_ROWS and count >= 10 * BLOCKS
        method, freedom = ("blocks", BLOCKS - 1) if blocks else ("bootstrap", count - 1)
        drawn = np.array([
            _scores(metric, [Predicted(e.y[rows], e.p[rows]) for e in predicted], _of(weights, rows))[0]
            for rows in _draws(metric, units, count, blocks, seed)
        ])  # fmt: skip
        for key in [*((k,) for k in known), *pairs]:
            values = drawn[:, key[0]] - (drawn[:, key[1]] if len(key) > 1 else 0.0)
            finite = values[np.isfinite(values)]
            enough = len(finite) >= LEAST_DEFINED
            errors[key] = float(finite.std(ddof=1)) / (math.sqrt(BLOCKS) if blocks else 1.0) if enough else None
    if count < LEAST_UNITS:
        errors = dict.fromkeys(errors)
    return Paired(
        tuple(
            ScoreOf(float(s), errors[k,]) if np.isfinite(s) else ScoreOf(None, None, reasons[k])
            for k, s in enumerate(scores)
        ),
        tuple(_difference(i, j, float(signed[i] - signed[j]), errors[i, j], freedom) for i, j in pairs),
        method,
        count,
    )


def _difference(first: int, second: int, value: float, error: float | None, freedom: int) -> Difference:
    if error is None:
        return Difference(first, second, value, None, None)
    from scipy.special import stdtrit

    margin = float(stdtrit(freedom, (1 + LEVEL) / 2)) * error
    return Difference(first, second, value, error, (value - margin, value + margin))


def _scores(
    metric: Metric, predicted: Sequence[Predicted], weights: np.ndarray | None
) -> tuple[np.ndarray, dict[int, str]]:
    """The score of each, (k,), NaN where the metric is undefined, and why it is."""
    scores, reasons = np.full(len(predicted), np.nan), {}
    for k, entrant in enumerate(predicted):
        try:
            scores[k] = metric.score(entrant.y, entrant.p, weights)
        except MetricError as error:  # such as one class only, or a correlation with a constant
            reasons[k] = str(error)
    return scores, reasons


def _contributions(metric: Metric, predicted: Sequence[Predicted], weights: np.ndarray) -> list[np.ndarray] | None:
    """What each row contributes to each score, (n,), up to its sign and a constant; None where the score is not a
    function of a mean over rows, or that has no slope there (the root of a mean of 0)."""
    found = []
    for entrant in predicted:
        losses = metric.losses(entrant.y, entrant.p)
        if losses is None:
            return None
        if metric.mean == "root":
            root = math.sqrt(float(np.average(losses, weights=weights)))
            if root == 0:
                return None
            losses = losses / (2 * root)
        found.append(losses)
    return found


def _clustered_error(values: np.ndarray, weights: np.ndarray, units: np.ndarray, count: int) -> float | None:
    """The standard error of the weighted mean of `values` (n,), whose rows are independent between `units` (n,)."""
    if count < 2:
        return None
    total = weights.sum()
    residuals = weights * (values - weights @ values / total) / total
    sums = np.bincount(units, weights=residuals, minlength=count)
    return float(np.sqrt(count / (count - 1) * np.sum(sums**2)))


def _draws(metric: Metric, units: np.ndarray, count: int, blocks: bool, seed: int) -> Iterator[np.ndarray]:
    """Positions of the rows of each resample of whole units, or of each block of them."""
    rng = np.random.default_rng(seed)
    order = np.argsort(units, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(units, minlength=count))])
    if blocks:
        chosen: Iterator[np.ndarray] = iter(np.array_split(rng.permutation(count), BLOCKS))
    else:
        resamples = FEWER_RESAMPLES if len(units) >= SOME_ROWS else RESAMPLES
        resamples = SLOW_RESAMPLES if ".py:" in metric.name else resamples
        chosen = (rng.integers(0, count, count) for _ in range(resamples))
    for drawn in chosen:
        if count == len(units):  # each row is a unit
            yield order[drawn]
        else:
            yield np.concatenate([order[starts[u] : starts[u + 1]] for u in drawn])


def _of(weights: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    return None if weights is None else weights[rows]
