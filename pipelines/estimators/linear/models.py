"""Ridge and logistic regression by scikit-learn: standardised or spline-expanded numbers, one-hot categories, text.

Absolute errors are fitted by ridge regression that is reweighted until the loss settles.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from medalist.competitions.metrics.best_constants import weighted_quantile
from medalist.pipelines.estimators.base import Family, FitRequest, Fitted, Priors
from medalist.pipelines.estimators.linear.block_weights import balance, weight_terms
from medalist.pipelines.estimators.linear.design import blocks_of, joined
from medalist.pipelines.estimators.objectives import absolute_weights, error_weights, is_absolute, quantile_of
from medalist.pipelines.estimators.predictions import (
    class_probabilities,
    clip_to_targets,
    constant_fit,
    empty_predictions,
)

PORTFOLIO: tuple[Mapping[str, Any], ...] = (
    {"alpha": 1.0, "knots": 8, "weights": "blocks"},
    {"alpha": 1.0, "knots": 0, "weights": "terms"},
)
MAX_REWEIGHTED = 15  # reweighted fits for absolute errors, at most
MIN_GAIN = 1e-4  # relative decrease of the loss, below which reweighting stops
MAX_STEPS = 200  # iterations of the solver of logistic regression, at most
TOLERANCE = 1e-4  # gradient at which that stops; with 1e-3 it stops after three steps, as rare terms have small ones


def space(trial: Any) -> dict[str, Any]:
    """Parameters from an Optuna trial."""
    return {
        "alpha": trial.suggest_float("alpha", 1e-2, 300.0, log=True),
        "knots": trial.suggest_categorical("knots", [0, 5, 8, 12]),
        "weights": trial.suggest_categorical("weights", ["equal", "blocks", "terms"]),
    }


def design(request: FitRequest) -> list[Any]:
    """Design matrices (rows, d), sparse or dense, for the training, validation and test rows.

    The parameter "knots" is the number of knots of each number's spline, 0 for none. The parameter "weights" is "equal"
    for blocks of columns as they are, "blocks" for balanced ones, or "terms" for balanced ones in which the terms of
    text are scaled by how the target differs where they occur: see `pipelines.estimators.linear.block_weights`.
    """
    params, classes = request.params, request.problem.classification
    weights = params.get("weights", "equal")
    blocks = blocks_of(request, int(params.get("knots", 0)))
    text = any(b.kind == "text" for b in blocks)
    if weights == "blocks" or (weights == "terms" and text):
        target = target_columns(request)
        blocks = balance(blocks, target, request.seed, classes=classes)
        if weights == "terms":
            blocks = [weight_terms(b, target, request.seed, classes=classes) if b.kind == "text" else b for b in blocks]
    return joined(blocks, request)


def target_columns(request: FitRequest) -> np.ndarray:
    """(n, K) values, or an indicator of each class; for several binary targets the targets themselves."""
    y = request.y.reshape(len(request.y), -1).astype(np.float64)
    as_it_is = request.native or not request.problem.classification
    return y if as_it_is else np.eye(max(2, request.problem.n_classes))[y[:, 0].astype(int)]


def fit_predict(request: FitRequest) -> Fitted:
    """Logistic regression for classes; ridge regression for values, or least absolute deviations for an absolute
    objective.

    Several targets share a design matrix. A fit that begins after its deadline predicts the best constant.
    """
    return constant_fit(request) if request.out_of_time else fit_design(request, design(request))


def fit_design(request: FitRequest, matrices: list[Any]) -> Fitted:
    """The models of `fit_predict` on given design matrices (rows, d) of the training, validation and test rows."""
    train, valid, test = matrices
    if not request.problem.classification:
        predict = _regression(request, train)
    elif not request.native:
        predict = _logistic(request, request.y, train)
    else:
        of_each = [_logistic(request, y, train) for y in request.y.T]

        def predict(rows: Any) -> np.ndarray:
            return np.column_stack([of_one(rows) for of_one in of_each])

    return Fitted(predict(valid), predict(test))


def _regression(request: FitRequest, train: Any) -> Callable[[Any], np.ndarray]:
    """A fitted function from design rows (k, d) to values (k,) or (k, T), clipped near the range of training
    targets."""
    y, objective = request.y, request.problem.objective
    if request.native and is_absolute(objective):  # rows weigh differently for each target
        of_each = [_regression(replace(request, y=column), train) for column in y.T]
        return lambda rows: np.column_stack([predict(rows) for predict in of_each])
    model = _ridge(request, train, objective)

    def predict(rows: Any) -> np.ndarray:
        return clip_to_targets(model.predict(rows), y) if rows.shape[0] else empty_predictions(request)

    return predict


def _ridge(request: FitRequest, train: Any, objective: str) -> Any:
    """A fitted ridge regression; for absolute errors by iteratively reweighted least squares (Schlossmacher, 1973).

    For a quantile the intercept is moved after each fit, so that the level's share of the rows lies below: few
    reweighted fits do not get from the mean to a level near 0 or 1.
    """
    from sklearn.linear_model import Ridge

    y, weights = request.y, request.weights
    model = Ridge(alpha=float(request.params.get("alpha", 1.0)), random_state=request.seed)
    model.fit(train, y, sample_weight=weights)
    if not is_absolute(objective):
        return model
    row_weights, quantile = error_weights(request, objective), quantile_of(objective)

    def moved(fitted: Any) -> Any:
        if objective.startswith("quantile:"):
            fitted.intercept_ += weighted_quantile(y - fitted.predict(train), row_weights, quantile)
        return fitted

    model = moved(model)
    best, lowest = model, np.inf
    for _ in range(MAX_REWEIGHTED):
        reweighted, errors = absolute_weights(y - model.predict(train), row_weights, quantile)
        loss = float(errors.mean())
        best = model if loss < lowest else best
        if loss > lowest * (1 - MIN_GAIN) or request.out_of_time:
            break
        lowest = loss
        model = moved(Ridge(alpha=model.alpha, random_state=request.seed).fit(train, y, sample_weight=reweighted))
    return best


def _logistic(request: FitRequest, y: np.ndarray, train: Any) -> Callable[[Any], np.ndarray]:
    """A fitted function from design rows (k, d) to probabilities: (k,) of the positive class, or (k, K) of all."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    problem, codes = request.problem, y.astype(np.int64)
    if request.native and np.ptp(codes) == 0:  # one of several targets may have one value only
        return lambda rows: np.full(rows.shape[0], float(codes[0]))
    alpha = float(request.params.get("alpha", 1.0))
    model = LogisticRegression(C=1.0 / alpha, max_iter=MAX_STEPS, tol=TOLERANCE, random_state=request.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(train, codes, sample_weight=request.weights)
    return lambda rows: class_probabilities(model, rows, problem.n_classes, problem.problem_type == "binary")


def cost(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:
    """Relative seconds of one fit. Knots count for at most 100 columns: of more, most are text, which has none."""
    expanded = columns + min(columns, 100) * params.get("knots", 0)
    return 0.15 + 1.5e-7 * rows * (expanded + 10) * outputs**0.7


def memory(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:  # noqa: ARG001
    """Bytes of one fit: the libraries, and copies of the rows with eight bytes a value; without sparse columns."""
    return (180 << 20) + rows * (24.0 * columns + 64.0 * outputs)


FAMILY = Family(
    name="linear",
    title="Linear",
    feature_set="linear",
    portfolio=PORTFOLIO,
    space=space,
    fit_predict=fit_predict,
    cost=cost,
    memory=memory,
    priors=Priors(portfolio=0.7, tuning=0.02, text=5.0),
    order=40,
    module="sklearn",
    native_targets=True,
    uses_seed=False,
    stacker={"alpha": 10.0, "knots": 0},
)
