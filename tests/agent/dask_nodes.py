"""A Dask cluster of real processes on this machine, as tests start it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

needs_dask = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="distributed is not installed: pip install '.[cluster]'"
)


@dataclass
class DaskCluster:
    """A scheduler, and workers by name, each with a cache of its own as if it were a machine of its own."""

    folder: Path
    address: str
    scheduler: subprocess.Popen[str]
    workers: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    def add(self, name: str, threads: int = 1, env: Mapping[str, str] | None = None) -> None:
        """Start a worker, without a nanny that would start it again when it is killed."""
        log = (self.folder / f"{name}.log").open("w")
        arguments = [
            "--name",
            name,
            "--nthreads",
            str(threads),
            "--no-nanny",
            "--no-dashboard",
            "--memory-limit",
            "4GiB",
        ]
        self.workers[name] = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_worker", self.address, *arguments],
            stdout=log,
            stderr=log,
            text=True,
            cwd=self.folder,
            env=os.environ | {"MEDALIST_NODE_CACHE": str(self.folder / "caches" / name)} | dict(env or {}),
        )

    def processes_of(self, name: str) -> list[psutil.Process]:
        """The processes that work below a worker."""
        return psutil.Process(self.workers[name].pid).children(recursive=True)

    def end(self) -> None:
        """Kill all processes that were started."""
        for process in (*self.workers.values(), self.scheduler):
            with contextlib.suppress(psutil.Error):
                below = psutil.Process(process.pid).children(recursive=True)
                process.kill()
                for one in below:
                    with contextlib.suppress(psutil.Error):
                        one.kill()
            process.wait()


@contextmanager
def dask_cluster(folder: Path, workers: Mapping[str, int]) -> Iterator[DaskCluster]:
    """A cluster with workers of so many threads, which is ready when this is entered."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "scheduler.log"
    with log.open("w") as out:
        command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
        scheduler = subprocess.Popen([*command, "--no-dashboard"], stdout=out, stderr=out, text=True, cwd=folder)
    cluster = DaskCluster(folder, "", scheduler)
    try:
        cluster.address = _said(log, r"Scheduler at:\s+(tcp://\S+)")
        for name, threads in workers.items():
            cluster.add(name, threads)
        for name in workers:
            _said(folder / f"{name}.log", r"(Registered to)")
        yield cluster
    finally:
        cluster.end()


def _said(log: Path, pattern: str, seconds: float = 60.0) -> str:
    """What a log says, once it does."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = re.search(pattern, log.read_text() if log.exists() else "")
        if found:
            return found[1]
        time.sleep(0.05)
    raise AssertionError(f"{log} does not say {pattern}: {log.read_text()}")
