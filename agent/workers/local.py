"""Where experiments run: warm child processes with a time and a memory limit, killed when over."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any

from medalist.agent.workers.child import serve
from medalist.agent.workers.jobs import Bench, Job, Outcome
from medalist.agent.workers.machine import available_memory, resident
from medalist.agent.workers.threads import Calibration

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
MEMORY_CHECK_SECONDS = 0.5
SPAWN_SECONDS = 1.5  # that a new child and its imports take
SOON = 0.3  # of a job's time: a core that comes free within it counts as free for that job


@dataclass
class _Worker:
    process: Any
    pipe: connection.Connection
    job: Job | None = None
    began: float = 0.0
    ahead: Job | None = None  # sent already, to follow the present one
    leaving: bool = False  # it ends when its jobs have

    @property
    def idle(self) -> bool:
        return self.job is None and not self.leaving


class Workers:
    """A fixed number of child processes, forked from a server that holds the imported libraries.

    One job runs in a child at a time. `busy_seconds` counts their work, `fit_seconds` what of it went into fitting and
    predicting (all of it, for a fold that was killed), both times the job's threads: seconds of a core. A child that
    outlives its job's `hard_seconds`, or takes more memory than its share, is killed and replaced; its job comes back
    as an outcome like any other.

    There are `count` children at most, of `threads` threads each, on `cores` cores. Threads that wait for each other
    sleep: where they spin, as OpenMP's do unless told otherwise, two of them on a machine that others use too take
    many times as long as one.
    """

    def __init__(self, cores: int, memory_share: float = 0.8):
        self.cores = cores
        self.count = cores
        self.threads = 1
        self.calibration: Calibration | None = None
        self._share = memory_share
        self._room = available_memory() * memory_share
        self.memory_limit = int(self._room / cores)
        for name in THREAD_VARIABLES:
            os.environ[name] = "1"
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["medalist.agent.workers.preload"])
        self._bench: Bench | None = None
        self._workers: list[_Worker] = []
        self._checked = 0.0
        self._took: dict[str, float] = {}  # seconds of the last fold of each pipeline, by its hash
        self.busy_seconds = 0.0
        self.fit_seconds = 0.0

    def warm_up(self) -> None:
        """Start the fork server; it imports in the background while the caller goes on."""
        from multiprocessing import forkserver

        forkserver.ensure_running()

    def make_room(self, bytes_needed: float) -> None:
        """Before the start: fewer children, of several threads each, where a job needs more memory than its share."""
        self._room = available_memory() * self._share
        count = int(max(1, min(self.cores, self._room // max(bytes_needed, 1))))
        self.reconfigure(count, self.cores // count)

    def reconfigure(self, count: int, threads: int) -> None:
        """From now on so many children of so many threads; jobs that run, and what was sent ahead, come to their end.

        Raises ValueError where there would be no child, or more threads than cores.
        """
        if count < 1 or threads < 1 or count * threads > self.cores:
            raise ValueError(f"{count} children of {threads} threads do not fit on {self.cores} cores")
        self.count, self.threads = count, threads
        self.memory_limit = int(self._room / count)
        if not self.started:
            return
        staying = sorted(self._workers, key=lambda w: w.job is None)[:count]  # those at work first
        for worker in list(self._workers):
            worker.leaving = worker not in staying
            if worker.leaving and worker.job is None:
                self._dismiss(worker)
        self._workers += [self._spawn() for _ in range(count - len(staying))]

    def threads_for(self, waiting: int, pipeline: str = "") -> int:
        """Threads for the next job where so many wait, itself included, and none will come after them.

        More than `threads` only where cores would idle else, and where the calibration said that threads help. A core
        counts as free, too, that is at a job which ends soon by what its like took, compared with those of a
        `pipeline`, which is told by its hash.
        """
        if self.calibration is None or waiting >= self.count:
            return self.threads
        soon = SOON * self._took.get(pipeline, 0.0)
        now = time.monotonic()
        taken = sum(
            w.job.threads
            for w in self._workers
            if w.job is not None and self._took.get(w.job.pipeline.hash, float("inf")) - (now - w.began) > soon
        )
        share = (self.cores - taken) // max(1, waiting)
        return max(self.threads, self.calibration.worth(share))

    def start(self, bench: Bench) -> None:
        """Start the children and hand them their material."""
        self._bench = bench
        self._workers = [self._spawn() for _ in range(self.count)]

    def _spawn(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(theirs,), daemon=True)
        process.start()
        theirs.close()
        ours.send(self._bench)
        return _Worker(process, ours)

    @property
    def started(self) -> bool:
        """Whether there are children."""
        return bool(self._workers)

    @property
    def idle(self) -> int:
        return sum(w.idle for w in self._workers)

    @property
    def running(self) -> list[Job]:
        return [w.job for w in self._workers if w.job is not None]

    def has_room(self, *, short: bool) -> bool:
        """Whether a job can be submitted: to an idle child, or a short one to a child that is at another short one."""
        return any(w.idle or (short and _may_follow(w)) for w in self._workers)

    def submit(self, job: Job) -> None:
        """Give a job to a child that has room for it, the first idle one; there must be one."""
        worker = next((w for w in self._workers if w.idle), None)
        if worker is None:
            worker = next(w for w in self._workers if _may_follow(w))
            worker.ahead = job
        else:
            worker.job, worker.began = job, time.monotonic()
        self._send(worker, job)

    def _send(self, worker: _Worker, job: Job) -> None:
        # a child that died is found out when its outcome is collected, which brings its next job to another
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            worker.pipe.send(job)

    def poll(self, timeout: float) -> list[Outcome]:
        """Outcomes that arrive within `timeout` seconds; the limits of running jobs are enforced meanwhile."""
        busy = {w.pipe: w for w in self._workers if w.job is not None}
        if not busy:
            return []
        now = time.monotonic()
        limit = min((w.began + w.job.hard_seconds for w in busy.values() if w.job), default=now + timeout)
        ready = connection.wait(list(busy), max(0.0, min(timeout, limit - now)))
        outcomes = [self._collect(busy[pipe]) for pipe in ready]  # type: ignore[index]
        return outcomes + self._enforce([w for pipe, w in busy.items() if pipe not in ready])

    def _collect(self, worker: _Worker) -> Outcome:
        job = worker.job
        assert job is not None
        try:
            outcome, seconds = worker.pipe.recv()
        except (EOFError, OSError):  # it ended, perhaps in the middle of its answer
            worker.process.join(1)
            code = worker.process.exitcode
            self._replace(worker)
            return Outcome(job, "crash", error=f"The child process ended by itself with exit code {code}.")
        worker.job, worker.ahead, worker.began = worker.ahead, None, time.monotonic()
        if job.kind == "fold":
            self._took[job.pipeline.hash] = seconds
        self.busy_seconds += seconds * job.threads
        self.fit_seconds += getattr(outcome.result, "fit_seconds", 0.0) * job.threads
        if worker.leaving and worker.job is None:
            self._dismiss(worker)
        return Outcome(job, outcome.status, outcome.result, outcome.error, seconds)

    def _enforce(self, workers: Iterable[_Worker]) -> list[Outcome]:
        outcomes = []
        now = time.monotonic()
        look = now - self._checked >= MEMORY_CHECK_SECONDS
        if look:
            self._checked = now
        for worker in workers:
            job = worker.job
            assert job is not None
            seconds = now - worker.began
            if seconds >= job.hard_seconds:
                self._replace(worker)
                outcomes.append(
                    Outcome(job, "timeout", error=f"Killed after {seconds:.0f} s, its limit.", seconds=seconds)
                )
            elif look and (used := resident(worker.process.pid)) > self.memory_limit:
                self._replace(worker)
                message = f"Killed at {used / 2**20:,.0f} MiB; the limit is {self.memory_limit / 2**20:,.0f} MiB."
                outcomes.append(Outcome(job, "memory", error=message, seconds=seconds))
        return outcomes

    def cancel(self, keys: Iterable[int]) -> list[Job]:
        """Kill what works on these jobs and return them.

        A short one, and one that soon ends by what its like took, is left to end by itself, since a new child would
        cost more; nobody has to take its outcome.
        """
        wanted = set(keys)
        cancelled = []
        for worker in list(self._workers):
            if worker.job is not None and worker.job.key in wanted and not self._soon(worker):
                cancelled.append(worker.job)
                if worker.ahead is not None and worker.ahead.key in wanted:
                    cancelled.append(worker.ahead)
                    worker.ahead = None
                self._replace(worker)
        return cancelled

    def _soon(self, worker: _Worker) -> bool:
        """Whether a child's job ends before another child would be ready."""
        assert worker.job is not None
        left = self._took.get(worker.job.pipeline.hash, float("inf")) - (time.monotonic() - worker.began)
        return worker.job.short or 0 < left < SPAWN_SECONDS

    def cancel_all(self) -> None:
        """Kill whatever runs or waits for its turn."""
        for worker in list(self._workers):
            worker.ahead = None
            if worker.job is not None:
                self._replace(worker)

    def _replace(self, worker: _Worker) -> None:
        worker.process.kill()
        if worker.job is not None:  # what was killed was at work
            seconds = (time.monotonic() - worker.began) * worker.job.threads
            self.busy_seconds += seconds
            self.fit_seconds += 0.0 if worker.job.kind in ("prepare", "screen") else seconds
        if worker.leaving and worker.ahead is None:
            self._dismiss(worker)
            return
        worker.pipe.close()
        successor = self._spawn()
        successor.leaving = worker.leaving
        self._workers[self._workers.index(worker)] = successor
        if worker.ahead is not None:
            successor.job, successor.began = worker.ahead, time.monotonic()
            self._send(successor, worker.ahead)

    def _dismiss(self, worker: _Worker) -> None:
        """End a child that is no longer wanted."""
        worker.process.kill()
        worker.pipe.close()
        self._workers.remove(worker)

    def close(self) -> None:
        """End all children at once."""
        for worker in self._workers:
            worker.process.kill()
            worker.pipe.close()
        for worker in self._workers:
            worker.process.join(2)
        self._workers = []


def _may_follow(worker: _Worker) -> bool:
    """Whether a short job may be sent ahead to a child: it is at a short one, and at its last."""
    return worker.job is not None and worker.job.short and worker.ahead is None and not worker.leaving
