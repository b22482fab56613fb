"""Gradient boosted oblivious trees with ordered target statistics, by CatBoost (Prokhorenkova et al., 2018)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from medalist.competitions.errors import PipelineError
from medalist.pipelines.estimators.base import Family, FitRequest, Fitted, Priors
from medalist.pipelines.estimators.boosting import MAX_ROUNDS, importance_shares, patience, rounds_to_run
from medalist.pipelines.estimators.objectives import (
    LOSSES,
    TWEEDIE_POWER,
    TargetScale,
    error_weights,
    objective_of,
    quantile_of,
)
from medalist.pipelines.estimators.predictions import constant_fit, empty_predictions
from medalist.pipelines.estimators.preprocessing import is_informative
from medalist.pipelines.features.matrix import Matrix

PORTFOLIO: tuple[Mapping[str, Any], ...] = (
    {
        "learning_rate": 0.08,
        "rounds": MAX_ROUNDS,
        "depth": 6,
        "l2_leaf_reg": 3.0,
        "random_strength": 1.0,
        "bagging_temperature": 1.0,
        "subsample": 0.8,
        "one_hot_max_size": 16,
        "max_ctr_complexity": 1,
    },
    {
        "learning_rate": 0.05,
        "rounds": MAX_ROUNDS,
        "depth": 5,
        "l2_leaf_reg": 6.0,
        "random_strength": 2.0,
        "bagging_temperature": 1.0,
        "subsample": 0.8,
        "one_hot_max_size": 4,
        "max_ctr_complexity": 2,
    },
)
FEW_ROWS = 100  # training rows, below which every tree is fitted on all of them
_UNWEIGHTED = ("MAE", "Quantile")  # losses whose default leaf values, exact medians, ignore row weights


def space(trial: Any) -> dict[str, Any]:
    """Parameters from an Optuna trial."""
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.15, log=True),
        "rounds": MAX_ROUNDS,
        "depth": trial.suggest_int("depth", 4, 8),
        "l2_leaf_reg": trial.suggest_float("l2_leaf_reg", 0.5, 20.0, log=True),
        "random_strength": trial.suggest_float("random_strength", 0.1, 5.0, log=True),
        "bagging_temperature": trial.suggest_float("bagging_temperature", 0.0, 1.5),
        "subsample": trial.suggest_float("subsample", 0.5, 1.0),
        "one_hot_max_size": trial.suggest_categorical("one_hot_max_size", [2, 4, 16, 64]),
        "max_ctr_complexity": trial.suggest_categorical("max_ctr_complexity", [1, 2]),
    }


def _pool(matrix: Matrix, y: np.ndarray | None = None, weights: np.ndarray | None = None) -> Any:
    import pandas as pd
    from catboost import Pool

    if not matrix.categorical:
        return Pool(matrix.dense, y, weight=weights)
    frame = pd.DataFrame(matrix.dense, columns=list(range(matrix.dense.shape[1])), copy=False)
    for i in matrix.categorical:
        frame[i] = np.nan_to_num(matrix.dense[:, i], nan=-1).astype(np.int64)
    return Pool(frame, y, cat_features=list(matrix.categorical), weight=weights)


def _loss(request: FitRequest, objective: str) -> dict[str, Any]:
    problem = request.problem
    if problem.problem_type == "multiclass":
        return {"loss_function": "MultiClass", "classes_count": problem.n_classes}
    if request.native:
        if objective not in ("l2", "logloss") and "loss" in request.params:
            raise PipelineError(f"Several targets together are fitted by the squared error, not by {objective!r}.")
        return {"loss_function": "MultiLogloss" if problem.classification else "MultiRMSE"}
    if problem.problem_type == "binary":
        return {"loss_function": "Logloss", "boost_from_average": True}
    if objective.startswith("quantile:"):
        return {"loss_function": f"Quantile:alpha={quantile_of(objective)}"}
    names = {
        "l1": "MAE",
        "huber": "Huber:delta=1.0",  # in robust deviations of the target
        "poisson": "Poisson",
        "tweedie": f"Tweedie:variance_power={TWEEDIE_POWER}",
        "mape": "MAE",  # with rows weighted by the inverse of their targets
    }
    return {"loss_function": names.get(objective, "RMSE")}


def _weighted_by_percentage(request: FitRequest) -> FitRequest:
    """The request with row weights under which absolute errors are percentage errors, 1 on average."""
    weights, weights_valid = error_weights(request, "mape"), request.weights_valid
    if request.y_valid is not None:
        weights_valid = error_weights(replace(request, y=request.y_valid, weights=request.weights_valid), "mape")
        weights_valid = weights_valid / weights_valid.mean() if len(weights_valid) else weights_valid
    return replace(request, weights=weights / weights.mean(), weights_valid=weights_valid)


class _Deadline:
    """A callback that ends boosting at the deadline, and counts the rounds that were run."""

    def __init__(self, request: FitRequest):
        self.request, self.rounds = request, 0

    def after_iteration(self, info: Any) -> bool:
        """Whether boosting goes on."""
        self.rounds = info.iteration
        return not self.request.out_of_time


def fit_predict(request: FitRequest) -> Fitted:
    """Boost with early stopping where there are validation targets, else for `request.rounds` or the parameter's."""
    from catboost import CatBoost

    params, objective = request.family_params, objective_of(request, LOSSES)
    loss = _loss(request, objective)
    varying = np.ptp(request.y, axis=0) > 0
    if not is_informative(request.train, text=False) or not varying.any():  # CatBoost refuses both
        return constant_fit(request)
    if not varying.all():
        return _fit_varying(request, varying)
    if objective == "mape" and not request.native:  # CatBoost's MAPE is worse, and slower
        objective, request = "l1", _weighted_by_percentage(request)
    scale = TargetScale.of(request.y, objective)
    request = scale.apply(request)
    rounds = rounds_to_run(request, int(params.pop("rounds", 1000)))
    # CatBoost samples rows by their gradients (MVS), but weights them at random (Bayesian bootstrap) where several
    # outputs share a tree: each has a parameter that the other does not accept
    several = loss["loss_function"].startswith("Multi")
    if several or len(request.y) < FEW_ROWS:
        params.pop("subsample", None)
    if not several:
        params.pop("bagging_temperature", None)
    deadline = _Deadline(request)
    settings: dict[str, Any] = {
        "random_seed": request.seed,
        "thread_count": request.threads,
        "allow_writing_files": False,
        "verbose": False,
        "boosting_type": "Plain",
        "max_ctr_complexity": 2,
        "iterations": rounds,
        **loss,
        **params,
    }
    if request.weights is not None and loss["loss_function"].startswith(_UNWEIGHTED):
        settings["leaf_estimation_method"] = "Gradient"
    model = CatBoost(settings)
    stopping: dict[str, Any] = {}
    if request.y_valid is not None:
        valid = _pool(request.valid, request.y_valid, request.weights_valid)
        rounds_without = patience(settings["learning_rate"], travel=4.0, most=150)
        stopping = {"eval_set": valid, "early_stopping_rounds": rounds_without}
    model.fit(_pool(request.train, request.y, request.weights), callbacks=[deadline], **stopping)
    log_link = loss["loss_function"].startswith(("Poisson", "Tweedie"))
    kind = "Probability" if request.problem.classification else "Exponent" if log_link else "RawFormulaVal"

    def predict(matrix: Matrix) -> np.ndarray:
        if not len(matrix):
            return empty_predictions(request)
        out = np.asarray(model.predict(_pool(matrix), prediction_type=kind, thread_count=request.threads))
        return scale.invert(out[:, 1] if request.problem.problem_type == "binary" and not request.native else out)

    return Fitted(
        predict(request.valid),
        predict(request.test),
        rounds=int(model.tree_count_),
        rounds_run=deadline.rounds,
        importance=importance_shares(request.train.names, np.asarray(model.get_feature_importance())),
    )


def _fit_varying(request: FitRequest, varying: np.ndarray) -> Fitted:
    """Fit the targets marked by `varying` (T,) together, and predict the others as constants."""
    y_valid = request.y_valid
    fitted = fit_predict(
        replace(request, y=request.y[:, varying], y_valid=None if y_valid is None else y_valid[:, varying])
    )
    constant = constant_fit(request)
    constant.valid[:, varying], constant.test[:, varying] = fitted.valid, fitted.test
    return replace(fitted, valid=constant.valid, test=constant.test)


def cost(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:
    """Relative seconds of one fit."""
    rounds = min(params.get("rounds", 1000), 35 / params.get("learning_rate", 0.08))
    return 0.3 + 2.2e-8 * rounds * outputs * (rows + 8000) * (columns + 8) * 2 ** (params.get("depth", 6) - 6)


def memory(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:  # noqa: ARG001
    """Bytes of one fit: a table of the rows, CatBoost's own copy and its bins; more for each class of several."""
    return (60 << 20) + (100 << 20) * (outputs > 2) + rows * (26.0 * columns + 200.0 * outputs)


FAMILY = Family(
    name="catboost",
    title="CatBoost",
    feature_set="trees",
    portfolio=PORTFOLIO,
    space=space,
    fit_predict=fit_predict,
    cost=cost,
    memory=memory,
    priors=Priors(portfolio=0.35, tuning=0.04),
    order=20,
    module="catboost",
    boosted=True,
    losses=LOSSES,
    native_targets=True,
)
