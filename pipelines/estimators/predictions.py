"""Predictions in the shapes that every estimator returns: of a constant, of no rows, and of classes seen in part."""

from __future__ import annotations

from typing import Any

import numpy as np

from medalist.competitions.errors import PipelineError
from medalist.competitions.metrics.best_constants import weighted_quantile
from medalist.pipelines.estimators.base import FitRequest, Fitted


def constant_fit(request: FitRequest) -> Fitted:
    """The best constant: class shares, or the mean, for absolute errors the median, of the target.

    It is the fit of a training part whose target has one value only, or that has no column to learn from.
    """
    problem, y, weights = request.problem, request.y, request.weights
    objective = str(request.params.get("loss", problem.objective))
    if problem.problem_type == "multiclass":
        best: Any = np.bincount(y.astype(int), weights=weights, minlength=problem.n_classes)
        best = best / best.sum()
    elif request.native or problem.classification or not objective.startswith(("l1", "mape", "quantile:", "huber")):
        best = np.average(y, axis=0, weights=weights)
    else:
        level = float(objective.partition(":")[2] or 0.5)
        best = weighted_quantile(y, np.ones(len(y)) if weights is None else weights, level)
    valid, test = (np.tile(best, (len(m), *[1] * np.ndim(best))) for m in (request.valid, request.test))
    return Fitted(valid, test)


def empty_predictions(request: FitRequest) -> np.ndarray:
    """What a fit predicts for no rows."""
    if request.problem.problem_type == "multiclass":
        return np.zeros((0, request.problem.n_classes))
    return np.zeros((0, *request.y.shape[1:]))


def class_probabilities(model: Any, rows: Any, n_classes: int, binary: bool) -> np.ndarray:
    """(n,) of the positive class or (n, K) of all classes, those that the training part lacked included."""
    n = rows.shape[0]
    out = np.zeros((n, max(2, n_classes)))
    if n:
        out[:, np.asarray(model.classes_, dtype=int)] = model.predict_proba(rows)
    return out[:, 1] if binary else out


def require_finite(title: str, *predictions: np.ndarray) -> None:
    """Raise PipelineError where an array of predictions, of any shape, holds a value that is missing or infinite.

    `title` names the family that predicted them.
    """
    if not all(np.isfinite(p).all() for p in predictions):
        raise PipelineError(f"The predictions of {title} are not all numbers.")
