"""Baselines that anyone has within a minute: the best constant, a linear model, LightGBM as it comes."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medalist.agent.comparing.out_of_fold import OutOfFold, Splits, evaluated, hash_of
from medalist.agent.records.contents import best_constant
from medalist.agent.run.reading import cards_of
from medalist.agent.run_data import RunData
from medalist.competitions.competition import Competition
from medalist.competitions.errors import InputError
from medalist.competitions.task.task import Task
from medalist.pipelines.decisions.decision import plain_decision
from medalist.pipelines.estimators.registry import family
from medalist.pipelines.features.base_sets import base_features
from medalist.pipelines.fitting.evaluation import Evaluation, combine
from medalist.pipelines.fitting.fold import FoldResult, run_fold
from medalist.pipelines.pipeline import Pipeline

PREFIX = "baseline:"


@dataclass(frozen=True)
class Baseline:
    """A model without search: a family's fixed parameters on the columns as the family takes them, and the metric's
    plain decision (a threshold of one half, the likeliest class). family: None for the best constant."""

    title: str
    family: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)


BASELINES: Mapping[str, Baseline] = {
    "constant": Baseline("the best constant"),
    "linear": Baseline("ridge or logistic regression", "linear", {"alpha": 1.0, "knots": 0, "weights": "equal"}),
    "lightgbm": Baseline(
        "LightGBM with its default parameters", "lightgbm", {"learning_rate": 0.1, "rounds": 100, "num_leaves": 31}
    ),
}


@dataclass(frozen=True)
class FittedBaseline:
    """A baseline's out-of-fold predictions, and its submission in the sample's form."""

    out_of_fold: OutOfFold
    submission: pd.DataFrame


def baseline_named(text: str) -> Baseline:
    """The baseline of `baseline:NAME`; InputError, which lists them, where there is none of that name."""
    name = text.removeprefix(PREFIX)
    if name not in BASELINES:
        known = ", ".join(PREFIX + n for n in BASELINES)
        raise InputError(f"There is no baseline {name!r}: those that there are are {known}.")
    return BASELINES[name]


def fit_baselines(
    names: list[str], competition: Competition, task: Task, splits: Splits, *, seed: int, threads: int
) -> dict[str, FittedBaseline]:
    """Fit baselines, by what they are called (`baseline:linear`), on the folds `splits` in a temporary folder.

    The test rows are predicted by the mean of the folds' models, or by a model on all rows where folds train on the
    past only. The constant is that of all training rows: one of each fold's would order the rows by fold.
    """
    with tempfile.TemporaryDirectory(prefix="medalist-") as place:
        folder = Path(place)
        data = RunData.create(competition, task, cards_of(competition, task), folder, folder / "features")
        return {name: _fitted(baseline_named(name), data, splits, seed, threads) for name in names}


def _fitted(baseline: Baseline, data: RunData, splits: Splits, seed: int, threads: int) -> FittedBaseline:
    rows, competition = evaluated(splits), data.competition
    if baseline.family is None:
        constant, decision = best_constant(data)
        oof, test = (np.tile(constant, (n, 1)) for n in (len(rows), len(competition.test)))
    else:
        evaluation = _evaluation(baseline, data, splits, seed, threads)
        oof, test = evaluation.oof, evaluation.test
        decision = plain_decision(data.metric, data.problem, data.y)
    submission = data.task.submission(competition.test, decision.apply(test), competition.sample)
    return FittedBaseline(OutOfFold(rows, decision.apply(oof), hash_of(splits)), submission)


def _evaluation(baseline: Baseline, data: RunData, splits: Splits, seed: int, threads: int) -> Evaluation:
    assert baseline.family is not None
    features = base_features(data.cards, family(baseline.family).feature_set, len(data.y))
    pipeline = Pipeline.of(features, baseline.family, baseline.params, seed)
    test_rows = np.arange(len(data.y), len(data.y) + len(data.competition.test))
    rounds = (int(baseline.params.get("rounds", 0)),) * data.problem.n_targets  # no early stopping

    def fit(k: int, fit_rows: np.ndarray, valid_rows: np.ndarray) -> FoldResult:
        return run_fold(
            data.store, data.problem, pipeline, data.y, fit_rows, valid_rows, test_rows,
            fold=k, rounds=rounds, threads=threads, weights=data.weights,
        )  # fmt: skip

    rows = evaluated(splits)
    results = [fit(k, *split) for k, split in enumerate(splits)]
    evaluation = combine(results, [np.searchsorted(rows, valid) for _, valid in splits])
    if not data.refit:
        return evaluation
    whole = fit(len(splits), np.arange(len(data.y)), np.arange(0))
    return Evaluation(
        evaluation.oof, whole.test, evaluation.rounds, evaluation.fit_seconds, evaluation.feature_seconds, {}
    )
