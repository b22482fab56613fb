"""Averaged randomised trees by scikit-learn: extra trees (Geurts et al., 2006) and random forests (Breiman, 2001).

Their predictions are means over the trees, or quantiles over them (quantile forests, Meinshausen, 2006).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from medalist.competitions.clock import awake
from medalist.pipelines.estimators.base import SEEDS, Family, FitRequest, Fitted, Priors
from medalist.pipelines.estimators.objectives import TargetScale, error_weights, objective_of, quantile_of
from medalist.pipelines.estimators.predictions import (
    class_probabilities,
    constant_fit,
    empty_predictions,
    fit_each_target,
)
from medalist.pipelines.estimators.preprocessing import impute

# fully grown first: docs/decisions/2026-11-25-fully-grown-trees-come-early.md
# missing values: docs/decisions/2026-12-01-options-of-the-families.md
PORTFOLIO: tuple[Mapping[str, Any], ...] = (
    {"kind": "extra", "trees": 200, "min_samples_leaf": 1, "max_features": 0.6, "median": False, "missing": "split"},
    {"kind": "extra", "trees": 200, "min_samples_leaf": 5, "max_features": 0.6, "median": True, "missing": "impute"},
    {"kind": "forest", "trees": 150, "min_samples_leaf": 3, "max_features": 0.4, "median": False, "missing": "split"},
)
LOSSES = ("l2", "poisson")
MIN_TREES = 60  # trees grown at least, where not all fit into memory at a time
MAX_NODE_NUMBERS = 1.25e8  # numbers in the nodes of all trees in memory at a time, about a GiB
NUMBERS_PER_NODE = 8  # numbers that a node holds beside its predictions
MAX_LEAF_TARGETS = 50_000_000  # rows times trees of sampled leaf targets for quantiles, at most
PART_SEED = 7_919  # added to the seed for each further part of a forest
BATCH = 25  # trees grown between two looks at the clock, at most
BATCH_SECONDS = 0.5  # planned seconds of a batch of more than one tree a thread, at most


def space(trial: Any) -> dict[str, Any]:
    """Parameters from an Optuna trial."""
    return {
        "kind": trial.suggest_categorical("kind", ["extra", "forest"]),
        "trees": 200,
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 1, 30, log=True),
        "max_features": trial.suggest_float("max_features", 0.15, 1.0),
        "median": trial.suggest_categorical("median", [False, True]),
        "missing": trial.suggest_categorical("missing", ["split", "impute"]),
    }


def fit_predict(request: FitRequest) -> Fitted:
    """Grow trees in batches until all are grown or the deadline passes. Several targets share each tree's splits.

    Trees that do not fit into memory together are grown one part after another, and their predictions averaged. Class
    probabilities are the mean over the trees and the class shares of the training rows, as one more tree. Quantile
    forests fit quantile and percentage errors, and absolute errors with the parameter "median"; means fit all others.
    The parameter "missing" says whether splits send missing values to one side, as "split", or medians take their
    place, as "impute".
    """
    params, objective = request.family_params, objective_of(request, LOSSES)
    if not request.train.dense.shape[1]:
        return constant_fit(request)
    if request.native and objective == "mape":  # rows weigh differently for each target
        return fit_each_target(fit_predict, request)
    forest, scale = Forest(request, params, objective), TargetScale()
    matrices = [request.train.dense, request.valid.dense, request.test.dense]
    train, *inputs = impute(matrices) if params.get("missing", "impute") == "impute" else matrices
    if not request.problem.classification:
        scale = TargetScale.of(request.y, "poisson" if forest.poisson else "l2")
    target = request.y.astype(np.int64) if request.problem.classification else scale.apply(request).y
    quantiles = objective.startswith(("mape", "quantile:")) or (objective == "l1" and params.get("median"))
    aggregate: Aggregate = (
        _Quantiles(request, train, target, error_weights(request, objective), quantile_of(objective))
        if quantiles
        else _Means(request)
    )
    importance, grown = np.zeros(train.shape[1]), 0
    for model, trees in forest.grow(train, target):
        aggregate.add(model, trees, inputs)
        importance += trees * model.feature_importances_
        grown += trees
        del model  # before the next part is grown
    valid, test = (scale.invert(p) if not request.problem.classification else p for p in aggregate.predictions())
    shares = dict(zip(request.train.names, (importance / grown).round(5).tolist(), strict=True))
    return Fitted(valid, test, importance=shares)


@dataclass(frozen=True)
class Forest:
    """The trees of one fit, grown in parts that fit into memory."""

    request: FitRequest
    params: Mapping[str, Any]
    objective: str

    @property
    def poisson(self) -> bool:
        """Whether splits are chosen by the Poisson deviance."""
        return self.objective == "poisson" and "loss" in self.request.params

    def new_model(self, part: int) -> Any:
        """A scikit-learn forest without trees yet; each part (0, 1, …) has another seed."""
        from sklearn import ensemble

        params = {k: v for k, v in self.params.items() if k not in ("trees", "kind", "median", "missing")}
        if self.poisson:
            params["criterion"] = "poisson"
        classes = self.request.problem.classification
        estimator: Any
        if self.params.get("kind", "extra") == "extra":
            estimator = ensemble.ExtraTreesClassifier if classes else ensemble.ExtraTreesRegressor
        else:
            estimator = ensemble.RandomForestClassifier if classes else ensemble.RandomForestRegressor
        seed = (self.request.seed + part * PART_SEED) % SEEDS
        return estimator(n_jobs=self.request.threads, random_state=seed, warm_start=True, **params)

    def grow(self, train: np.ndarray, target: np.ndarray) -> Iterator[tuple[Any, int]]:
        """Yields fitted forests, one per part, with their numbers of trees; train (n, d), target (n,) or (n, T).

        At least one tree is grown; the deadline ends a part, and the forest, early.
        """
        request, problem = self.request, self.request.problem
        outputs = problem.n_classes if problem.problem_type == "multiclass" else request.y[0].size
        planned, at_a_time = planned_trees(len(train), outputs, self.params)
        repeats = request.trace is not None and request.trace.repeats
        left = int(request.by_clock(planned, planned)) if repeats else planned
        part, step = 0, max(1, request.threads)
        while left > 0:
            model, grown = self.new_model(part), 0
            while grown < min(at_a_time, left) and not (grown and request.seconds_left <= 0):
                before, began = grown, awake()
                grown = min(at_a_time, left, grown + step)
                model.n_estimators = grown
                model.fit(train, target, sample_weight=request.weights)
                each = max(awake() - began, 1e-6) / (grown - before)
                step = max(1, request.threads, int(min(BATCH, BATCH_SECONDS / each, request.seconds_left / each)))
            yield model, grown
            del model
            left, part = left - grown, part + 1
            if request.seconds_left <= 0:
                break
        if not repeats:
            request.by_clock(planned - left, planned)


class Aggregate(Protocol):
    """Predictions of validation and test rows, aggregated over the trees of one part after another."""

    def add(self, model: Any, trees: int, inputs: Sequence[np.ndarray]) -> None:
        """Add a model of so many trees; `inputs` are those of the validation and the test rows, (v, d) and (m, d)."""

    def predictions(self) -> list[np.ndarray]:
        """Predictions of the validation rows, (v,), (v, K) or (v, T), and of the test rows."""


class _Means:
    """Means over the trees: of values, or of class probabilities."""

    def __init__(self, request: FitRequest) -> None:
        self.request, self.trees = request, 0
        self.sums: list[Any] = [0.0, 0.0]

    def add(self, model: Any, trees: int, inputs: Sequence[np.ndarray]) -> None:
        self.sums = [s + trees * self._predict(model, rows) for s, rows in zip(self.sums, inputs, strict=True)]
        self.trees += trees

    def predictions(self) -> list[np.ndarray]:
        if not self.request.problem.classification:
            return [s / self.trees for s in self.sums]
        constant = constant_fit(self.request)
        votes = zip(self.sums, (constant.valid, constant.test), strict=True)
        return [(s + vote) / (self.trees + 1) for s, vote in votes]

    def _predict(self, model: Any, rows: np.ndarray) -> np.ndarray:
        problem = self.request.problem
        model.n_jobs = 1  # threads would add up the trees in an order of chance
        if not len(rows):
            return empty_predictions(self.request)
        if not problem.classification:
            return np.asarray(model.predict(rows))
        if not self.request.native:
            return class_probabilities(model, rows, problem.n_classes, problem.problem_type == "binary")
        by_target = zip(model.classes_, model.predict_proba(rows), strict=True)
        return np.column_stack([p @ (np.asarray(classes) == 1) for classes, p in by_target])


class _Quantiles:
    """Quantiles over the trees of one training target per leaf, sampled in proportion to the row weights."""

    def __init__(
        self, request: FitRequest, train: np.ndarray, target: np.ndarray, weights: np.ndarray, quantile: float
    ) -> None:
        self.request, self.train, self.target, self.quantile = request, train, target, quantile
        self.weights = np.maximum(weights, 1e-12)
        self.rng = np.random.default_rng(request.seed)
        self.drawn: list[list[np.ndarray]] = [[], []]

    def add(self, model: Any, trees: int, inputs: Sequence[np.ndarray]) -> None:
        rows = max(1, sum(map(len, inputs)))
        every = -(-rows * trees // MAX_LEAF_TARGETS)  # a part of the trees, where all would take too much memory
        for tree in model.estimators_[::every]:
            # exponential clocks: the row of a leaf that rings first is drawn in proportion to its weight
            latest_first = np.argsort(-self.rng.exponential(size=len(self.train)) / self.weights)
            of_leaf = np.zeros((tree.tree_.node_count, *self.target.shape[1:]), dtype=np.float32)
            of_leaf[tree.tree_.apply(self.train)[latest_first]] = self.target[latest_first]  # the last assignment wins
            for drawn, part in zip(self.drawn, inputs, strict=True):
                drawn.append(of_leaf[tree.tree_.apply(part)] if len(part) else empty_predictions(self.request))

    def predictions(self) -> list[np.ndarray]:
        return [np.quantile(np.stack(drawn), self.quantile, axis=0).astype(np.float64) for drawn in self.drawn]


def planned_trees(rows: int, outputs: int, params: Mapping[str, Any]) -> tuple[int, int]:
    """The number of trees to grow in all, and of those that fit into memory (about a GiB of nodes) at a time.

    In all the parameter "trees"; but where these do not fit at a time they would also take long: then as many as fit,
    at least MIN_TREES (or "trees", if fewer).
    """
    nodes = 2 * rows / int(params.get("min_samples_leaf", 1))
    at_a_time = max(1, int(MAX_NODE_NUMBERS / (nodes * (NUMBERS_PER_NODE + outputs) + 1)))
    return min(int(params.get("trees", 200)), max(at_a_time, MIN_TREES)), at_a_time


def cost(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:
    """Relative seconds of one fit; all classes share the trees."""
    kind = 1.1e-8 if params.get("kind", "extra") == "extra" else 3e-8
    tree = kind * rows * np.log2(rows + 2) * (2 + params.get("max_features", 0.6) * columns) * (1 + 0.04 * outputs)
    return 0.2 + planned_trees(rows, outputs, params)[0] * tree


def memory(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:
    """Bytes of one fit: copies of the rows without gaps, and the nodes of the trees that are grown at a time."""
    trees, at_a_time = planned_trees(rows, outputs, params)
    nodes = 2 * rows / int(params.get("min_samples_leaf", 1)) * min(trees, at_a_time)
    return (150 << 20) + 8.0 * nodes * (NUMBERS_PER_NODE + outputs) + rows * (10.0 * columns + 32.0 * outputs)


FAMILY = Family(
    name="trees",
    title="Extra trees",
    feature_set="trees",
    portfolio=PORTFOLIO,
    space=space,
    fit_predict=fit_predict,
    cost=cost,
    memory=memory,
    priors=Priors(portfolio=0.2, tuning=0.01),
    order=50,
    module="sklearn",
    max_rows=400_000,
    losses=LOSSES,
    native_targets=True,
)
