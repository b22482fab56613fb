"""Helpers for the predictions that all estimators return: constants, no rows, class probabilities, several targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from medalist.competitions.errors import PipelineError
from medalist.competitions.metrics.best_constants import weighted_quantile
from medalist.pipelines.estimators.base import FitRequest, Fitted
from medalist.pipelines.estimators.objectives import is_absolute, quantile_of

MARGIN = 0.1  # share of the training targets' range, by which predictions may exceed it on each side


def constant_fit(request: FitRequest) -> Fitted:
    """A fit that predicts the best constant: the class shares, the mean, or for absolute errors the median or quantile.

    For training rows whose target is constant, or without an informative column.
    """
    problem, y, weights = request.problem, request.y, request.weights
    objective = str(request.params.get("loss", problem.objective))
    if problem.problem_type == "multiclass":
        best: Any = np.bincount(y.astype(int), weights=weights, minlength=problem.n_classes)
        best = best / best.sum()
    elif request.native or problem.classification or not (is_absolute(objective) or objective == "huber"):
        best = np.average(y, axis=0, weights=weights)
    else:
        best = weighted_quantile(y, np.ones(len(y)) if weights is None else weights, quantile_of(objective))
    valid, test = (np.tile(best, (len(m), *[1] * np.ndim(best))) for m in (request.valid, request.test))
    return Fitted(valid, test)


def empty_predictions(request: FitRequest) -> np.ndarray:
    """Predictions for zero rows: (0,), (0, K) of several classes, (0, T) of several targets."""
    if request.problem.problem_type == "multiclass":
        return np.zeros((0, request.problem.n_classes))
    return np.zeros((0, *request.y.shape[1:]))


def class_probabilities(model: Any, rows: Any, n_classes: int, binary: bool) -> np.ndarray:
    """Probabilities by a scikit-learn classifier: (n,) of the positive class, or (n, K) of all classes.

    Classes that the model was not fitted on have probability 0. `rows` (n, d) may be sparse or empty.
    """
    n = rows.shape[0]
    out = np.zeros((n, max(2, n_classes)))
    if n:
        out[:, np.asarray(model.classes_, dtype=int)] = model.predict_proba(rows)
    return out[:, 1] if binary else out


def fit_each_target(fit_predict: Callable[[FitRequest], Fitted], request: FitRequest) -> Fitted:
    """Fit several targets (n, T) one by one, where their row weights differ; predictions (k, T)."""
    fits = [fit_predict(replace(request, y=column)) for column in request.y.T]
    return Fitted(np.column_stack([f.valid for f in fits]), np.column_stack([f.test for f in fits]))


def clip_to_targets(values: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Predictions (k,) or (k, T) clipped to the range of the training targets (n,) or (n, T), widened by a tenth.

    Linear models and networks may predict implausible values where they extrapolate.
    """
    low, high = y.min(axis=0), y.max(axis=0)
    margin = MARGIN * (high - low)
    return np.clip(values, low - margin, high + margin)


def require_finite(title: str, *predictions: np.ndarray) -> None:
    """Raise PipelineError where an array of predictions, of any shape, holds a value that is missing or infinite.

    `title` is the family's, for the message.
    """
    if not all(np.isfinite(p).all() for p in predictions):
        raise PipelineError(f"The predictions of {title} are not all numbers.")
