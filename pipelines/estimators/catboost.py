"""Gradient boosted oblivious trees with ordered target statistics, by CatBoost (Prokhorenkova et al., 2018)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from medalist.competitions.errors import PipelineError
from medalist.pipelines.estimators.base import MOST_ROUNDS, Family, FitRequest, Fitted, Priors
from medalist.pipelines.estimators.objectives import LOSSES, TWEEDIE_POWER, Unit, counted_rows, objective_of
from medalist.pipelines.estimators.predictions import constant_fit, empty_predictions
from medalist.pipelines.estimators.preprocessing import informative
from medalist.pipelines.features.matrix import Matrix

PORTFOLIO: tuple[Mapping[str, Any], ...] = (
    {
        "learning_rate": 0.08,
        "rounds": MOST_ROUNDS,
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
        "rounds": MOST_ROUNDS,
        "depth": 5,
        "l2_leaf_reg": 6.0,
        "random_strength": 2.0,
        "bagging_temperature": 1.0,
        "subsample": 0.8,
        "one_hot_max_size": 4,
        "max_ctr_complexity": 2,
    },
)
FEW_ROWS = 100  # below which CatBoost takes all of them for every tree
_UNWEIGHTED = ("MAE", "Quantile")  # losses whose default leaf values, exact medians, take no heed of weights


def space(trial: Any) -> dict[str, Any]:
    """Parameters from an Optuna trial."""
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.03, 0.15, log=True),
        "rounds": MOST_ROUNDS,
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
        return {"loss_function": f"Quantile:alpha={objective.split(':')[1]}"}
    names = {
        "l1": "MAE",
        "huber": "Huber:delta=1.0",  # a standard deviation of the target
        "poisson": "Poisson",
        "tweedie": f"Tweedie:variance_power={TWEEDIE_POWER}",
        "mape": "MAE",  # of rows that count by what they are divided by
    }
    return {"loss_function": names.get(objective, "RMSE")}


def _by_shares(request: FitRequest) -> FitRequest:
    """The request with rows that count by what their absolute errors are divided by."""
    counted = counted_rows(request, "mape")
    watched = request.weights_valid
    if request.y_valid is not None:
        of_valid = replace(request, y=request.y_valid, weights=request.weights_valid)
        watched = counted_rows(of_valid, "mape")
        watched = watched / watched.mean() if len(watched) else watched
    return replace(request, weights=counted / counted.mean(), weights_valid=watched)


class _Clock:
    """Ends boosting when the time is up."""

    def __init__(self, request: FitRequest):
        self.request, self.rounds = request, 0

    def after_iteration(self, info: Any) -> bool:
        self.rounds = info.iteration
        return not self.request.out_of_time


def fit_predict(request: FitRequest) -> Fitted:
    """Boost with early stopping on the validation rows where they have a target, else for `request.rounds`."""
    from catboost import CatBoost

    params, objective = request.own_params, objective_of(request, LOSSES)
    loss = _loss(request, objective)
    varying = np.ptp(request.y, axis=0) > 0
    if not informative(request.train) or not varying.any():  # which CatBoost refuses
        return constant_fit(request)
    if not varying.all():
        return _among_constants(request, varying)
    if objective == "mape" and not request.native:  # CatBoost's own loss of shares is worse, and slower
        objective, request = "l1", _by_shares(request)
    unit = Unit.of(request.y, objective)
    request = unit.to(request)
    rounds = int(params.pop("rounds", 1000))
    # rows are drawn by their gradients (MVS), where several outputs share a tree by Bayesian weights: CatBoost's own
    # defaults, of which each leaves the other's parameter unread
    several = loss["loss_function"].startswith("Multi")
    if several or len(request.y) < FEW_ROWS:
        params.pop("subsample", None)
    if not several:
        params.pop("bagging_temperature", None)
    clock = _Clock(request)
    settings: dict[str, Any] = {
        "random_seed": request.seed,
        "thread_count": request.threads,
        "allow_writing_files": False,
        "verbose": False,
        "boosting_type": "Plain",
        "max_ctr_complexity": 2,
        "iterations": rounds if request.y_valid is not None or request.rounds is None else max(1, request.rounds),
        **loss,
        **params,
    }
    if request.weights is not None and loss["loss_function"].startswith(_UNWEIGHTED):
        settings["leaf_estimation_method"] = "Gradient"
    model = CatBoost(settings)
    watched: dict[str, Any] = {}
    if request.y_valid is not None:
        patience = int(min(150, max(20, 4 / settings["learning_rate"])))
        valid = _pool(request.valid, request.y_valid, request.weights_valid)
        watched = {"eval_set": valid, "early_stopping_rounds": patience}
    model.fit(_pool(request.train, request.y, request.weights), callbacks=[clock], **watched)
    logged = loss["loss_function"].startswith(("Poisson", "Tweedie"))
    kind = "Probability" if request.problem.classification else "Exponent" if logged else "RawFormulaVal"

    def predict(matrix: Matrix) -> np.ndarray:
        if not len(matrix):
            return empty_predictions(request)
        out = np.asarray(model.predict(_pool(matrix), prediction_type=kind, thread_count=request.threads))
        return unit.back(out[:, 1] if request.problem.problem_type == "binary" and not request.native else out)

    shares = np.asarray(model.get_feature_importance())
    return Fitted(
        predict(request.valid),
        predict(request.test),
        rounds=int(model.tree_count_),
        rounds_run=clock.rounds,
        importance=dict(zip(request.train.names, (shares / max(shares.sum(), 1e-12)).round(5).tolist(), strict=True)),
    )


def _among_constants(request: FitRequest, varying: np.ndarray) -> Fitted:
    """A fit of those of several targets that vary, with the others as they are."""
    watched = request.y_valid
    fitted = fit_predict(
        replace(request, y=request.y[:, varying], y_valid=None if watched is None else watched[:, varying])
    )
    constant = constant_fit(request)
    constant.valid[:, varying], constant.test[:, varying] = fitted.valid, fitted.test
    return replace(fitted, valid=constant.valid, test=constant.test)


def cost(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:
    """Relative seconds of one fit."""
    rounds = min(params.get("rounds", 1000), 35 / params.get("learning_rate", 0.08))
    return 0.3 + 2.2e-8 * rounds * outputs * (rows + 8000) * (columns + 8) * 2 ** (params.get("depth", 6) - 6)


FAMILY = Family(
    name="catboost",
    title="CatBoost",
    wants="trees",
    portfolio=PORTFOLIO,
    space=space,
    fit_predict=fit_predict,
    cost=cost,
    priors=Priors(portfolio=0.35, tuning=0.04),
    order=20,
    module="catboost",
    boosted=True,
    losses=LOSSES,
    native_targets=True,
)
