"""Fits a decision on out-of-fold predictions, and measures its worth by cross-fitting: each fold is decided by what is
fitted on the others. A fitted decision replaces the plain one only where it gains that way, beyond its noise."""

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
    """Out-of-fold predictions decided by cross-fitting, and the decision for the test rows.

    Parameters
    ----------
    y, p : (r, T) targets and (r, W) canonical predictions of the evaluated rows.
    folds : (r,) fold of each row. Each fold is decided by a decision that was fitted on the others.
    targets : (n, T) targets of all training rows, for the limits of values; `y` where they are not given.
    weights : (r,) of the rows, for metrics that use them.
    enabled : whether anything is fitted at all.
    blocks : (r,) codes from 0 on of rows that belong together (groups, spans of time), for the noise of the gain.

    Returns
    -------
    decided (r, T) or (r, K), and the decision fitted on all rows; the plain one where fitting does not pay, or where
    the metric is not defined on some of the rows.
    """
    targets = y if targets is None else targets
    plain = plain_decision(metric, problem, targets)
    decided = plain.apply(p)
    if not enabled:
        return decided, plain
    rows = Rows(y, p, weights, targets)
    count = len(np.unique(folds))
    parts = folds if count > 1 else np.arange(len(y)) % 2  # one fold: halves take the place of folds
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
    """The first fitted decision for these rows, whether or not it pays, or the plain one: y (n, T), p (n, W).

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
    """Predictions, in the form of `like`, of which each part (n,) is decided by a fit on the others."""
    out = np.empty_like(like)
    for part in np.unique(parts):
        held = parts == part
        out[held] = _fitted(fit, rows.subset(~held)).apply(rows.p[held])
    return out
