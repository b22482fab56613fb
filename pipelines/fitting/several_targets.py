"""Several targets: fitted independently, in a chain (each after predictions of the earlier ones), or by one model.

A chain is that of Spyromitros-Xioufis et al. (2016), with out-of-fold predictions of the training rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from medalist.competitions.errors import PipelineError
from medalist.pipelines.estimators.base import Family, FitRequest, Fitted
from medalist.pipelines.estimators.objectives import is_absolute
from medalist.pipelines.estimators.predictions import require_finite
from medalist.pipelines.fitting.inner_folds import fit_one, out_of_fold
from medalist.pipelines.fitting.matrices import append_columns
from medalist.pipelines.fitting.stacking import as_columns
from medalist.pipelines.problem import Problem

STRATEGIES = ("independent", "chained", "native")  # values of the parameter "targets"
RESIDUAL_FOLDS = 2  # inner folds for residuals of the training rows
CHAIN_FOLDS = 3  # inner folds of a chain, for predictions of the earlier targets for the training rows


@dataclass(frozen=True)
class Strategy:
    """How to fit several targets: `kind` is one of STRATEGIES, `order` the target positions in the order of a chain."""

    kind: str = "independent"
    order: tuple[int, ...] = ()


@dataclass
class Fits:
    """Predictions of all targets on the fitted scale, valid (v, W) and test (m, W), with the rounds of each target's
    model.

    `rounds_run` counts all rounds that were run, early stopping's patience included. `importance` is a mean over the
    targets.
    """

    valid: np.ndarray
    test: np.ndarray
    rounds: list[int]
    rounds_run: int = 0
    importance: dict[str, float] = field(default_factory=dict)

    def add(self, t: int | None, fitted: Fitted) -> None:
        """Add the fit of target `t`, or the one that fits all targets (None)."""
        columns: Any = slice(None) if t is None else t
        self.valid[:, columns], self.test[:, columns] = fitted.valid, fitted.test
        targets = range(len(self.rounds)) if t is None else [t]
        for target in targets:
            self.rounds[target] = fitted.rounds
        self.rounds_run += fitted.rounds_run * len(targets)
        for name, value in fitted.importance.items():
            self.importance[name] = self.importance.get(name, 0.0) + value * len(targets) / len(self.rounds)


def strategy_of(params: Mapping[str, Any], family: Family, problem: Problem) -> tuple[Strategy, dict[str, Any]]:
    """The strategy for several targets that a pipeline's parameters name, and the other parameters, for the estimator.

    The parameter "targets" is one of STRATEGIES. By default it is "native" where one fit of all targets costs no more
    than one of them (families that do not boost, but not for absolute errors, for which row weights differ between
    targets), else "independent". The parameter "chain" is the order of a chain as text, such as "2,0,1". For one target
    all strategies are the same.

    Raises PipelineError for an unknown strategy, for an order that is not one of all targets, and for "native" with a
    family that fits one target at a time.
    """
    estimator_params = {name: value for name, value in params.items() if name not in ("targets", "chain")}
    absolute = not problem.classification and is_absolute(problem.objective)
    default = "native" if family.native_targets and not family.boosted and not absolute else "independent"
    n_targets = problem.n_targets
    kind = params.get("targets", default)
    if kind not in STRATEGIES:
        raise PipelineError(f"Several targets cannot be fitted {kind!r}: use {', '.join(STRATEGIES)}.")
    order = _order(params.get("chain"), n_targets)
    if n_targets == 1 or kind == "independent":
        return Strategy(), estimator_params
    if kind == "native" and not family.native_targets:
        raise PipelineError(f"{family.title} fits one target at a time: fit the targets independently or chained.")
    return Strategy(kind, order), estimator_params | ({"targets": kind} if kind == "native" else {})


def _order(text: Any, n_targets: int) -> tuple[int, ...]:
    if text is None:
        return tuple(range(n_targets))
    try:
        order = tuple(int(t) for t in str(text).split(","))
    except ValueError:
        order = ()
    if sorted(order) != list(range(n_targets)):
        raise PipelineError(f"{text!r} is no order of {n_targets} targets: write each of 0 to {n_targets - 1} once.")
    return order


def fit_targets(family: Family, request: FitRequest, strategy: Strategy, rounds: Sequence[int] | None) -> Fits:
    """Fit all targets of a request with y (n, T), y_valid (v, T) or None, and weights (n, T), (n,) or None.

    `rounds` are the boosting rounds for each target where the request has no validation targets. The fits share the
    time until the deadline evenly. A target with one value in training is predicted as a constant. Raises PipelineError
    where not all predictions are numbers.
    """
    n_targets = request.y.shape[1]
    width = request.problem.width
    fits = Fits(np.empty((len(request.valid), width)), np.empty((len(request.test), width)), [0] * n_targets)
    multiclass = request.problem.problem_type == "multiclass"  # a single target, whose predictions have several columns
    if strategy.kind == "native":
        return _native(family, request, fits, rounds)
    chained = strategy.kind == "chained"
    fits_left = n_targets + chained * CHAIN_FOLDS * (n_targets - 1)
    matrices = (request.train, request.valid, request.test)
    for step, t in enumerate(strategy.order if chained else range(n_targets)):
        of_one = replace(_of_target(request, t, rounds), train=matrices[0], valid=matrices[1], test=matrices[2])
        fits.add(None if multiclass else t, fit_one(family, of_one, fits_left))
        fits_left -= 1
        if chained and step < n_targets - 1:
            inner = out_of_fold(family, of_one, CHAIN_FOLDS, rounds=fits.rounds[t], fits_left=fits_left)
            fits_left -= CHAIN_FOLDS
            columns = [_as_column(request.problem, p) for p in (inner, fits.valid[:, t], fits.test[:, t])]
            appended = [append_columns(m, c, f"chained[{t}]") for m, c in zip(matrices, columns, strict=True)]
            matrices = appended[0], appended[1], appended[2]
    return fits


def _of_target(request: FitRequest, t: int, rounds: Sequence[int] | None) -> FitRequest:
    """The request for target `t` alone."""

    def of_target(weights: np.ndarray | None) -> np.ndarray | None:
        return weights if weights is None or weights.ndim == 1 else weights[:, t]

    return replace(
        request,
        y=request.y[:, t],
        y_valid=None if request.y_valid is None else request.y_valid[:, t],
        rounds=None if rounds is None else rounds[min(t, len(rounds) - 1)],
        weights=of_target(request.weights),
        weights_valid=of_target(request.weights_valid),
    )


def _as_column(problem: Problem, p: np.ndarray) -> np.ndarray:
    """Predictions (n,) of an earlier target as a column (n, 1): log-odds, or values on the fitted scale."""
    return as_columns(problem, p[:, None]) if problem.classification else p[:, None]


def residuals(family: Family, request: FitRequest, fits: Fits) -> np.ndarray:
    """(n, T) out-of-fold residuals of the training rows on the fitted scale, with each target fitted by itself."""
    single = replace(request, params={name: value for name, value in request.params.items() if name != "targets"})
    n_targets = request.y.shape[1]
    predictions = [
        out_of_fold(
            family,
            _of_target(single, t, None),
            RESIDUAL_FOLDS,
            rounds=fits.rounds[t],
            fits_left=RESIDUAL_FOLDS * (n_targets - t),
        )
        for t in range(n_targets)
    ]
    return request.y - np.column_stack(predictions)


def _native(family: Family, request: FitRequest, fits: Fits, rounds: Sequence[int] | None) -> Fits:
    """Add a model of all targets that vary, with the mean of their rounds, and constants of the others, to the fits."""
    varying = np.flatnonzero(np.ptp(request.y, axis=0) > 0)
    for t in range(request.y.shape[1]):
        if t not in varying or len(varying) == 1:
            single = {name: value for name, value in request.params.items() if name != "targets"}
            fits.add(t, fit_one(family, replace(_of_target(request, t, rounds), params=single)))
    if len(varying) < 2:
        return fits

    def mean_over_targets(weights: np.ndarray | None) -> np.ndarray | None:
        return weights if weights is None or weights.ndim == 1 else weights.mean(axis=1)

    of_each = [_of_target(request, t, rounds).rounds for t in varying.tolist()]
    mean_rounds = None if rounds is None else round(float(np.mean([r for r in of_each if r is not None])))
    together = replace(
        request,
        problem=replace(request.problem, n_targets=len(varying)),
        y=request.y[:, varying],
        y_valid=None if request.y_valid is None else request.y_valid[:, varying],
        rounds=mean_rounds,
        weights=mean_over_targets(request.weights),
        weights_valid=mean_over_targets(request.weights_valid),
    )
    if together.trace is not None:
        together.trace.begin()
    fitted = family.fit_predict(together)
    require_finite(family.title, fitted.valid, fitted.test)
    for i, t in enumerate(varying.tolist()):
        fits.add(t, replace(fitted, valid=fitted.valid[:, i], test=fitted.test[:, i]))
    return fits
