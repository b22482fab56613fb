"""Which fitted decisions suit a metric and a problem: thresholds, class weights, cut-points, calibration, rounding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics.metric import PROPER, Metric
from medalist.competitions.metrics.registry import get_metric
from medalist.pipelines.decisions import calibration, thresholds
from medalist.pipelines.decisions import value_correction as values
from medalist.pipelines.decisions.decision import Decision, Kind, plain_decision
from medalist.pipelines.problem import Problem

MAX_SEARCHED_CLASSES = 20  # number of classes up to which class weights are searched one by one
MIN_Z = 0.5  # standard errors that the gain of a decision has to exceed
ACCURACY_MIN_Z = 1.5  # the same for accuracy, where the likeliest class is best already if probabilities are calibrated
LINE_FOLD_SHARE = 0.8  # share of the folds that a line has to gain in: all but one of five, all of three
LINE_MIN_FOLDS = 3  # folds that a line needs at least: two may err in the same direction by chance


@dataclass(frozen=True)
class Rows:
    """What a decision is fitted on: targets y (n, T), predictions p (n, W), the rows' weights (n,) or None, and
    `targets` (m, T): those of all rows that may be used, also of training rows without an out-of-fold prediction."""

    y: np.ndarray
    p: np.ndarray
    weights: np.ndarray | None
    targets: np.ndarray

    def of_target(self, t: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """y (k,), p (k,) and weights (k,) or None of a target, on the rows where it is measured.

        Raises MetricError where it is measured in none of them.
        """
        y, p = self.y[:, t], self.p[:, t]
        rows = ~np.isnan(y)
        if rows.all():
            return y, p, self.weights
        if not rows.any():
            raise MetricError("A target is measured in none of these rows.")
        return y[rows], p[rows], None if self.weights is None else self.weights[rows]

    def subset(self, chosen: np.ndarray) -> Rows:
        """The rows of the mask `chosen` (n,), with `targets` of these rows only."""
        y = self.y[chosen]
        return Rows(y, self.p[chosen], None if self.weights is None else self.weights[chosen], y)


Fit = Callable[[Rows], Decision]


@dataclass(frozen=True)
class Option:
    """A function that fits a decision, and when it is preferred to the plain one: by how many standard errors it has to
    gain (`min_z`), and in which share of the folds (`min_fold_share`)."""

    fit: Fit
    min_z: float = MIN_Z
    min_fold_share: float = 0.0


def options(metric: Metric, problem: Problem, y: np.ndarray, folds: int) -> list[Option]:
    """The fitted decisions that suit the metric, for training targets y (n, T) and the number of folds on which they
    will be cross-fitted; empty where only the plain decision suits."""
    if metric.columns:  # a decision by groups would be of these groups alone
        if metric.single is None:
            return []
        metric = metric.single
    if metric.needs == "label":
        return _of_labels(metric, problem)
    if metric.needs == "probability" and problem.classification:
        return _of_probabilities(metric, problem)
    if problem.levels:
        return _of_quantiles(metric, problem, y, folds)
    if metric.needs == "value" and not problem.classification and not metric.whole:
        return _of_values(metric, problem, y, folds)
    return []


def _by_target(kind: Kind, numbers: Callable[[np.ndarray, np.ndarray], tuple[float, ...]]) -> Fit:
    """A fit of each target by itself: `numbers` returns one target's parameters from its y (k,) and p (k,) on the rows
    where it is measured."""

    def fit(rows: Rows) -> Decision:
        parts = [numbers(*rows.of_target(t)[:2]) for t in range(rows.y.shape[1])]
        return Decision(kind, tuple(float(x) for part in parts for x in part))

    return fit


def _of_labels(metric: Metric, problem: Problem) -> list[Option]:
    single, k = metric.of_one_target(), problem.n_classes
    min_z = ACCURACY_MIN_Z if single.shape == "accuracy" else MIN_Z
    if problem.problem_type == "binary":
        return [Option(_by_target("threshold", lambda y, p: (thresholds.threshold(single, y, p),)), min_z)]
    if problem.problem_type == "ordinal":
        return [Option(_by_target("cutpoints", lambda y, p: tuple(thresholds.cut_points(single, y, p, k))))]

    def weights(rows: Rows) -> Decision:
        factors = thresholds.class_factors(metric, rows.y[:, 0], rows.p, one_by_one=k <= MAX_SEARCHED_CLASSES)
        return Decision("class_weights", tuple(factors.tolist()))

    return [Option(weights, min_z)]


def _of_probabilities(metric: Metric, problem: Problem) -> list[Option]:
    if metric.shape not in PROPER:
        return []

    def row_weights(y: np.ndarray) -> np.ndarray | None:
        return _balance(y) if metric.shape == "balanced_log_loss" else None

    if problem.problem_type == "binary":
        return [Option(_by_target("beta", lambda y, p: calibration.beta(y, p, row_weights(y))))]

    def scaled(rows: Rows, shifts: bool) -> Decision:
        y = rows.y[:, 0]
        return Decision("temperature", calibration.temperature(y, rows.p, shifts=shifts, weights=row_weights(y)))

    return [Option(partial(scaled, shifts=shifts)) for shifts in (False, True)]


def _of_values(metric: Metric, problem: Problem, y: np.ndarray, folds: int) -> list[Option]:
    single = metric.of_one_target()
    plain = plain_decision(metric, problem, y)
    logs = values.in_logs(metric, y)

    def line(rows: Rows) -> Decision:
        numbers: list[float] = []
        for t, (low, high) in enumerate(zip(plain.numbers[0::2], plain.numbers[1::2], strict=True)):
            y, p, weights = rows.of_target(t)
            a, b = values.line(single, y, p, (low, high), logs, weights)
            numbers += [a, b, low, high]
        return Decision("log_line" if logs else "line", tuple(numbers))

    ways = []
    if folds >= LINE_MIN_FOLDS and metric.shape != "correlation":  # which no line changes
        ways.append(Option(line, min_fold_share=LINE_FOLD_SHARE))
    if values.recurring(y) is not None:
        ways.append(Option(lambda r: Decision("nearest", tuple(np.unique(r.targets).tolist()))))
    elif not np.any(y[~np.isnan(y)] % 1):
        ways.append(Option(lambda _: Decision("whole", plain.numbers)))
    return ways


def _of_quantiles(metric: Metric, problem: Problem, y: np.ndarray, folds: int) -> list[Option]:
    """Lines for each quantile: shifts that give it its share of the rows (as conformal prediction does, Romano et al.,
    2019), and lines with the least pinball loss."""
    low, high = plain_decision(metric, problem, y).numbers
    if folds < LINE_MIN_FOLDS or metric.whole:
        return []

    def shifts(rows: Rows) -> Decision:
        of_level = [
            (float(np.quantile(rows.y[:, 0] - q, level)), 1.0)
            for level, q in zip(problem.levels, rows.p.T, strict=True)
        ]
        return Decision("quantile_lines", (low, high, *(number for pair in of_level for number in pair)))

    def lines(rows: Rows) -> Decision:
        numbers = [low, high]
        for level, q in zip(problem.levels, rows.p.T, strict=True):
            numbers += values.line(get_metric(f"pinball@{level:g}"), rows.y[:, 0], q, (low, high), False, None)
        return Decision("quantile_lines", tuple(numbers))

    return [Option(fit, min_fold_share=LINE_FOLD_SHARE) for fit in (shifts, lines)]


def _balance(y: np.ndarray) -> np.ndarray:
    """(n,) weights that give every class the same sum."""
    counts = np.bincount(y.astype(int))
    return np.asarray(len(y) / (np.count_nonzero(counts) * counts[y.astype(int)]))
