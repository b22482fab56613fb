"""A pool of warm child processes on this machine, with a time and a memory limit for each job."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from multiprocessing import connection

from medalist.agent.workers import processes
from medalist.agent.workers.allowance import Allowance, size_text
from medalist.agent.workers.child import serve
from medalist.agent.workers.children import Child, to_relieve
from medalist.agent.workers.jobs import Job, Outcome, TrainingInput
from medalist.agent.workers.threads import Calibration
from medalist.competitions.clock import awake

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
MEMORY_CHECK_SECONDS = 0.2  # between two checks of the memory that the children use
SPAWN_SECONDS = 1.5  # time that a new child takes to start: a job that ends sooner is not killed
SOON = 0.3  # a core counts as free for a job if it becomes free within this share of the job's expected seconds
KILLED = (-signal.SIGKILL, 255)  # exit codes of a child that was killed, or whose fork server was
REAP_SECONDS = 2.0  # longest wait for the end of each killed child when the pool is closed


def calm_threads() -> None:
    """Let numerical libraries that are loaded from now on, here and in children, use one thread unless told otherwise,
    and their threads sleep while they wait for each other."""
    for name in THREAD_VARIABLES:
        os.environ[name] = "1"
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


class Workers:
    """A `WorkerPool` of child processes, forked from a server that holds the imported libraries.

    There are `count` children of `threads` threads each, on `cores` cores. A child that outlives its job's
    `hard_seconds` is killed and replaced, and the job comes back with the status "timeout"; in `busy_seconds` and
    `fit_seconds` it counts until then. The same happens, with the status "memory", to the child that is furthest beyond
    what its job was expected to take, where all processes of the run together hold more than they may (`Allowance`). A
    job whose child is killed from outside (SIGKILL) is done once more by another child; if that is killed too, it has
    crashed.

    memory: bytes that they may hold; None for the share `memory_share` of what is available.

    Threads that wait for each other sleep: where they spin, as OpenMP's do by default, two of them on a machine that
    others use too take many times as long as one.
    """

    def __init__(self, cores: int, memory_share: float = 0.8, memory: int | None = None):
        self.cores = self.count = cores
        self.threads = 1
        self.calibration: Calibration | None = None
        self.busy_seconds = self.fit_seconds = 0.0
        self._allowance = Allowance(memory, memory_share)
        calm_threads()
        self._training_input: TrainingInput | None = None
        self._children: list[Child] = []
        self._memory_checked = 0.0
        self._fold_seconds: dict[str, float] = {}  # of the last fold of each pipeline, by the pipeline's hash

    def warm_up(self) -> None:
        """Start the fork server, which imports in the background."""
        processes.warm_up()

    def fit_to_memory(self, bytes_needed: float, own: int = 0, *, exact: bool = False) -> None:
        """To be called before the start: have so few children that a job of so many bytes has room in each, and give
        them the cores that are left as further threads.

        own: bytes that the agent itself is expected to hold. exact: whether nothing may depend on what is measured; the
        number of children then stays as it is, unless a person has set the limit.
        """
        self._allowance.reserve(own, self.pids, exact=exact)
        if self._allowance.is_set or not exact:
            count = int(max(1, min(self.cores, self.room // max(bytes_needed, 1))))
            self.reconfigure(count, self.cores // count)

    @property
    def room(self) -> int:
        """Bytes for the children together, and for a job that runs alone."""
        return self._allowance.room

    @property
    def memory_limit(self) -> int:
        """Bytes for each child where all have as much."""
        return self.room // self.count

    def reconfigure(self, count: int, threads: int) -> None:
        """Have `count` children of `threads` threads from now on; jobs that run or are queued come to their end.

        Raises ValueError where that is less than one child or thread, or more threads than cores.
        """
        if count < 1 or threads < 1 or count * threads > self.cores:
            raise ValueError(f"{count} children of {threads} threads do not fit on {self.cores} cores")
        self.count, self.threads = count, threads
        if not self.started:
            return
        staying = sorted(self._children, key=lambda c: c.job is None)[:count]  # busy ones first
        for child in list(self._children):
            child.retiring = child not in staying
            if child.retiring and child.job is None:
                self._dismiss(child)
        self._children += [self._spawn() for _ in range(count - len(staying))]

    def threads_for(self, waiting: int, pipeline: str = "") -> int:
        """The number of threads for the next job, where `waiting` jobs are left to submit, that one included.

        More than `threads` only where cores would be idle otherwise and the calibration shows that more threads help. A
        core counts as free, too, where its job is expected to end soon (see SOON); expected are the seconds of the last
        fold of the same `pipeline` (a hash).
        """
        if self.calibration is None or waiting >= self.count:
            return self.threads
        soon = SOON * self._fold_seconds.get(pipeline, 0.0)
        taken = sum(c.job.threads for c in self._children if c.job is not None and self._seconds_left(c) > soon)
        share = (self.cores - taken) // max(1, waiting)
        return max(self.threads, self.calibration.useful_threads(share))

    def _seconds_left(self, child: Child) -> float:
        """Expected seconds until a child's job ends, from the last fold of the same pipeline; infinite where there is
        none, and negative where it has taken longer than that."""
        assert child.job is not None
        expected = self._fold_seconds.get(child.job.pipeline.hash, float("inf"))
        return expected - (awake() - child.began)

    def start(self, training_input: TrainingInput) -> None:
        """Start the children and give them their training input."""
        self._training_input = training_input
        self._children = [self._spawn() for _ in range(self.count)]

    def _spawn(self) -> Child:
        """A new child, which was sent the training input."""
        process, pipe = processes.start_child(serve)
        with contextlib.suppress(
            BrokenPipeError, ConnectionResetError
        ):  # killed: noticed when its outcome is collected
            pipe.send(self._training_input)
        return Child(process, pipe)

    @property
    def started(self) -> bool:
        """Whether there are children."""
        return bool(self._children)

    @property
    def idle(self) -> int:
        return sum(c.idle for c in self._children)

    @property
    def running(self) -> list[Job]:
        return [c.job for c in self._children if c.job is not None]

    @property
    def one_machine(self) -> bool:
        return True

    def news(self) -> list[str]:
        return []

    @property
    def pids(self) -> list[int]:
        """Process ids of the children, busy ones first."""
        return [c.process.pid for c in sorted(self._children, key=lambda c: c.job is None)]

    def has_room(self, *, short: bool, needed: int = 0) -> bool:
        """Whether a job that takes `needed` bytes (0: not known) can be submitted: to an idle child, where there is
        memory beside the jobs that run, or a short one behind another short one."""
        if any(c.idle for c in self._children):
            reserved = [self._bytes_of(c.job.memory) for c in self._children if c.job is not None]
            return not reserved or sum(reserved) + self._bytes_of(needed) <= self.room
        return short and any(c.has_queue_room for c in self._children)

    def _bytes_of(self, memory: int) -> int:
        """Bytes that a job is counted with: its expected ones, or an equal share where these are not known."""
        return memory or self.memory_limit

    def submit(self, job: Job) -> None:
        """Give a job to the first idle child, or queue it behind a short one. There must be room for it."""
        child = next((c for c in self._children if c.idle), None)
        if child is None:
            child = next(c for c in self._children if c.has_queue_room)
            child.queued = job
        else:
            child.job, child.began, child.again, child.peak = job, awake(), False, 0
        child.send(job)

    def poll(self, timeout: float) -> list[Outcome]:
        """Outcomes that arrive within `timeout` seconds; the limits of running jobs are enforced meanwhile."""
        busy = {c.pipe: c for c in self._children if c.job is not None}
        if not busy:
            return []
        now = awake()
        limit = min((c.began + c.job.hard_seconds for c in busy.values() if c.job), default=now + timeout)
        ready = connection.wait(list(busy), max(0.0, min(timeout, limit - now)))
        collected = [self._collect(busy[pipe]) for pipe in ready]  # type: ignore[index]
        return [outcome for outcome in collected if outcome is not None] + self._enforce_limits(
            [c for pipe, c in busy.items() if pipe not in ready]
        )

    def _collect(self, child: Child) -> Outcome | None:
        """Read the outcome that a child has sent, and go on with its queued job. Where it has died instead: None if its
        job is done once more, else a crash."""
        job = child.job
        assert job is not None
        try:
            outcome, seconds = child.pipe.recv()
        except (EOFError, OSError):  # the child has died, perhaps in the middle of its answer
            child.process.join(1)
            code = child.process.exitcode
            if code in KILLED and not child.again:
                self._replace(child, again=True)
                return None
            self._replace(child)
            return Outcome(job, "crash", error=f"The child process ended by itself with exit code {code}.")
        peak = max(outcome.peak, child.peak)
        child.job, child.queued, child.began, child.again, child.peak = child.queued, None, awake(), False, 0
        if job.kind == "fold":
            self._fold_seconds[job.pipeline.hash] = seconds
        self.busy_seconds += seconds * job.threads
        self.fit_seconds += getattr(outcome.result, "fit_seconds", 0.0) * job.threads
        if child.retiring and child.job is None:
            self._dismiss(child)
        return Outcome(job, outcome.status, outcome.result, outcome.error, seconds, peak)

    def _enforce_limits(self, children: Iterable[Child]) -> list[Outcome]:
        """Kill and replace children that are over their time, and one where the run is over its memory; returns their
        jobs' outcomes."""
        outcomes, now = [], awake()
        for child in children:
            job = child.job
            assert job is not None
            seconds = now - child.began
            if seconds >= job.hard_seconds:
                self._replace(child)
                message = f"Killed after {seconds:.0f} s, its limit."
                outcomes.append(Outcome(job, "timeout", error=message, seconds=seconds))
        if now - self._memory_checked >= MEMORY_CHECK_SECONDS:
            self._memory_checked = now
            outcomes += self._enforce_memory(now)
        return outcomes

    def _enforce_memory(self, now: float) -> list[Outcome]:
        """Where the run holds more than it may, replace the children that `to_relieve` names; returns the outcomes of
        those that were busy."""
        relieving = to_relieve(self._children, self._allowance, self.memory_limit, now)
        outcomes = []
        for child in relieving:
            job, peak, seconds = child.job, child.peak, now - child.began
            self._replace(child)
            if job is not None:
                error = f"Killed at {size_text(peak)}: the run may hold {size_text(self._allowance.limit)} in all."
                outcomes.append(Outcome(job, "memory", error=error, seconds=seconds, peak=peak))
        return outcomes

    def cancel(self, keys: Iterable[int]) -> list[Job]:
        """Kill the children that work on these jobs, and return the jobs that were ended.

        A short job, and one that is expected to end before a new child would be ready, is left to end by itself; its
        outcome can be ignored.
        """
        wanted = set(keys)
        cancelled = []
        for child in list(self._children):
            if child.job and child.job.key in wanted and not self._ends_soon(child):
                cancelled.append(child.job)
                if child.queued is not None and child.queued.key in wanted:
                    cancelled.append(child.queued)
                    child.queued = None
                self._replace(child)
        return cancelled

    def _ends_soon(self, child: Child) -> bool:
        """Whether its job is likely to end before a new child could start."""
        assert child.job is not None
        return child.job.short or 0 < self._seconds_left(child) < SPAWN_SECONDS

    def cancel_all(self) -> None:
        """Kill whatever runs or is queued."""
        for child in list(self._children):
            child.queued = None
            if child.job is not None:
                self._replace(child)

    def _replace(self, child: Child, *, again: bool = False) -> None:
        """Kill a child and start another, which gets the queued job, with `again` after the one that the child was at;
        none is started where there is no such job and the child was to retire."""
        child.process.kill()
        if child.job is not None:
            seconds = (awake() - child.began) * child.job.threads
            self.busy_seconds += seconds
            self.fit_seconds += 0.0 if child.job.kind in ("prepare", "screen") else seconds
        jobs = [job for job in (child.job if again else None, child.queued) if job is not None]
        if child.retiring and not jobs:
            self._dismiss(child)
            return
        child.pipe.close()
        successor = self._spawn()
        successor.retiring = child.retiring
        self._children[self._children.index(child)] = successor
        for job in jobs:
            if successor.job is None:
                successor.job, successor.began, successor.again = job, awake(), again
            else:
                successor.queued = job
            successor.send(job)

    def _dismiss(self, child: Child) -> None:
        """End a child that gets no successor."""
        child.process.kill()
        child.pipe.close()
        self._children.remove(child)

    def close(self) -> None:
        """End all children at once."""
        for child in self._children:
            child.process.kill()
            child.pipe.close()
        for child in self._children:
            child.process.join(REAP_SECONDS)
        self._children = []
