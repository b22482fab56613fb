"""The interface of estimator families: the request and the result of a fit, and the description of a family."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from medalist.competitions.clock import awake
from medalist.pipelines.estimators.time_trace import TimeTrace
from medalist.pipelines.features.matrix import Matrix
from medalist.pipelines.problem import Problem

SEEDS = 2**31  # every estimator accepts the seeds 0 to SEEDS - 1
FIT_ROWS = "fit_rows"  # parameter: the most training rows that a fold is fitted on, a sample where it has more
SHARED_PARAMS = ("loss", "targets", FIT_ROWS)  # shared by all families, set by the agent and not drawn by `space`


@dataclass(frozen=True)
class FitRequest:
    """One fit: train on `train`, stop early by `valid` where it has targets, predict `valid` and `test`.

    params: the family's parameters. "loss" (one of the family's `losses`, for values only) replaces the problem's
        objective; "targets" is "native" where several targets are fitted together.
    y: (n,) one training target: values on the fitted scale, or class codes from 0 on. (n, T) for
        several targets fitted together: values or binary, for families with `native_targets`.
    y_valid: (v,) or (v, T) validation targets for early stopping. None for a fit without early stopping:
        `rounds` is then the number of boosting rounds (or epochs); families without rounds ignore it.
    deadline: in seconds of `awake()`. A fit that begins after it still returns soon, with the smallest
        model.
    cache: where an estimator may keep its encoding of the matrices, by key, for later fits on the same ones.
    weights: (n,) weights of the training rows, 1 on average; None for equal ones. weights_valid: (v,) those of the
        validation rows, for early stopping.
    later: (m,) which test rows came after a run, so that nothing may follow from them; None for none.
    trace: records what the fit takes from the clock, or answers from such a record; None for neither.
    """

    problem: Problem
    params: Mapping[str, Any]
    train: Matrix
    y: np.ndarray
    valid: Matrix
    y_valid: np.ndarray | None
    test: Matrix
    seed: int
    threads: int
    rounds: int | None = None
    deadline: float = float("inf")
    cache: dict[str, Any] | None = None
    weights: np.ndarray | None = None
    weights_valid: np.ndarray | None = None
    trace: TimeTrace | None = None
    later: np.ndarray | None = None

    @property
    def out_of_time(self) -> bool:
        """Whether the deadline has passed, or had at this point of the fit that is repeated."""
        late = awake() >= self.deadline
        return late if self.trace is None else self.trace.is_over(late)

    def by_clock(self, measured: float, usual: float) -> float:
        """A quantity that follows from the time left, such as a share of the rows: `measured`, or that of the fit that
        is repeated. `usual`: its value without a deadline."""
        return measured if self.trace is None else self.trace.quantity(measured, usual)

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self.deadline - awake())

    @property
    def known_test(self) -> np.ndarray:
        """Positions among the test rows of those that the run had."""
        return np.arange(len(self.test)) if self.later is None else np.flatnonzero(~self.later)

    @property
    def native(self) -> bool:
        """Whether several targets are fitted together."""
        return self.y.ndim == 2

    @property
    def family_params(self) -> dict[str, Any]:
        """The parameters without those that all families share."""
        return {name: value for name, value in self.params.items() if name not in SHARED_PARAMS}


@dataclass(frozen=True)
class Fitted:
    """The result of one fit: predictions of the validation and the test rows, on the scale of the request's targets.

    valid, test: (k,) values or probabilities of the positive class; (k, K) class probabilities; (k, T) values or
        probabilities of the positive class where several targets were fitted together.
    rounds: boosting rounds (or epochs) of the model that predicts, 0 for a family without. rounds_run: those that were
        run, the patience of early stopping included.
    importance: each column's share of the total importance, by name; empty for a family that measures none.
    """

    valid: np.ndarray
    test: np.ndarray
    rounds: int = 0
    rounds_run: int = 0
    importance: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Priors:
    """Prior expectations of how much experiments with a family improve the ensemble, before any was evaluated.

    They are in units of the standard error of a run's first score, and near the means over competitions that
    docs/decisions measured (priors-are-mean-gains and later notes).

    portfolio: the gain by the first parameter set of the family's portfolio.
    tuning: the gain by one parameter set from the sampler.
    stacking: the gain by one stacked model.
    text: factor of `portfolio` for tables with columns of text.
    """

    portfolio: float = 0.2
    tuning: float = 0.01
    stacking: float = 0.08
    text: float = 1.0


def usual_memory(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:  # noqa: ARG001
    """Bytes of a fit beside its matrices, for a family that says nothing else: two copies of the training rows with
    eight bytes a value, and a few numbers for each row and output."""
    return (100 << 20) + rows * (16.0 * columns + 64.0 * outputs)


@dataclass(frozen=True)
class Family:
    """An estimator family as the agent uses it: one module defines it as `FAMILY`, and the registry discovers it.

    portfolio: parameter sets that did well on other data, best first, each with every parameter of the space.
    space: draws parameters from an Optuna trial.
    feature_set: which columns suit it, "trees" (numbers and category codes) or "linear" (also sparse text).
    fit_predict: fits a request and returns its predictions.
    cost: an estimate of the seconds of one fit from (rows, columns, outputs, parameters), up to a factor that a run
        learns from the fits that it observes. memory: likewise one of the bytes that it takes at its peak beside its
        matrices (float32) and predictions.
    priors: gains to expect before it was tried. order: sort key where families are listed, and where two have the same
    expected gain; then by name. module: the package that has to be installed; extra: the optional extra of this
    distribution that installs it. boosted: whether fits have boosting rounds ("rounds") and a learning rate
    ("learning_rate"). max_rows: the most training rows that it is used for; None for any number. losses: the values of
    the parameter "loss" that it can fit. native_targets: whether it can fit several targets together; else, and by
    default, they are fitted one by one. waits_for_features: whether its experiments start after the search for
    features, from which it gains most. uses_seed: whether its models depend on the seed. weighs_rows: whether it takes
    weights of training rows. fast: returns the parameters
    of a quick fit for a number of outputs. The first family that has them is the baseline: the first
        model of a run, by which features are judged and time is planned.
    stochastic: parameters to add to those of `fast` so that fits with different seeds differ.
    stacker: its parameters as the second level of stacking; None for a family that is not used there.
    least_categories: columns of categories, or of whole numbers that may be names, that it needs; with fewer it is left
        out.
    """

    name: str
    title: str
    feature_set: str
    portfolio: tuple[Mapping[str, Any], ...]
    space: Callable[[Any], dict[str, Any]]
    fit_predict: Callable[[FitRequest], Fitted]
    cost: Callable[[int, int, int, Mapping[str, Any]], float]
    memory: Callable[[int, int, int, Mapping[str, Any]], float] = usual_memory
    priors: Priors = Priors()
    order: int = 1000
    module: str | None = None
    extra: str | None = None
    boosted: bool = False
    max_rows: int | None = None
    losses: tuple[str, ...] = ()
    native_targets: bool = False
    waits_for_features: bool = False
    uses_seed: bool = True
    weighs_rows: bool = True
    fast: Callable[[int], Mapping[str, Any]] | None = None
    stochastic: Mapping[str, Any] = field(default_factory=dict)
    stacker: Mapping[str, Any] | None = None
    least_categories: int = 0

    @cached_property
    def portfolio_ids(self) -> tuple[str, ...]:
        """The `portfolio_id` of each entry of the portfolio.

        Records of earlier runs name an entry by it, so that they mean the same parameters when entries are added,
        removed or reordered.
        """
        return tuple(portfolio_id(params) for params in self.portfolio)


def portfolio_id(params: Mapping[str, Any]) -> str:
    """8 hexadecimal digits of the SHA-256 of a parameter set, whatever the order of its names."""
    return hashlib.sha256(json.dumps(dict(params), sort_keys=True).encode()).hexdigest()[:8]
