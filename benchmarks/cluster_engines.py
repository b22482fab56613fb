"""Ray and Dask as engines for experiments on several machines: start-up, memory, large arrays, lost and stopped nodes.

    python benchmarks/cluster_engines.py dask|ray [losses]

Run it in a virtual environment that has the engine (`distributed` or `ray`), numpy and psutil. A cluster of three nodes
of one core is started on this machine; one line of JSON is printed for each measurement, with `losses` for lost nodes
only. Figures of one machine tell nothing of a network, but what an engine adds to it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import psutil

NODES, MEGABYTES, TASKS, PATIENCE = 3, 400, 1000, 60.0


def total(array: np.ndarray) -> float:
    return float(array[:10].sum())


def nothing(number: int) -> int:
    return number


def rest(seconds: float) -> None:
    time.sleep(seconds)


def megabytes(pids: list[int]) -> float:
    """Memory of processes and their descendants that nobody else shares, in MB."""
    processes = {p.pid: p for pid in pids for p in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True))}
    return sum(p.memory_full_info().uss for p in processes.values()) / 1e6


class Dask:
    """A scheduler and three workers from the command line, as people start them."""

    def __init__(self) -> None:
        import distributed

        os.environ["DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES"] = "0"  # a lost task fails, as Ray's below
        command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "18786", "--no-dashboard"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.scheduler = subprocess.Popen(command, **quiet)  # type: ignore[call-overload]
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", "tcp://127.0.0.1:18786", "--nthreads", "1"]
        self.nodes = [
            subprocess.Popen([*worker, "--name", f"n{i}", "--no-dashboard"], **quiet)  # type: ignore[call-overload]
            for i in range(NODES)
        ]
        self.client = distributed.Client("tcp://127.0.0.1:18786", timeout=30)
        self.client.wait_for_workers(NODES)

    def pids(self, i: int) -> list[int]:
        return [self.nodes[i].pid]

    def service(self) -> list[int]:
        return [self.scheduler.pid]

    def main(self, i: int) -> int:
        """The process that a lost node loses: below its nanny."""
        return psutil.Process(self.nodes[i].pid).children(recursive=True)[-1].pid

    def put(self, array: np.ndarray) -> Any:
        return self.client.scatter(array, direct=True)

    def start(self, i: int, function: Callable[..., Any], *arguments: Any) -> Any:
        return self.client.submit(function, *arguments, workers=[f"n{i}"], pure=False, retries=0)

    def many(self) -> None:
        self.client.gather(self.client.map(nothing, range(TASKS), pure=False))

    def wait(self, future: Any, seconds: float) -> Any:
        return future.result(timeout=seconds)

    def close(self) -> None:
        for process in (*self.nodes, self.scheduler):
            tree = psutil.Process(process.pid).children(recursive=True)
            for one in (*tree, process):
                one.kill()


class Ray:
    """A head without cores and three nodes, each with a raylet."""

    def __init__(self) -> None:
        import ray
        from ray.cluster_utils import Cluster

        self.ray = ray
        self.cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
        store = {"num_cpus": 1, "object_store_memory": 700_000_000}
        self.nodes = [self.cluster.add_node(**store, resources={f"n{i}": 10}, wait=False) for i in range(NODES)]
        self.cluster.wait_for_nodes()
        ray.init(address=self.cluster.address, log_to_driver=False, logging_level="ERROR")

    def pids(self, i: int) -> list[int]:
        return [one.process.pid for kind in self.nodes[i].all_processes.values() for one in kind]

    def service(self) -> list[int]:
        return [one.process.pid for kind in self.cluster.head_node.all_processes.values() for one in kind]

    def main(self, i: int) -> int:
        return self.nodes[i].all_processes["raylet"][0].process.pid

    def put(self, array: np.ndarray) -> Any:
        return self.ray.put(array)

    def start(self, i: int, function: Callable[..., Any], *arguments: Any) -> Any:
        return self.ray.remote(max_retries=0, num_cpus=0, resources={f"n{i}": 1})(function).remote(*arguments)

    def many(self) -> None:
        task = self.ray.remote(nothing)
        self.ray.get([task.remote(i) for i in range(TASKS)])

    def wait(self, future: Any, seconds: float) -> Any:
        return self.ray.get(future, timeout=seconds)

    def close(self) -> None:
        self.ray.shutdown()
        self.cluster.shutdown()


def costs(engine: Any, say: Callable[..., None]) -> None:
    """Memory, short tasks and a large array."""
    time.sleep(5)
    say("idle node", megabytes=[round(megabytes(engine.pids(i))) for i in range(NODES)])
    say("idle scheduler", megabytes=round(megabytes(engine.service())))
    engine.many()
    began = time.monotonic()
    engine.many()
    say("short tasks", per_second=round(TASKS / (time.monotonic() - began)))
    array = np.random.default_rng(0).random(MEGABYTES * 125_000)
    began = time.monotonic()
    handle = engine.put(array)
    say("400 MB from the head", seconds=time.monotonic() - began)
    for again in (False, True):
        began = time.monotonic()
        for future in [engine.start(i, total, handle) for i in range(NODES)]:
            engine.wait(future, 120)
        say("400 MB to each node" + (", again" if again else ""), seconds=time.monotonic() - began)
    say("node with 400 MB", megabytes=[round(megabytes(engine.pids(i))) for i in range(NODES)])


def until_noticed(engine: Any, i: int, number: int) -> dict[str, Any]:
    """Seconds from a signal to a node until its task is known to have failed; None beyond PATIENCE."""
    future = engine.start(i, rest, 1000)
    time.sleep(3)
    began = time.monotonic()
    os.kill(engine.main(i), number)
    try:
        engine.wait(future, PATIENCE)
    except Exception as error:  # noqa: BLE001 - each engine has errors of its own
        took = time.monotonic() - began
        return {"seconds": round(took, 2) if took < PATIENCE else None, "error": type(error).__name__}
    return {"seconds": None}


def main(name: str, only: str = "") -> None:
    def say(what: str, **figures: Any) -> None:
        rounded = {k: round(v, 3) if isinstance(v, float) else v for k, v in figures.items()}
        print(json.dumps({"engine": name, "what": what, **rounded}), flush=True)

    began = time.monotonic()
    engine = {"dask": Dask, "ray": Ray}[name]()
    try:
        for future in [engine.start(i, nothing, i) for i in range(NODES)]:
            engine.wait(future, 60)
        say("start of three nodes until each has done a task", seconds=time.monotonic() - began)
        if only != "losses":
            costs(engine, say)
        say("kill -9 of a node", **until_noticed(engine, 0, signal.SIGKILL))
        say("SIGSTOP of a node", **until_noticed(engine, 1, signal.SIGSTOP))
    finally:
        engine.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
