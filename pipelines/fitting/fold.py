"""Cross-validation of one pipeline: what a worker does for one fold, and what its folds say together."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from medalist.pipelines.estimators.base import SEEDS, FitRequest
from medalist.pipelines.estimators.predictions import require_finite
from medalist.pipelines.estimators.registry import family
from medalist.pipelines.features.matrix import Matrix
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.fitting.inner_folds import linear_base
from medalist.pipelines.fitting.matrices import below, widened, without_columns_beyond
from medalist.pipelines.fitting.pseudo_labels import Labels as Labels
from medalist.pipelines.fitting.pseudo_labels import counts
from medalist.pipelines.fitting.several_targets import fit_targets, residuals, way_of
from medalist.pipelines.fitting.stacking import Beside as Beside
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem
from medalist.pipelines.targets.transform import TargetTransform, fit_target


@dataclass(frozen=True)
class FoldResult:
    """One fold of one pipeline: canonical predictions (v, W) of its validation rows and (m, W) of the test rows."""

    valid: np.ndarray
    test: np.ndarray
    rounds: tuple[int, ...]
    rounds_run: int
    fit_seconds: float
    feature_seconds: float
    importance: Mapping[str, float] = field(default_factory=dict)


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
    beside: Beside | None = None,
    labels: Labels | None = None,
) -> FoldResult:
    """Fit a pipeline on `fit_rows` and predict the validation and the test rows.

    Parameters
    ----------
    y: (n_train, T) encoded targets. Only the training part's are used for fitting and for supervised features; the
        validation part's only stop boosting early, and not even that where `rounds` is given.
    fit_rows, valid_rows, test_rows: row positions; test rows are numbered from `store.n_train`.
    rounds: boosting rounds per target, for fits that must not look at their validation rows.
    deadline: seconds of `time.monotonic()` at which boosting stops with what it has.
    weights: (n_train,) how much each row counts for the metric; None where all count alike.
    beside: further columns to fit on. labels: what the test rows are taken for, where they are fitted on too.

    Raises PipelineError where the recipe is not valid, and where not all predictions are numbers.
    """
    estimator = family(pipeline.family)
    way, params = way_of(pipeline.parameters, estimator, problem)
    began = time.perf_counter()
    counted = None if weights is None else weights[fit_rows]
    parts = (fit_rows, valid_rows, test_rows)
    target, (train, valid, test) = _material(store, problem, pipeline, y, parts, counted, deadline)
    if beside is not None:
        train, valid, test = widened(train, beside.fit), widened(valid, beside.valid), widened(test, beside.test)
    rows, fitted_y = fit_rows, target.forward(y[fit_rows], fit_rows)
    if labels is not None:
        train, rows = below(train, test), np.concatenate([fit_rows, test_rows])
        fitted_y = np.vstack([fitted_y, target.forward(labels.codes(problem), test_rows)])
        counted = counts(counted, len(fit_rows), problem, labels)
    feature_seconds = time.perf_counter() - began
    watched = rounds is None and len(valid_rows) > 0
    request = FitRequest(
        problem=target.problem,
        params=params,
        train=train,
        y=fitted_y,
        valid=valid,
        y_valid=target.forward(y[valid_rows], valid_rows) if watched else None,
        test=test,
        seed=(pipeline.seed * 1009 + fold) % SEEDS,
        threads=threads,
        deadline=deadline,
        cache=store.binned,
        weights=_together(counted, target.weights(rows)),
        weights_valid=_together(None if weights is None else weights[valid_rows], target.weights(valid_rows))
        if watched
        else None,
    )
    if target.bends and params.get("loss", "l2") == "l2":
        now = time.monotonic()
        fits = fit_targets(estimator, replace(request, deadline=now + (deadline - now) / 2), way, rounds)
        target = target.smeared(residuals(estimator, request, fits)[: len(fit_rows)])
    else:
        fits = fit_targets(estimator, request, way, rounds)
    predictions = target.backward(fits.valid, valid_rows), target.backward(fits.test, test_rows)
    require_finite(estimator.title, *predictions)  # again: what is finite as it was fitted may be infinite here
    return FoldResult(
        valid=predictions[0],
        test=predictions[1],
        rounds=tuple(fits.rounds),
        rounds_run=fits.rounds_run,
        fit_seconds=time.perf_counter() - began - feature_seconds,
        feature_seconds=feature_seconds,
        importance=fits.importance,
    )


def _material(
    store: FeatureStore,
    problem: Problem,
    pipeline: Pipeline,
    y: np.ndarray,
    parts: tuple[np.ndarray, np.ndarray, np.ndarray],
    counted: np.ndarray | None,
    deadline: float,
) -> tuple[TargetTransform, list[Matrix]]:
    """The transformation of the target and the matrices of the fitted, the validation and the test rows.

    Of `y` only the fitted rows are looked at; `counted` (n,) is how much each of them counts.
    """
    fit_rows, valid_rows, test_rows = parts
    values = y[fit_rows]
    ahead = valid_rows if len(valid_rows) else test_rows
    target = fit_target(pipeline.target, problem, store.frame, fit_rows, values, ahead)
    fitted_y = target.forward(values, fit_rows)
    classes = problem.n_classes if problem.problem_type == "multiclass" else 0
    matrices = store.matrices(
        pipeline.features, fit_rows, fitted_y, [valid_rows, test_rows], classes=classes, seed=pipeline.seed
    )
    if target.timeless:
        matrices = without_columns_beyond(matrices[0], matrices[1:])
    if target.over_line:
        n, weights = store.n_rows, _together(counted, None)
        base = linear_base(
            target.problem, matrices, parts, fitted_y, n, weights=weights, seed=pipeline.seed, deadline=deadline
        )
        target = target.over(base).within(values, fit_rows)
    return target, matrices


def _together(counted: np.ndarray | None, more: np.ndarray | None) -> np.ndarray | None:
    """(n,) or (n, T) weights of both sorts, 1 on average; None where all rows count alike."""
    if counted is None and more is None:
        return None
    product = more if counted is None else counted if more is None else counted[:, None] * more
    assert product is not None
    return product / product.mean(axis=0)


@dataclass(frozen=True)
class Evaluation:
    """What running a pipeline on folds gave.

    oof: (r, W) canonical predictions of the evaluated rows, each the mean over the models that did not see it; test:
    (m, W) mean over the fold models, or the refit's; rounds: (folds, T) boosting rounds used; spared: share of the
    rounds that a fit which watches nothing does not pay for.
    """

    oof: np.ndarray
    test: np.ndarray
    rounds: np.ndarray
    fit_seconds: float
    feature_seconds: float
    importance: Mapping[str, float]
    spared: float = 0.0

    @property
    def steady_rounds(self) -> tuple[int, ...]:
        """Rounds per target for a fit that watches nothing: the mean over the folds."""
        return tuple(int(r) for r in np.maximum(1, np.rint(self.rounds.mean(axis=0))))


def combine(results: Sequence[FoldResult], slots: Sequence[np.ndarray], *, last_only: bool = False) -> Evaluation:
    """The evaluation that the folds' results make, in fold order.

    `slots` says, for each fold, where its validation rows stand among the evaluated rows. With `last_only` the test
    predictions are those of the last fold's model, which saw the latest rows.
    """
    n_rows = 1 + max((int(s.max()) for s in slots if len(s)), default=-1)
    total, seen = np.zeros((n_rows, results[0].valid.shape[1])), np.zeros((n_rows, 1))
    for result, slot in zip(results, slots, strict=True):
        total[slot] += result.valid
        seen[slot] += 1
    names = {name for r in results for name in r.importance}
    used, run = sum(sum(r.rounds) for r in results), sum(r.rounds_run for r in results)
    return Evaluation(
        oof=total / np.maximum(seen, 1),
        test=results[-1].test if last_only else np.mean([r.test for r in results], axis=0),
        rounds=np.array([r.rounds for r in results]),
        fit_seconds=sum(r.fit_seconds for r in results),
        feature_seconds=sum(r.feature_seconds for r in results),
        importance={n: float(np.mean([r.importance.get(n, 0.0) for r in results])) for n in sorted(names)},
        spared=max(0.0, 1 - used / run) if run else 0.0,
    )
