"""A pool on virtual time for `scheduling.py`: jobs take as long as recorded ones, and results cross a network."""

from __future__ import annotations

import heapq
import pickle
import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from scheduling_head import Clock, Steps
from scheduling_jobs import Predictions, Recorded

from medalist.agent.workers.jobs import Job, Outcome, TrainingInput
from medalist.agent.workers.threads import Calibration
from medalist.pipelines.features.store import FeatureStore

WORKERS_PER_NODE = 16
MEMORY = 1 << 40  # bytes: memory is not simulated
RESTART_SECONDS = 1.0  # until a worker that was killed can work again
ENDS_SOON = 1.5  # a job that ends within so many seconds is left to end


@dataclass
class Worker:
    """One worker. job: what it has, until the head has taken the outcome. free_at: from when on it can begin."""

    job: Job | None = None
    queued: Job | None = None
    began: float = 0.0
    ends: float = 0.0
    free_at: float = 0.0
    generation: int = 0  # how often it was killed: ends of jobs before that do not count
    rounds: int = 0


@dataclass(order=True)
class End:
    """The end of a job on a worker."""

    at: float
    order: int
    worker: Worker = field(compare=False)
    generation: int = field(compare=False)
    job: Job = field(compare=False)
    seconds: float = field(compare=False)
    payload: bytes = field(compare=False, default=b"")


@dataclass
class SimulatedPool:
    """`count` workers on virtual time.

    latency: seconds of a message from the head to a worker or back. bandwidth: bytes a second of the head's network,
    which one outcome crosses after another. What the head does with messages (pickling) it really does.

    Attributes
    ----------
    work, lost: worker-seconds of jobs, and of those among them whose outcome nobody used. credit: of what finished
    experiments needed, as whoever uses the pool counts it.
    unproposed: worker-seconds without a job while the head had nothing to do either.
    """

    count: int
    clock: Clock
    steps: Steps
    recorded: Recorded
    predictions: Predictions
    latency: float = 0.001
    bandwidth: float = 125e6
    threads: int = 1
    calibration: Calibration | None = None
    busy_seconds: float = 0.0
    fit_seconds: float = 0.0
    work: float = 0.0
    lost: float = 0.0
    credit: float = 0.0
    unproposed: float = 0.0
    sent_bytes: int = 0

    def __post_init__(self) -> None:
        self.cores = self.count
        self._workers: list[Worker] = []
        self._ends: list[End] = []
        self._arrived: deque[tuple[float, End]] = deque()
        self._link_free = 0.0
        self._order = 0
        self._draw = random.Random(self.count)
        self._store: FeatureStore | None = None
        self._receive = self.steps.timed("receive", pickle.loads)
        self._send = self.steps.timed("send", pickle.dumps)

    @property
    def one_machine(self) -> bool:
        return False

    def news(self) -> list[str]:
        return []

    def warm_up(self) -> None:
        pass

    def fit_to_memory(self, bytes_needed: float, own: int = 0, *, exact: bool = False) -> None:
        pass

    @property
    def room(self) -> int:
        return MEMORY

    def reconfigure(self, count: int, threads: int) -> None:
        raise ValueError(f"{count} workers of {threads} threads: this pool has {self.count} of one")

    def threads_for(self, waiting: int, pipeline: str = "") -> int:  # noqa: ARG002 - as of every pool
        return 1

    def start(self, training_input: TrainingInput) -> None:
        """Send the data once to each node, one after another; its workers can begin when they have it."""
        path = training_input.store
        size = sum(f.stat().st_size for f in path.rglob("*") if f.is_file())
        t = training_input
        self._store = FeatureStore(t.store, t.fingerprint, t.n_train, t.limit)
        for k in range(self.count):
            arrives = self.clock.now + (k // WORKERS_PER_NODE + 1) * size / self.bandwidth
            self._workers.append(Worker(free_at=arrives))

    @property
    def started(self) -> bool:
        return bool(self._workers)

    @property
    def idle(self) -> int:
        return sum(w.job is None for w in self._workers)

    @property
    def running(self) -> list[Job]:
        return [w.job for w in self._workers if w.job is not None]

    def has_room(self, *, short: bool, needed: int = 0) -> bool:  # noqa: ARG002 - as of every pool
        return any(w.job is None or (short and w.job.short and w.queued is None) for w in self._workers)

    def submit(self, job: Job) -> None:
        self._send(job)
        with self.clock.paused():
            worker = next((w for w in self._workers if w.job is None), None)
            if worker is None:
                worker = next(w for w in self._workers if w.job is not None and w.job.short and w.queued is None)
                worker.queued = job
            else:
                worker.job = job
                self._begin(worker, job, max(self.clock.now + self.latency, worker.free_at))

    def _begin(self, worker: Worker, job: Job, at: float) -> None:
        worker.began = at
        if job.kind == "screen":
            assert job.screen is not None
            _, seconds = self.recorded.screening(job.screen.step)
        elif job.kind == "prepare":
            seconds = self.recorded.preparation(self._draw)
        else:
            seconds, worker.rounds = self.recorded.fit(job)
        worker.ends = at + min(seconds, job.hard_seconds)
        self._order += 1
        heapq.heappush(self._ends, End(worker.ends, self._order, worker, worker.generation, job, seconds))

    def poll(self, timeout: float) -> list[Outcome]:
        with self.clock.paused():
            if not any(w.job for w in self._workers):
                return []
            self._let_pass(timeout)
            ends = []
            while self._arrived and self._arrived[0][0] <= self.clock.now:
                ends.append(self._arrived.popleft()[1])
        return [self._collect(end) for end in ends if end.generation == end.worker.generation]

    def _let_pass(self, timeout: float) -> None:
        """Skip to the next arrival, or to the end of the timeout."""
        now = self.clock.now
        self._transfer(now)
        while self._ends and self._ends[0].generation != self._ends[0].worker.generation:
            heapq.heappop(self._ends)  # of a worker that was killed
        if self._arrived:
            following = self._arrived[0][0]
        else:
            following = self._ends[0].at + self.latency if self._ends else now + timeout
        following = min(max(following, now), now + timeout)
        self.unproposed += (following - now) * self.idle
        self.clock.skip_to(following)
        self._transfer(following)

    def _transfer(self, until: float) -> None:
        """Send the outcomes of jobs that have ended by then to the head, one after another."""
        while self._ends and self._ends[0].at <= until:
            end = heapq.heappop(self._ends)
            worker = end.worker
            if end.generation != worker.generation:
                continue
            end.payload = pickle.dumps(self._outcome(end))
            self._link_free = max(end.at + self.latency, self._link_free) + len(end.payload) / self.bandwidth
            self.sent_bytes += len(end.payload)
            self._arrived.append((self._link_free, end))
            self.work += end.at - worker.began
            worker.free_at = end.at
            if worker.queued is not None:  # it does not wait for the head
                worker.job, worker.queued, job = worker.queued, None, worker.queued
                self._begin(worker, job, end.at)

    def _outcome(self, end: End) -> Outcome:
        job, seconds = end.job, end.seconds
        if seconds > job.hard_seconds:
            return Outcome(job, "timeout", error=f"Killed after {seconds:.0f} s, its limit.", seconds=job.hard_seconds)
        if job.kind == "screen":
            assert job.screen is not None
            return Outcome(job, "ok", self.recorded.screening(job.screen.step)[0], seconds=seconds)
        if job.kind == "prepare":
            assert self._store is not None
            self._store.prepare(job.pipeline.features)  # really, so that they count as computed
            return Outcome(job, "ok", seconds=seconds)
        return Outcome(job, "ok", self.predictions.result(job, seconds, end.worker.rounds), seconds=seconds)

    def _collect(self, end: End) -> Outcome:
        outcome: Outcome = self._receive(end.payload)
        if end.worker.job is end.job:
            end.worker.job = None
        self.busy_seconds += outcome.seconds
        return Outcome(end.job, outcome.status, outcome.result, outcome.error, outcome.seconds)

    def cancel(self, keys: Iterable[int]) -> list[Job]:
        wanted, cancelled = set(keys), []
        for worker in self._workers:
            job = worker.job
            if job is None or job.key not in wanted or job.short or worker.ends - self.clock.now < ENDS_SOON:
                continue
            cancelled.append(job)
            if worker.queued is not None and worker.queued.key in wanted:
                cancelled.append(worker.queued)
                worker.queued = None
            self._kill(worker)
        return cancelled

    def cancel_all(self) -> None:
        for worker in self._workers:
            worker.queued = None
            if worker.job is not None:
                self._kill(worker)

    def _kill(self, worker: Worker) -> None:
        spent = max(0.0, min(self.clock.now, worker.ends) - worker.began)
        self.work += spent
        self.lost += spent
        worker.generation += 1
        worker.job, worker.queued, job = worker.queued, None, worker.queued
        worker.free_at = self.clock.now + RESTART_SECONDS
        if job is not None:
            self._begin(worker, job, worker.free_at)

    def close(self) -> None:
        self._workers.clear()
