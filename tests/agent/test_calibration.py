"""How many threads a child is worth: what is measured, what follows from it, and what goes wrong meanwhile."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_workers import SHORT, short, training_input

from medalist.agent.workers import measuring as calibration
from medalist.agent.workers.costs import Costs
from medalist.agent.workers.jobs import Job, Outcome
from medalist.agent.workers.local import Workers
from medalist.agent.workers.measuring import apply_calibration, calibrate, seconds_per_layout
from medalist.agent.workers.threads import BETTER, HELPS, Calibration, Layout, layouts
from medalist.pipelines.fitting.fold import FoldResult

TWO, ONE = Layout(2, 1), Layout(1, 2)
rates = st.lists(st.floats(0.1, 1000), min_size=2, max_size=2)


@given(st.integers(1, 256))
def test_layouts_use_every_core_and_begin_with_single_threads(cores: int) -> None:
    ways = layouts(cores)
    assert ways[0] == Layout(cores, 1)
    assert ways[-1] == Layout(1, cores)
    assert all(way.children * way.threads == cores for way in ways)
    assert all(2 * one.threads <= other.threads for one, other in pairwise(ways) if other != ways[-1])


def test_what_was_not_measured_is_single_threads() -> None:
    nothing = Calibration(8)
    assert nothing.best() == Layout(8, 1)
    assert nothing.useful_threads(8) == 1
    assert nothing.speed(8) == 1


@given(rates, rates)
def test_threads_take_over_only_where_each_pass_says_so_clearly(single: list[float], threaded: list[float]) -> None:
    best = Calibration(2, {TWO: single, ONE: threaded}).best()
    clear = all(t > BETTER * s for s, t in zip(single, threaded, strict=True))
    assert best == (ONE if clear else TWO)


@given(st.floats(0.1, 1000), st.floats(0.01, 100))
def test_what_is_measured_depends_on_no_unit(factor: float, unit: float) -> None:
    one = Calibration(2, {TWO: [1.0, 1.0], ONE: [factor, factor]})
    other = Calibration(2, {TWO: [unit, unit], ONE: [factor * unit, factor * unit]})
    assert one.speed(2) == pytest.approx(other.speed(2))
    assert one.speed(2) == pytest.approx(2 * factor)


@given(st.lists(st.floats(0.05, 3), min_size=4, max_size=4), st.integers(1, 16))
def test_no_more_threads_than_are_free_and_none_that_do_not_help(gains: list[float], free: int) -> None:
    ways = layouts(16)
    found = Calibration(16, {w: [g, g] for w, g in zip(ways, [1.0, *gains], strict=True)})
    threads = found.useful_threads(free)
    assert 1 <= threads <= free
    assert threads == 1 or found.speed(threads) > HELPS


def test_real_fits_correct_the_measurement_for_their_family() -> None:
    found = Calibration(2, {TWO: [10.0, 10.0], ONE: [9.0, 9.0]})
    assert found.useful_threads(2, "catboost") == 2
    speeds = [found.speed(2, "catboost")]
    for _ in range(8):
        found.learn("catboost", 2, single=10.0, seconds=11.0)
        speeds.append(found.speed(2, "catboost"))
    assert speeds == sorted(speeds, reverse=True)
    assert 10 / 11 < speeds[-1] < HELPS
    assert found.useful_threads(2, "catboost") == 1
    assert found.useful_threads(2, "lightgbm") == 2


@given(st.floats(1, 1e5), st.integers(1, 64), st.floats(0.01, 100))
def test_the_measurement_takes_its_share_of_the_budget_at_most(budget: float, cores: int, fold: float) -> None:
    seconds = seconds_per_layout(budget, cores, fold)
    assert calibration.PASSES * len(layouts(cores)) * seconds <= calibration.SHARE * budget * (1 + 1e-9)
    if cores == 1 or fold < calibration.LEAST_FOLD_SECONDS or budget < 60:
        assert seconds == 0


def test_nothing_is_measured_where_there_is_no_clock() -> None:
    assert seconds_per_layout(math.inf, 8, 60.0) == 0


class Scripted:
    """Children whose speed is known: so many rounds a second for a job's threads and the jobs beside it."""

    def __init__(self, cores: int, speed: Callable[[int, int], float]):
        self.cores = self.idle = cores
        self.speed, self.fit_seconds = speed, 0.0
        self.running: list[Job] = []
        self.measured: list[tuple[int, int]] = []

    def submit(self, job: Job) -> None:
        self.running.append(job)

    def poll(self, _: float) -> list[Outcome]:
        jobs, self.running = self.running, []
        if jobs[0].kind == "prepare":
            return [Outcome(jobs[0], "ok")]
        self.measured.append((len(jobs), jobs[0].threads))
        self.fit_seconds += 1.0
        return [self.outcome(job, self.speed(job.threads, len(jobs))) for job in jobs]

    def outcome(self, job: Job, speed: float) -> Outcome:
        if not speed:
            return Outcome(job, "crash", error="it failed")
        rounds = max(1, int(1000 * speed * job.soft_seconds))
        taken = rounds / (1000 * speed)
        nothing = np.zeros((0, 1))
        return Outcome(job, "ok", FoldResult(nothing, nothing, (rounds,), rounds, taken, 0.0))

    def cancel_all(self) -> None:
        self.running = []


def run(workers: Scripted, seconds: float = 0.5) -> Calibration:
    def job(k: int) -> Job:
        return Job(k, "fold", SHORT, fold=k)

    return calibrate(cast(Any, workers), job, seconds)


def test_a_machine_on_which_threads_wait_for_each_other() -> None:
    workers = Scripted(2, lambda threads, _: 1.0 if threads == 1 else 0.1)
    found = run(workers)
    assert found.best() == TWO
    assert found.useful_threads(2) == 1
    assert workers.measured == [(2, 1)] + [(2, 1), (1, 2)] * calibration.PASSES
    assert workers.fit_seconds == 0  # what is measured is no work on the competition


def test_a_machine_on_which_children_are_in_each_others_way() -> None:
    found = run(Scripted(4, lambda threads, beside: threads**0.95 / beside))
    assert found.best() == Layout(1, 4)
    assert found.useful_threads(3) == 2


def test_threads_that_help_one_child_but_not_the_whole() -> None:
    found = run(Scripted(2, lambda threads, _: 1.0 if threads == 1 else 1.7))
    assert found.best() == TWO
    assert found.speed(2) == pytest.approx(1.7, rel=0.05)
    assert found.useful_threads(2) == 2


@pytest.mark.parametrize("failing", [1, 2])
def test_a_failure_leaves_single_threads(failing: int) -> None:
    workers = Scripted(2, lambda threads, _: 0.0 if threads == failing else 1.0)
    assert run(workers) == Calibration(2)
    assert workers.running == []


def test_nothing_is_measured_beside_other_work() -> None:
    workers = Scripted(2, lambda *_: 1.0)
    workers.running = [short(1)]
    assert run(workers) == Calibration(2)
    workers = Scripted(2, lambda *_: 1.0)
    workers.idle = 1
    assert run(workers) == Calibration(2)
    assert run(Scripted(2, lambda *_: 1.0), seconds=0.0) == Calibration(2)


def test_children_and_costs_follow_what_was_measured(two: Workers) -> None:
    costs = Costs(1000, 1)
    apply_calibration(two, costs, Calibration(2))
    assert (two.count, two.threads, two.calibration, costs.calibration) == (2, 1, None, None)
    single = Calibration(2, {TWO: (10.0, 10.0), ONE: (8.0, 8.0)})
    apply_calibration(two, costs, single)
    assert (two.count, two.threads, costs.threads) == (2, 1, 1)
    assert two.calibration is costs.calibration is single
    apply_calibration(two, costs, Calibration(2, {TWO: (10.0, 10.0), ONE: (13.0, 12.0)}))
    assert (two.count, two.threads, costs.threads) == (1, 2, 2)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Workers]:
    workers = Workers(2)
    workers.start(training_input(tmp_path))
    yield workers
    workers.close()


def test_real_children_are_measured_and_free_afterwards(two: Workers, tmp_path: Path) -> None:
    folds = tmp_path / "folds.npz"
    np.savez(folds, allow_pickle=False, fit_0=np.arange(150), valid_0=np.arange(150, 200), fit_1=np.arange(50, 200))
    with np.load(folds) as kept:
        np.savez(folds, allow_pickle=False, **kept, valid_1=np.arange(50))

    def job(k: int) -> Job:
        return Job(0, "fold", SHORT, fold=k, folds=folds, hard_seconds=30.0)

    found = calibrate(two, job, 0.2)
    assert set(found.rates) == {TWO, ONE}
    assert all(len(rate) == calibration.PASSES and min(rate) > 0 for rate in found.rates.values())
    assert two.idle == 2
    assert two.fit_seconds == 0
    assert two.busy_seconds > 4 * 0.2
