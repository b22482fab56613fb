"""Averaged randomised trees by scikit-learn: extra trees (Geurts et al., 2006) and random forests (Breiman, 2001)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipelines.estimators.base import (
    Family,
    FitRequest,
    Fitted,
    Unit,
    constant_fit,
    empty_predictions,
    impute,
    objective_of,
)

# fully grown first: docs/decisions/2026-11-25-fully-grown-trees-come-early.md
PORTFOLIO: tuple[Mapping[str, Any], ...] = (
    {"kind": "extra", "trees": 200, "min_samples_leaf": 1, "max_features": 0.6},
    {"kind": "extra", "trees": 200, "min_samples_leaf": 5, "max_features": 0.6},
    {"kind": "forest", "trees": 150, "min_samples_leaf": 3, "max_features": 0.4},
)
LOSSES = ("l2", "poisson")
LEAST_TREES, MOST_NUMBERS = 10, 1.25e8  # numbers that all nodes of all trees hold, for which there are fewer trees
OF_A_NODE = 8  # numbers that a node holds beside its values
BATCH = 25  # trees between two looks at the clock, where they are quick to grow
BATCH_SECONDS = 0.5  # which a step of a few trees takes then, at most


def space(trial: Any) -> dict[str, Any]:
    """Parameters from an Optuna trial."""
    return {
        "kind": trial.suggest_categorical("kind", ["extra", "forest"]),
        "trees": 200,
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 1, 30, log=True),
        "max_features": trial.suggest_float("max_features", 0.15, 1.0),
    }


def fit_predict(request: FitRequest) -> Fitted:
    """Grow trees in batches until all are grown or the time is up. Several targets share each tree's splits."""
    from sklearn import ensemble

    params, problem = request.own_params, request.problem
    if objective_of(request, LOSSES) == "poisson" and "loss" in request.params:
        params["criterion"] = "poisson"
    if not request.train.dense.shape[1]:
        return constant_fit(request)
    outputs = problem.n_classes if problem.problem_type == "multiclass" else request.y[0].size
    trees = affordable(len(request.y), outputs, params)
    params.pop("trees", None)
    names = {
        ("extra", True): ensemble.ExtraTreesClassifier,
        ("extra", False): ensemble.ExtraTreesRegressor,
        ("forest", True): ensemble.RandomForestClassifier,
        ("forest", False): ensemble.RandomForestRegressor,
    }
    model = names[params.pop("kind", "extra"), problem.classification](
        n_jobs=request.threads, random_state=request.seed, warm_start=True, **params
    )
    train, valid, test = impute([request.train.dense, request.valid.dense, request.test.dense])
    unit = Unit() if problem.classification else Unit.of(request.y, params.get("criterion", "l2"))
    target = request.y.astype(np.int64) if problem.classification else unit.to(request).y
    grown, step = 0, max(1, request.threads)
    while grown < trees:
        grown, began = min(trees, grown + step), time.monotonic()
        model.n_estimators = grown
        model.fit(train, target, sample_weight=request.weights)
        if request.out_of_time:
            break
        step = BATCH if time.monotonic() - began < BATCH_SECONDS else max(1, request.threads)

    def predict(rows: np.ndarray) -> np.ndarray:
        if not len(rows):
            return empty_predictions(request)
        if not problem.classification:
            return unit.back(model.predict(rows))
        if not request.native:
            return class_probabilities(model, rows, problem.n_classes, problem.problem_type == "binary")
        shares = zip(model.classes_, model.predict_proba(rows), strict=True)  # of each target
        return np.column_stack([p @ (np.asarray(c) == 1) for c, p in shares])

    shares = dict(zip(request.train.names, model.feature_importances_.round(5).tolist(), strict=True))
    return Fitted(predict(valid), predict(test), importance=shares)


def class_probabilities(model: Any, rows: Any, n_classes: int, binary: bool) -> np.ndarray:
    """(n,) of the positive class or (n, K) of all classes, those that the training part lacked included."""
    n = rows.shape[0]
    out = np.zeros((n, max(2, n_classes)))
    if n:
        out[:, np.asarray(model.classes_, dtype=int)] = model.predict_proba(rows)
    return out[:, 1] if binary else out


def affordable(rows: int, outputs: int, params: Mapping[str, Any]) -> int:
    """How many trees there are to be: as many as the parameters say, or what about a GiB holds, but ten at least."""
    nodes = 2 * rows / int(params.get("min_samples_leaf", 1))
    return max(LEAST_TREES, min(int(params.get("trees", 200)), int(MOST_NUMBERS / (nodes * (OF_A_NODE + outputs)))))


def cost(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:
    """Relative seconds of one fit; classes are grown together."""
    kind = 1.1e-8 if params.get("kind", "extra") == "extra" else 3e-8
    tree = kind * rows * np.log2(rows + 2) * (2 + params.get("max_features", 0.6) * columns) * (1 + 0.04 * outputs)
    return 0.2 + affordable(rows, outputs, params) * tree


FAMILY = Family(
    name="trees",
    title="Extra trees",
    wants="trees",
    portfolio=PORTFOLIO,
    space=space,
    fit_predict=fit_predict,
    cost=cost,
    module="sklearn",
    max_rows=400_000,
    losses=LOSSES,
    native_targets=True,
)
