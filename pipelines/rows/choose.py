"""Applies a recipe of rows to the training part of a fold. What uses the target sees that part alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medalist.competitions.audit.rows import row_hashes
from medalist.competitions.columns.dates import time_axis
from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.language.expression import Column, nodes
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.registry import is_supervised, operator_of
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem
from medalist.pipelines.row_recipe import ADDITIONAL, BALANCE, Step
from medalist.pipelines.rows.density import density_ratios

LEAST_SHARE = 0.1  # share of the training rows that a recipe leaves at least; one that leaves less is not applied
LEAST_WEIGHT = 1e-3  # least weight by age, relative to the latest row
STRETCH = 0.125  # length of a stretch that is left out, as a share of the training time


@dataclass
class TrainingRows:
    """The training rows of a fold under a recipe.

    fit: (m,) their positions. kept: (m,) their places among those that were given. y: (n, T) targets of all rows, of
    which those of `fit` may be changed. weights: (m,) their weights by the recipe. classes: (K,) the weight of each
    class; None where all count alike.
    """

    fit: np.ndarray
    kept: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    classes: np.ndarray | None = None

    def only(self, chosen: np.ndarray) -> TrainingRows:
        """Those rows alone where `chosen` (m,) is True; all where fewer than LEAST_SHARE would be left."""
        if chosen.sum() < max(1, LEAST_SHARE * len(chosen)):
            return self
        return TrainingRows(self.fit[chosen], self.kept[chosen], self.y, self.weights[chosen], self.classes)

    def weighted(self, factor: np.ndarray) -> TrainingRows:
        """The rows with their weights times `factor` (m,)."""
        return TrainingRows(self.fit, self.kept, self.y, self.weights * factor, self.classes)


def choose_rows(
    store: FeatureStore, problem: Problem, pipeline: Pipeline, y: np.ndarray, fit_rows: np.ndarray
) -> TrainingRows:
    """The training rows of a fold under the pipeline's recipe, without the step that appends rows.

    y: (n, T) targets, of which those of `fit_rows` (m,) are used. Raises PipelineError for a step that does not suit
    the problem or names a column that holds no time.
    """
    rows = TrainingRows(fit_rows, np.arange(len(fit_rows)), y, np.ones(len(fit_rows)))
    for step in pipeline.rows:
        if step[0] != ADDITIONAL:
            rows = _STEPS[step[0]](rows, step, store, problem, pipeline)
    return rows


def recalibrated(predictions: np.ndarray, classes: np.ndarray | None) -> np.ndarray:
    """Probabilities (n, 1) of the positive class or (n, K) as they are without the class weights (K,) that a model was
    fitted with (Elkan, 2001); unchanged where there are none."""
    if classes is None:
        return predictions
    p = np.hstack([1 - predictions, predictions]) if predictions.shape[1] == 1 else predictions
    p = p / classes
    p = p / np.maximum(p.sum(axis=1, keepdims=True), 1e-300)
    return p[:, 1:] if predictions.shape[1] == 1 else p


def raw_columns(pipeline: Pipeline) -> list[str]:
    """The columns of train and test that the pipeline's features are made of."""
    found = (node for text in pipeline.features for node in nodes(parse(text)) if isinstance(node, Column))
    return sorted({column.name for column in found if column.table is None})


def towards_test(store: FeatureStore, pipeline: Pipeline) -> np.ndarray:
    """(n_train,) weights of the training rows towards test (see `density_ratios`) by the pipeline's dense features that
    use no target; kept in the store."""
    texts = [t for t in pipeline.features if not is_supervised(parse(t)) and operator_of(parse(t)).gives != "sparse"]
    path = store.path("density ratios\n" + "\n".join(texts))
    kept = store.blocks.read(path)
    if kept is None:
        blocks = [store.block(text) for text in texts] or [np.zeros((store.n_rows, 1), dtype=np.float32)]
        matrix = np.hstack([np.asarray(b).reshape(len(b), -1) for b in blocks])
        test = np.arange(store.n_train, store.n_rows)
        kept = density_ratios(matrix[: store.n_train], matrix[test[~store.is_later(test)]])[0]
        store.blocks.write(path, kept)
    return np.asarray(kept)


def _axis(store: FeatureStore, column: str, rows: np.ndarray) -> np.ndarray:
    """(m,) the position of each row in time, from 0 for the earliest to 1 for the latest of them; the median where it
    is missing. PipelineError where the column holds no time."""
    axis = time_axis(store.column(column))
    if axis is None:
        raise PipelineError(f"{column!r} holds no times: rows cannot be chosen by their age in it.")
    values = axis[0][rows]
    values = np.where(np.isnan(values), np.nanmedian(values) if not np.isnan(values).all() else 0.0, values)
    return (values - values.min()) / max(float(np.ptp(values)), 1e-12)


def _recency(rows: TrainingRows, step: Step, store: FeatureStore, _: Problem, __: Pipeline) -> TrainingRows:
    age = 1 - _axis(store, step[1], rows.fit)
    return rows.weighted(np.maximum(0.5 ** (age / step[2]), LEAST_WEIGHT))


def _earliest(rows: TrainingRows, step: Step, store: FeatureStore, _: Problem, __: Pipeline) -> TrainingRows:
    at = _axis(store, step[1], rows.fit)
    return rows.only(at >= np.quantile(at, step[2]))


def _stretch(rows: TrainingRows, step: Step, store: FeatureStore, _: Problem, __: Pipeline) -> TrainingRows:
    whole = _axis(store, step[1], np.arange(store.n_train))[rows.fit]
    return rows.only((whole < step[2]) | (whole >= step[2] + STRETCH))


def _test(rows: TrainingRows, step: Step, store: FeatureStore, _: Problem, pipeline: Pipeline) -> TrainingRows:
    return rows.weighted(towards_test(store, pipeline)[rows.fit] ** step[2])


def _groups(rows: TrainingRows, store: FeatureStore, pipeline: Pipeline) -> np.ndarray:
    """(m,) the number of the group of rows of equal inputs that each row is in."""
    columns = raw_columns(pipeline)
    if not columns:
        return np.arange(len(rows.fit))
    table = pd.DataFrame({name: store.column(name).iloc[: store.n_train] for name in columns})
    return np.unique(row_hashes(table, columns)[rows.fit], return_inverse=True)[1]


def _merge(rows: TrainingRows, _: Step, store: FeatureStore, problem: Problem, pipeline: Pipeline) -> TrainingRows:
    """One row for each group, with its size as weight."""
    group = _groups(rows, store, pipeline)
    first = np.unique(group, return_index=True)[1]
    if len(first) == len(group):
        return rows
    sizes = np.bincount(group, rows.weights)
    y = rows.y.copy()
    for t in range(y.shape[1]):
        values = y[rows.fit, t]
        if problem.problem_type == "multiclass":
            votes = np.zeros((len(first), problem.n_classes))
            np.add.at(votes, (group, values.astype(int)), rows.weights)
            merged = votes.argmax(axis=1).astype(float)
        else:
            merged = np.bincount(group, values * rows.weights) / sizes
            merged = (merged >= 0.5).astype(float) if problem.problem_type == "binary" else merged
        y[rows.fit[first], t] = merged
    order = np.argsort(first)
    first, sizes = first[order], sizes[order]
    return TrainingRows(rows.fit[first], rows.kept[first], y, sizes, rows.classes)


def _distinct(rows: TrainingRows, _: Step, store: FeatureStore, __: Problem, pipeline: Pipeline) -> TrainingRows:
    group = _groups(rows, store, pipeline)
    pairs = np.column_stack([group, rows.y[rows.fit]])
    chosen = np.zeros(len(group), dtype=bool)
    chosen[np.unique(pairs, axis=0, return_index=True)[1]] = True
    return rows.only(chosen)


def _agreeing(rows: TrainingRows, _: Step, store: FeatureStore, __: Problem, pipeline: Pipeline) -> TrainingRows:
    group = _groups(rows, store, pipeline)
    differs = np.zeros(len(group), dtype=bool)
    for values in rows.y[rows.fit].T:
        low, high = np.full(group.max() + 1, np.inf), np.full(group.max() + 1, -np.inf)
        np.minimum.at(low, group, values)
        np.maximum.at(high, group, values)
        differs |= (high > low)[group]
    return rows.only(~differs)


def _winsorise(rows: TrainingRows, step: Step, _: FeatureStore, problem: Problem, __: Pipeline) -> TrainingRows:
    y = rows.y.copy()
    low, high = _quantiles(rows, step, problem)
    y[rows.fit] = np.clip(y[rows.fit], low, high)
    return TrainingRows(rows.fit, rows.kept, y, rows.weights, rows.classes)


def _trim(rows: TrainingRows, step: Step, _: FeatureStore, problem: Problem, __: Pipeline) -> TrainingRows:
    low, high = _quantiles(rows, step, problem)
    values = rows.y[rows.fit]
    return rows.only(((values >= low) & (values <= high)).all(axis=1))


def _quantiles(rows: TrainingRows, step: Step, problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """The quantiles (T,) of the training targets at the step's amount and at one minus it."""
    if problem.problem_type != "regression":
        raise PipelineError("Outliers of the target are for numbers: classes have none.")
    low, high = np.quantile(rows.y[rows.fit], [step[2], 1 - step[2]], axis=0)
    return low, high


def _balance(rows: TrainingRows, step: Step, _: FeatureStore, problem: Problem, __: Pipeline) -> TrainingRows:
    if not problem.classification or problem.n_targets > 1:
        raise PipelineError("Class weights are for a single target of classes.")
    codes = rows.y[rows.fit, 0].astype(int)
    count = np.bincount(codes, rows.weights, max(2, problem.n_classes))
    classes = (len(codes) / np.maximum(count, 1.0)) ** step[2]
    classes = classes / np.average(classes, weights=count)
    return TrainingRows(rows.fit, rows.kept, rows.y, rows.weights * classes[codes], classes)


_STEPS: dict[str, Callable[[TrainingRows, Step, FeatureStore, Problem, Pipeline], TrainingRows]] = {
    "recency": _recency,
    "earliest": _earliest,
    "stretch": _stretch,
    "test": _test,
    "merge": _merge,
    "distinct": _distinct,
    "agreeing": _agreeing,
    "winsorise": _winsorise,
    "trim": _trim,
    BALANCE: _balance,
}
