"""K nearest neighbours (Fix & Hodges, 1951) with votes weighted by distance (Dudani, 1976), by scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from medalist.competitions.clock import awake
from medalist.pipelines.estimators.base import Family, FitRequest, Fitted, Priors
from medalist.pipelines.estimators.objectives import SMALLEST_SHARE, is_absolute, objective_of, quantile_of
from medalist.pipelines.estimators.predictions import constant_fit, empty_predictions
from medalist.pipelines.estimators.preprocessing import impute, is_informative, numeric_columns, text_components

PORTFOLIO: tuple[Mapping[str, Any], ...] = (
    {"k": 20, "vote": "distance", "p": 1, "scale": "standard", "relevance": 1.75},
    {"k": 40, "vote": "distance", "p": 2, "scale": "rank", "relevance": 1.5},
)
LOSSES = ("l2", "l1")
MAX_LEVELS = 40  # most frequent levels of a category with a column each; all others are one level without a column
COMPONENTS = 32  # columns that text is reduced to
BINS = 16  # bins of a number, in which its correlation ratio with the target is measured
PRIOR_VOTES = 1.0  # weight of the prior class shares, in neighbours of mean weight
CLIP = 5.0  # standard deviations at which numbers are clipped
TREE_COLUMNS = 8  # columns up to which a k-d tree is used, which is faster there than brute force
PROBE = 200  # validation and test rows, of each at most, whose search is timed first
MIN_ROWS = 500  # training rows among which neighbours are searched at least, whatever the time left
BATCH = 4096  # query rows that are searched at a time
TIME_MARGIN = 1.5  # safety factor of the estimated search time


def space(trial: Any) -> dict[str, Any]:
    """Parameters from an Optuna trial."""
    return {
        "k": trial.suggest_int("k", 3, 200, log=True),
        "vote": trial.suggest_categorical("vote", ["uniform", "distance"]),
        "p": trial.suggest_categorical("p", [1, 2]),
        "scale": trial.suggest_categorical("scale", ["standard", "rank"]),
        "relevance": trial.suggest_float("relevance", 0.0, 3.0),
    }


def coordinates(request: FitRequest, *, p: int, scale: str, relevance: float) -> list[np.ndarray]:
    """Coordinates (rows, d) float32 of the training, validation and test rows, in units of about a standard deviation.

    Numbers are standardised (`scale` "standard") or mapped to uniform ranks ("rank"), missing ones being the median.
    Rows of different categories have distance 1 under the metric of power `p`. Text is reduced to components, scaled to
    length 1 per row. Numbers and categories are scaled by their correlation ratio with the target to the power
    `relevance`.
    """
    from sklearn.preprocessing import QuantileTransformer, StandardScaler

    matrices = (request.train, request.valid, request.test)
    categorical, numbers = list(request.train.categorical), numeric_columns(request.train)
    parts: list[list[np.ndarray]] = [[], [], []]
    if numbers:
        filled = impute([m.dense[:, numbers] for m in matrices])
        weights = _relevance(request, list(filled[0].T), relevance)
        if scale == "rank":
            bins = min(1000, len(filled[0]))
            scaler: Any = QuantileTransformer(n_quantiles=bins, random_state=request.seed).fit(filled[0])
            unit = 12**0.5  # a uniform distribution's range in standard deviations
        else:
            scaler, unit = StandardScaler().fit(filled[0]), 1.0
        for part, rows in zip(parts, filled, strict=True):
            part.append(np.clip(scaler.transform(rows) * unit, -CLIP, CLIP) * weights if len(rows) else rows)
    if categorical:
        codes = [np.nan_to_num(request.train.dense[:, i], nan=-1) for i in categorical]
        weights = _relevance(request, codes, relevance, categories=True)
        for i, train_codes, weight in zip(categorical, codes, weights, strict=True):
            levels, counts = np.unique(train_codes, return_counts=True)
            top = levels[np.argsort(-counts, kind="stable")[:MAX_LEVELS]]
            for part, m in zip(parts, matrices, strict=True):
                one_hot = np.nan_to_num(m.dense[:, i], nan=-1)[:, None] == top
                part.append(one_hot * (weight * 2 ** (-1 / p)))
    if request.train.sparse is not None and request.train.sparse.shape[1]:
        for part, rows in zip(parts, text_components(matrices, COMPONENTS, request.seed), strict=True):
            length = np.linalg.norm(rows, axis=1, keepdims=True)
            part.append(rows / np.where(length > 0, length, 1))
    return [np.ascontiguousarray(np.hstack(part), dtype=np.float32) for part in parts]


def _relevance(
    request: FitRequest, columns: Sequence[np.ndarray], power: float, *, categories: bool = False
) -> np.ndarray:
    """Weights (c,) of columns (n,), 1 on average: correlation ratios (eta) with the target to a power.

    The squared ratio is the share of the target's variance between the bins of a number or the levels of a category,
    less what chance would explain; over several targets it is summed, over classes taken of their indicators together.
    """
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
    ratios = []
    for column in columns:
        if categories:
            codes = np.unique(column, return_inverse=True)[1]
        else:
            codes = np.searchsorted(np.quantile(column, np.linspace(0, 1, BINS + 1)[1:-1]), column)
        counts = np.bincount(codes)
        between = [(np.bincount(codes, t) ** 2 / np.maximum(counts, 1)).sum() for t in target.T]
        chance = max(0, (counts > 0).sum() - 1) / max(1, len(y) - 1)  # the share that a column of noise explains
        ratios.append(max(float(np.sum(between / total)) - chance, 0.0) + 1e-3)
    weights = np.asarray(ratios) ** (power / 2)
    return weights / weights.mean()


def fit_predict(request: FitRequest) -> Fitted:
    """Predict from the nearest training rows; from those of a random part where the time left is too short for all."""
    from sklearn.neighbors import NearestNeighbors
    from threadpoolctl import threadpool_limits

    params = {**PORTFOLIO[0], **request.family_params}
    objective = objective_of(request, LOSSES)
    if not is_informative(request.train):
        return constant_fit(request)
    p = int(params["p"])
    with threadpool_limits(request.threads):
        train, valid, test = coordinates(request, p=p, scale=params["scale"], relevance=float(params["relevance"]))

        def search(rows: np.ndarray, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            """Training positions (r, k) and distances (r, k) of the nearest rows among those at `positions`."""
            if not len(rows):
                return np.zeros((0, 1), dtype=int), np.zeros((0, 1))
            k = min(int(params["k"]), len(positions))
            algorithm = "brute" if train.shape[1] > TREE_COLUMNS else "kd_tree"
            # one job: the number of threads is limited above
            index = NearestNeighbors(n_neighbors=k, p=p, algorithm=algorithm, n_jobs=1).fit(train[positions])
            batches = [index.kneighbors(rows[i : i + BATCH]) for i in range(0, len(rows), BATCH)]
            near = np.vstack([indices for _, indices in batches])
            return positions[near], np.vstack([distances for distances, _ in batches])

        positions = _affordable_rows(request, [valid, test], lambda rows: search(rows, np.arange(len(train))))
        valid, test = (_vote(request, objective, params["vote"], *search(rows, positions)) for rows in (valid, test))
    return Fitted(valid, test)


def _affordable_rows(
    request: FitRequest, queries: Sequence[np.ndarray], search: Callable[[np.ndarray], Any]
) -> np.ndarray:
    """Positions of the training rows among which there is time to search, estimated by timing `search` on a few of
    the query rows."""
    n, total = len(request.train), sum(map(len, queries))
    if not total:
        return np.arange(n)
    share = 1.0 if request.deadline == float("inf") else MIN_ROWS / n
    if share < 1 and request.seconds_left > 0:
        probe = np.vstack([rows[:PROBE] for rows in queries])
        began = awake()
        search(probe)
        estimate = (awake() - began) * total / len(probe)
        share = max(share, request.seconds_left / (TIME_MARGIN * estimate))
    share = request.by_clock(min(share, 1.0), usual=1.0)
    if share >= 1:
        return np.arange(n)
    return np.sort(np.random.default_rng(request.seed).permutation(n)[: int(share * n)])


def _vote(request: FitRequest, objective: str, vote: str, near: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """Predictions from the training positions (m, k) of the neighbours and their distances (m, k).

    Weighted class shares, means, or for absolute errors medians and quantiles, of the neighbours' targets.
    """
    problem, y = request.problem, request.y
    if not len(near):
        return empty_predictions(request)
    if request.native and not problem.classification and is_absolute(objective):
        each = (replace(request, y=column) for column in y.T)
        return np.column_stack([_vote(of_one, objective, vote, near, distances) for of_one in each])
    if vote == "uniform":
        weights = np.ones(near.shape)
    else:
        weights = 1 / (distances + 0.05 * distances.mean(axis=1, keepdims=True) + 1e-6)
    weights = weights / weights.mean(axis=1, keepdims=True)
    if request.weights is not None:
        weights = weights * request.weights[near]
    if problem.problem_type == "multiclass":
        cells = np.arange(len(near))[:, None] * problem.n_classes + y.astype(int)[near]
        votes = np.bincount(cells.ravel(), weights.ravel(), len(near) * problem.n_classes).reshape(len(near), -1)
        shares = np.bincount(y.astype(int), request.weights, problem.n_classes)
        return (votes + PRIOR_VOTES * shares / shares.sum()) / (votes.sum(axis=1, keepdims=True) + PRIOR_VOTES)
    if request.native or problem.classification or not is_absolute(objective):
        prior_votes = PRIOR_VOTES if problem.classification else 1e-9
        total = weights.sum(axis=1) + prior_votes
        columns = y.reshape(len(y), -1).T  # one target at a time
        priors = [prior_votes * np.average(column, weights=request.weights) for column in columns]
        means = [((weights * c[near]).sum(axis=1) + p) / total for c, p in zip(columns, priors, strict=True)]
        return np.column_stack(means) if request.native else means[0]
    weights = weights + 1e-9  # neighbours count equally where all have weight 0
    if objective == "mape":
        weights = weights / np.maximum(np.abs(y[near]), 1e-9 + SMALLEST_SHARE * np.abs(y).mean())
    order = np.argsort(y[near], axis=1, kind="stable")
    cumulative = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    at = (cumulative < quantile_of(objective) * cumulative[:, -1:] * (1 - 1e-12)).sum(axis=1, keepdims=True)
    return np.take_along_axis(np.take_along_axis(y[near], order, axis=1), at, axis=1)[:, 0]


def cost(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:
    """Relative seconds of one fit, with about as many rows to predict as a fold usually has."""
    pair = 3.8e-9 + 3e-10 * columns if params.get("p", 1) == 1 else 2e-9 + 5e-11 * columns
    return 0.1 + pair * rows**2 + 1e-7 * rows * params.get("k", 30) * outputs


FAMILY = Family(
    name="neighbours",
    title="Nearest neighbours",
    feature_set="linear",
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
    uses_seed=False,
)
