"""The close of a run: the time that is kept for it, what is scored on fresh folds, and what gives way to what."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import fold_set, referee, run_data

from medalist.agent.budget import Budget
from medalist.agent.experiment import Proposal, Record
from medalist.agent.judging.champion import Champion
from medalist.agent.records.standings import Standings
from medalist.agent.records.submissions import Submissions
from medalist.agent.score import Comparison, Score
from medalist.agent.search.closing import LAST_SECONDS, clearly_better, refitted_part, seconds_needed
from medalist.agent.search.fresh_folds import MARGIN, MOST_REPEATS, Timing, members_of, scored_members
from medalist.pipelines.decisions.decision import Decision
from medalist.pipelines.ensembling.selection import Ensemble
from medalist.pipelines.fitting.evaluation import Evaluation
from medalist.pipelines.pipeline import Pipeline

FOLDS = 5
SCORE = Score(1.0, 0.1, 1.0, np.ones(20))
DECISION = Decision("values", (-np.inf, np.inf))


def record(number: int = 0, oof: np.ndarray | None = None, seconds: float = 1.0, **recipe: Any) -> Record:
    oof = np.zeros((4, 1)) if oof is None else oof
    evaluation = Evaluation(oof, np.zeros((2, 1)), np.ones((FOLDS, 1)), 1.0, 0.0, {})
    proposal = Proposal(Pipeline.of(("number(x)",), "linear", {"n": number}, **recipe), "why", None, "start")
    return Record(number, proposal, "keep", "", score=SCORE, evaluation=evaluation, seconds=seconds)


# the time that is kept


def kept(seconds: float, budget: float, *, workers: int = 1, **options: Any) -> float:
    """For one model that took so many seconds on all folds, without the seconds that are kept in any case."""
    members, timing = [record(seconds=seconds)], Timing(FOLDS, FOLDS, workers)
    return seconds_needed(members, timing, Budget(time.monotonic(), budget), **options) - LAST_SECONDS


def test_a_longer_budget_keeps_time_for_more_draws_of_fresh_folds() -> None:
    once = 10.0 * MARGIN
    assert kept(10.0, 100.0) == pytest.approx(once)
    assert kept(10.0, 320.0) == pytest.approx(2 * once)
    assert kept(10.0, 1500.0, by_clock=False) == pytest.approx(once)
    assert kept(10.0, 1500.0) == kept(10.0, 1e6) == pytest.approx(MOST_REPEATS * once)


def test_folds_in_time_are_not_drawn_again() -> None:
    assert kept(10.0, 1e6, refit_rows=1.0) == pytest.approx(12.0 * MARGIN)
    assert kept(10.0, 1e6, refit_rows=2.0) == pytest.approx(14.0 * MARGIN)  # a refit has more rows


def test_a_costly_ensemble_gets_a_fifth_of_the_budget_and_one_fold_in_any_case() -> None:
    assert kept(500.0, 1000.0) == pytest.approx(200.0)
    assert kept(5000.0, 1000.0) == pytest.approx(1000.0 * MARGIN)


def test_refits_leave_time_for_a_fresh_fold() -> None:
    assert kept(300.0, 1000.0, refit_rows=2.0) == pytest.approx(180.0 * MARGIN)
    assert kept(5000.0, 1000.0, refit_rows=2.0) == pytest.approx(2000.0 * MARGIN + 100.0)


def test_writing_the_last_submission_comes_on_top_and_no_deadline_needs_no_time() -> None:
    assert kept(10.0, 100.0, overhead=3.0) == pytest.approx(kept(10.0, 100.0) + 3.0)
    assert kept(10.0, np.inf, overhead=3.0) == -LAST_SECONDS


def test_workers_share_the_folds_and_one_fold_is_one_workers() -> None:
    assert kept(10.0, 100.0, workers=2) == pytest.approx(5.0 * MARGIN)
    assert Timing(FOLDS, FOLDS, 64).wall_seconds([record(seconds=10.0)], FOLDS) == pytest.approx(2.0 * MARGIN)


def test_seconds_of_early_stopping_are_not_needed_again() -> None:
    half = record(seconds=10.0)
    assert half.evaluation is not None
    half = replace(half, evaluation=replace(half.evaluation, patience_share=0.5))
    assert Timing(FOLDS, FOLDS, 1).fold_seconds(half) == pytest.approx(1.0 * MARGIN)


# what is fitted and scored


def test_members_come_by_weight_and_after_what_they_are_stacked_upon() -> None:
    base, other, unused = (record(n) for n in range(3))
    stack = record(3, stacked=(base.pipeline.hash,))
    champion = Champion(Ensemble({3: 0.6, 1: 0.4}), SCORE, DECISION)
    assert [r.number for r in members_of(champion, [base, other, unused, stack])] == [1, 0, 3]
    champion = replace(champion, ensemble=Ensemble({0: 0.4, 1: 0.6}))
    assert [r.number for r in members_of(champion, [base, other])] == [1, 0]


def test_the_constant_is_scored_on_the_rows_that_it_is_compared_on(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y = np.concatenate([rng.normal(size=400), np.tile([-9.0, 9.0], 50)])[:, None]  # those of the last fold differ
    data = run_data(tmp_path, y)
    folds = fold_set(y, np.repeat(np.arange(FOLDS), 100))
    submissions = Submissions(data, None, Standings(None))  # type: ignore[arg-type]
    for chosen in ([0], [FOLDS - 1], [0, FOLDS - 1]):
        rows = folds.subset(chosen)
        score = submissions.score_constant(referee(data, folds), rows)
        assert score.value == score.loss == pytest.approx(np.sqrt(np.mean((rows.y - y.mean()) ** 2)))


def test_models_of_all_rows_and_of_fewer_are_not_mixed(tmp_path: Path) -> None:
    y = np.arange(1.0, 101.0)[:, None]
    judge = referee(run_data(tmp_path, y), fold_set(y, np.arange(100) % FOLDS))
    records = [record(n, np.full((100, 1), float(n + 1))) for n in range(3)]
    whole = Champion(Ensemble({0: 0.5, 1: 0.3, 2: 0.2}, "log"), SCORE, DECISION)

    def part(*refitted: int) -> Champion:
        refits = {n: e for n in refitted if (e := records[n].evaluation) is not None}
        return refitted_part(judge, whole, refits, records)

    assert part(0, 1, 2) is whole
    assert part(1) is whole  # of too little weight
    assert part() is whole
    assert part(1, 2).ensemble == Ensemble({1: pytest.approx(0.6), 2: pytest.approx(0.4)}, "log")
    most = part(0, 1)
    assert most.ensemble == Ensemble({0: 0.625, 1: pytest.approx(0.375)}, "log")
    blend = np.exp(0.625 * np.log(2) + 0.375 * np.log(3)) - 1
    assert most.score.value == pytest.approx(np.sqrt(np.mean((y - blend) ** 2)))


@pytest.mark.parametrize(("forecast", "count", "better"), [(False, 1, True), (True, 1, False), (True, 2, True)])
def test_one_fold_ahead_does_not_decide_against_the_ensemble(forecast: bool, count: int, better: bool) -> None:
    y = np.arange(20.0)[:, None]
    folds = fold_set(y, np.arange(20) % count, forecast=forecast)
    assert clearly_better(Comparison(2.0, 1.0, 20), folds) == better
    assert not clearly_better(Comparison(2.0, 1.0, 20, in_every_fold=False), folds)
    assert not clearly_better(Comparison(0.9, 1.0, 20), folds)


def test_a_light_member_that_failed_takes_no_folds_from_the_others() -> None:
    every = set(range(5))
    assert scored_members({1: every, 2: every, 3: {0}}, {1: 0.6, 2: 0.37, 3: 0.03}) == ([1, 2], [0, 1, 2, 3, 4])
    assert scored_members({1: every, 2: {0, 1, 2, 3}}, {1: 0.6, 2: 0.4}) == ([1, 2], [0, 1, 2, 3])  # a heavy one counts
    assert scored_members({1: every, 2: every}, {1: 1.0}) == ([1, 2], [0, 1, 2, 3, 4])  # a base of no weight of its own
    assert scored_members({}, {1: 1.0}) == ([], [])
    assert scored_members({1: {0}, 2: {1}}, {1: 0.5, 2: 0.5}) == ([], [])


@given(st.lists(st.tuples(st.sets(st.integers(0, 4), min_size=1), st.floats(0.01, 1.0)), min_size=1, max_size=6))
def test_members_are_scored_on_folds_that_all_of_them_finished(members: list[tuple[set[int], float]]) -> None:
    folds = {n: finished for n, (finished, _) in enumerate(members)}
    weights = {n: weight for n, (_, weight) in enumerate(members)}
    numbers, shared = scored_members(folds, weights)
    assert all(set(shared) <= folds[n] for n in numbers)
    everybody = set.intersection(*folds.values())
    assert len(shared) * sum(weights[n] for n in numbers) >= len(everybody) * sum(weights.values()) - 1e-9
