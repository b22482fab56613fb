"""A fold whose columns of predictions are fitted one by one: targets measured on some rows only, and quantiles.

Each target is then a problem of its own, on the rows where it is measured: features that use the target,
transformations of it, early stopping and weights all come from these rows. Each quantile is one by its pinball loss.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medalist.competitions.errors import PipelineError
from medalist.competitions.task.measured import LEAST_MEASURED
from medalist.pipelines.estimators.base import FitRequest
from medalist.pipelines.estimators.predictions import constant_fit
from medalist.pipelines.features.matrix import Matrix
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.fitting.fold import FoldResult, run_fold
from medalist.pipelines.fitting.pseudo_labels import PseudoLabels
from medalist.pipelines.fitting.stacking import StackedColumns
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem

FEW_ROUNDS = 100  # boosting rounds where nothing says how many: no target has validation rows
JOINT_PARAMS = ("targets", "chain")  # parameters on how several targets are fitted together


@dataclass(frozen=True)
class Part:
    """One column of predictions: its place, its problem with a single target, y (n_train, 1), and which of the fold's
    training rows (f,) and validation rows (v,) have a value of its target."""

    column: int
    problem: Problem
    y: np.ndarray
    fit: np.ndarray
    valid: np.ndarray


def fit_fold(
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
) -> FoldResult:
    """Fit a pipeline on one fold, as `fold.run_fold` does, whose arguments these are; y (n_train, T) may be NaN where
    one of several targets is not measured, and the problem may have quantile levels.

    Each level is fitted by its pinball loss, and the quantiles of a row are put in order. Each target with gaps is
    fitted alone, on the rows where it is measured, and all rows are predicted. One that fewer than LEAST_MEASURED
    training rows have is predicted as a constant. Where no validation row has it, the number of boosting rounds is the
    mean of the other targets'. The fits share the time until the deadline evenly.

    Raises PipelineError as `run_fold` does, and for pseudo-labels of such targets and of quantiles.
    """
    parts = _parts(problem, y, fit_rows, valid_rows)
    if not parts:
        return run_fold(
            store, problem, pipeline, y, fit_rows, valid_rows, test_rows,
            fold=fold, rounds=rounds, threads=threads, deadline=deadline, weights=weights, stacked=stacked,
            pseudo_labels=pseudo_labels,
        )  # fmt: skip
    if pseudo_labels is not None:
        raise PipelineError(
            "Pseudo-labels are for single values of targets that are measured on all rows: fit without them."
        )
    params = {name: value for name, value in pipeline.parameters.items() if name not in JOINT_PARAMS}
    pipeline = pipeline.changed(params=params)
    results: dict[int, FoldResult] = {}
    for place, part in enumerate(parts):
        began = time.monotonic()
        n_fit, n_valid = int(part.fit.sum()), int(part.valid.sum())
        given = None if rounds is None else [rounds[min(part.column, len(rounds) - 1)]]
        if given is None and not n_valid and len(valid_rows):
            given = [_mean_rounds(results.values())]
        rest = valid_rows[~part.valid]
        result = (
            _constant(part, fit_rows, n_valid, len(test_rows) + len(rest), weights)
            if n_fit < LEAST_MEASURED
            else run_fold(
                store, part.problem, pipeline, part.y, fit_rows[part.fit], valid_rows[part.valid],
                np.concatenate([test_rows, rest]),
                fold=fold, rounds=given, threads=threads, deadline=began + (deadline - began) / (len(parts) - place),
                weights=weights, stacked=_stacked_part(stacked, part),
            )
        )  # fmt: skip
        results[part.column] = _in_order(result, part, len(test_rows))
    joined = _joined([results[t] for t in sorted(results)])
    if not problem.levels:
        return joined
    return replace(joined, valid=np.sort(joined.valid, axis=1), test=np.sort(joined.test, axis=1))


def _parts(problem: Problem, y: np.ndarray, fit_rows: np.ndarray, valid_rows: np.ndarray) -> list[Part]:
    """The columns to be fitted one by one, those with the most validation rows first; [] where all are fitted at
    once."""
    if problem.levels:
        every = (np.ones(len(rows), dtype=bool) for rows in (fit_rows, valid_rows))
        fit, valid = every
        return [
            Part(j, replace(problem, levels=(), objective=f"quantile:{level:g}"), y, fit, valid)
            for j, level in enumerate(problem.levels)
        ]
    if not np.isnan(y).any():
        return []
    measured = ~np.isnan(y)
    parts = []
    for t in range(y.shape[1]):
        observed = None if problem.observed is None else ((problem.observed[0][t],), (problem.observed[1][t],))
        alone = replace(problem, n_targets=1, observed=observed)
        parts.append(Part(t, alone, y[:, [t]], measured[fit_rows, t], measured[valid_rows, t]))
    return sorted(parts, key=lambda part: -int(part.valid.sum()))


def _mean_rounds(results: Iterable[FoldResult]) -> int:
    """The mean number of boosting rounds of the fits so far, FEW_ROUNDS without any."""
    rounds = [r for result in results for r in result.rounds]
    return max(1, round(float(np.mean(rounds)))) if rounds else FEW_ROUNDS


def _constant(part: Part, fit_rows: np.ndarray, n_valid: int, n_test: int, weights: np.ndarray | None) -> FoldResult:
    """The best constant of the few training rows that have the target; the middle of its range where none has."""
    rows = fit_rows[part.fit]
    if len(rows):
        nothing = [Matrix(np.zeros((n, 0), dtype=np.float32), (), ()) for n in (len(rows), n_valid, n_test)]
        request = FitRequest(
            problem=part.problem, params={}, train=nothing[0], y=part.problem.forward(part.y[rows, 0]),
            valid=nothing[1], y_valid=None, test=nothing[2], seed=0, threads=1,
            weights=None if weights is None else weights[rows],
        )  # fmt: skip
        fitted = constant_fit(request)
        valid, test = (part.problem.backward(p)[:, None] for p in (fitted.valid, fitted.test))
    else:
        low, high = part.problem.limits(part.y[~np.isnan(part.y)][:, None])
        valid, test = (np.tile((low + high) / 2, (n, 1)) for n in (n_valid, n_test))
    return FoldResult(valid, test, (0,), 0, 0.0, 0.0)


def _stacked_part(stacked: StackedColumns | None, part: Part) -> StackedColumns | None:
    """The stacked columns of the rows that one target is fitted, validated and predicted on."""
    if stacked is None:
        return None
    test = np.vstack([stacked.test, stacked.valid[~part.valid]])
    return StackedColumns(stacked.fit[part.fit], stacked.valid[part.valid], test)


def _in_order(result: FoldResult, part: Part, n_test: int) -> FoldResult:
    """The result with all validation rows in their order: those without the target come from behind the test rows."""
    valid = np.empty((len(part.valid), result.test.shape[1]))
    valid[part.valid], valid[~part.valid] = result.valid, result.test[n_test:]
    return replace(result, valid=valid, test=result.test[:n_test])


def _joined(results: Sequence[FoldResult]) -> FoldResult:
    """The results of all columns, in their order, as one."""
    names = {name for result in results for name in result.importance}
    return FoldResult(
        valid=np.hstack([r.valid for r in results]),
        test=np.hstack([r.test for r in results]),
        rounds=tuple(n for r in results for n in r.rounds),
        rounds_run=sum(r.rounds_run for r in results),
        fit_seconds=sum(r.fit_seconds for r in results),
        feature_seconds=sum(r.feature_seconds for r in results),
        importance={n: float(np.mean([r.importance.get(n, 0.0) for r in results])) for n in sorted(names)},
    )
