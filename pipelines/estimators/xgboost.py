"""Gradient boosted trees by XGBoost (Chen & Guestrin, 2016), on histograms, with categories split as sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from medalist.pipelines.estimators.base import Family, FitRequest, Fitted, Priors
from medalist.pipelines.estimators.boosting import MAX_ROUNDS, patience, rounds_to_run
from medalist.pipelines.estimators.objectives import LOSSES, TWEEDIE_POWER, TargetScale, objective_of, quantile_of
from medalist.pipelines.estimators.predictions import constant_fit, empty_predictions
from medalist.pipelines.estimators.preprocessing import level_positions
from medalist.pipelines.features.matrix import Matrix

SMALLEST_HESSIAN = 0.01  # lower bound of a row's mean Hessian, by which `min_child_weight` is scaled for classes
_DEFAULTS: Mapping[str, Any] = {"reg_alpha": 1e-3, "max_bin": 256, "colsample_bynode": 1.0}
PORTFOLIO: tuple[Mapping[str, Any], ...] = (
    {
        **_DEFAULTS,
        "learning_rate": 0.05,
        "rounds": MAX_ROUNDS,
        "grow_policy": "depthwise",
        "max_depth": 6,
        "max_leaves": 64,
        "min_child_weight": 5.0,
        "subsample": 0.8,
        "colsample_bytree": 0.6,
        "reg_lambda": 1.0,
    },
    {
        **_DEFAULTS,
        "learning_rate": 0.04,
        "rounds": MAX_ROUNDS,
        "grow_policy": "depthwise",
        "max_depth": 4,
        "max_leaves": 16,
        "min_child_weight": 3.0,
        "subsample": 0.8,
        "colsample_bytree": 0.4,
        "reg_lambda": 10.0,
    },
    {
        **_DEFAULTS,
        "learning_rate": 0.04,
        "rounds": MAX_ROUNDS,
        "grow_policy": "lossguide",
        "max_depth": 10,
        "max_leaves": 40,
        "min_child_weight": 10.0,
        "subsample": 0.7,
        "colsample_bytree": 0.5,
        "reg_lambda": 5.0,
    },
)
_OBJECTIVES = {  # for values: XGBoost's objective, and its metric for early stopping
    "l2": ("reg:squarederror", "rmse"),
    "l1": ("reg:absoluteerror", "mae"),
    "mape": ("reg:absoluteerror", "mae"),  # with rows weighted inversely to their targets
    "huber": ("reg:pseudohubererror", "mphe"),
    "poisson": ("count:poisson", "poisson-nloglik"),
    "tweedie": ("reg:tweedie", f"tweedie-nloglik@{TWEEDIE_POWER}"),
}


def space(trial: Any) -> dict[str, Any]:
    """Parameters from an Optuna trial."""
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.12, log=True),
        "rounds": MAX_ROUNDS,
        "grow_policy": trial.suggest_categorical("grow_policy", ["depthwise", "lossguide"]),
        "max_depth": trial.suggest_int("max_depth", 3, 12),
        "max_leaves": trial.suggest_int("max_leaves", 8, 160, log=True),
        "min_child_weight": trial.suggest_float("min_child_weight", 0.5, 100.0, log=True),
        "subsample": trial.suggest_float("subsample", 0.5, 1.0),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.25, 1.0),
        "reg_lambda": trial.suggest_float("reg_lambda", 1e-2, 50.0, log=True),
        "reg_alpha": trial.suggest_float("reg_alpha", 1e-3, 10.0, log=True),
        "max_bin": trial.suggest_categorical("max_bin", [64, 128, 256, 1024]),
        "colsample_bynode": trial.suggest_float("colsample_bynode", 0.5, 1.0),
    }


def _settings(request: FitRequest, objective: str) -> dict[str, Any]:
    problem = request.problem
    settings: dict[str, Any] = {
        "tree_method": "hist",
        "nthread": request.threads,
        "seed": request.seed,
        "verbosity": 0,
        **request.family_params,
    }
    if problem.classification:  # the parameter is tuned for squared errors, whose Hessian is 1 a row
        settings["min_child_weight"] = settings.get("min_child_weight", 1.0) * _hessian(request)
    if problem.problem_type == "multiclass":
        return settings | {"objective": "multi:softprob", "num_class": problem.n_classes, "eval_metric": "mlogloss"}
    if problem.problem_type == "binary":
        return settings | {"objective": "binary:logistic", "eval_metric": "logloss"}
    if objective.startswith("quantile:"):
        quantile = quantile_of(objective)
        return settings | {"objective": "reg:quantileerror", "quantile_alpha": quantile, "eval_metric": "quantile"}
    name, metric = _OBJECTIVES.get(objective, _OBJECTIVES["l2"])
    settings |= {"objective": name, "eval_metric": metric}
    if objective == "huber":
        settings |= {"huber_slope": 1.0, "base_score": 0.0}  # in robust deviations from the target's median
    elif objective == "tweedie":
        settings["tweedie_variance_power"] = TWEEDIE_POWER
    return settings


def _hessian(request: FitRequest) -> float:
    """The mean Hessian of a row before the first round: the variance p (1 - p) of each class, averaged over classes."""
    shares = np.bincount(request.y.astype(np.intp), minlength=2) / len(request.y)
    present = shares[shares > 0]
    return float(max((present * (1 - present)).mean(), SMALLEST_HESSIAN))


def _weights(y: np.ndarray, weights: np.ndarray | None, objective: str) -> np.ndarray | None:
    """Row weights (n,), 1 on average; for "mape" those under which absolute errors are percentage errors.

    `y` (n,) is standardised by `TargetScale.of`, so that 1 is the least denominator.
    """
    if objective != "mape":
        return weights
    inverse = 1 / np.maximum(np.abs(y), 1.0)
    inverse = inverse if weights is None else inverse * weights
    return inverse / inverse.mean()


class _Codes:
    """Encodes categories as consecutive codes from 0 on, in the order of the training rows' codes; others as missing.

    `types` are XGBoost's feature types: "c" for categories, "q" for numbers.
    """

    def __init__(self, train: Matrix):
        self.levels = {i: _levels(train.dense[:, i]) for i in train.categorical}
        self.types = ["c" if i in self.levels else "q" for i in range(train.dense.shape[1])]

    def encode(self, dense: np.ndarray) -> np.ndarray:
        """The dense columns (k, d) of some rows with categories encoded."""
        out = dense.copy() if self.levels else dense
        for i, levels in self.levels.items():
            codes = level_positions(levels, dense[:, i])
            out[:, i] = np.where(codes >= 0, codes, np.nan)
        return out


def _levels(column: np.ndarray) -> np.ndarray:
    return np.unique(column[~np.isnan(column)])


def fit_predict(request: FitRequest) -> Fitted:
    """Boost with early stopping where there are validation targets, else for `request.rounds` or the parameter's."""
    import xgboost as xgb

    objective = objective_of(request, LOSSES)
    if not request.train.dense.shape[1]:
        return constant_fit(request)
    scale = TargetScale.of(request.y, objective)
    request = scale.apply(request)
    settings = _settings(request, objective)
    rounds = rounds_to_run(request, int(settings.pop("rounds", 100)))
    codes = _Codes(request.train)
    columns = {"feature_types": codes.types, "enable_categorical": True, "nthread": request.threads}
    bins = settings.get("max_bin", 256)
    data = xgb.QuantileDMatrix(
        codes.encode(request.train.dense),
        request.y,
        weight=_weights(request.y, request.weights, objective),
        max_bin=bins,
        **columns,
    )

    class Clock(xgb.callback.TrainingCallback):
        """Ends boosting at the deadline."""

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002
            return request.out_of_time

    callbacks: list[Any] = [Clock()]
    eval_sets: list[Any] = []
    if request.y_valid is not None:
        valid = xgb.QuantileDMatrix(
            codes.encode(request.valid.dense),
            request.y_valid,
            weight=_weights(request.y_valid, request.weights_valid, objective),
            ref=data,
            max_bin=bins,
            **columns,
        )
        eval_sets = [(valid, "valid")]
        stopping = xgb.callback.EarlyStopping(rounds=patience(settings["learning_rate"]))
        callbacks.insert(0, stopping)  # first: the callbacks after one that ends boosting are not called
    booster = xgb.train(settings, data, rounds, evals=eval_sets, callbacks=callbacks, verbose_eval=False)
    best = booster.best_iteration + 1 if eval_sets else booster.num_boosted_rounds()

    def predict(dense: np.ndarray) -> np.ndarray:
        if not len(dense):
            return empty_predictions(request)
        rows = xgb.DMatrix(codes.encode(dense), **columns)
        return scale.invert(booster.predict(rows, iteration_range=(0, best)))

    gain = booster[:best].get_score(importance_type="total_gain")
    total = max(sum(gain.values()), 1e-12)
    return Fitted(
        predict(request.valid.dense),
        predict(request.test.dense),
        rounds=best,
        rounds_run=booster.num_boosted_rounds(),
        importance={n: round(gain.get(f"f{i}", 0.0) / total, 5) for i, n in enumerate(request.train.names)},
    )


def cost(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:
    """Relative seconds of one fit: rounds until early stopping times rows, columns and trees a round."""
    rounds = min(params.get("rounds", 100), 25 / params.get("learning_rate", 0.1))
    leaves = min(params.get("max_leaves", 64), 2 ** params.get("max_depth", 6))
    return 0.05 + 1.2e-8 * rounds * outputs**0.85 * (rows + 4000) * (columns + 6) * (0.75 + 0.25 * leaves / 31)


def memory(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:  # noqa: ARG001
    """Bytes of one fit: a copy of the rows, their bins by row and by column, and what these are made from."""
    return (20 << 20) + rows * (13.5 * columns + 48.0 * outputs)


FAMILY = Family(
    name="xgboost",
    title="XGBoost",
    feature_set="trees",
    portfolio=PORTFOLIO,
    space=space,
    fit_predict=fit_predict,
    cost=cost,
    memory=memory,
    priors=Priors(portfolio=0.65, tuning=0.04),
    order=30,
    module="xgboost",
    boosted=True,
    losses=LOSSES,
)
