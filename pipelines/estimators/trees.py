"""Averaged randomised trees by scikit-learn: extra trees (Geurts et al., 2006) and random forests (Breiman, 2001)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from medalist.pipelines.estimators.base import SEEDS, Family, FitRequest, Fitted, Priors
from medalist.pipelines.estimators.objectives import Unit, counted_rows, level_of, objective_of
from medalist.pipelines.estimators.predictions import class_probabilities, constant_fit, empty_predictions
from medalist.pipelines.estimators.preprocessing import impute

# fully grown first: docs/decisions/2026-11-25-fully-grown-trees-come-early.md
PORTFOLIO: tuple[Mapping[str, Any], ...] = (
    {"kind": "extra", "trees": 200, "min_samples_leaf": 1, "max_features": 0.6, "median": False},
    {"kind": "extra", "trees": 200, "min_samples_leaf": 5, "max_features": 0.6, "median": True},
    {"kind": "forest", "trees": 150, "min_samples_leaf": 3, "max_features": 0.4, "median": False},
)
LOSSES = ("l2", "poisson")
LEAST_TREES = 60  # or all that fit into memory at a time, if these are more
MOST_NUMBERS = 1.25e8  # that the nodes of all trees hold at a time
MOST_DRAWN = 50_000_000  # targets that quantiles are taken of
NEXT_PART = 7_919  # added to the seed
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
        "median": trial.suggest_categorical("median", [False, True]),
    }


def fit_predict(request: FitRequest) -> Fitted:
    """Grow trees in batches until all are grown or the time is up. Several targets share each tree's splits.

    Trees that do not fit into memory together are grown one part after another, and their predictions averaged. Class
    shares count one more vote, that of the training rows' shares. Quantiles and absolute shares are told by quantile
    forests, absolute errors where the parameter "median" says so.
    """
    params, objective = request.own_params, objective_of(request, LOSSES)
    if not request.train.dense.shape[1]:
        return constant_fit(request)
    if request.native and objective == "mape":  # rows count differently for each target
        fits = [fit_predict(replace(request, y=y)) for y in request.y.T]
        return Fitted(np.column_stack([f.valid for f in fits]), np.column_stack([f.test for f in fits]))
    forest, unit = _Forest(request, params, objective), Unit()
    train, *asked = impute([request.train.dense, request.valid.dense, request.test.dense])
    if not request.problem.classification:
        unit = Unit.of(request.y, "poisson" if forest.poisson else "l2")
    target = request.y.astype(np.int64) if request.problem.classification else unit.to(request).y
    level = 0.5 if objective == "l1" and params.get("median") else level_of(objective)
    answers: Answers = (
        _Means(request)
        if level is None
        else _Quantiles(request, train, target, counted_rows(request, objective), level)
    )
    importance, grown = np.zeros(train.shape[1]), 0
    for model, trees in forest.grow(train, target):
        answers.add(model, trees, asked)
        importance += trees * model.feature_importances_
        grown += trees
        del model  # before the next part is grown
    valid, test = (unit.back(p) if not request.problem.classification else p for p in answers.told())
    shares = dict(zip(request.train.names, (importance / grown).round(5).tolist(), strict=True))
    return Fitted(valid, test, importance=shares)


@dataclass(frozen=True)
class _Forest:
    """Trees in parts that fit into memory."""

    request: FitRequest
    params: Mapping[str, Any]
    objective: str

    @property
    def poisson(self) -> bool:
        return self.objective == "poisson" and "loss" in self.request.params

    def _model(self, part: int) -> Any:
        from sklearn import ensemble

        params = {k: v for k, v in self.params.items() if k not in ("trees", "kind", "median")}
        if self.poisson:
            params["criterion"] = "poisson"
        classes = self.request.problem.classification
        made: Any
        if self.params.get("kind", "extra") == "extra":
            made = ensemble.ExtraTreesClassifier if classes else ensemble.ExtraTreesRegressor
        else:
            made = ensemble.RandomForestClassifier if classes else ensemble.RandomForestRegressor
        seed = (self.request.seed + part * NEXT_PART) % SEEDS
        return made(n_jobs=self.request.threads, random_state=seed, warm_start=True, **params)

    def grow(self, train: np.ndarray, target: np.ndarray) -> Iterator[tuple[Any, int]]:
        """Models with the number of their trees, at least one, until there are as many as there are to be."""
        request, problem = self.request, self.request.problem
        outputs = problem.n_classes if problem.problem_type == "multiclass" else request.y[0].size
        wanted, part = wanted_trees(len(train), outputs, self.params)
        left, number = wanted, 0
        step = max(1, request.threads)
        while left > 0:
            model, grown = self._model(number), 0
            while grown < min(part, left) and not (grown and request.out_of_time):
                before, began = grown, time.monotonic()
                grown = min(part, left, grown + step)
                model.n_estimators = grown
                model.fit(train, target, sample_weight=request.weights)
                each = max(time.monotonic() - began, 1e-6) / (grown - before)
                step = max(1, request.threads, int(min(BATCH, BATCH_SECONDS / each, request.seconds_left / each)))
            yield model, grown
            del model
            left, number = left - grown, number + 1
            if request.out_of_time:
                return


class Answers(Protocol):
    """What trees predict for the rows that are asked for, taken in model by model."""

    def add(self, model: Any, trees: int, asked: Sequence[np.ndarray]) -> None:
        """Take in a model of so many trees; `asked`: inputs (v, d) and (m, d) of the validation and the test rows."""

    def told(self) -> list[np.ndarray]:
        """Predictions (v,), (v, K) or (v, T) of the validation rows, and those of the test rows."""


class _Means:
    """Means over the trees: of values, or of class shares."""

    def __init__(self, request: FitRequest) -> None:
        self.request, self.trees = request, 0
        self.sums: list[Any] = [0.0, 0.0]

    def add(self, model: Any, trees: int, asked: Sequence[np.ndarray]) -> None:
        self.sums = [s + trees * self._said(model, rows) for s, rows in zip(self.sums, asked, strict=True)]
        self.trees += trees

    def told(self) -> list[np.ndarray]:
        if not self.request.problem.classification:
            return [s / self.trees for s in self.sums]
        constant = constant_fit(self.request)
        votes = zip(self.sums, (constant.valid, constant.test), strict=True)
        return [(s + vote) / (self.trees + 1) for s, vote in votes]

    def _said(self, model: Any, rows: np.ndarray) -> np.ndarray:
        problem = self.request.problem
        if not len(rows):
            return empty_predictions(self.request)
        if not problem.classification:
            return np.asarray(model.predict(rows))
        if not self.request.native:
            return class_probabilities(model, rows, problem.n_classes, problem.problem_type == "binary")
        shares = zip(model.classes_, model.predict_proba(rows), strict=True)  # of each target
        return np.column_stack([p @ (np.asarray(c) == 1) for c, p in shares])


class _Quantiles:
    """Quantile forests (Meinshausen, 2006): of each leaf one training target is kept, drawn by what its row counts, and
    the quantile is taken over the trees."""

    def __init__(
        self, request: FitRequest, train: np.ndarray, target: np.ndarray, counted: np.ndarray, level: float
    ) -> None:
        self.request, self.train, self.target, self.level = request, train, target, level
        self.counted = np.maximum(counted, 1e-12)
        self.rng = np.random.default_rng(request.seed)
        self.drawn: list[list[np.ndarray]] = [[], []]

    def add(self, model: Any, trees: int, asked: Sequence[np.ndarray]) -> None:
        rows = max(1, sum(map(len, asked)))
        every = -(-rows * trees // MOST_DRAWN)  # of the trees, where all would take too much memory
        for tree in model.estimators_[::every]:
            late = np.argsort(-self.rng.exponential(size=len(self.train)) / self.counted)
            kept = np.zeros((tree.tree_.node_count, *self.target.shape[1:]), dtype=np.float32)
            kept[tree.tree_.apply(self.train)[late]] = self.target[late]  # the last one of a leaf stays
            for found, part in zip(self.drawn, asked, strict=True):
                found.append(kept[tree.tree_.apply(part)] if len(part) else empty_predictions(self.request))

    def told(self) -> list[np.ndarray]:
        return [np.quantile(np.stack(found), self.level, axis=0).astype(np.float64) for found in self.drawn]


def wanted_trees(rows: int, outputs: int, params: Mapping[str, Any]) -> tuple[int, int]:
    """How many trees there are to be, and how many of them at a time, of which the nodes fill about a GiB.

    As many as the parameters say; where that is many times what fits into memory, the fits would take long, too, and
    there are fewer.
    """
    nodes = 2 * rows / int(params.get("min_samples_leaf", 1))
    told, part = int(params.get("trees", 200)), max(1, int(MOST_NUMBERS / (nodes * (OF_A_NODE + outputs) + 1)))
    return min(told, max(part, LEAST_TREES)), part


def cost(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:
    """Relative seconds of one fit; classes are grown together."""
    kind = 1.1e-8 if params.get("kind", "extra") == "extra" else 3e-8
    tree = kind * rows * np.log2(rows + 2) * (2 + params.get("max_features", 0.6) * columns) * (1 + 0.04 * outputs)
    return 0.2 + wanted_trees(rows, outputs, params)[0] * tree


FAMILY = Family(
    name="trees",
    title="Extra trees",
    wants="trees",
    portfolio=PORTFOLIO,
    space=space,
    fit_predict=fit_predict,
    cost=cost,
    priors=Priors(portfolio=0.2, tuning=0.01),
    order=50,
    module="sklearn",
    max_rows=400_000,
    losses=LOSSES,
    native_targets=True,
)
