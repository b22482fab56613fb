"""The training part of a fold as a pipeline's recipe of rows makes it, with the additional training rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.matrix import Matrix
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.fitting.matrices import append_columns
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem
from medalist.pipelines.row_recipe import ADDITIONAL, FLAGGED, row_step
from medalist.pipelines.rows.choose import choose_rows

FLAG = "additional_row"  # name of the column that tells additional rows from those of train


@dataclass(frozen=True)
class AdditionalRows:
    """Training rows of another origin, which are fitted and never held out.

    store: features over the rows of train, then those of test, then the e additional ones. y: (e, T) their targets.
    """

    store: FeatureStore
    y: np.ndarray

    @property
    def positions(self) -> np.ndarray:
        """(e,) their positions in the store."""
        return np.arange(self.store.n_rows - len(self.y), self.store.n_rows)

    def of_targets(self, columns: list[int]) -> AdditionalRows:
        """The rows with these targets alone."""
        return replace(self, y=self.y[:, columns])


@dataclass(frozen=True)
class TrainingPart:
    """What a fold is fitted on.

    store: of the features. y: (n, T) targets by position. fit: (m,) positions of the training rows. kept: (k,) places
    of those of train among the fold's training rows; the m - k additional ones come last. weights: (m,) of these rows;
    None for equal ones. classes: (K,) class weights, None for equal ones. flagged: whether a column tells additional
    rows from others.
    """

    store: FeatureStore
    y: np.ndarray
    fit: np.ndarray
    kept: np.ndarray
    weights: np.ndarray | None
    classes: np.ndarray | None = None
    flagged: bool = False

    def with_flag(self, matrices: list[Matrix]) -> list[Matrix]:
        """The matrices of the training, validation and test rows with the column FLAG, where it is wanted."""
        if not self.flagged:
            return matrices
        flags = [np.zeros((len(m.dense), 1)) for m in matrices]
        flags[0][len(self.kept) :] = 1.0
        return [append_columns(m, flag, FLAG) for m, flag in zip(matrices, flags, strict=True)]

    def valid_weights(self, weights: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
        """(v,) weights of validation rows for early stopping, from those of the metric (n_train,) or None."""
        given = None if weights is None else weights[rows]
        if self.classes is None:
            return given
        of_class = self.classes[self.y[rows, 0].astype(int)]
        return of_class if given is None else given * of_class


def training_part(
    store: FeatureStore,
    problem: Problem,
    pipeline: Pipeline,
    y: np.ndarray,
    fit_rows: np.ndarray,
    weights: np.ndarray | None,
    additional: AdditionalRows | None,
) -> TrainingPart:
    """The training part of a fold: `fit_rows` (m,) with the targets y (n_train, T) and the metric's weights (n_train,)
    or None, under the pipeline's recipe.

    Raises PipelineError where the recipe does not suit the problem or the columns, and where it asks for additional
    rows and there are none, or for a stacked pipeline.
    """
    given = None if weights is None else weights[fit_rows]
    if not pipeline.rows:
        return TrainingPart(store, y, fit_rows, np.arange(len(fit_rows)), given)
    rows = choose_rows(store, problem, pipeline, y, fit_rows)
    own = rows.weights if given is None else rows.weights * given[rows.kept]
    step = row_step(pipeline.rows, ADDITIONAL)
    if step is None:
        return TrainingPart(store, rows.y, rows.fit, rows.kept, own, rows.classes)
    if additional is None:
        raise PipelineError("The pipeline is fitted on additional training rows, and the competition has none.")
    if pipeline.stacked:
        raise PipelineError("Additional training rows have no out-of-fold predictions: a stack is fitted without them.")
    measured = ~np.isnan(additional.y).any(axis=1)
    further = additional.positions[measured]
    between = np.full((additional.store.n_rows - len(y) - len(additional.y), y.shape[1]), np.nan)
    targets = np.vstack([rows.y, between, additional.y])
    others = np.full(len(further), step[2] * own.mean())
    if rows.classes is not None:
        others = others * rows.classes[targets[further, 0].astype(int)]
    return TrainingPart(
        additional.store, targets, np.concatenate([rows.fit, further]), rows.kept, np.concatenate([own, others]),
        rows.classes, step[1] == FLAGGED,
    )  # fmt: skip
