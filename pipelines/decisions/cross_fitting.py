"""Choosing a decision on out-of-fold predictions by cross-fitting: each fold is post-processed by a decision that was
fitted on the other folds. A fitted decision replaces the plain one only where its gain exceeds its noise."""

from __future__ import annotations

import numpy as np

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics.metric import Metric
from medalist.pipelines.decisions.decision import Decision, plain_decision
from medalist.pipelines.decisions.gain_test import gain
from medalist.pipelines.decisions.options import LINE_MIN_FOLDS, Fit, Rows, options
from medalist.pipelines.problem import Problem

MAX_ROWS = 20_000  # rows on which a decision is fitted, at most
UNDEFINED = (MetricError, np.linalg.LinAlgError)  # the metric, or a fit, is not defined on some of the rows


def decide(
    metric: Metric,
    problem: Problem,
    y: np.ndarray,
    p: np.ndarray,
    folds: np.ndarray,
    targets: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    enabled: bool = True,
    blocks: np.ndarray | None = None,
) -> tuple[np.ndarray, Decision]:
    """Choose between the plain decision and the fitted ones that suit the metric.

    Parameters
    ----------
    y, p : (r, T) targets and (r, W) canonical out-of-fold predictions of the evaluated rows.
    folds : (r,) fold of each row, for cross-fitting.
    targets : (n, T) targets of all training rows, for the limits of values; `y` where they are not given.
    weights : (r,) of the rows, for metrics that use them.
    enabled : False to take the plain decision.
    blocks : (r,) codes from 0 on of dependent rows (groups, spans of time), which the jackknife for the standard
        error of the gain leaves out together.

    Returns
    -------
    The cross-fitted post-processed predictions of the evaluated rows, (r, T) or (r, K), and the decision for the test
    rows, fitted on all evaluated rows. Both are of the plain decision where no fitted one gains enough, or where the
    metric is not defined on some of the rows.
    """
    targets = y if targets is None else targets
    plain = plain_decision(metric, problem, targets)
    decided = plain.apply(p)
    if not enabled:
        return decided, plain
    rows = Rows(y, p, weights, targets)
    count = len(np.unique(folds))
    parts = folds if count > 1 else np.arange(len(y)) % 2  # one fold: two halves instead of folds
    best, fit, chosen = 0.0, None, decided
    for option in options(metric, problem, targets, count):
        try:
            cross_fitted = _cross_fitted(option.fit, rows, parts, decided)
            gained = gain(
                metric, problem, y, decided, cross_fitted, parts, weights, option.min_z, option.min_fold_share, blocks
            )
        except UNDEFINED:
            continue
        if gained > best:
            best, fit, chosen = gained, option.fit, cross_fitted
    if fit is None:
        return decided, plain
    try:
        return chosen, _fitted(fit, rows)
    except UNDEFINED:
        return decided, plain


def fit_decision(metric: Metric, problem: Problem, y: np.ndarray, p: np.ndarray) -> Decision:
    """The first decision that suits the metric, fitted to targets y (n, T) and predictions p (n, W), whether or not it
    gains; the plain one where none suits.

    Raises MetricError where the metric is not defined for what is tried.
    """
    ways = options(metric, problem, y, LINE_MIN_FOLDS)
    return _fitted(ways[0].fit, Rows(y, p, None, y)) if ways else plain_decision(metric, problem, y)


def _fitted(fit: Fit, rows: Rows) -> Decision:
    if len(rows.y) > MAX_ROWS:
        chosen = np.random.default_rng(0).choice(len(rows.y), MAX_ROWS, replace=False)
        part = None if rows.weights is None else rows.weights[chosen]
        rows = Rows(rows.y[chosen], rows.p[chosen], part, rows.targets)
    return fit(rows)


def _cross_fitted(fit: Fit, rows: Rows, parts: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Post-processed predictions in the shape of `like`: the rows of each of the `parts` (n,) by a fit on the
    others."""
    out = np.empty_like(like)
    for part in np.unique(parts):
        held = parts == part
        out[held] = _fitted(fit, rows.subset(~held)).apply(rows.p[held])
    return out
