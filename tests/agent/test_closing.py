"""The time that a run keeps for its close."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medalist.agent import score as judge
from medalist.agent.budget import Budget
from medalist.agent.experiment import Proposal, Record
from medalist.agent.ground import FoldSet, Ground
from medalist.agent.judging.ensemble import Champion
from medalist.agent.records import submissions as submitting
from medalist.agent.score import Score
from medalist.agent.search.closing import MARGIN, MOST_REPEATS, _clearly, _refitted, _scored, seconds_needed
from medalist.agent.search.session import Session
from medalist.competitions.metrics.registry import get_metric
from medalist.pipelines.decisions.decision import Decision
from medalist.pipelines.ensembling.selection import Ensemble
from medalist.pipelines.fitting.evaluation import Evaluation
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem

FOLDS = 5


def session(seconds: float, *, refit: bool = False, share: float = 0.8) -> Any:
    """Of one experiment, the champion, that took so many seconds on five folds of a share of all rows each."""
    evaluation = Evaluation(np.zeros((4, 1)), np.zeros((2, 1)), np.ones((FOLDS, 1)), 1.0, 0.0, {})
    proposal = Proposal(Pipeline.of(("number(x)",), "linear", {}), "why", None, "start")
    score = Score(1.0, 0.1, 1.0, np.ones(20))
    record = Record(0, proposal, "keep", "", score=score, evaluation=evaluation, seconds=seconds)
    champion = Champion(Ensemble({0: 1.0}), score, None)  # type: ignore[arg-type]
    ground = SimpleNamespace(
        task=SimpleNamespace(folds=SimpleNamespace(n_splits=FOLDS)), refit=refit, y=np.zeros((4, 1))
    )
    times = {"write_seconds": 0.0, "judge_seconds": 0.0}
    folds = SimpleNamespace(count=FOLDS, fit_rows=4 * share)
    return SimpleNamespace(champion=champion, records=[record], ground=ground, folds=folds, **times)


def kept(seconds: float, budget: float, *, by_clock: bool = True, **options: Any) -> float:
    return seconds_needed(session(seconds, **options), 1, Budget(time.monotonic(), budget), by_clock=by_clock)


def test_a_longer_budget_keeps_time_for_more_draws_of_fresh_folds():
    once = 10.0 * MARGIN
    assert kept(10.0, 100.0) == pytest.approx(once, abs=0.6)
    assert kept(10.0, 320.0) == pytest.approx(2 * once, abs=0.6)
    assert kept(10.0, 1500.0, by_clock=False) == pytest.approx(once, abs=0.6)
    assert kept(10.0, 1500.0) == kept(10.0, 1e6) == pytest.approx(MOST_REPEATS * once, abs=0.6)


def test_folds_in_time_are_not_drawn_again():
    assert kept(10.0, 1e6, refit=True, share=1.0) == pytest.approx(12.0 * MARGIN, abs=0.6)
    assert kept(10.0, 1e6, refit=True, share=0.5) == pytest.approx(14.0 * MARGIN, abs=0.6)  # a refit has more rows


def test_a_dear_ensemble_gets_a_fifth_of_the_budget_and_one_fold_in_any_case():
    assert kept(500.0, 1000.0) == pytest.approx(200.0, abs=0.6)
    assert kept(5000.0, 1000.0) == pytest.approx(1000.0 * MARGIN, abs=0.6)


def test_refits_leave_time_for_a_fresh_fold():
    assert kept(300.0, 1000.0, refit=True, share=0.5) == pytest.approx(180.0 * MARGIN, abs=0.6)
    assert kept(5000.0, 1000.0, refit=True, share=0.5) == pytest.approx(2000.0 * MARGIN + 100.0, abs=0.6)


def test_the_constant_is_scored_on_the_rows_that_it_is_compared_on(tmp_path):
    y = np.concatenate([np.random.default_rng(0).normal(size=400), np.tile([-9.0, 9.0], 50)])[
        :, None
    ]  # the last differ
    problem, metric, cards = Problem("regression", 1, 0, "l2", False), get_metric("rmse"), ()
    ground = Ground(None, None, cards, metric, problem, y, None, None, None, tmp_path)  # type: ignore[arg-type]
    slots = tuple(np.arange(100 * k, 100 * k + 100) for k in range(FOLDS))
    of_row = np.repeat(np.arange(FOLDS), 100)
    folds = FoldSet(tmp_path / "f.npz", slots, np.arange(500), of_row, judge.block_of_rows(y), y, None)
    made = Session("run", ground, folds, None, None, None, emit=print)  # type: ignore[arg-type]
    made.constant_answer = np.zeros((3, 1)), Decision("values", (-np.inf, np.inf))
    for chosen in ([0], [FOLDS - 1], [0, FOLDS - 1]):
        rows = folds.subset(chosen)
        assert submitting.score_constant(made, rows).value == pytest.approx(np.sqrt(np.mean(rows.y**2)))


def test_models_of_all_rows_and_of_fewer_are_not_mixed():
    def record(n):
        return SimpleNamespace(evaluation=SimpleNamespace(oof=np.full((3, 1), float(n))))

    made = SimpleNamespace(records=[record(n) for n in range(3)], champion_of=lambda ensemble, pool: (ensemble, pool))
    whole = SimpleNamespace(ensemble=Ensemble({0: 0.5, 1: 0.3, 2: 0.2}, "log"))
    every = dict.fromkeys(range(3))
    assert _refitted(made, whole, every) is whole  # type: ignore[arg-type]
    assert _refitted(made, whole, {1: None, 2: None}) is not whole  # type: ignore[arg-type]
    assert _refitted(made, whole, {1: None}) is whole  # type: ignore[arg-type]
    ensemble, pool = _refitted(made, whole, {0: None, 1: None})  # type: ignore[misc, arg-type]
    assert ensemble == Ensemble({0: 0.625, 1: pytest.approx(0.375)}, "log")
    assert set(pool) == {0, 1}


@pytest.mark.parametrize(("forecast", "count", "taken"), [(False, 1, True), (True, 1, False), (True, 2, True)])
def test_one_fold_ahead_does_not_decide_against_the_ensemble(forecast, count, taken):
    folds: Any = SimpleNamespace(forecast=forecast, count=count)
    assert _clearly(judge.Comparison(2.0, 1.0, 20), folds) == taken
    assert not _clearly(judge.Comparison(2.0, 1.0, 20, everywhere=False), folds)
    assert not _clearly(judge.Comparison(0.9, 1.0, 20), folds)


def test_a_light_member_that_failed_takes_no_folds_from_the_others():
    every = set(range(5))
    assert _scored({1: every, 2: every, 3: {0}}, {1: 0.6, 2: 0.37, 3: 0.03}) == ([1, 2], [0, 1, 2, 3, 4])
    assert _scored({1: every, 2: {0, 1, 2, 3}}, {1: 0.6, 2: 0.4}) == ([1, 2], [0, 1, 2, 3])  # a heavy one counts
    assert _scored({1: every, 2: every}, {1: 1.0}) == ([1, 2], [0, 1, 2, 3, 4])  # what it is made from, of no weight
    assert _scored({}, {1: 1.0}) == _scored({1: {0}, 2: {1}}, {1: 0.5, 2: 0.5}) == ([], [])


@given(st.lists(st.tuples(st.sets(st.integers(0, 4), min_size=1), st.floats(0.01, 1.0)), min_size=1, max_size=6))
def test_members_are_scored_on_folds_that_all_of_them_finished(members):
    folds, weights = ({n: m[i] for n, m in enumerate(members)} for i in (0, 1))
    numbers, shared = _scored(folds, weights)
    assert all(set(shared) <= folds[n] for n in numbers)
    everybody = set.intersection(*folds.values())
    assert len(shared) * sum(weights[n] for n in numbers) >= len(everybody) * sum(weights.values()) - 1e-9
