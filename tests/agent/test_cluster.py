"""Experiments on a cluster: what is said of it, how data gets to nodes, and real runs while nodes go and come."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import psutil
import pytest
from command_line import assert_valid, call, demo, finished, ledger_of
from dask_nodes import DaskCluster, dask_cluster, needs_dask
from test_workers import long, outcomes, short, training_input

from medalist.agent.workers.cluster.artifacts import Catalogue
from medalist.agent.workers.cluster.cache import NodeCache
from medalist.agent.workers.cluster.engine import Engine
from medalist.agent.workers.cluster.nodes import shares
from medalist.agent.workers.cluster.pool import ClusterWorkers
from medalist.agent.workers.cluster.versions import difference, versions
from medalist.agent.workers.jobs import Job, Sources
from medalist.competitions.errors import ClusterError

# what needs no cluster


@pytest.mark.parametrize(
    ("capacities", "wanted", "expected"),
    [((4, 4), 4, [2, 2]), ((1, 1, 1), 2, [1, 1, 0]), ((8, 2), 5, [4, 1]), ((2, 0), 9, [2, 0]), ((), 3, [])],
)
def test_jobs_are_divided_over_nodes_by_their_room(
    capacities: tuple[int, ...], wanted: int, expected: list[int]
) -> None:
    assert shares(capacities, wanted) == expected


def test_files_are_named_by_their_bytes(tmp_path: Path) -> None:
    for name, value in (("a", 1.0), ("b", 1.0), ("c", 2.0)):
        np.save(tmp_path / f"{name}.npy", np.full(3, value))
    a, b, c = (tmp_path / f"{name}.npy" for name in "abc")
    catalogue = Catalogue()
    job = Job(1, "fold", short(1).pipeline, folds=c, sources=Sources(stacked=((a, b),), labels=c))
    named, names = catalogue.job(job)
    assert named.sources is not None
    (oof, test), labels = named.sources.stacked[0], named.sources.labels
    assert oof == test != labels == named.folds
    assert list(names) == [str(oof), str(labels)]
    np.save(a, np.full(3, 3.0))
    os.utime(a, (1, 1))
    changed, _ = catalogue.job(job)
    assert changed.sources is not None
    assert changed.sources.stacked[0] != (oof, test)
    b.unlink()
    with pytest.raises(FileNotFoundError):
        catalogue.job(job)


def test_a_cache_takes_only_what_came_whole_and_forgets_what_was_not_used(tmp_path: Path) -> None:
    source = tmp_path / "source.npy"
    source.write_bytes(b"x" * 1000)
    name = str(Catalogue().name(source))
    cache = NodeCache(tmp_path / "node")
    assert cache.missing([name]) == [name]
    cache.append(name, "w", 0, b"x" * 600)
    cache.append(name, "w", 600, b"y" * 400)
    assert not cache.complete(name, "w")
    assert cache.missing([name]) == [name]
    cache.append(name, "w", 0, b"x" * 600)
    cache.append(name, "w", 600, b"x" * 400)
    assert cache.complete(name, "w")
    assert cache.missing([name]) == []
    cache.place("stores/s/raw.feather", name)
    assert (tmp_path / "node/stores/s/raw.feather").read_bytes() == b"x" * 1000
    cache.trim(500, keep=[name])
    assert cache.missing([name]) == []
    cache.trim(500, keep=[])
    assert cache.missing([name]) == [name]


def test_other_versions_are_named() -> None:
    ours = versions()
    assert difference("n1", ours, ours) is None
    said = difference("n1", ours | {"lightgbm": "3.0"}, ours)
    assert said is not None
    assert "Node n1 has lightgbm 3.0" in said
    assert ours["lightgbm"] in said
    assert "medalist's source" in (difference("n1", ours | {"medalist's source": "0"}, ours) or "")


def test_without_the_engine_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)  # as where it is not installed
    with pytest.raises(ClusterError, match=r"pip install .*cluster"):
        Engine("tcp://127.0.0.1:1")


@needs_dask
@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("tcp://127.0.0.1:1", "nothing listens"),
        ("127.0.0.1", "no port"),
        ("tcp://127.0.0.1:99999999", "cannot be read"),
        ("no.such.host.invalid:8786", "not known"),
    ],
)
def test_a_wrong_address_is_said_at_once(address: str, why: str) -> None:
    began = time.monotonic()
    with pytest.raises(ClusterError, match=why):
        Engine(address)
    assert time.monotonic() - began < 15


# real clusters


@pytest.mark.slow
@needs_dask
def test_what_listens_but_is_no_scheduler_is_said_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted: list[socket.socket] = []
        threading.Thread(target=lambda: [accepted.append(server.accept()[0]) for _ in range(9)], daemon=True).start()
        began = time.monotonic()
        with pytest.raises(ClusterError, match="does not answer"):
            Engine(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        assert time.monotonic() - began < 15


@pytest.fixture
def three(tmp_path: Path) -> Iterator[DaskCluster]:
    """A cluster of three nodes of one core each, which share no cache."""
    with dask_cluster(tmp_path / "cluster", {"a": 1, "b": 1, "c": 1}) as cluster:
        yield cluster


def until(condition: object, pool: ClusterWorkers, seconds: float = 60.0) -> bool:
    """Whether a function becomes true while the pool is polled."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        pool.poll(0.2)
        time.sleep(0.05)
    return False


@pytest.mark.slow
@needs_dask
def test_the_same_bytes_as_here_and_data_once_to_each_machine(three: DaskCluster, tmp_path: Path) -> None:
    folder = demo(tmp_path / "small")
    ways = ["--max-experiments", "6", "--threads", "2"]
    here = finished("run", folder, *ways, "--runs-dir", tmp_path / "here", seconds=300)
    there = finished("run", folder, *ways, "--runs-dir", tmp_path / "there", "--cluster", three.address, seconds=300)
    assert Path(here["submission"]).read_bytes() == Path(there["submission"]).read_bytes()
    for name in three.workers:
        raw = list((tmp_path / "cluster/caches" / name / "stores").rglob("raw.feather"))
        assert len(raw) == 1
        assert raw[0].stat().st_nlink == 2  # the artifact itself, and its place in the store


@pytest.mark.slow
@needs_dask
def test_object_storage_brings_what_nodes_lack(three: DaskCluster, tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    with closing(ClusterWorkers(three.address, artifacts=f"file://{storage}")) as pool:
        pool.start(training_input(tmp_path))
        pool.submit(short(1))
        assert [o.status for o in outcomes(pool, 1)] == ["ok"]
    kept = {path.name for path in (storage / "objects").iterdir()}
    for name in three.workers:
        objects = {path.name for path in (tmp_path / "cluster/caches" / name / "objects").iterdir()}
        assert objects == kept
    with pytest.raises(ClusterError, match="cannot be"):
        ClusterWorkers(three.address, artifacts="nosuch://bucket")


@pytest.mark.slow
@needs_dask
def test_nodes_of_other_versions_are_refused_with_a_sentence(three: DaskCluster, tmp_path: Path) -> None:
    other = tmp_path / "other" / "scipy-0.0.1.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: scipy\nVersion: 0.0.1\n")
    path = os.pathsep.join([str(other.parent), os.environ.get("PYTHONPATH", "")])
    with closing(ClusterWorkers(three.address)) as pool:
        pool.start(training_input(tmp_path))
        three.add("old", env={"PYTHONPATH": path})
        said: list[str] = []
        assert until(lambda: said.extend(pool.news()) or any("scipy 0.0.1" in text for text in said), pool)
        assert "old" not in pool.nodes  # the run goes on without it
    done = call("run", demo(tmp_path / "small"), "--budget", "60s", "--cluster", three.address)
    assert done.returncode == 2
    assert "Node old has scipy 0.0.1" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.slow
@needs_dask
def test_jobs_of_nodes_that_are_killed_or_stopped_are_repeated_once_each(three: DaskCluster, tmp_path: Path) -> None:
    with closing(ClusterWorkers(three.address)) as pool:
        pool.start(training_input(tmp_path))
        assert pool.idle == 3
        for key in (1, 2, 3):
            pool.submit(long(key, seconds=25.0))
        assert until(lambda: all(len(three.processes_of(name)) >= 2 for name in three.workers), pool)
        time.sleep(3)
        below = three.processes_of("a")
        three.workers["a"].kill()
        stopped = [three.workers["b"].pid, *(p.pid for p in three.processes_of("b"))]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        assert until(lambda: set(pool.nodes) == {"c"}, pool)
        news = " ".join(pool.news())
        assert "Node a is lost" in news
        assert "Node b is lost" in news
        assert {job.key for job in pool.running} == {1, 2, 3}
        _, alive = psutil.wait_procs(below, timeout=10)
        assert not alive  # what worked below a lost node ends with it
        got = outcomes(pool, 3, seconds=150)
        assert sorted((o.job.key, o.status) for o in got) == [(1, "timeout"), (2, "timeout"), (3, "timeout")]
        assert {o.node for o in got} == {"c"}
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        assert until(lambda: set(pool.nodes) == {"b", "c"}, pool)  # it is taken in again
        assert until(lambda: pool.idle == 2, pool)
        pool.submit(short(4))
        pool.submit(short(5))
        assert sorted(o.job.key for o in outcomes(pool, 2)) == [4, 5]  # and nothing of what it did before is told


@pytest.mark.slow
@needs_dask
def test_without_nodes_the_head_works_until_some_come(three: DaskCluster, tmp_path: Path) -> None:
    with closing(ClusterWorkers(three.address, most=2)) as pool:
        pool.start(training_input(tmp_path))
        pool.submit(long(1, seconds=20.0))
        for process in three.workers.values():
            process.kill()
        (got,) = outcomes(pool, 1, seconds=120)
        assert (got.job.key, got.status, got.node) == (1, "timeout", "this machine")
        assert any("this machine" in text for text in pool.news())
        three.add("d")
        assert until(lambda: "d" in pool.nodes, pool)


@pytest.mark.slow
@needs_dask
def test_a_run_keeps_its_promises_while_nodes_are_killed_and_stopped(three: DaskCluster, tmp_path: Path) -> None:
    folder = demo(tmp_path / "small")
    budget = 75.0

    def disturb() -> None:
        time.sleep(0.45 * budget)
        three.workers["a"].kill()
        time.sleep(0.1 * budget)
        three.workers["b"].send_signal(signal.SIGSTOP)

    threading.Thread(target=disturb, daemon=True).start()
    began = time.monotonic()
    runs = tmp_path / "runs"
    ways = ["--budget", f"{budget:.0f}s", "--cluster", three.address, "--runs-dir", runs]
    summary = finished("run", folder, *ways, seconds=150)
    assert time.monotonic() - began < budget
    with ledger_of(runs) as ledger:
        (row,) = ledger.runs()
        experiments = ledger.experiments(row.id)
    assert [e.number for e in experiments] == list(range(summary["experiments"]))
    assert summary["experiments"] > 0
    assert "crash" not in summary["verdicts"]
    assert_valid(Path(summary["submission"]), folder / "sample_submission.csv")
