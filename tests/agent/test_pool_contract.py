"""What every worker pool does; a further one is added to `POOLS` and `make_pool`, and has to pass all of this."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dask_nodes import dask_cluster, needs_dask
from test_workers import ENDLESS, SHORT, long, outcomes, short, training_input

from medalist.agent.workers.jobs import Job
from medalist.agent.workers.local import Workers
from medalist.agent.workers.pool import WorkerPool
from medalist.agent.workers.threads import Calibration, Layout
from medalist.pipelines.pipeline import Pipeline

MakePool = Callable[[int], WorkerPool]  # makes a pool of so many cores
POOLS = ["local", pytest.param("cluster", marks=[pytest.mark.slow, needs_dask])]
HELPFUL = {Layout(2, 1): (10.0, 10.0), Layout(1, 2): (8.0, 8.0)}  # a fit of two threads is 1.6 times as fast
USELESS = {Layout(2, 1): (10.0, 10.0), Layout(1, 2): (5.0, 5.0)}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The scheduler of a cluster of one node with two cores."""
    with dask_cluster(tmp_path_factory.mktemp("cluster"), {"two": 2}) as cluster:
        yield cluster.address


@pytest.fixture(params=POOLS)
def make_pool(request: pytest.FixtureRequest) -> MakePool:
    """Makes a pool of so many cores, of each kind."""
    if request.param == "local":
        return Workers
    from medalist.agent.workers.cluster.pool import ClusterWorkers

    address = request.getfixturevalue("address")
    return lambda cores: ClusterWorkers(address, most=cores)


@pytest.fixture
def two(make_pool: MakePool, tmp_path: Path) -> Iterator[WorkerPool]:
    """A started pool of two single-threaded workers."""
    pool = make_pool(2)
    pool.warm_up()
    pool.start(training_input(tmp_path))
    yield pool
    pool.close()


def test_work_comes_back(two: WorkerPool) -> None:
    two.submit(short(1))
    two.submit(short(2))
    assert two.idle == 0
    got = outcomes(two, 2)
    assert {(o.job.key, o.status) for o in got} == {(1, "ok"), (2, "ok")}
    for outcome in got:
        assert outcome.result is not None
        assert outcome.result.test.shape == (50, 1)
    assert two.idle == 2
    assert 0 < two.fit_seconds <= two.busy_seconds
    assert not two.running


def test_nothing_comes_where_nothing_runs(two: WorkerPool) -> None:
    began = time.monotonic()
    assert two.poll(30.0) == []
    assert time.monotonic() - began < 20.0  # at once, on a busy machine
    assert two.cancel([1]) == []
    two.cancel_all()


def test_there_is_room_for_one_job_a_worker_and_behind_short_ones(two: WorkerPool) -> None:
    ahead = replace(long(1), short=True)
    two.submit(ahead)
    assert two.has_room(short=False)
    two.submit(long(2))
    assert not two.has_room(short=False)
    assert two.has_room(short=True)
    two.submit(replace(short(3), short=True))
    assert not two.has_room(short=True)
    assert {job.key for job in two.running} == {1, 2}
    two.cancel_all()
    assert (two.idle, list(two.running)) == (2, [])
    assert two.poll(0.5) == []


def test_short_jobs_follow_each_other_in_their_order(two: WorkerPool) -> None:
    two.submit(long(9))
    for key in (1, 2):
        two.submit(replace(short(key), short=True))
    assert [o.job.key for o in outcomes(two, 2)] == [1, 2]


def test_over_its_time_a_job_comes_back_without_a_result(two: WorkerPool) -> None:
    two.submit(long(1, seconds=1.0))
    (got,) = outcomes(two, 1)
    assert (got.job.key, got.status, got.result) == (1, "timeout", None)
    assert got.seconds >= 1.0
    assert "limit" in (got.error or "")
    assert two.fit_seconds >= 1.0
    two.submit(short(2))
    assert [o.status for o in outcomes(two, 1)] == ["ok"]


def test_an_exception_is_an_outcome_with_its_traceback(two: WorkerPool) -> None:
    wrong = Pipeline.of(("number(nowhere)",), "lightgbm", {"rounds": 5})
    two.submit(Job(1, "prepare", wrong))
    (got,) = outcomes(two, 1)
    assert got.status == "crash"
    assert "Traceback" in (got.error or "")
    assert "There is no column 'nowhere'" in (got.error or "")


def test_cancelled_work_is_ended_and_never_comes_back(two: WorkerPool) -> None:
    two.submit(long(7))
    two.submit(short(8))
    assert [j.key for j in two.cancel([7])] == [7]
    assert [o.job.key for o in outcomes(two, 1)] == [8]
    assert two.idle == 2
    assert two.poll(0.5) == []


@pytest.mark.parametrize(("count", "threads"), [(0, 1), (1, 0), (2, 2), (3, 1)])
def test_no_more_threads_than_cores(make_pool: MakePool, count: int, threads: int) -> None:
    with closing(make_pool(2)) as pool, pytest.raises(ValueError, match="2 cores"):
        pool.reconfigure(count, threads)


def test_fewer_workers_of_more_threads(two: WorkerPool) -> None:
    two.submit(short(1))
    two.submit(short(2))
    two.reconfigure(1, 2)
    assert (two.count, two.threads) == (1, 2)
    assert {o.status for o in outcomes(two, 2)} == {"ok"}  # what ran has come to its end
    assert two.idle == 1
    two.reconfigure(2, 1)
    assert two.idle == 2


def test_a_closed_pool_has_no_workers(two: WorkerPool) -> None:
    two.submit(long(1))
    assert two.started
    two.close()
    assert not two.started
    assert (two.idle, list(two.running)) == (0, [])


def test_more_threads_only_where_cores_idle_and_threads_help(two: WorkerPool) -> None:
    assert two.threads_for(1) == 1  # nothing was measured
    two.calibration = Calibration(2, HELPFUL)
    assert two.threads_for(2) == 1
    assert two.threads_for(1) == 2
    two.submit(long(1))
    assert two.threads_for(1, "other") == 1  # the other core is taken, and for how long is not known
    two.cancel_all()
    two.calibration = Calibration(2, USELESS)
    assert two.threads_for(1) == 1


@pytest.mark.slow
def test_a_core_that_comes_free_soon_counts_as_free(two: WorkerPool, tmp_path: Path) -> None:
    """How long a job takes is known from the last fold of its pipeline."""
    folds = tmp_path / "folds.npz"
    np.savez(folds, allow_pickle=False, fit_0=np.arange(150), valid_0=np.arange(150, 200))
    two.calibration = Calibration(2, HELPFUL)
    two.submit(Job(1, "fold", SHORT, folds=folds, rounds=(5,)))
    slow = SHORT.changed(seed=1)
    two.submit(Job(2, "fold", slow, folds=folds, rounds=(ENDLESS,), soft_seconds=3.0))
    seconds = {o.job.key: o.seconds for o in outcomes(two, 2)}
    assert seconds[1] < 0.3 * seconds[2]
    two.submit(long(3))  # of the quick pipeline
    assert two.threads_for(1, slow.hash) == 2


def test_a_job_of_two_threads_keeps_two_cores_busy(two: WorkerPool) -> None:
    two.reconfigure(1, 2)
    two.submit(replace(short(1), threads=2))
    (got,) = outcomes(two, 1)
    assert got.result is not None
    assert two.busy_seconds == pytest.approx(2 * got.seconds)
    assert two.fit_seconds == pytest.approx(2 * got.result.fit_seconds)
