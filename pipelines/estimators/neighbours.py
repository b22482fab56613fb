"""Weighted votes of the nearest training rows (Fix & Hodges, 1951; Dudani, 1976), found by scikit-learn."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from medalist.pipelines.estimators.base import Family, FitRequest, Fitted, Priors
from medalist.pipelines.estimators.objectives import objective_of
from medalist.pipelines.estimators.predictions import constant_fit, empty_predictions
from medalist.pipelines.estimators.preprocessing import impute, informative, text_components

PORTFOLIO: tuple[Mapping[str, Any], ...] = (
    {"k": 20, "vote": "distance", "p": 1, "scale": "standard", "relevance": 1.75},
    {"k": 40, "vote": "distance", "p": 2, "scale": "rank", "relevance": 1.5},
)
LOSSES = ("l2", "l1")
LEVELS = 40  # of a category, the commonest; the rest are alike
COMPONENTS = 32  # of text
BINS = 16  # of a number, in which its relevance is measured
PRIOR_VOTES = 1.0  # that the class shares have beside the neighbours
PROBE, FEW_ROWS, BATCH = 200, 500, 4096


def space(trial: Any) -> dict[str, Any]:
    """Parameters from an Optuna trial."""
    return {
        "k": trial.suggest_int("k", 3, 200, log=True),
        "vote": trial.suggest_categorical("vote", ["uniform", "distance"]),
        "p": trial.suggest_categorical("p", [1, 2]),
        "scale": trial.suggest_categorical("scale", ["standard", "rank"]),
        "relevance": trial.suggest_float("relevance", 0.0, 3.0),
    }


def design(request: FitRequest, *, p: int, scale: str, relevance: float) -> list[np.ndarray]:
    """Coordinates (rows, d) of the training, validation and test rows, in which a unit is about a standard deviation.

    Numbers are standardised or ranked, gaps filled with the median; two rows of different category are one unit
    apart; text is reduced to directions. A column's share of the distance is its correlation ratio with the target in
    the training rows, to the power of `relevance`.
    """
    from sklearn.preprocessing import QuantileTransformer, StandardScaler

    matrices = (request.train, request.valid, request.test)
    categorical = list(request.train.categorical)
    numbers = [i for i in range(request.train.dense.shape[1]) if i not in set(categorical)]
    parts: list[list[np.ndarray]] = [[], [], []]
    if numbers:
        filled = impute([m.dense[:, numbers] for m in matrices])
        shares = _relevance(request, list(filled[0].T), relevance)
        if scale == "rank":
            bins = min(1000, len(filled[0]))
            scaler: Any = QuantileTransformer(n_quantiles=bins, random_state=request.seed).fit(filled[0])
            unit = 12**0.5  # of a uniform distribution
        else:
            scaler, unit = StandardScaler().fit(filled[0]), 1.0
        for part, rows in zip(parts, filled, strict=True):
            part.append(np.clip(scaler.transform(rows) * unit, -5, 5) * shares if len(rows) else rows)
    if categorical:
        codes = [np.nan_to_num(request.train.dense[:, i], nan=-1) for i in categorical]
        shares = _relevance(request, codes, relevance, levels=True)
        for i, own, share in zip(categorical, codes, shares, strict=True):
            known, counts = np.unique(own, return_counts=True)
            top = known[np.argsort(-counts, kind="stable")[:LEVELS]]
            for part, m in zip(parts, matrices, strict=True):
                same = np.nan_to_num(m.dense[:, i], nan=-1)[:, None] == top
                part.append(same * (share * 2 ** (-1 / p)))
    if request.train.sparse is not None and request.train.sparse.shape[1]:
        for part, rows in zip(parts, text_components(matrices, COMPONENTS, request.seed), strict=True):
            length = np.linalg.norm(rows, axis=1, keepdims=True)
            part.append(rows / np.where(length > 0, length, 1))
    return [np.ascontiguousarray(np.hstack(part), dtype=np.float32) for part in parts]


def _relevance(request: FitRequest, columns: list[np.ndarray], power: float, *, levels: bool = False) -> np.ndarray:
    """Weights (c,) of columns (n,), 1 on average: correlation ratios with the target, or all targets or classes."""
    if not power:
        return np.ones(len(columns))
    y = request.y
    target = np.eye(request.problem.n_classes)[y.astype(int)] if request.problem.problem_type == "multiclass" else y
    target = target.astype(float).reshape(len(y), -1)
    target = target - target.mean(axis=0)
    total = (target**2).sum(axis=0)
    total = np.where(total > 0, total, 1.0)
    if request.problem.problem_type == "multiclass":
        total = total.sum()
    found = []
    for column in columns:
        if levels:
            codes = np.unique(column, return_inverse=True)[1]
        else:
            codes = np.searchsorted(np.quantile(column, np.linspace(0, 1, BINS + 1)[1:-1]), column)
        counts = np.bincount(codes)
        between = [(np.bincount(codes, t) ** 2 / np.maximum(counts, 1)).sum() for t in target.T]
        chance = max(0, (counts > 0).sum() - 1) / max(1, len(y) - 1)  # of columns that say nothing
        found.append(max(float(np.sum(between / total)) - chance, 0.0) + 1e-3)
    weights = np.asarray(found) ** (power / 2)
    return weights / weights.mean()


def fit_predict(request: FitRequest) -> Fitted:
    """Let the neighbours vote; where the time does not suffice for all training rows, a random part of them does."""
    from sklearn.neighbors import NearestNeighbors
    from threadpoolctl import threadpool_limits

    params = {**PORTFOLIO[0], **request.own_params}
    objective = objective_of(request, LOSSES)
    sparse = request.train.sparse
    if not informative(request.train) and (sparse is None or not sparse.nnz):
        return constant_fit(request)
    p = int(params["p"])
    with threadpool_limits(request.threads):
        train, valid, test = design(request, p=p, scale=params["scale"], relevance=float(params["relevance"]))

        def search(rows: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            """Places among all training rows, and distances, of the nearest that are kept; (rows, k) each."""
            if not len(rows):
                return np.zeros((0, 1), dtype=int), np.zeros((0, 1))
            k = min(int(params["k"]), len(kept))
            way = "brute" if train.shape[1] > 8 else "kd_tree"
            tree = NearestNeighbors(n_neighbors=k, p=p, algorithm=way, n_jobs=1).fit(train[kept])  # threads: see above
            found = [tree.kneighbors(rows[i : i + BATCH]) for i in range(0, len(rows), BATCH)]
            return kept[np.vstack([f[1] for f in found])], np.vstack([f[0] for f in found])

        kept = _affordable(request, [valid, test], lambda rows: search(rows, np.arange(len(train))))
        valid, test = (_count(request, objective, params["vote"], *search(rows, kept)) for rows in (valid, test))
    return Fitted(valid, test)


def _affordable(request: FitRequest, asked: list[np.ndarray], search: Any) -> np.ndarray:
    """Places of the training rows that there is time for, from what a few of the rows asked for take."""
    n, total = len(request.train), sum(map(len, asked))
    if request.deadline == float("inf") or not total:
        return np.arange(n)
    share = FEW_ROWS / n
    if not request.out_of_time:
        probe = np.vstack([rows[:PROBE] for rows in asked])
        began = time.monotonic()
        search(probe)
        guess = (time.monotonic() - began) * total / len(probe)
        share = max(share, request.seconds_left / (1.5 * guess))
    if share >= 1:
        return np.arange(n)
    return np.sort(np.random.default_rng(request.seed).permutation(n)[: int(share * n)])


def _count(request: FitRequest, objective: str, vote: str, near: np.ndarray, far: np.ndarray) -> np.ndarray:
    """Predictions from the places (m, k) and the distances (m, k) of the neighbours."""
    problem, y = request.problem, request.y
    if not len(near):
        return empty_predictions(request)
    if request.native and not problem.classification and objective.startswith(("l1", "mape", "quantile:")):
        return np.column_stack([_count(replace(request, y=column), objective, vote, near, far) for column in y.T])
    weights = np.ones(near.shape) if vote == "uniform" else 1 / (far + 0.05 * far.mean(axis=1, keepdims=True) + 1e-6)
    weights = weights / weights.mean(axis=1, keepdims=True)
    if request.weights is not None:
        weights = weights * request.weights[near]
    total = weights.sum(axis=1)
    if problem.problem_type == "multiclass":
        places = np.arange(len(near))[:, None] * problem.n_classes + y.astype(int)[near]
        said = np.bincount(places.ravel(), weights.ravel(), len(near) * problem.n_classes).reshape(len(near), -1)
        shares = np.bincount(y.astype(int), request.weights, problem.n_classes)
        return (said + PRIOR_VOTES * shares / shares.sum()) / (said.sum(axis=1, keepdims=True) + PRIOR_VOTES)
    if request.native or problem.classification or not objective.startswith(("l1", "mape", "quantile:")):
        strength = PRIOR_VOTES if problem.classification else 1e-9
        columns = y.reshape(len(y), -1).T  # one target at a time
        prior = [strength * np.average(column, weights=request.weights) for column in columns]
        each = [((weights * c[near]).sum(axis=1) + p) / (total + strength) for c, p in zip(columns, prior, strict=True)]
        return np.column_stack(each) if request.native else each[0]
    weights = weights + 1e-9  # where no neighbour counts, all do
    if objective == "mape":
        weights = weights / np.maximum(np.abs(y[near]), 1e-9 + 0.05 * np.abs(y).mean())
    level = float(objective.partition(":")[2] or 0.5)
    order = np.argsort(y[near], axis=1, kind="stable")
    upto = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    place = (upto < level * upto[:, -1:] * (1 - 1e-12)).sum(axis=1, keepdims=True)
    return np.take_along_axis(np.take_along_axis(y[near], order, axis=1), place, axis=1)[:, 0]


def cost(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:
    """Relative seconds of one fit, with about as many rows asked for as a fold usually has."""
    pair = 3.8e-9 + 3e-10 * columns if params.get("p", 1) == 1 else 2e-9 + 5e-11 * columns
    return 0.1 + pair * rows**2 + 1e-7 * rows * params.get("k", 30) * outputs


FAMILY = Family(
    name="neighbours",
    title="Nearest neighbours",
    wants="linear",
    portfolio=PORTFOLIO,
    space=space,
    fit_predict=fit_predict,
    cost=cost,
    priors=Priors(portfolio=0.03, tuning=0.01),
    order=60,
    module="sklearn",
    max_rows=60_000,
    losses=LOSSES,
    native_targets=True,
    draws=False,
)
