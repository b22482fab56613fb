"""A fold whose columns of predictions are fitted part by part: targets measured on some rows only, and quantiles.

Targets that are measured on the same rows are then a problem of their own, on these rows: features that use the target,
transformations of it, early stopping and weights see no others. Each quantile is one by its pinball loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medalist.competitions.clock import awake
from medalist.competitions.errors import PipelineError
from medalist.competitions.task.measured import LEAST_MEASURED
from medalist.pipelines.estimators.base import FitRequest
from medalist.pipelines.estimators.predictions import constant_fit
from medalist.pipelines.estimators.time_trace import TimeTrace
from medalist.pipelines.features.matrix import Matrix
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.fitting.fit_record import FitRecord
from medalist.pipelines.fitting.fold import FoldResult, run_fold
from medalist.pipelines.fitting.pseudo_labels import PseudoLabels
from medalist.pipelines.fitting.stacking import StackedColumns
from medalist.pipelines.fitting.training_part import AdditionalRows
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem

FEW_ROUNDS = 100  # boosting rounds where nothing says how many: no target has validation rows


@dataclass(frozen=True)
class Part:
    """Columns of predictions that are fitted at once: their places, their problem, its targets y (n_train, k), and
    which of the fold's training rows (f,) and validation rows (v,) have values of them."""

    columns: tuple[int, ...]
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
    trace: TimeTrace | None = None,
    additional: AdditionalRows | None = None,
) -> FoldResult:
    """Fit a pipeline on one fold, as `fold.run_fold` does, whose arguments these are; y (n_train, T) may be NaN where
    one of several targets is not measured, and the problem may have quantile levels.

    Each level is fitted by its pinball loss, and the quantiles of a row are put in order. Targets with gaps are fitted
    with those alone that have the same gaps, on the rows where they are measured, and all rows are predicted. Those
    that fewer than LEAST_MEASURED training rows have are predicted as constants. Where no validation row has them, the
    number of boosting rounds is the mean of the other targets'. The fits share the time until the deadline evenly.

    Raises PipelineError as `run_fold` does, and for pseudo-labels of such targets and of quantiles.
    """
    parts = _parts(problem, y, fit_rows, valid_rows)
    if not parts:
        return run_fold(
            store, problem, pipeline, y, fit_rows, valid_rows, test_rows,
            fold=fold, rounds=rounds, threads=threads, deadline=deadline, weights=weights, stacked=stacked,
            pseudo_labels=pseudo_labels, trace=trace, additional=additional,
        )  # fmt: skip
    if pseudo_labels is not None:
        raise PipelineError(
            "Pseudo-labels are for single values of targets that are measured on all rows: fit without them."
        )
    params = {name: value for name, value in pipeline.parameters.items() if name != "chain"}  # an order of all targets
    pipeline = pipeline.changed(params=params)
    trace = trace or TimeTrace()
    results: list[FoldResult] = []
    for place, part in enumerate(parts):
        began = awake()
        n_fit, n_valid = int(part.fit.sum()), int(part.valid.sum())
        given = None if rounds is None else [rounds[min(column, len(rounds) - 1)] for column in part.columns]
        if given is None and not n_valid and len(valid_rows):
            given = [_mean_rounds(results)] * len(part.columns)
        rest = valid_rows[~part.valid]
        result = (
            _constant(part, fit_rows, n_valid, len(test_rows) + len(rest), weights)
            if n_fit < LEAST_MEASURED
            else run_fold(
                store, part.problem, pipeline, part.y, fit_rows[part.fit], valid_rows[part.valid],
                np.concatenate([test_rows, rest]),
                fold=fold, rounds=given, threads=threads, deadline=began + (deadline - began) / (len(parts) - place),
                weights=weights, stacked=_stacked_part(stacked, part), trace=trace,
                additional=_additional_part(additional, problem, part),
            )
        )  # fmt: skip
        results.append(_in_order(result, part, len(test_rows)))
    joined = _joined(results, [column for part in parts for column in part.columns])
    joined = replace(joined, record=replace(joined.record, threads=threads, trace=trace.entries))
    if not problem.levels:
        return joined
    return replace(joined, valid=np.sort(joined.valid, axis=1), test=np.sort(joined.test, axis=1))


def _parts(problem: Problem, y: np.ndarray, fit_rows: np.ndarray, valid_rows: np.ndarray) -> list[Part]:
    """The parts to be fitted one by one, those with the most validation rows first; [] where all are fitted at once."""
    if problem.levels:
        every = (np.ones(len(rows), dtype=bool) for rows in (fit_rows, valid_rows))
        fit, valid = every
        return [
            Part((j,), replace(problem, levels=(), objective=f"quantile:{level:g}"), y, fit, valid)
            for j, level in enumerate(problem.levels)
        ]
    if not np.isnan(y).any():
        return []
    patterns: dict[bytes, list[int]] = {}
    for t, measured in enumerate(~np.isnan(y.T)):
        patterns.setdefault(np.packbits(measured).tobytes(), []).append(t)
    parts = []
    for columns in patterns.values():
        observed = problem.observed
        if observed is not None:
            observed = tuple(observed[0][t] for t in columns), tuple(observed[1][t] for t in columns)
        alone = replace(problem, n_targets=len(columns), observed=observed)
        measured = ~np.isnan(y[:, columns[0]])
        parts.append(Part(tuple(columns), alone, y[:, columns], measured[fit_rows], measured[valid_rows]))
    return sorted(parts, key=lambda part: -int(part.valid.sum()))


def _mean_rounds(results: Iterable[FoldResult]) -> int:
    """The mean number of boosting rounds of the fits so far, FEW_ROUNDS without any."""
    rounds = [r for result in results for r in result.rounds]
    return max(1, round(float(np.mean(rounds)))) if rounds else FEW_ROUNDS


def _constant(part: Part, fit_rows: np.ndarray, n_valid: int, n_test: int, weights: np.ndarray | None) -> FoldResult:
    """The best constants of the few training rows that have the targets; the middle of their ranges where none has."""
    rows = fit_rows[part.fit]
    if len(rows):
        constants = np.array([_best_constant(part.problem, y, weights, rows) for y in part.y.T])
    else:
        constants = np.mean(part.problem.limits(part.y), axis=0)
    zeros = (0,) * len(part.columns)
    return FoldResult(np.tile(constants, (n_valid, 1)), np.tile(constants, (n_test, 1)), zeros, 0, 0.0, 0.0)


def _best_constant(problem: Problem, y: np.ndarray, weights: np.ndarray | None, rows: np.ndarray) -> float:
    """The constant with the least training loss on some rows of a target y (n_train,)."""
    nothing = Matrix(np.zeros((len(rows), 0), dtype=np.float32), (), ())
    request = FitRequest(
        problem=problem, params={}, train=nothing, y=problem.forward(y[rows]), valid=nothing, y_valid=None,
        test=nothing, seed=0, threads=1, weights=None if weights is None else weights[rows],
    )  # fmt: skip
    return float(problem.backward(constant_fit(request).test)[0])


def _stacked_part(stacked: StackedColumns | None, part: Part) -> StackedColumns | None:
    """The stacked columns of the rows that a part is fitted, validated and predicted on."""
    if stacked is None:
        return None
    test = np.vstack([stacked.test, stacked.valid[~part.valid]])
    return StackedColumns(stacked.fit[part.fit], stacked.valid[part.valid], test)


def _additional_part(additional: AdditionalRows | None, problem: Problem, part: Part) -> AdditionalRows | None:
    """The additional training rows with the targets of a part; a quantile has the only one."""
    if additional is None or problem.levels:
        return additional
    return additional.of_targets(list(part.columns))


def _in_order(result: FoldResult, part: Part, n_test: int) -> FoldResult:
    """The result with all validation rows in their order: those without the target come from behind the test rows."""
    valid = np.empty((len(part.valid), result.test.shape[1]))
    valid[part.valid], valid[~part.valid] = result.valid, result.test[n_test:]
    return replace(result, valid=valid, test=result.test[:n_test])


def _joined(results: Sequence[FoldResult], columns: Sequence[int]) -> FoldResult:
    """The results of all parts as one; `columns` are the places of their columns, one part after another."""
    names = {name for result in results for name in result.importance}
    order = np.argsort(columns)
    rounds = [n for r in results for n in r.rounds]
    shares = [len(r.rounds) / len(columns) for r in results]
    return FoldResult(
        valid=np.hstack([r.valid for r in results])[:, order],
        test=np.hstack([r.test for r in results])[:, order],
        rounds=tuple(rounds[i] for i in order),
        rounds_run=sum(r.rounds_run for r in results),
        fit_seconds=sum(r.fit_seconds for r in results),
        feature_seconds=sum(r.feature_seconds for r in results),
        importance={
            n: sum(share * r.importance.get(n, 0.0) for share, r in zip(shares, results, strict=True))
            for n in sorted(names)
        },
        record=FitRecord.joined(r.record for r in results),
    )
