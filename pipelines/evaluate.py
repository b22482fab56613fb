"""Cross-validation of one pipeline: what a worker does for one fold, and what its folds say together."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pipelines.estimators.base import FitRequest, constant_fit
from pipelines.estimators.families import family
from pipelines.features.store import FeatureStore, Matrix
from pipelines.pipeline import Pipeline
from pipelines.problem import Problem


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


@dataclass(frozen=True)
class Beside:
    """Further columns (predictions of other pipelines) for the fitted, the validation and the test rows of a fold."""

    fit: np.ndarray
    valid: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class Labels:
    """Pseudo-labels (Lee, 2013): `predicted` (m, W) canonical predictions of the test rows by models that saw no
    validation row of the fold, and `weight`, how much a test row counts beside a training row at most."""

    predicted: np.ndarray
    weight: float = 0.5


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

    Raises PipelineError where the recipe is not valid.
    """
    estimator = family(pipeline.family)
    began = time.perf_counter()
    classes = problem.n_classes if problem.problem_type == "multiclass" else 0
    fitted_y = y[fit_rows] if problem.classification else problem.forward(y[fit_rows])
    train, valid, test = store.matrices(
        pipeline.features, fit_rows, fitted_y, [valid_rows, test_rows], classes=classes, seed=pipeline.seed
    )
    if beside is not None:
        train, valid, test = (
            _widened(m, columns)
            for m, columns in zip((train, valid, test), (beside.fit, beside.valid, beside.test), strict=True)
        )
    feature_seconds = time.perf_counter() - began
    counted = None if weights is None else weights[fit_rows]
    if labels is not None:
        train, fitted_y, counted = _with_labels(problem, train, fitted_y, counted, test, labels)
    watched = None if rounds is not None or not len(valid_rows) else y[valid_rows]
    if watched is not None and not problem.classification:
        watched = problem.forward(watched)
    valid_out = np.empty((len(valid_rows), problem.width))
    test_out = np.empty((len(test_rows), problem.width))
    used: list[int] = []
    run = 0
    importance: dict[str, float] = {}
    for t in range(problem.n_targets):
        share = (deadline - time.monotonic()) / (problem.n_targets - t)
        request = FitRequest(
            problem=problem,
            params=pipeline.parameters,
            train=train,
            y=fitted_y[:, t],
            valid=valid,
            y_valid=None if watched is None else watched[:, t],
            test=test,
            seed=pipeline.seed * 1009 + fold,
            threads=threads,
            rounds=None if rounds is None else rounds[min(t, len(rounds) - 1)],
            deadline=time.monotonic() + share,
            kept=store.binned,
            weights=None if counted is None else counted / counted.mean(),
        )
        fitted = estimator.fit_predict(request) if np.ptp(request.y) > 0 else constant_fit(request)
        columns: Any = slice(None) if classes else t
        valid_out[:, columns] = fitted.valid
        test_out[:, columns] = fitted.test
        used.append(fitted.rounds)
        run += fitted.rounds_run
        for name, value in fitted.importance.items():
            importance[name] = importance.get(name, 0.0) + value / problem.n_targets
    if not problem.classification:
        valid_out, test_out = problem.backward(valid_out), problem.backward(test_out)
    return FoldResult(
        valid=valid_out,
        test=test_out,
        rounds=tuple(used),
        rounds_run=run,
        fit_seconds=time.perf_counter() - began - feature_seconds,
        feature_seconds=feature_seconds,
        importance=importance,
    )


def _widened(matrix: Matrix, columns: np.ndarray) -> Matrix:
    """A matrix with further columns of numbers (n, c)."""
    names = (*matrix.names, *(f"stacked[{i}]" for i in range(columns.shape[1])))
    return replace(matrix, dense=np.hstack([matrix.dense, columns.astype(np.float32)]), names=names, token="")


def _with_labels(
    problem: Problem, train: Matrix, y: np.ndarray, weights: np.ndarray | None, test: Matrix, labels: Labels
) -> tuple[Matrix, np.ndarray, np.ndarray]:
    """Training rows with the test rows after them, their targets as they are fitted, and how much each counts.

    A test row counts by how sure its prediction is: not at all at equal chances, `labels.weight` at certainty.
    """
    p = labels.predicted
    if problem.problem_type == "multiclass":
        more, sure = p.argmax(axis=1)[:, None].astype(float), (p.max(axis=1) - 1 / p.shape[1]) / (1 - 1 / p.shape[1])
    elif problem.problem_type == "binary":
        more, sure = (p >= 0.5).astype(float), np.abs(2 * p - 1).mean(axis=1)
    else:
        more, sure = problem.forward(p), np.ones(len(p))
    joined = Matrix(
        dense=np.vstack([train.dense, test.dense]),
        names=train.names,
        categorical=train.categorical,
        sparse=None if train.sparse is None else _stacked_rows(train.sparse, test.sparse),
    )
    own = np.ones(len(train)) if weights is None else weights
    return joined, np.vstack([y, more]), np.concatenate([own, np.maximum(sure, 0) * labels.weight * own.mean()])


def _stacked_rows(above: Any, below: Any) -> Any:
    from scipy import sparse

    return sparse.vstack([above, below], format="csr")


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
