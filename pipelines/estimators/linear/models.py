"""Ridge and logistic regression by scikit-learn: standardised or spline-expanded numbers, one-hot categories, text."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from medalist.pipelines.estimators.base import Family, FitRequest, Fitted, Priors
from medalist.pipelines.estimators.linear.block_weights import balanced, by_terms
from medalist.pipelines.estimators.linear.design import blocks_of, joined
from medalist.pipelines.estimators.objectives import ABSOLUTE, absolute_weights, counted_rows
from medalist.pipelines.estimators.predictions import class_probabilities, constant_fit, empty_predictions

PORTFOLIO: tuple[Mapping[str, Any], ...] = (
    {"alpha": 1.0, "knots": 8, "weights": "blocks"},
    {"alpha": 1.0, "knots": 0, "weights": "terms"},
)
REWEIGHTED, LEAST_GAIN = 15, 1e-4  # fits for them, at most, and the share of the loss that a further one has to gain
TOLERANCE = 1e-4  # of the gradient; the gradient of rare terms is small, so 1e-3 ends after three steps


def space(trial: Any) -> dict[str, Any]:
    """Parameters from an Optuna trial."""
    return {
        "alpha": trial.suggest_float("alpha", 1e-2, 300.0, log=True),
        "knots": trial.suggest_categorical("knots", [0, 5, 8, 12]),
        "weights": trial.suggest_categorical("weights", ["equal", "blocks", "terms"]),
    }


def design(request: FitRequest) -> list[Any]:
    """Sparse or dense design matrices for the training, validation and test rows.

    The parameter "knots" expands numbers to splines (0: not). Of the parameter "weights", "equal" leaves blocks as they
    are, "blocks" balances them, and "terms", where there is text, balances them and weights terms by how the target
    differs where they occur: see `pipelines.estimators.linear.block_weights`.
    """
    params, classes = request.params, request.problem.classification
    weights = params.get("weights", "equal")
    blocks = blocks_of(request, int(params.get("knots", 0)))
    text = any(b.kind == "text" for b in blocks)
    if weights == "blocks" or (weights == "terms" and text):
        target = _indicators(request)
        blocks = balanced(blocks, target, request.seed, classes=classes)
        if weights == "terms":
            blocks = [by_terms(b, target, request.seed, classes=classes) if b.kind == "text" else b for b in blocks]
    return joined(blocks, request)


def _indicators(request: FitRequest) -> np.ndarray:
    """(m, K) values, or 0 and 1 for each class; for several binary targets, for each target."""
    y = request.y.reshape(len(request.y), -1).astype(np.float64)
    several = request.native or not request.problem.classification
    return y if several else np.eye(max(2, request.problem.n_classes))[y[:, 0].astype(int)]


def fit_predict(request: FitRequest) -> Fitted:
    """Logistic regression for classes; for values ridge, or least absolute errors where these count.

    Several targets share a design matrix. A fit that begins after its deadline gives the best constant.
    """
    if request.out_of_time:
        return constant_fit(request)
    train, valid, test = design(request)
    if not request.problem.classification:
        predict = _values(request, train)
    elif not request.native:
        predict = _classes(request, request.y, train)
    else:
        of_each = [_classes(request, y, train) for y in request.y.T]

        def predict(rows: Any) -> np.ndarray:
            return np.column_stack([of_one(rows) for of_one in of_each])

    return Fitted(predict(valid), predict(test))


def _values(request: FitRequest, train: Any) -> Callable[[Any], np.ndarray]:
    y, objective = request.y, request.problem.objective
    if request.native and objective.startswith(ABSOLUTE):  # rows weigh differently for each target
        of_each = [_values(replace(request, y=column), train) for column in y.T]
        return lambda rows: np.column_stack([predict(rows) for predict in of_each])
    model = _ridge(request, train, objective)
    low, high = y.min(axis=0), y.max(axis=0)
    margin = 0.1 * (high - low)  # an extrapolating line may leave every plausible value behind

    def predict(rows: Any) -> np.ndarray:
        return (
            np.clip(model.predict(rows), low - margin, high + margin) if rows.shape[0] else empty_predictions(request)
        )

    return predict


def _ridge(request: FitRequest, train: Any, objective: str) -> Any:
    """Ridge regression; for absolute errors by iteratively reweighted least squares (Schlossmacher, 1973)."""
    from sklearn.linear_model import Ridge

    y, weights = request.y, request.weights
    model = Ridge(alpha=float(request.params.get("alpha", 1.0)), random_state=request.seed)
    model.fit(train, y, sample_weight=weights)
    if not objective.startswith(ABSOLUTE):
        return model
    counted = counted_rows(request, objective)
    level = float(objective.partition(":")[2] or 0.5)
    best, before = model, np.inf
    for _ in range(REWEIGHTED):
        shares, errors = absolute_weights(y - model.predict(train), counted, level)
        loss = float(errors.mean())
        best = model if loss < before else best
        if loss > before * (1 - LEAST_GAIN) or request.out_of_time:
            break
        before = loss
        model = Ridge(alpha=model.alpha, random_state=request.seed).fit(train, y, sample_weight=shares)
    return best


def _classes(request: FitRequest, y: np.ndarray, train: Any) -> Callable[[Any], np.ndarray]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    problem, codes = request.problem, y.astype(np.int64)
    if request.native and np.ptp(codes) == 0:  # one of several targets may have one value only
        return lambda rows: np.full(rows.shape[0], float(codes[0]))
    alpha = float(request.params.get("alpha", 1.0))
    model = LogisticRegression(C=1.0 / alpha, max_iter=200, tol=TOLERANCE, random_state=request.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(train, codes, sample_weight=request.weights)
    return lambda rows: class_probabilities(model, rows, problem.n_classes, problem.problem_type == "binary")


def cost(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:
    """Relative seconds of one fit; beyond a hundred columns most are of text, which has no knots."""
    expanded = columns + min(columns, 100) * params.get("knots", 0)
    return 0.15 + 1.5e-7 * rows * (expanded + 10) * outputs**0.7


FAMILY = Family(
    name="linear",
    title="Linear",
    wants="linear",
    portfolio=PORTFOLIO,
    space=space,
    fit_predict=fit_predict,
    cost=cost,
    priors=Priors(portfolio=0.7, tuning=0.02, text=5.0),
    order=40,
    module="sklearn",
    native_targets=True,
    draws=False,
    stacker={"alpha": 10.0, "knots": 0},
)
