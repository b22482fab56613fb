"""The pool on virtual time of the benchmark of scheduling: what time passes, and for whom."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import scheduling
from scheduling_head import Clock, Steps, VirtualBudget
from scheduling_jobs import Predictions, Recorded
from scheduling_pool import RESTART_SECONDS, SimulatedPool

from medalist.agent.workers.jobs import Job, TrainingInput
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem

TRAIN, ALL = 60, 80
FIT = {"family": "linear", "stacked": 0, "features": 1, "params": {"alpha": 1.0}, "fold": 0, "rounds_run": 0}
PIPELINE = Pipeline.of(("number(x)",), "linear", {"alpha": 1.0})


@pytest.fixture
def pool_of(tmp_path: Path) -> Callable[..., SimulatedPool]:
    """Pools whose fits take 10 s; see `job`."""
    np.savez(tmp_path / "folds.npz", **{f"valid_{k}": np.arange(TRAIN)[k::2] for k in range(2)})
    (tmp_path / "store").mkdir()
    problem = Problem("binary", 1, 2, "logloss", False)
    given = TrainingInput(tmp_path / "store", "f", TRAIN, ALL - TRAIN, problem, tmp_path / "y.npy", 1)

    def made(count: int, **network: float) -> SimulatedPool:
        recorded = Recorded(1000)
        recorded.fits["linear", False][0].append(FIT | {"seconds": 10.0})
        clock = Clock()
        predictions = Predictions(recorded, np.zeros(ALL), TRAIN)
        pool = SimulatedPool(count, clock, Steps(clock), recorded, predictions, **network)  # type: ignore[arg-type]
        pool.start(given)
        return pool

    return made


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Job]:
    return lambda key, fold=0: Job(key, "fold", PIPELINE, fold=fold, folds=tmp_path / "folds.npz")


def test_jobs_take_their_recorded_time_on_workers_of_their_own(pool_of, job) -> None:
    pool = pool_of(2)
    pool.submit(job(1))
    pool.submit(job(2, fold=1))
    assert pool.idle == 0
    assert pool.poll(4.0) == []
    assert 4.0 <= pool.clock.now < 5.0
    got = [o for _ in range(2) if pool.running for o in pool.poll(60.0)]
    assert {(o.job.key, o.status, o.seconds) for o in got} == {(1, "ok", 10.0), (2, "ok", 10.0)}
    assert 10.0 <= pool.clock.now < 11.0
    assert [len(o.result.valid) for o in got] == [TRAIN // 2] * 2
    assert pool.work == pytest.approx(20.0)
    assert (pool.idle, pool.lost) == (2, 0.0)


def test_results_cross_the_network_one_after_another(pool_of, job) -> None:
    pool = pool_of(2, latency=1.0, bandwidth=1000.0)
    for key in (1, 2):
        pool.submit(job(key))
    arrived = []
    while pool.running:
        arrived += [pool.clock.now for _ in pool.poll(60.0)]
    size = pool.sent_bytes / 2
    assert arrived == pytest.approx([12.0 + size / 1000, 12.0 + 2 * size / 1000], abs=0.3)


def test_what_is_ended_is_lost_and_its_worker_starts_again(pool_of, job) -> None:
    pool = pool_of(1)
    pool.submit(job(1))
    pool.poll(5.0)
    assert [ended.key for ended in pool.cancel([1])] == [1]
    assert pool.lost == pytest.approx(5.0, abs=0.3)
    pool.submit(job(2))
    assert [o.job.key for o in pool.poll(60.0)] == [2]
    assert pool.clock.now == pytest.approx(15.0 + RESTART_SECONDS, abs=0.5)


def test_the_head_s_work_passes_time_and_what_is_paused_does_not() -> None:
    clock = Clock()
    budget = VirtualBudget(0.0, 100.0, clock=clock)
    steps = Steps(clock)
    work = steps.timed("work", lambda: sum(i * i for i in range(300_000)))
    before = clock.now
    work()
    assert clock.now > before
    assert steps.seconds["work"] == pytest.approx(clock.now - before, rel=0.5)
    with clock.paused():
        now = clock.now
        random.Random(0).sample(range(300_000), 100_000)
    assert clock.now - now < 0.02
    clock.skip_to(50.0)
    assert 50.0 <= budget.used < 51.0
    assert budget.left == pytest.approx(100.0 - budget.reserve - 50.0, abs=1.0)


def test_efficiency_is_against_two_workers_and_averaged_over_runs() -> None:
    base = {
        "busy": 1.0,
        "credit": 0.9,
        "lost": 0.0,
        "unproposed": 0.0,
        "head": 0.1,
        "head_each": 0.2,
        "steps": {"score": 0.5},
    }
    lines = [base | {"workers": 2, "per_hour": rate} for rate in (8.0, 12.0)]
    lines.append(base | {"workers": 8, "per_hour": 36.0, "credit": 0.729})
    rows = scheduling.rows_of(lines)
    assert rows[2].split(" | ")[1:5] == ["2", "10", "100%", "100%"]
    assert rows[3].split(" | ")[1:5] == ["1", "36", "90%", "81%"]
