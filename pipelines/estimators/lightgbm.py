"""Gradient boosted trees by LightGBM (Ke et al., 2017)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from medalist.pipelines.estimators.base import Family, FitRequest, Fitted, Priors
from medalist.pipelines.estimators.boosting import MAX_ROUNDS, importance_shares, patience, rounds_to_run
from medalist.pipelines.estimators.objectives import LOSSES, TWEEDIE_POWER, TargetScale, objective_of, quantile_of
from medalist.pipelines.estimators.predictions import constant_fit, empty_predictions

FAST: Mapping[str, Any] = {"learning_rate": 0.1, "rounds": 100, "num_leaves": 31}
FASTER: Mapping[str, Any] = {"learning_rate": 0.2, "rounds": 45, "num_leaves": 31}
STACKER: Mapping[str, Any] = {  # as the second level of stacking: small trees, as there are few columns
    "learning_rate": 0.05,
    "rounds": 600,
    "num_leaves": 6,
    "min_child_samples": 60,
    "bagging_fraction": 0.7,
    "lambda_l2": 10.0,
}
MANY_CLASSES = 5  # number of outputs, each a tree per round, from which on a quick fit is FASTER
_DEFAULTS: Mapping[str, Any] = {
    "lambda_l1": 1e-3,
    "max_bin": 255,
    "cat_smooth": 10.0,
    "extra_trees": False,
    "path_smooth": 0.0,
}
PORTFOLIO: tuple[Mapping[str, Any], ...] = (
    {
        **_DEFAULTS,
        "learning_rate": 0.05,
        "rounds": MAX_ROUNDS,
        "num_leaves": 31,
        "min_child_samples": 20,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.8,
        "lambda_l2": 1.0,
    },
    {
        **_DEFAULTS,
        "learning_rate": 0.04,
        "rounds": MAX_ROUNDS,
        "num_leaves": 12,
        "min_child_samples": 40,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.8,
        "lambda_l2": 5.0,
        "lambda_l1": 0.5,
        "path_smooth": 10.0,
    },
    {
        **_DEFAULTS,
        "learning_rate": 0.04,
        "rounds": MAX_ROUNDS,
        "num_leaves": 96,
        "min_child_samples": 60,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.7,
        "lambda_l2": 10.0,
        "extra_trees": True,
    },
)
SAMPLED_ROWS = 200_000  # rows from which LightGBM makes its bins (bin_construct_sample_cnt)
SAMPLED_BYTES = 13.0  # bytes that it takes for each value of these
HISTOGRAM_BYTES = 20.0  # bytes of a bin of a histogram, with the space between
CACHED_BYTES = 128 << 20  # bytes of binned training data that a process caches, at one byte a value
_OBJECTIVES = {
    "l2": "regression",
    "l1": "regression_l1",
    "huber": "huber",
    "poisson": "poisson",
    "tweedie": "tweedie",
    "mape": "mape",
}


def fast(outputs: int) -> Mapping[str, Any]:
    """Parameters of a quick fit for a number of outputs: those of a run's first model and of the tests of features."""
    return FASTER if outputs >= MANY_CLASSES else FAST


def space(trial: Any) -> dict[str, Any]:
    """Parameters from an Optuna trial."""
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.12, log=True),
        "rounds": MAX_ROUNDS,
        "num_leaves": trial.suggest_int("num_leaves", 6, 160, log=True),
        "min_child_samples": trial.suggest_int("min_child_samples", 5, 150, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.25, 1.0),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1.0),
        "lambda_l2": trial.suggest_float("lambda_l2", 1e-2, 50.0, log=True),
        "lambda_l1": trial.suggest_float("lambda_l1", 1e-3, 10.0, log=True),
        "max_bin": trial.suggest_categorical("max_bin", [63, 127, 255, 1023]),
        "cat_smooth": trial.suggest_float("cat_smooth", 1.0, 100.0, log=True),
        "extra_trees": trial.suggest_categorical("extra_trees", [False, True]),
        "path_smooth": trial.suggest_float("path_smooth", 0.0, 30.0),
    }


def _settings(request: FitRequest, objective: str) -> dict[str, Any]:
    problem, params = request.problem, request.family_params
    rounds = params.pop("rounds", 100)
    settings: dict[str, Any] = {
        "verbosity": -1,
        "num_threads": request.threads,
        "seed": request.seed,
        "deterministic": True,
        "force_col_wise": True,
        "feature_pre_filter": False,
        "bagging_freq": 1 if params.get("bagging_fraction", 1.0) < 1.0 else 0,
        "max_bin": 255,
        **params,
        "rounds": rounds,
    }
    if problem.problem_type == "multiclass":
        settings |= {"objective": "multiclass", "num_class": problem.n_classes, "metric": "multi_logloss"}
    elif problem.problem_type == "binary":
        settings |= {"objective": "binary", "metric": "binary_logloss"}
    elif objective.startswith("quantile:"):
        settings |= {"objective": "quantile", "alpha": quantile_of(objective)}
    else:
        settings["objective"] = _OBJECTIVES.get(objective, "regression")
        if objective == "huber":
            settings["alpha"] = 1.0  # robust deviations of the target, beyond which errors count linearly
        elif objective == "tweedie":
            settings["tweedie_variance_power"] = TWEEDIE_POWER
    return settings


def _binned(request: FitRequest, settings: Mapping[str, Any]) -> Any:
    """The training rows as LightGBM's binned dataset, cached in the request's `cache` by rows, columns, targets,
    weights and binning."""
    import lightgbm as lgb

    matrix, cache = request.train, request.cache
    params = {k: settings[k] for k in ("max_bin", "feature_pre_filter", "verbosity") if k in settings}
    digest = hashlib.sha256(np.ascontiguousarray(request.y).data)  # one target, as this family fits targets one by one
    if request.weights is not None:
        digest.update(b"weights")
        digest.update(np.ascontiguousarray(request.weights).data)
    name = f"lightgbm {matrix.token} {digest.hexdigest()[:16]} {sorted(params.items())}"
    if cache is not None and matrix.token and name in cache:
        cache[name] = cache.pop(name)  # to the end: the least recently used is dropped first
        return cache[name]
    data = lgb.Dataset(
        matrix.dense,
        request.y,
        weight=request.weights,
        categorical_feature=list(matrix.categorical) or "auto",
        params=params,
    ).construct()
    if cache is not None and matrix.token:
        cache[name] = data
        while len(cache) > 1 and sum(d.num_data() * d.num_feature() for d in cache.values()) > CACHED_BYTES:
            del cache[next(iter(cache))]
    return data


def fit_predict(request: FitRequest) -> Fitted:
    """Boost with early stopping where there are validation targets, else for `request.rounds` or the parameter's."""
    import lightgbm as lgb

    objective = objective_of(request, LOSSES)
    if not request.train.dense.shape[1]:
        return constant_fit(request)
    scale = TargetScale.of(request.y, objective)
    request = scale.apply(request)
    settings = _settings(request, objective)
    rounds = rounds_to_run(request, int(settings.pop("rounds")))
    matrix = request.train
    data = _binned(request, settings)
    callbacks: list[Any] = []
    eval_sets: list[Any] = []
    run, lowest, best_round = 0, float("inf"), 0

    def end_in_time(env: Any) -> None:
        nonlocal run, lowest, best_round
        run, results = env.iteration + 1, env.evaluation_result_list or []
        if results and results[0][2] < lowest:  # the only metric is a loss
            lowest, best_round = results[0][2], env.iteration
        if request.out_of_time:
            raise lgb.callback.EarlyStopException(best_round if results else env.iteration, results)

    end_in_time.order = 40  # type: ignore[attr-defined]
    if request.y_valid is not None:
        eval_sets = [data.create_valid(request.valid.dense, request.y_valid, weight=request.weights_valid)]
        stopping = lgb.early_stopping(patience(settings["learning_rate"]), first_metric_only=True, verbose=False)
        callbacks.append(stopping)
    callbacks.append(end_in_time)
    booster = lgb.train(settings, data, rounds, valid_sets=eval_sets, callbacks=callbacks)
    best = booster.best_iteration if booster.best_iteration > 0 and eval_sets else booster.current_iteration()

    def predict(rows: np.ndarray) -> np.ndarray:
        if not len(rows):
            return empty_predictions(request)
        return scale.invert(booster.predict(rows, num_iteration=best, num_threads=request.threads))

    gain = booster.feature_importance("gain", iteration=best)
    return Fitted(
        predict(request.valid.dense),
        predict(request.test.dense),
        rounds=best,
        rounds_run=max(run, best),  # where early stopping ends it, the last round does not reach our callback
        importance=importance_shares(matrix.names, gain),
    )


def cost(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:
    """Relative seconds of one fit: rounds until early stopping times rows, columns and trees a round."""
    rounds = min(params.get("rounds", 100), 25 / params.get("learning_rate", 0.1))
    leaves = params.get("num_leaves", 31)
    return 0.03 + 1.2e-8 * rounds * outputs * (rows + 3000) * (columns + 6) * (0.4 + 0.6 * leaves / 31)


def memory(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:
    """Bytes of one fit: the binned rows, the sample that the bins are made from, and a histogram for each leaf."""
    histograms = params.get("num_leaves", 31) * columns * params.get("max_bin", 255) * HISTOGRAM_BYTES
    return rows * (1.3 * columns + 24.0 * outputs) + SAMPLED_BYTES * min(rows, SAMPLED_ROWS) * columns + histograms


FAMILY = Family(
    name="lightgbm",
    title="LightGBM",
    feature_set="trees",
    portfolio=PORTFOLIO,
    space=space,
    fit_predict=fit_predict,
    cost=cost,
    memory=memory,
    priors=Priors(portfolio=0.5, tuning=0.04),
    order=10,
    module="lightgbm",
    boosted=True,
    losses=LOSSES,
    fast=fast,
    stochastic={"bagging_fraction": 0.8, "feature_fraction": 0.8},
    stacker=STACKER,
)
