"""Gradient boosted trees by XGBoost (Chen & Guestrin, 2016), on histograms, with categories split as sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from medalist.pipelines.estimators.base import MOST_ROUNDS, Family, FitRequest, Fitted, Priors
from medalist.pipelines.estimators.objectives import LOSSES, TWEEDIE_POWER, Unit, objective_of
from medalist.pipelines.estimators.predictions import constant_fit, empty_predictions

LEAST_HESSIAN = 0.01
_REST: Mapping[str, Any] = {"reg_alpha": 1e-3, "max_bin": 256}
PORTFOLIO: tuple[Mapping[str, Any], ...] = (
    {
        **_REST,
        "learning_rate": 0.05,
        "rounds": MOST_ROUNDS,
        "grow_policy": "depthwise",
        "max_depth": 6,
        "max_leaves": 64,
        "min_child_weight": 5.0,
        "subsample": 0.8,
        "colsample_bytree": 0.6,
        "reg_lambda": 1.0,
    },
    {
        **_REST,
        "learning_rate": 0.04,
        "rounds": MOST_ROUNDS,
        "grow_policy": "depthwise",
        "max_depth": 4,
        "max_leaves": 16,
        "min_child_weight": 3.0,
        "subsample": 0.8,
        "colsample_bytree": 0.4,
        "reg_lambda": 10.0,
    },
    {
        **_REST,
        "learning_rate": 0.04,
        "rounds": MOST_ROUNDS,
        "grow_policy": "lossguide",
        "max_depth": 10,
        "max_leaves": 40,
        "min_child_weight": 10.0,
        "subsample": 0.7,
        "colsample_bytree": 0.5,
        "reg_lambda": 5.0,
    },
)
_OBJECTIVES = {  # of values: the objective and what is watched
    "l2": ("reg:squarederror", "rmse"),
    "l1": ("reg:absoluteerror", "mae"),
    "mape": ("reg:absoluteerror", "mae"),  # with rows weighted by what an error costs them
    "huber": ("reg:pseudohubererror", "mphe"),
    "poisson": ("count:poisson", "poisson-nloglik"),
    "tweedie": ("reg:tweedie", f"tweedie-nloglik@{TWEEDIE_POWER}"),
}


def space(trial: Any) -> dict[str, Any]:
    """Parameters from an Optuna trial."""
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.12, log=True),
        "rounds": MOST_ROUNDS,
        "grow_policy": trial.suggest_categorical("grow_policy", ["depthwise", "lossguide"]),
        "max_depth": trial.suggest_int("max_depth", 3, 12),
        "max_leaves": trial.suggest_int("max_leaves", 8, 160, log=True),
        "min_child_weight": trial.suggest_float("min_child_weight", 0.5, 100.0, log=True),
        "subsample": trial.suggest_float("subsample", 0.5, 1.0),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.25, 1.0),
        "reg_lambda": trial.suggest_float("reg_lambda", 1e-2, 50.0, log=True),
        "reg_alpha": trial.suggest_float("reg_alpha", 1e-3, 10.0, log=True),
        "max_bin": trial.suggest_categorical("max_bin", [64, 128, 256]),
    }


def _settings(request: FitRequest, objective: str) -> dict[str, Any]:
    problem = request.problem
    settings: dict[str, Any] = {
        "tree_method": "hist",
        "nthread": request.threads,
        "seed": request.seed,
        "verbosity": 0,
        **request.own_params,
    }
    if problem.classification:  # told for rows of unit Hessian: one of classes is that of their shares, and less later
        settings["min_child_weight"] = settings.get("min_child_weight", 1.0) * _hessian(request)
    if problem.problem_type == "multiclass":
        return settings | {"objective": "multi:softprob", "num_class": problem.n_classes, "eval_metric": "mlogloss"}
    if problem.problem_type == "binary":
        return settings | {"objective": "binary:logistic", "eval_metric": "logloss"}
    if objective.startswith("quantile:"):
        level = float(objective.split(":")[1])
        return settings | {"objective": "reg:quantileerror", "quantile_alpha": level, "eval_metric": "quantile"}
    name, watched = _OBJECTIVES.get(objective, _OBJECTIVES["l2"])
    settings |= {"objective": name, "eval_metric": watched}
    if objective == "huber":
        settings |= {"huber_slope": 1.0, "base_score": 0.0}  # the target's standard deviation and median
    elif objective == "tweedie":
        settings["tweedie_variance_power"] = TWEEDIE_POWER
    return settings


def _hessian(request: FitRequest) -> float:
    """What a row counts before the first round: the mean variance of the classes, given their shares."""
    shares = np.bincount(request.y.astype(np.intp), minlength=2) / len(request.y)
    present = shares[shares > 0]
    return float(max((present * (1 - present)).mean(), LEAST_HESSIAN))


def _weights(y: np.ndarray, weights: np.ndarray | None, objective: str) -> np.ndarray | None:
    """Row weights; for percentage errors those that make them absolute errors, but for targets below the unit."""
    if objective != "mape":
        return weights
    own = 1 / np.maximum(np.abs(y), 1.0)
    own = own if weights is None else own * weights
    return own / own.mean()


class _Codes:
    """Category codes 0… of the training rows; codes that they do not have are missing values."""

    def __init__(self, request: FitRequest):
        train = request.train
        self.known = {i: _present(train.dense[:, i]) for i in train.categorical}
        self.types = ["c" if i in self.known else "q" for i in range(train.dense.shape[1])]

    def encode(self, dense: np.ndarray) -> np.ndarray:
        out = dense.copy() if self.known else dense
        for i, known in self.known.items():
            column = dense[:, i]
            at = np.searchsorted(known, column).clip(max=max(0, len(known) - 1))
            same = known[at] == column if len(known) else np.zeros(len(column), dtype=bool)
            out[:, i] = np.where(same, at, np.nan)
        return out


def _present(column: np.ndarray) -> np.ndarray:
    return np.unique(column[~np.isnan(column)])


def fit_predict(request: FitRequest) -> Fitted:
    """Boost with early stopping on the validation rows where they have a target, else for `request.rounds`."""
    import xgboost as xgb

    objective = objective_of(request, LOSSES)
    if not request.train.dense.shape[1]:
        return constant_fit(request)
    unit = Unit.of(request.y, objective)
    request = unit.to(request)
    settings = _settings(request, objective)
    rounds = int(settings.pop("rounds", 100))
    codes = _Codes(request)
    about = {"feature_types": codes.types, "enable_categorical": True, "nthread": request.threads}
    bins = settings.get("max_bin", 256)
    data = xgb.QuantileDMatrix(
        codes.encode(request.train.dense),
        request.y,
        weight=_weights(request.y, request.weights, objective),
        max_bin=bins,
        **about,
    )

    class Clock(xgb.callback.TrainingCallback):
        """Ends boosting when the time is up."""

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002
            return request.out_of_time

    callbacks: list[Any] = [Clock()]
    watched: list[Any] = []
    if request.y_valid is not None:
        valid = xgb.QuantileDMatrix(
            codes.encode(request.valid.dense),
            request.y_valid,
            weight=_weights(request.y_valid, request.weights_valid, objective),
            ref=data,
            max_bin=bins,
            **about,
        )
        watched = [(valid, "valid")]
        patience = int(min(200, max(20, 5 / settings["learning_rate"])))
        callbacks.insert(0, xgb.callback.EarlyStopping(rounds=patience))  # one that ends it hides what follows
    elif request.rounds is not None:
        rounds = max(1, request.rounds)
    booster = xgb.train(settings, data, rounds, evals=watched, callbacks=callbacks, verbose_eval=False)
    best = booster.best_iteration + 1 if watched else booster.num_boosted_rounds()

    def predict(dense: np.ndarray) -> np.ndarray:
        if not len(dense):
            return empty_predictions(request)
        rows = xgb.DMatrix(codes.encode(dense), **about)
        return unit.back(booster.predict(rows, iteration_range=(0, best)))

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


FAMILY = Family(
    name="xgboost",
    title="XGBoost",
    wants="trees",
    portfolio=PORTFOLIO,
    space=space,
    fit_predict=fit_predict,
    cost=cost,
    priors=Priors(portfolio=0.65, tuning=0.04),
    order=30,
    module="xgboost",
    boosted=True,
    losses=LOSSES,
)
