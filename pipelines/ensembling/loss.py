"""The loss by which pipelines are compared and members of an ensemble are chosen: a smooth stand-in for the metric."""

from __future__ import annotations

import numpy as np

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics.metric import Metric
from medalist.pipelines.problem import Problem

CLIP_LABELS = 1e-6  # distance from 0 and 1 of clipped probabilities in the log loss that replaces a metric of labels
CLIP = 1e-7  # distance from 0 and 1 at which probabilities are clipped for a metric of probabilities
AREAS = ("roc", "precision_recall")  # shapes of metrics that are areas under a curve, one for each class


def smooth_loss(
    metric: Metric, problem: Problem, y: np.ndarray, p: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """The loss of canonical predictions p (r, W) for targets y (r, T), less being better: the metric, negated where
    greater is better. Of several targets it is a mean over the targets, each on the rows where it is measured.

    A metric of labels or rankings is a step function, and choosing by it follows its noise: it is replaced by
    the log loss of classes or the squared error of ordinal targets. `weights` (r,) are sample weights of the metric.

    Raises MetricError where the metric is not defined for these rows.
    """
    if metric.needs in ("label", "ranking"):
        if problem.problem_type == "binary":
            clipped = np.clip(p, CLIP_LABELS, 1 - CLIP_LABELS)
            return -_mean(y * np.log(clipped) + (1 - y) * np.log(1 - clipped))
        if problem.problem_type == "multiclass":
            of_truth = np.clip(p[np.arange(len(y)), y[:, 0].astype(int)], CLIP_LABELS, 1)
            return float(-np.mean(np.log(of_truth)))
        return _mean((y - p) ** 2)
    limits = (CLIP, 1 - CLIP) if problem.classification else problem.limits(y)
    p = np.clip(p, *limits)
    if problem.classification and problem.width > 1 and metric.shape in AREAS:
        return -_mean_area(metric, problem, y, p)
    score = metric.score(y, p, weights)
    return -score if metric.greater_is_better else score


def _mean(values: np.ndarray) -> float:
    """The mean of values (r, T); where some are missing, the mean over the columns of the means of those that are not.

    Raises MetricError where all are missing.
    """
    missing = np.isnan(values)
    if not missing.any():
        return float(np.mean(values))
    columns = [column[~gaps].mean() for column, gaps in zip(values.T, missing.T, strict=True) if not gaps.all()]
    if not columns:
        raise MetricError("The loss is not defined for rows in which no target is measured.")
    return float(np.mean(columns))


def _mean_area(metric: Metric, problem: Problem, y: np.ndarray, p: np.ndarray) -> float:
    """The mean area over the classes (or targets) that have both positive and negative rows.

    The metric itself is not defined where a sample of rows lacks a rare class. MetricError where no class has both.
    """
    truth = (y if problem.problem_type == "binary" else y == np.arange(problem.n_classes)).astype(float)
    measured = ~np.isnan(truth)
    if measured.all():
        columns = [(truth[:, t], p[:, t]) for t in range(truth.shape[1])]
    else:
        columns = [(truth[rows, t], p[rows, t]) for t, rows in enumerate(measured.T) if rows.any()]
    defined = [(of_one, q) for of_one, q in columns if 0 < of_one.mean() < 1]
    if not defined:
        raise MetricError(f"The {metric.title} is not defined for rows of one class.")
    return float(np.mean([float(metric.function(of_one, q)) for of_one, q in defined]))
