"""One fold of a cross-validation: a pipeline fitted on some rows, predicting others and the test rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from medalist.competitions.clock import awake
from medalist.pipelines.estimators.base import SEEDS, FitRequest
from medalist.pipelines.estimators.predictions import require_finite
from medalist.pipelines.estimators.registry import family
from medalist.pipelines.estimators.time_trace import TimeTrace
from medalist.pipelines.features.matrix import Matrix
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.fitting.fit_record import FitRecord
from medalist.pipelines.fitting.inner_folds import linear_base
from medalist.pipelines.fitting.matrices import append_columns, append_rows, drop_out_of_range
from medalist.pipelines.fitting.pseudo_labels import PseudoLabels
from medalist.pipelines.fitting.several_targets import fit_targets, residuals, strategy_of
from medalist.pipelines.fitting.stacking import StackedColumns
from medalist.pipelines.fitting.training_part import AdditionalRows, TrainingPart, training_part
from medalist.pipelines.hashing import sample_hash
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem
from medalist.pipelines.rows.choose import recalibrated
from medalist.pipelines.targets.transform import TargetTransform, fit_target


@dataclass(frozen=True)
class FoldResult:
    """The result of a pipeline on one fold.

    valid, test: canonical predictions (v, W) of its validation rows and (m, W) of the test rows.
    rounds: boosting rounds (or epochs) of the model of each target; rounds_run: those that were run for all targets
    together, early stopping's patience included.
    fit_seconds: of fitting and predicting; feature_seconds: of making the matrices.
    importance: each column's share of the total importance, by name; empty where the family measures none.
    record: what it takes to fit it once more, and to the same numbers.
    """

    valid: np.ndarray
    test: np.ndarray
    rounds: tuple[int, ...]
    rounds_run: int
    fit_seconds: float
    feature_seconds: float
    importance: Mapping[str, float] = field(default_factory=dict)
    record: FitRecord = field(default_factory=FitRecord)


def run_fold(
    store: FeatureStore,
    problem: Problem,
    pipeline: Pipeline,
    y: np.ndarray,
    fit_rows: np.ndarray,
    valid_rows: np.ndarray,
    test_rows: np.ndarray,
    *,
    fold: int = 0,
    rounds: Sequence[int] | None = None,
    threads: int = 1,
    deadline: float = float("inf"),
    weights: np.ndarray | None = None,
    stacked: StackedColumns | None = None,
    pseudo_labels: PseudoLabels | None = None,
    trace: TimeTrace | None = None,
    additional: AdditionalRows | None = None,
) -> FoldResult:
    """Fit a pipeline on `fit_rows` and predict the validation and the test rows.

    Parameters
    ----------
    y: (n_train, T) encoded targets. Those of `fit_rows` alone are used for fitting and for supervised features; those
        of `valid_rows` only stop boosting early, and not even that where `rounds` is given.
    fit_rows, valid_rows, test_rows: row positions; test rows are numbered from `store.n_train`.
    fold: number of the fold, which the seed depends on.
    rounds: boosting rounds for each target, for fits without early stopping.
    deadline: in seconds of `awake()`; at it fits stop, and predict with the model so far.
    weights: (n_train,) weights of the rows in the metric; None for equal ones.
    stacked: predictions of other pipelines as further columns.
    pseudo_labels: labels of the test rows, which are then training rows too.
    trace: of a fold that is repeated, whose deadline is then infinite; None to record one.
    additional: the additional training rows, for a pipeline whose recipe of rows asks for them; None without any.

    Raises PipelineError where the pipeline is not valid, and where not all predictions are numbers.
    """
    estimator = family(pipeline.family)
    began, trace = awake(), trace or TimeTrace()
    part = training_part(store, problem, pipeline, y, fit_rows, weights, additional)
    y, fit_rows, row_weights = part.y, part.fit, part.weights
    parts = (fit_rows, valid_rows, test_rows)
    target, (train, valid, test) = _transformed(part, problem, pipeline, parts, deadline, trace)
    strategy, params = strategy_of(pipeline.parameters, estimator, target.problem)
    if stacked is not None:
        train, valid = append_columns(train, stacked.fit[part.kept]), append_columns(valid, stacked.valid)
        test = append_columns(test, stacked.test)
    rows, fitted_y = fit_rows, target.forward(y[fit_rows], fit_rows)
    if pseudo_labels is not None:
        train, rows = append_rows(train, test), np.concatenate([fit_rows, test_rows])
        fitted_y = np.vstack([fitted_y, target.forward(pseudo_labels.targets(problem), test_rows)])
        row_weights = pseudo_labels.append_weights(row_weights, len(fit_rows), problem)
    feature_seconds = awake() - began
    stops_early = rounds is None and len(valid_rows) > 0
    request = FitRequest(
        problem=target.problem,
        params=params,
        train=train,
        y=fitted_y,
        valid=valid,
        y_valid=target.forward(y[valid_rows], valid_rows) if stops_early else None,
        test=test,
        seed=(pipeline.seed * 1009 + fold) % SEEDS,
        threads=threads,
        deadline=deadline,
        cache=part.store.binned,
        weights=_product(row_weights, target.weights(rows)),
        weights_valid=_product(part.valid_weights(weights, valid_rows), target.weights(valid_rows))
        if stops_early
        else None,
        trace=trace,
    )
    if target.biased and params.get("loss", "l2") == "l2":
        now = awake()
        fits = fit_targets(estimator, replace(request, deadline=now + (deadline - now) / 2), strategy, rounds)
        target = target.smeared(residuals(estimator, request, fits)[: len(fit_rows)])
    else:
        fits = fit_targets(estimator, request, strategy, rounds)
    predictions = tuple(
        recalibrated(target.backward(p, rows), part.classes)
        for p, rows in ((fits.valid, valid_rows), (fits.test, test_rows))
    )
    require_finite(estimator.title, *predictions)  # again: the inverse transformation may make them infinite
    return FoldResult(
        valid=predictions[0],
        test=predictions[1],
        rounds=tuple(fits.rounds) if target.view is None else (round(float(np.mean(fits.rounds))),),
        rounds_run=fits.rounds_run,
        fit_seconds=awake() - began - feature_seconds,
        feature_seconds=feature_seconds,
        importance=fits.importance,
        record=FitRecord(threads, trace.entries, sample_hash(train.dense, fitted_y)),
    )


def _transformed(
    part: TrainingPart,
    problem: Problem,
    pipeline: Pipeline,
    parts: tuple[np.ndarray, np.ndarray, np.ndarray],
    deadline: float,
    trace: TimeTrace,
) -> tuple[TargetTransform, list[Matrix]]:
    """The fitted transformation of the target, and the matrices of the training, the validation and the test rows.

    parts: positions of these rows. Of the targets only those of the training rows are used.
    """
    fit_rows, valid_rows, test_rows = parts
    store, y, row_weights = part.store, part.y, part.weights
    values = y[fit_rows]
    ahead = valid_rows if len(valid_rows) else test_rows
    target = fit_target(pipeline.target, problem, store.frame, fit_rows, values, ahead)
    fitted_y = target.values(values, fit_rows)
    classes = problem.n_classes if problem.problem_type == "multiclass" else 0
    matrices = store.matrices(
        pipeline.features, fit_rows, fitted_y, [valid_rows, test_rows], classes=classes, seed=pipeline.seed
    )
    matrices = part.with_flag(matrices)
    if target.drops_time:
        matrices = drop_out_of_range(matrices[0], matrices[1:])
    if target.needs_linear_base:
        n, row_weights = store.n_rows, _product(row_weights, None)
        base = linear_base(
            target.problem, matrices, parts, fitted_y, n,
            weights=row_weights, seed=pipeline.seed, deadline=deadline, trace=trace,
        )  # fmt: skip
        target = target.relative_to(base).clipped_to(values, fit_rows)
    return target, matrices


def _product(row_weights: np.ndarray | None, target_weights: np.ndarray | None) -> np.ndarray | None:
    """Products of row weights (n,) and weights (n, T) of a transformed target, 1 on average: (n, T), (n,) without the
    latter, None without both."""
    if row_weights is None and target_weights is None:
        return None
    if row_weights is None:
        product = target_weights
    else:
        product = row_weights if target_weights is None else row_weights[:, None] * target_weights
    assert product is not None
    return product / product.mean(axis=0)
