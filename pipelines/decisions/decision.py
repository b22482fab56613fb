"""From canonical predictions to what the metric wants: thresholds, class weights, cut-points, calibration, rounding.

What is fitted is fitted on out-of-fold predictions, and its worth is measured crosswise: each fold is decided by what
the other folds say. A fitted decision replaces the plain one only where it wins that way, by more than half its noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics.metric import PROPER, Metric
from medalist.pipelines.decisions import calibration
from medalist.pipelines.decisions import thresholds as labels
from medalist.pipelines.decisions import value_correction as values
from medalist.pipelines.decisions.gain_test import gain
from medalist.pipelines.problem import Problem

Kind = Literal[
    "values", "whole", "nearest", "line", "log_line", "probabilities", "beta", "temperature",
    "threshold", "class_weights", "cutpoints",
]  # fmt: skip
MOST_CLASSES = 20  # whose weights are searched one by one
FEW_ROWS = 20_000  # rows on which a decision is searched
LEAST_PROBABILITY = 1e-7
BAR = 0.5  # standard errors that a decision has to gain
CLEAR_BAR = 1.5
STEADY = 0.8  # share of the folds that a line has to gain in: all but one of five, all of three
FOLDS_FOR_LINES = 3  # a level that is off in two folds has been seen twice


@dataclass(frozen=True)
class Decision:
    """How canonical predictions (n, W) become decided ones: what to do, and its fitted numbers.

    values, whole: (2 T,) low and high of each target, "whole" rounds before; line, log_line: (4 T,) a, b, low and high
    of a + b p, or of the same with log1p p; nearest: (v,) ascending values to round to; probabilities: (low, high), and
    a third number where rows sum to 1; beta: (3 T,), see `calibration.beta`; temperature: (1 + K,), see
    `calibration.temperature`; threshold: (T,) probabilities at and above which a row is positive; class_weights: (K,)
    factors of the probabilities before the arg-max; cutpoints: (T (K - 1),) ascending limits between the classes of
    each target.
    """

    kind: Kind
    numbers: tuple[float, ...] = ()

    def apply(self, p: np.ndarray) -> np.ndarray:
        """Decided predictions (n, T) or (n, K): values, probabilities or codes."""
        numbers = np.asarray(self.numbers, dtype=float)
        if self.kind == "threshold":
            return (p >= numbers).astype(float)
        if self.kind == "class_weights":
            return np.argmax(p * numbers, axis=1)[:, None].astype(float)
        if self.kind == "cutpoints":
            cuts = numbers.reshape(p.shape[1], -1)
            said = [np.searchsorted(c, p[:, t], side="right") for t, c in enumerate(cuts)]
            return np.column_stack(said).astype(float)
        if self.kind in ("values", "whole"):
            return np.clip(np.rint(p) if self.kind == "whole" else p, numbers[0::2], numbers[1::2])
        if self.kind in ("line", "log_line"):
            return values.apply_line(numbers, p, self.kind == "log_line")
        if self.kind == "nearest":
            return values.nearest(numbers, p)
        if self.kind == "beta":
            return np.clip(calibration.apply_beta(numbers, p), LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        if self.kind == "temperature":
            p, numbers = calibration.apply_temperature(numbers, p), np.array([LEAST_PROBABILITY, 1, 1])
        clipped = np.clip(p, numbers[0], numbers[1])
        return clipped / clipped.sum(axis=1, keepdims=True) if numbers.size > 2 else clipped


def plain_decision(metric: Metric, problem: Problem, y: np.ndarray) -> Decision:
    """The decision that fits nothing but the problem's limits for the values seen in training, `y` (n, T)."""
    if metric.needs == "label":
        if problem.problem_type == "binary":
            return Decision("threshold", (0.5,) * problem.n_targets)
        if problem.problem_type == "multiclass":
            return Decision("class_weights", (1.0,) * problem.n_classes)
        return Decision("cutpoints", tuple(np.tile(np.arange(problem.n_classes - 1) + 0.5, problem.n_targets)))
    if problem.classification:
        multiclass = (1.0,) if problem.problem_type == "multiclass" else ()
        return Decision("probabilities", (LEAST_PROBABILITY, 1 - LEAST_PROBABILITY, *multiclass))
    return Decision("values", tuple(np.column_stack(problem.limits(y)).ravel().tolist()))


@dataclass(frozen=True)
class Rows:
    """What a decision is fitted on: targets y (n, T), predictions p (n, W), the rows' weights (n,), and the targets of
    all rows that may be known (m, T)."""

    y: np.ndarray
    p: np.ndarray
    weights: np.ndarray | None
    known: np.ndarray

    def some(self, chosen: np.ndarray) -> Rows:
        """Some of the rows, of which alone the targets are then known."""
        y = self.y[chosen]
        return Rows(y, self.p[chosen], None if self.weights is None else self.weights[chosen], y)


Fit = Callable[[Rows], Decision]
Numbers = Callable[[np.ndarray, np.ndarray], tuple[float, ...]]


@dataclass(frozen=True)
class Option:
    """A way to fit a decision, and by how many standard errors and in which share of the folds it has to gain."""

    fit: Fit
    bar: float = BAR
    steady: float = 0.0


def options(metric: Metric, problem: Problem, seen: np.ndarray, folds: int) -> list[Option]:
    """Ways to fit a decision that serve this metric, beside the plain one; `seen` (n, T), `folds` that judge them."""
    if metric.needs == "label":
        return _of_labels(metric, problem)
    if metric.needs == "probability" and problem.classification:
        return _of_probabilities(metric, problem)
    if metric.needs == "value" and not problem.classification and not metric.whole:
        return _of_values(metric, problem, seen, folds)
    return []


def _by_target(kind: Kind, found: Numbers) -> Fit:
    """A decision whose numbers are found for one target after another, from y (n,) and p (n,)."""

    def fit(rows: Rows) -> Decision:
        parts = [found(rows.y[:, t], rows.p[:, t]) for t in range(rows.y.shape[1])]
        return Decision(kind, tuple(float(x) for part in parts for x in part))

    return fit


def _of_labels(metric: Metric, problem: Problem) -> list[Option]:
    single, k = metric.of_one_target(), problem.n_classes
    bar = CLEAR_BAR if single.shape == "accuracy" else BAR
    if problem.problem_type == "binary":
        return [Option(_by_target("threshold", lambda y, p: (labels.threshold(single, y, p),)), bar)]
    if problem.problem_type == "ordinal":
        return [Option(_by_target("cutpoints", lambda y, p: tuple(labels.cut_points(single, y, p, k))))]

    def weights(rows: Rows) -> Decision:
        found = labels.class_factors(metric, rows.y[:, 0], rows.p, one_by_one=k <= MOST_CLASSES)
        return Decision("class_weights", tuple(found.tolist()))

    return [Option(weights, bar)]


def _of_probabilities(metric: Metric, problem: Problem) -> list[Option]:
    if metric.shape not in PROPER:
        return []

    def counted(y: np.ndarray) -> np.ndarray | None:
        return _balance(y) if metric.shape == "balanced_log_loss" else None

    if problem.problem_type == "binary":
        return [Option(_by_target("beta", lambda y, p: calibration.beta(y, p, counted(y))))]

    def scaled(rows: Rows, shifts: bool) -> Decision:
        y = rows.y[:, 0]
        return Decision("temperature", calibration.temperature(y, rows.p, shifts=shifts, weights=counted(y)))

    return [Option(partial(scaled, shifts=shifts)) for shifts in (False, True)]


def _of_values(metric: Metric, problem: Problem, seen: np.ndarray, folds: int) -> list[Option]:
    single = metric.of_one_target()
    plain = plain_decision(metric, problem, seen)
    logs = values.in_logs(metric, seen)

    def line(rows: Rows) -> Decision:
        numbers: list[float] = []
        for t, (low, high) in enumerate(zip(plain.numbers[0::2], plain.numbers[1::2], strict=True)):
            a, b = values.line(single, rows.y[:, t], rows.p[:, t], (low, high), logs, rows.weights)
            numbers += [a, b, low, high]
        return Decision("log_line" if logs else "line", tuple(numbers))

    found = []
    if folds >= FOLDS_FOR_LINES and metric.shape != "correlation":
        found.append(Option(line, steady=STEADY))
    if values.recurring(seen) is not None:
        found.append(Option(lambda r: Decision("nearest", tuple(np.unique(r.known).tolist()))))
    elif not np.any(seen % 1):
        found.append(Option(lambda _: Decision("whole", plain.numbers)))
    return found


def _balance(y: np.ndarray) -> np.ndarray:
    """(n,) weights that give every class the same sum."""
    counts = np.bincount(y.astype(int))
    return np.asarray(len(y) / (np.count_nonzero(counts) * counts[y.astype(int)]))


def fit_decision(metric: Metric, problem: Problem, y: np.ndarray, p: np.ndarray) -> Decision:
    """The first fitted decision for these rows, whether or not it pays, or the plain one: y (n, T), p (n, W)."""
    found = options(metric, problem, y, FOLDS_FOR_LINES)
    return _fitted(found[0].fit, Rows(y, p, None, y)) if found else plain_decision(metric, problem, y)


def _fitted(fit: Fit, rows: Rows) -> Decision:
    if len(rows.y) > FEW_ROWS:
        chosen = np.random.default_rng(0).choice(len(rows.y), FEW_ROWS, replace=False)
        part = None if rows.weights is None else rows.weights[chosen]
        rows = Rows(rows.y[chosen], rows.p[chosen], part, rows.known)
    return fit(rows)


def decide(
    metric: Metric,
    problem: Problem,
    y: np.ndarray,
    p: np.ndarray,
    folds: np.ndarray,
    seen: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    enabled: bool = True,
    blocks: np.ndarray | None = None,
) -> tuple[np.ndarray, Decision]:
    """Decided out-of-fold predictions, honestly, and the decision for the test rows.

    Parameters
    ----------
    y, p: (r, T) targets and (r, W) canonical predictions of the evaluated rows.
    folds: (r,) fold of each row. Each fold is decided by a decision that was fitted on the others.
    seen: (n, T) targets of all training rows, for the limits of values; `y` where they are not given.
    weights: (r,) of the rows, for metrics that use them.
    enabled: whether anything is fitted at all.
    blocks: (r,) from 0 on, of rows that belong together (groups, spans of time), for the noise of what fitting gains.

    Returns
    -------
    decided (r, T) or (r, K), and the decision fitted on all rows; the plain one where fitting does not pay.
    """
    seen = y if seen is None else seen
    plain = plain_decision(metric, problem, seen)
    decided = plain.apply(p)
    if not enabled:
        return decided, plain
    rows = Rows(y, p, weights, seen)
    count = len(np.unique(folds))
    parts = folds if count > 1 else np.arange(len(y)) % 2  # one fold: halves take the place of folds
    best, fit, chosen = 0.0, None, decided
    for option in options(metric, problem, seen, count):
        try:
            crosswise = _crosswise(option.fit, rows, parts, decided)
            found = gain(metric, problem, y, decided, crosswise, parts, weights, option.bar, option.steady, blocks)
        except (MetricError, np.linalg.LinAlgError):  # not defined on some of the rows
            continue
        if found > best:
            best, fit, chosen = found, option.fit, crosswise
    return chosen, plain if fit is None else _fitted(fit, rows)


def _crosswise(fit: Fit, rows: Rows, parts: np.ndarray, like: np.ndarray) -> np.ndarray:
    out = np.empty_like(like)
    for part in np.unique(parts):
        held = parts == part
        out[held] = _fitted(fit, rows.some(~held)).apply(rows.p[held])
    return out
