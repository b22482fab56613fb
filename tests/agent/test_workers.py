"""Child processes: work comes back, and what takes too much time or memory, or loses its parent, is ended."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from command_line import assert_gone, columns

from medalist.agent.workers import allowance, processes
from medalist.agent.workers.child import serve
from medalist.agent.workers.jobs import Job, Outcome, TrainingInput
from medalist.agent.workers.local import Workers
from medalist.agent.workers.machine import available_memory
from medalist.agent.workers.pool import WorkerPool
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem

FEATURES = ("number(size)", "number(weight)", "code(city)")
SHORT = Pipeline.of(FEATURES, "lightgbm", {"learning_rate": 0.1, "rounds": 5})
ENDLESS = 10_000_000  # boosting rounds


def training_input(folder: Path, train: int = 200, test: int = 50) -> TrainingInput:
    frame = columns(train + test)
    FeatureStore.create(folder / "store", "abc", frame[:train], frame[train:])
    np.save(folder / "targets.npy", frame[["weight"]].to_numpy()[:train])
    problem = Problem("regression", 1, 0, "l2", False)
    return TrainingInput(folder / "store", "abc", train, test, problem, folder / "targets.npy", 1 << 30)


def long(key: int, seconds: float = float("inf")) -> Job:
    return Job(key, "full", SHORT, rounds=(ENDLESS,), hard_seconds=seconds)


def short(key: int) -> Job:
    return Job(key, "full", SHORT, rounds=(5,))


def outcomes(workers: WorkerPool, wanted: int, seconds: float = 60.0) -> list[Outcome]:
    got: list[Outcome] = []
    deadline = time.monotonic() + seconds
    while len(got) < wanted and time.monotonic() < deadline:
        got += workers.poll(0.2)
    return got


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Workers]:
    workers = Workers(2)
    workers.start(training_input(tmp_path))
    yield workers
    workers.close()


def test_over_its_time_it_is_killed_and_replaced(two: Workers) -> None:
    before = two.pids
    two.submit(long(1, seconds=1.0))
    killed = [psutil.Process(two.pids[0])]  # the one at work
    two.submit(short(2))
    began = time.monotonic()
    got = {o.job.key: o for o in outcomes(two, 2)}
    assert time.monotonic() - began < 30
    assert got[2].status == "ok"
    assert (got[1].status, got[1].result) == ("timeout", None)
    assert "limit" in (got[1].error or "")
    after = two.pids
    assert len(after) == 2
    assert len(set(after) & set(before)) == 1
    assert_gone(killed)
    two.submit(short(3))
    two.submit(short(4))
    assert {o.status for o in outcomes(two, 2)} == {"ok"}


def test_over_its_memory_it_is_killed_and_replaced(tmp_path: Path) -> None:
    workers = Workers(1, memory_share=1e-7)  # a few kilobytes
    workers.start(training_input(tmp_path))
    try:
        before = workers.pids
        workers.submit(long(1))
        (got,) = outcomes(workers, 1)
        assert (got.job.key, got.status, got.result) == (1, "memory", None)
        assert "MiB" in (got.error or "")
        assert workers.pids != before
        assert workers.idle == 1
    finally:
        workers.close()


def test_the_job_of_a_killed_child_is_done_once_more(two: Workers) -> None:
    for key in (1, 2, 3):  # the third waits behind one of the others
        two.submit(replace(short(key), short=True))
    for pid in two.pids:
        psutil.Process(pid).kill()
    got = outcomes(two, 3)
    assert sorted((o.job.key, o.status) for o in got) == [(1, "ok"), (2, "ok"), (3, "ok")]
    assert outcomes(two, 1, seconds=0.5) == []


def test_another_fork_server_takes_the_place_of_one_that_is_killed(two: Workers, tmp_path: Path) -> None:
    two.submit(short(1))
    server = psutil.Process(two.pids[0]).parent()
    assert server is not None
    server.suspend()
    started: list[Any] = []
    starting = threading.Thread(target=lambda: started.append(processes.start_child(serve)))
    starting.start()
    time.sleep(0.5)  # it has asked for a child, and waits for the answer
    server.kill()
    starting.join(60)
    ((process, pipe),) = started
    pipe.send(training_input(tmp_path / "other"))
    pipe.send(short(1))
    assert pipe.recv()[0].status == "ok"
    process.kill()
    two.submit(short(2))
    assert sorted((o.job.key, o.status) for o in outcomes(two, 2)) == [(1, "ok"), (2, "ok")]


def test_a_job_whose_children_are_killed_one_after_another_is_a_crash(two: Workers) -> None:
    two.submit(long(1))
    first = two.pids[0]
    psutil.Process(first).kill()
    assert outcomes(two, 1, seconds=0.5) == []
    (second,) = {two.pids[0]} - {first}
    psutil.Process(second).kill()
    (got,) = outcomes(two, 1)
    assert (got.job.key, got.status) == (1, "crash")
    assert "exit code -9" in (got.error or "")
    two.submit(short(2))
    assert [o.status for o in outcomes(two, 1)] == ["ok"]


def test_an_idle_child_that_died_is_replaced_when_work_comes(two: Workers) -> None:
    children = [psutil.Process(pid) for pid in two.pids]
    for child in children:
        child.kill()
    assert_gone(children)
    two.submit(short(1))
    two.submit(short(2))
    assert {(o.job.key, o.status) for o in outcomes(two, 2)} <= {(k, s) for k in (1, 2) for s in ("ok", "crash")}
    two.submit(short(3))
    assert [o.status for o in outcomes(two, 1)] == ["ok"]


def test_fewer_children_begin_when_what_runs_has_ended(two: Workers) -> None:
    two.submit(short(1))
    two.submit(long(2, seconds=1.5))
    before = set(two.pids)
    two.reconfigure(1, 2)
    assert (two.count, two.threads) == (1, 2)
    assert {(o.job.key, o.status) for o in outcomes(two, 2)} == {(1, "ok"), (2, "timeout")}
    assert len(two.pids) == two.idle == 1
    assert not before.isdisjoint(two.pids)  # one of them stayed, or took the place of the killed one
    two.submit(short(3))
    assert [o.status for o in outcomes(two, 1)] == ["ok"]
    two.reconfigure(2, 1)
    assert two.idle == 2
    two.submit(short(4))
    two.submit(short(5))
    assert {(o.job.key, o.status) for o in outcomes(two, 2)} == {(4, "ok"), (5, "ok")}


def test_idle_children_that_are_too_many_end_at_once(two: Workers) -> None:
    processes = [psutil.Process(pid) for pid in two.pids]
    two.submit(short(1))
    two.reconfigure(1, 1)
    assert two.idle == 0
    assert not two.has_room(short=False)
    assert_gone(processes[1:])
    assert [o.job.key for o in outcomes(two, 1)] == [1]
    assert two.pids == [processes[0].pid]


def test_little_memory_makes_fewer_children_of_more_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowance, "available_memory", lambda: 1000)
    workers = Workers(4, memory_share=0.5)
    assert workers.memory_limit == 125
    for needed, count, threads in ((10, 4, 1), (200, 2, 2), (400, 1, 4), (10_000, 1, 4), (10, 4, 1)):
        workers.fit_to_memory(needed)
        assert (workers.count, workers.threads, workers.memory_limit) == (count, threads, 500 // count)


def test_a_container_has_the_memory_that_it_may_use(tmp_path: Path) -> None:
    free = psutil.virtual_memory().available
    assert 0.5 * free < available_memory(tmp_path) < 2 * free  # no container
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("900\n")
    assert available_memory(tmp_path) > 1 << 20
    (tmp_path / "memory.max").write_text("5000\n")
    assert available_memory(tmp_path) == 4100
    (tmp_path / "memory.stat").write_text("anon 600\ninactive_file 250\n")  # which is given up when it is needed
    assert available_memory(tmp_path) == 4350
    (tmp_path / "memory.current").write_text("9000\n")
    assert available_memory(tmp_path) == 0
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory.max").unlink()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("7000\n")
    (tmp_path / "memory" / "memory.usage_in_bytes").write_text("3000\n")
    assert available_memory(tmp_path) == 4000


def test_threads_that_wait_for_each_other_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    Workers(2)
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    Workers(2)
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"  # as a person wants it


PARENT = """
import sys, time
from pathlib import Path
from test_workers import training_input, long
from medalist.agent.workers.local import Workers
if __name__ == "__main__":
    workers = Workers(2)
    workers.start(training_input(Path(sys.argv[1])))
    workers.submit(long(1))
    time.sleep(2)  # one child boosts, one waits
    print("ready", flush=True)
    time.sleep(600)
"""


def test_children_of_a_killed_run_end_even_in_the_middle_of_a_fit(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    path = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    script.write_text(path + PARENT, encoding="utf-8")
    parent = subprocess.Popen([sys.executable, str(script), str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    children = psutil.Process(parent.pid).children(recursive=True)
    assert len(children) >= 3  # the fork server and two workers
    parent.kill()
    parent.wait()
    assert_gone(children)
