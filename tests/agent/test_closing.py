"""The time that a run keeps for its close."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from agent.budget import Budget
from agent.champion import Champion
from agent.closing import MARGIN, MOST_REPEATS, seconds_needed
from agent.judge import Score
from agent.record import Proposal, Record
from pipelines.ensemble import Ensemble
from pipelines.evaluate import Evaluation
from pipelines.pipeline import Pipeline

FOLDS = 5


def session(seconds: float, *, refit: bool = False) -> Any:
    """Of one experiment that took so many seconds on its five folds and is the champion."""
    evaluation = Evaluation(np.zeros((4, 1)), np.zeros((2, 1)), np.ones((FOLDS, 1)), 1.0, 0.0, {})
    proposal = Proposal(Pipeline.of(("number(x)",), "linear", {}), "why", None, "start")
    score = Score(1.0, 0.1, 1.0, np.ones(20))
    record = Record(0, proposal, "keep", "", score=score, evaluation=evaluation, seconds=seconds)
    champion = Champion(Ensemble({0: 1.0}), score, None)  # type: ignore[arg-type]
    ground = SimpleNamespace(task=SimpleNamespace(folds=SimpleNamespace(n_splits=FOLDS)), refit=refit)
    times = {"write_seconds": 0.0, "judge_seconds": 0.0}
    return SimpleNamespace(
        champion=champion, records=[record], ground=ground, folds=SimpleNamespace(count=FOLDS), **times
    )


def kept(seconds: float, budget: float, *, by_clock: bool = True, **options: Any) -> float:
    return seconds_needed(session(seconds, **options), 1, Budget(time.monotonic(), budget), by_clock=by_clock)


def test_a_longer_budget_keeps_time_for_more_draws_of_fresh_folds():
    once = 10.0 * MARGIN
    assert kept(10.0, 100.0) == pytest.approx(once, abs=0.6)
    assert kept(10.0, 320.0) == pytest.approx(2 * once, abs=0.6)
    assert kept(10.0, 1500.0, by_clock=False) == pytest.approx(once, abs=0.6)
    assert kept(10.0, 1500.0) == kept(10.0, 1e6) == pytest.approx(MOST_REPEATS * once, abs=0.6)


def test_folds_in_time_are_not_drawn_again():
    assert kept(10.0, 1e6, refit=True) == pytest.approx(12.0 * MARGIN, abs=0.6)


def test_a_dear_ensemble_gets_a_fifth_of_the_budget_and_one_fold_in_any_case():
    assert kept(500.0, 1000.0) == pytest.approx(200.0, abs=0.6)
    assert kept(5000.0, 1000.0) == pytest.approx(1000.0 * MARGIN, abs=0.6)
