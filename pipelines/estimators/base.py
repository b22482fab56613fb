"""What every estimator family offers, and what it is given: one file per family, one `Family` object in each."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from medalist.pipelines.features.matrix import Matrix
from medalist.pipelines.problem import Problem

SEEDS = 2**31  # that every estimator takes, from 0 on
STRATEGIES = ("loss", "targets")  # parameters that every family understands, and that are nobody's own
MOST_ROUNDS = 10_000  # of boosting, which early stopping, what fits took before and the time end earlier


@dataclass(frozen=True)
class FitRequest:
    """One fit: train on `train`, watch `valid` where there is a target for it, predict `valid` and `test`.

    `y` (n,) is one target: values on the scale in which they are fitted, or class codes. It is (n, T), and `y_valid`
    (v, T), where several targets are fitted together: only for a family with `native_targets`, where
    `params["targets"]` is "native", for values and for binary targets.

    `y_valid` is None where nothing may be watched; then `rounds` says how long to boost, and families without rounds
    follow a schedule of their own. `deadline` is in seconds of `time.monotonic()`; a fit that begins after it comes
    back soon all the same, with the least model it can make. `kept` is where an estimator may leave what it made of
    the matrices, for further fits on the same. `weights` (n,) say how much each training row counts, 1 on average;
    None where all count alike. `weights_valid` (v,) say it of the validation rows, for what stops boosting.

    `params["loss"]` (one of the family's `losses`) is fitted instead of the problem's objective, for values only.
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
    kept: dict[str, Any] | None = None
    weights: np.ndarray | None = None
    weights_valid: np.ndarray | None = None

    @property
    def out_of_time(self) -> bool:
        return time.monotonic() >= self.deadline

    @property
    def seconds_left(self) -> float:
        return max(0.0, self.deadline - time.monotonic())

    @property
    def native(self) -> bool:
        """Whether several targets are fitted together."""
        return self.y.ndim == 2

    @property
    def own_params(self) -> dict[str, Any]:
        """The parameters that are the family's own."""
        return {name: value for name, value in self.params.items() if name not in STRATEGIES}


@dataclass(frozen=True)
class Fitted:
    """Predictions of one fit: (n,) values or probabilities of the positive class, or (n, K) probabilities.

    Where several targets were fitted together, (n, T) values or probabilities of the positive class.
    """

    valid: np.ndarray
    test: np.ndarray
    rounds: int = 0  # boosting rounds used; 0 where the family has none
    rounds_run: int = 0  # rounds that were paid for, early stopping included
    importance: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Priors:
    """Gains of the ensemble that are expected of a family before any of its experiments was evaluated.

    They are in units of the standard error of a run's first score, and near the means over competitions that
    docs/decisions measured (priors-are-mean-gains and later notes).

    portfolio: the gain by the family's first proven parameters.
    tuning: the gain by one set of parameters from the sampler.
    stacking: the gain by one stack.
    text: factor of `portfolio` for tables with columns of text.
    """

    portfolio: float = 0.2
    tuning: float = 0.01
    stacking: float = 0.08
    text: float = 1.0


@dataclass(frozen=True)
class Family:
    """An estimator family and all that the agent knows of it: one module defines it, the registry discovers it.

    portfolio: proven parameter sets, best first, each naming every parameter of the space.
    space: draws parameters from an Optuna trial.
    wants: the base feature set that suits it, "trees" (numbers and category codes) or "linear" (also sparse text).
    fit_predict: fits a request and returns its predictions.
    cost: a relative guess of the seconds of one fit, for (rows, columns, outputs, parameters); a run corrects it by the
        fits that it observes.
    priors: what to expect of it before it was tried.
    order: its place where families are listed, and where two are worth the same; equals are ordered by name.
    module: the package that has to be installed; extra: the optional extra of this distribution that installs it.
    boosted: whether fits have boosting rounds ("rounds") and a learning rate ("learning_rate").
    max_rows: the most training rows that it is meant for.
    losses: the values of a parameter "loss" that it can fit.
    native_targets: whether it can fit several targets together; else, and by default, they are fitted one by one.
    found_first: whether it gains most by the features that the search has found, so that it waits for them.
    draws: whether another seed gives another model.
    fast: parameters of a quick fit for a number of outputs. The first family that has them is the baseline: the first
        model of a run, by which features are judged and time is planned.
    stochastic: parameters to add to those of `fast` so that fits with different seeds differ.
    stacker: its parameters on the predictions of other pipelines; None for a family that is not stacked on others.
    """

    name: str
    title: str
    wants: str
    portfolio: tuple[Mapping[str, Any], ...]
    space: Callable[[Any], dict[str, Any]]
    fit_predict: Callable[[FitRequest], Fitted]
    cost: Callable[[int, int, int, Mapping[str, Any]], float]
    priors: Priors = Priors()
    order: int = 1000
    module: str | None = None
    extra: str | None = None
    boosted: bool = False
    max_rows: int | None = None
    losses: tuple[str, ...] = ()
    native_targets: bool = False
    found_first: bool = False
    draws: bool = True
    fast: Callable[[int], Mapping[str, Any]] | None = None
    stochastic: Mapping[str, Any] = field(default_factory=dict)
    stacker: Mapping[str, Any] | None = None

    @cached_property
    def portfolio_ids(self) -> tuple[str, ...]:
        """The identity of each portfolio entry: 8 hexadecimal digits of its parameters' SHA-256.

        Records of earlier runs name an entry by it, so that they mean the same parameters when entries are added,
        removed or reordered.
        """
        return tuple(portfolio_id(params) for params in self.portfolio)


def portfolio_id(params: Mapping[str, Any]) -> str:
    """8 hexadecimal digits of the SHA-256 of a parameter set, whatever the order of its names."""
    return hashlib.sha256(json.dumps(dict(params), sort_keys=True).encode()).hexdigest()[:8]
