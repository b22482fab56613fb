"""A fit that the clock has cut short is repeated without the clock, to the same numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medalist.competitions.clock import awake
from medalist.pipelines.estimators.base import FitRequest
from medalist.pipelines.estimators.registry import FAMILIES
from medalist.pipelines.estimators.time_trace import NEVER, TimeTrace, entries_of
from medalist.pipelines.features.matrix import Matrix
from medalist.pipelines.fitting.inner_folds import fit_one
from medalist.pipelines.problem import Problem

ROWS, COLUMNS = 1000, 12
LONG: dict[str, dict[str, Any]] = {
    "lightgbm": {"learning_rate": 0.001, "rounds": 10_000, "num_leaves": 31},
    "xgboost": {"learning_rate": 0.001, "rounds": 10_000},
    "catboost": {"learning_rate": 0.001, "rounds": 10_000},
    "trees": {"trees": 10_000},
    "perceptron": {"epochs": 10_000},
    "neighbours": {},
    "linear": {},
    "crosses": {},
}


def matrix(rows: int, seed: int) -> Matrix:
    dense = np.random.default_rng(seed).normal(size=(rows, COLUMNS)).astype(np.float32)
    return Matrix(dense, tuple(f"x{i}" for i in range(COLUMNS)), ())


def request_of(family: str, trace: TimeTrace, seconds: float) -> FitRequest:
    """A fit for which there is not the time."""
    train, valid, test = matrix(ROWS, 0), matrix(500, 1), matrix(500, 2)
    y, y_valid = (m.dense[:, 0] * m.dense[:, 1] + m.dense[:, 2] for m in (train, valid))
    made = FAMILIES[family]
    return FitRequest(
        problem=Problem("regression", 1, 0, "l2", False),
        params={**made.portfolio[0], **LONG[family]},
        train=train,
        y=y.astype(float),
        valid=valid,
        y_valid=y_valid.astype(float) if made.boosted else None,
        test=test,
        seed=1,
        threads=1,
        deadline=awake() + seconds,
        trace=trace,
    )


@pytest.mark.parametrize("family", [name for name in LONG if name in FAMILIES])
def test_a_fit_that_ran_out_of_time_is_repeated(family: str) -> None:
    recorded = TimeTrace()
    cut = fit_one(FAMILIES[family], request_of(family, recorded, -1.0))
    entries = entries_of([[over, list(quantities)] for over, quantities in recorded.entries])
    assert entries, "the clock has changed something"
    again = fit_one(FAMILIES[family], request_of(family, TimeTrace(entries), float("inf")))
    assert np.array_equal(cut.test, again.test)
    assert np.array_equal(cut.valid, again.valid)
    assert cut.rounds == again.rounds


def test_a_fit_with_enough_time_leaves_no_trace() -> None:
    recorded = TimeTrace()
    request = request_of("lightgbm", recorded, 1000.0)
    fit_one(FAMILIES["lightgbm"], replace(request, params={"rounds": 5, "learning_rate": 0.1}))
    assert recorded.entries == ()


def test_each_fit_of_a_fold_has_its_own_entry() -> None:
    recorded = TimeTrace()
    for late in (False, True, False):
        recorded.begin()
        assert not recorded.is_over(False)
        assert recorded.is_over(late) == late
    assert [over for over, _ in recorded.entries] == [NEVER, 1, NEVER]
    again = TimeTrace(recorded.entries)
    for late in (False, True, False):
        again.begin()
        assert not again.is_over(True), "the clock of a repetition does not count"
        assert again.is_over(False) == late
