"""How several targets are fitted: each by itself, each after the others' predictions (a chain), or all by one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from medalist.competitions.errors import PipelineError
from medalist.pipelines.estimators.base import Family, FitRequest, Fitted
from medalist.pipelines.estimators.predictions import require_finite
from medalist.pipelines.fitting.inner_folds import fit_one, out_of_fold
from medalist.pipelines.fitting.matrices import widened
from medalist.pipelines.fitting.stacking import as_columns
from medalist.pipelines.problem import Problem

ABSOLUTE = ("l1", "mape", "quantile:")  # objectives
WAYS = ("independent", "chained", "native")
HALVES = 2  # of the training part, for what a model leaves of rows that it was not fitted on
INNER_FOLDS = 3  # of a chain, for what the training rows are told of the earlier targets


@dataclass(frozen=True)
class Way:
    """How to fit several targets: by `kind`, in a chain in the `order` of the targets, () for the given one."""

    kind: str = "independent"
    order: tuple[int, ...] = ()


@dataclass
class Fits:
    """Predictions on the fitted scale, (v, W) and (m, W), of all targets; rounds used by target and rounds paid for."""

    valid: np.ndarray
    test: np.ndarray
    rounds: list[int]
    rounds_run: int = 0
    importance: dict[str, float] = field(default_factory=dict)

    def add(self, t: int | None, fitted: Fitted) -> None:
        """Take over the fit of one target, or of all of them (None)."""
        columns: Any = slice(None) if t is None else t
        self.valid[:, columns], self.test[:, columns] = fitted.valid, fitted.test
        places = range(len(self.rounds)) if t is None else [t]
        for place in places:
            self.rounds[place] = fitted.rounds
        self.rounds_run += fitted.rounds_run * len(places)
        for name, value in fitted.importance.items():
            self.importance[name] = self.importance.get(name, 0.0) + value * len(places) / len(self.rounds)


def way_of(params: Mapping[str, Any], family: Family, problem: Problem) -> tuple[Way, dict[str, Any]]:
    """How a recipe fits its targets, and the parameters that are left for the estimator.

    `targets` is one of `WAYS`, by default "native" where one fit serves all targets at the price of one (not for
    absolute errors, which are decided target by target), else "independent"; `chain` gives the order of a chain as
    text, such as "2,0,1". Of one target every way is the same.

    Raises PipelineError for an unknown way, an order that is none, and a family that cannot fit natively.
    """
    own = {name: value for name, value in params.items() if name not in ("targets", "chain")}
    absolute = not problem.classification and problem.objective.startswith(ABSOLUTE)
    usual = "native" if family.native_targets and not family.boosted and not absolute else "independent"
    n_targets = problem.n_targets
    kind = params.get("targets", usual)
    if kind not in WAYS:
        raise PipelineError(f"Several targets cannot be fitted {kind!r}: use {', '.join(WAYS)}.")
    order = _order(params.get("chain"), n_targets)
    if n_targets == 1 or kind == "independent":
        return Way(), own
    if kind == "native" and not family.native_targets:
        raise PipelineError(f"{family.title} fits one target at a time: fit the targets independently or chained.")
    return Way(kind, order), own | ({"targets": kind} if kind == "native" else {})


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


def fit_targets(family: Family, request: FitRequest, way: Way, rounds: Sequence[int] | None) -> Fits:
    """Fit all targets: `request` has y (n, T), y_valid (v, T) or None, and weights (n, T), (n,) or None.

    `rounds` are those of each target where nothing is watched. The time until the deadline is shared evenly among the
    fits. A target with one value in training is constant.
    """
    n_targets = request.y.shape[1]
    wide = request.problem.width
    fits = Fits(np.empty((len(request.valid), wide)), np.empty((len(request.test), wide)), [0] * n_targets)
    whole = request.problem.problem_type == "multiclass"
    if way.kind == "native":
        return _native(family, request, fits, rounds)
    chained = way.kind == "chained"
    left = n_targets + chained * INNER_FOLDS * (n_targets - 1)
    seen = (request.train, request.valid, request.test)
    for place, t in enumerate(way.order if chained else range(n_targets)):
        asked = replace(_of_target(request, t, rounds), train=seen[0], valid=seen[1], test=seen[2])
        fits.add(None if whole else t, fit_one(family, asked, left))
        left -= 1
        if chained and place < n_targets - 1:
            inner = out_of_fold(family, asked, INNER_FOLDS, rounds=fits.rounds[t], left=left)
            left -= INNER_FOLDS
            said = [_as_column(request.problem, p) for p in (inner, fits.valid[:, t], fits.test[:, t])]
            seen = tuple(widened(m, c, f"chained[{t}]") for m, c in zip(seen, said, strict=True))  # type: ignore[assignment]
    return fits


def _of_target(request: FitRequest, t: int, rounds: Sequence[int] | None) -> FitRequest:
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
    """(n, 1) predictions (n,) of an earlier target as a column: log-odds, or values as they are fitted."""
    return as_columns(problem, p[:, None]) if problem.classification else p[:, None]


def residuals(family: Family, request: FitRequest, fits: Fits) -> np.ndarray:
    """(n, T) what is left of the training rows by models of the other half, each target fitted by itself."""
    single = replace(request, params={name: value for name, value in request.params.items() if name != "targets"})
    n_targets = request.y.shape[1]
    said = [
        out_of_fold(family, _of_target(single, t, None), HALVES, rounds=fits.rounds[t], left=HALVES * (n_targets - t))
        for t in range(n_targets)
    ]
    return request.y - np.column_stack(said)


def _native(family: Family, request: FitRequest, fits: Fits, rounds: Sequence[int] | None) -> Fits:
    """All targets that vary by one model; those that do not are constant."""
    varying = np.flatnonzero(np.ptp(request.y, axis=0) > 0)
    for t in range(request.y.shape[1]):
        if t not in varying or len(varying) == 1:
            single = {name: value for name, value in request.params.items() if name != "targets"}
            fits.add(t, fit_one(family, replace(_of_target(request, t, rounds), params=single)))
    if len(varying) < 2:
        return fits

    def together_of(weights: np.ndarray | None) -> np.ndarray | None:
        return weights if weights is None or weights.ndim == 1 else weights.mean(axis=1)

    of_each = [_of_target(request, t, rounds).rounds for t in varying.tolist()]
    steady = None if rounds is None else round(float(np.mean([r for r in of_each if r is not None])))
    together = replace(
        request,
        problem=replace(request.problem, n_targets=len(varying)),
        y=request.y[:, varying],
        y_valid=None if request.y_valid is None else request.y_valid[:, varying],
        rounds=steady,
        weights=together_of(request.weights),
        weights_valid=together_of(request.weights_valid),
    )
    fitted = family.fit_predict(together)
    require_finite(family.title, fitted.valid, fitted.test)
    for i, t in enumerate(varying.tolist()):
        fits.add(t, replace(fitted, valid=fitted.valid[:, i], test=fitted.test[:, i]))  # each as if fitted by itself
    return fits
