"""A pool of workers on the nodes of a cluster, as the head sees it."""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Iterable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from medalist.agent.workers.cluster.census import Census, Member
from medalist.agent.workers.cluster.engine import CLOSE_SECONDS, Engine
from medalist.agent.workers.cluster.link import LocalLink, NodeLink, Shipper
from medalist.agent.workers.cluster.messages import Done, Order, Setup
from medalist.agent.workers.cluster.nodes import Node, shares
from medalist.agent.workers.jobs import Job, Outcome, TrainingInput
from medalist.agent.workers.local import SPAWN_SECONDS, calm_threads
from medalist.agent.workers.threads import Calibration

MEMORY_SHARE = 0.8  # of a node's memory for its children
FIRST_SECONDS = 120.0  # longest wait for the first node when the workers are started
OTHERS_SECONDS = 10.0  # how long the others are waited for from then on; they may still come later
MOST_LOST = 3  # so many nodes may be lost with a job before it counts as what ends them
SLOW, LEAST_SLOW_SECONDS = (
    3.0,
    5.0,
)  # a job that takes so many times what its like took, and so long, is begun elsewhere
SOON = 0.3  # as in `local`: a core is free for a job if it becomes free within this share of the job's seconds


@dataclass
class Task:
    """A submitted job. ticket: by which nodes know it. on: the nodes that do it. lost: nodes that were lost with it."""

    ticket: int
    job: Job
    on: list[Node] = field(default_factory=list)
    lost: int = 0

    @property
    def running(self) -> bool:
        """Whether a node does it, or it is to be repeated; else it is queued."""
        return not self.on or any(self.ticket in node.running for node in self.on)


class ClusterWorkers:
    """A `WorkerPool` on the nodes of a Dask cluster.

    Each node keeps the run's data in a cache of its machine and does its jobs in child processes, with the limits of a
    local pool. The jobs of a node that is lost, or has not answered for `link.SILENT_SECONDS`, are repeated elsewhere;
    what it still tells of them is ignored. A job that takes far longer than others of its pipeline is begun a second
    time where a node is idle, and counts when the first of the two ends. Nodes that come are used. Where none is left,
    the head works itself.

    most: most cores to use. steady: whether `count` stays what it was at the start, so that nothing depends on which
    nodes are there. artifacts: object storage through which nodes get data.
    """

    def __init__(self, address: str, *, most: int | None = None, steady: bool = False, artifacts: str | None = None):
        """Connect, and look at the nodes. ClusterError where there are none, or they cannot be used."""
        calm_threads()
        self.calibration: Calibration | None = None
        self.busy_seconds = self.fit_seconds = 0.0
        self.threads = 1
        self._most, self._steady, self._started = most, steady, False
        self._engine = Engine(address)
        try:
            self._census = Census(self._engine, artifacts)
            members = self._census.first()
        except BaseException:
            self._engine.close()
            raise
        self._shipper = Shipper(self._engine, url=artifacts)
        self._run = uuid.uuid4().hex[:12]
        self._inbox: queue.SimpleQueue[tuple[Node | None, str, Any]] = queue.SimpleQueue()
        self._nodes = [_node(member) for member in members]
        self._bytes_needed = 1.0
        self._tickets = 0
        self._tasks: dict[int, Task] = {}
        self._again: list[Task] = []  # whose nodes were lost
        self._setup: Setup | None = None
        self._watch: Future[Any] | None = None
        self._fold_seconds: dict[str, float] = {}  # of the last fold of each pipeline, by the pipeline's hash
        self._news: list[str] = []
        self._wanted = self._room
        self._share_out()
        self.say(_headline(address, members))

    def say(self, text: str) -> None:
        """Keep a sentence for `news`."""
        self._news.append(text)

    def news(self) -> list[str]:
        said, self._news = self._news, []
        return said

    @property
    def one_machine(self) -> bool:
        return False

    @property
    def shipped(self) -> dict[str, int]:
        """Bytes of artifacts that were brought to each machine's cache."""
        return dict(self._shipper.shipped)

    @property
    def nodes(self) -> dict[str, int]:
        """The cores of each node that is there now, by its name."""
        return {node.name: node.cores for node in self._nodes}

    @property
    def cores(self) -> int:
        there = max(1, sum(node.cores for node in self._nodes))
        return there if self._most is None else min(there, self._most)

    @property
    def count(self) -> int:
        return self._wanted if self._steady else max(1, sum(node.count for node in self._nodes))

    # configuring

    def warm_up(self) -> None:
        """Nothing to do: nodes start when they have the data."""

    def fit_to_memory(self, bytes_needed: float) -> None:
        self._bytes_needed = max(1.0, bytes_needed)
        self.threads = min((n.cores // self._most_jobs(n, 1) for n in self._nodes), default=1)
        self._wanted = self._room
        self._share_out()

    def _most_jobs(self, node: Node, threads: int) -> int:
        """How many jobs of so many threads a node has cores and memory for; at least 1 by memory."""
        by_memory = max(1.0, min(node.cores, MEMORY_SHARE * node.memory // self._bytes_needed))
        return int(min(node.cores // threads, by_memory))

    @property
    def _room(self) -> int:
        """Jobs for which all nodes together have room, within the cores that are to be used."""
        room = sum(self._most_jobs(node, self.threads) for node in self._nodes)
        return room if self._most is None else max(1, min(room, self._most // self.threads))

    def reconfigure(self, count: int, threads: int) -> None:
        if count < 1 or threads < 1 or count * threads > self.cores or self._room_for(threads) < count:
            raise ValueError(f"{count} workers of {threads} threads do not fit on {self.cores} cores of the nodes")
        self.threads, self._wanted = threads, count
        self._share_out()

    def _room_for(self, threads: int) -> int:
        return sum(node.cores // threads for node in self._nodes)

    def _share_out(self) -> None:
        """Divide the jobs that may run at a time over the nodes, and tell those nodes for which that changes."""
        parts = shares([self._most_jobs(node, self.threads) for node in self._nodes], self._wanted)
        for node, count in zip(self._nodes, parts, strict=True):
            if node.link is not None and count and count != node.count:
                node.link.post(Order("configure", count=count, threads=self.threads))
            node.count = count

    # starting and closing

    def start(self, training_input: TrainingInput) -> None:
        """Start the nodes, and wait until they have the data: for others than the first a few seconds only."""
        self._setup = Setup(Path(), training_input, 1, 1, 1, 0.0)
        self._started = True
        for node in self._nodes:
            self._open(node)
        began = time.monotonic()
        until = began + FIRST_SECONDS
        while (left := until - time.monotonic()) > 0 and not all(node.ready for node in self._nodes):
            self._take_in(min(left, 0.5))
            if any(node.ready for node in self._nodes):
                until = min(until, time.monotonic() + OTHERS_SECONDS) if until == began + FIRST_SECONDS else until
            if not self._nodes:
                break
        self._watch = self._engine.submit(self._census.watch(partial(self._tell, None)))
        self._keep_going()

    def _tell(self, node: Node | None, kind: str, what: Any) -> None:
        """What links and the census say, from any thread."""
        self._inbox.put((node, kind, what))

    def _open(self, node: Node) -> None:
        assert self._setup is not None
        link = NodeLink(self._engine, self._shipper, node.address, self._run, node.cache, partial(self._tell, node))
        node.link = link
        link.open(self._setup_of(node))

    def _setup_of(self, node: Node) -> Setup:
        assert self._setup is not None
        memory = MEMORY_SHARE * node.memory
        return replace(self._setup, cores=node.cores, count=max(1, node.count), threads=self.threads, memory=memory)

    @property
    def started(self) -> bool:
        return self._started

    def close(self) -> None:
        """End what runs on the nodes, and the connection; a node that does not answer is not waited for."""
        self._started = False
        ending = [node.link.close() for node in self._nodes if node.link is not None]
        wait(ending, timeout=CLOSE_SECONDS)
        self._nodes, self._tasks, self._again = [], {}, []
        self._engine.close()

    # jobs

    @property
    def idle(self) -> int:
        self._keep_going()
        return max(0, sum(node.idle for node in self._nodes) - len(self._again))

    @property
    def running(self) -> list[Job]:
        return [task.job for task in self._tasks.values() if task.running]

    def has_room(self, *, short: bool) -> bool:
        return self.idle > 0 or (short and not self._again and any(node.has_queue_room for node in self._nodes))

    def submit(self, job: Job) -> None:
        self._tickets += 1
        task = Task(self._tickets, job)
        self._tasks[task.ticket] = task
        node = self._idlest() or next(node for node in self._nodes if node.has_queue_room)
        self._give(task, node)

    def _idlest(self, without: Iterable[Node] = ()) -> Node | None:
        """The node with the most cores for a further job, among those that are idle; None where none is."""
        passed_over = list(without)
        idle = [node for node in self._nodes if node.idle and node not in passed_over]
        return max(idle, key=lambda node: node.idle / node.count, default=None)

    def _give(self, task: Task, node: Node) -> None:
        task.on.append(node)
        node.give(task.ticket, task.job)
        node.link.post(Order("job", job=replace(task.job, key=task.ticket)))

    def poll(self, timeout: float) -> list[Outcome]:
        until = time.monotonic() + timeout
        outcomes = self._take_in(0.0)
        self._keep_going()
        while self._tasks and not outcomes and (left := until - time.monotonic()) > 0:
            outcomes = self._take_in(min(left, 0.5))
            self._keep_going()
        return outcomes

    def _take_in(self, seconds: float) -> list[Outcome]:
        """Process what links have told, waiting so many seconds for the first; returns the outcomes among it."""
        outcomes: list[Outcome] = []
        while True:
            try:
                node, kind, what = self._inbox.get(timeout=seconds) if seconds > 0 else self._inbox.get_nowait()
            except queue.Empty:
                return outcomes
            seconds = 0.0
            if node is None:
                self._take_census(kind, what)
            elif node in self._nodes:
                outcomes += self._take(node, kind, what)

    def _take(self, node: Node, kind: str, what: Any) -> list[Outcome]:
        if kind == "ready":
            node.ready = True
        elif kind == "lost":
            return self._lose(node, str(what))
        elif kind == "failed":
            ticket, why = what
            return self._end(Done(ticket, "crash", None, why, 0.0), node)
        elif isinstance(what, Done):
            return self._end(what, node)
        return []

    def _end(self, done: Done, node: Node) -> list[Outcome]:
        """The outcome of a job that has ended on a node; [] where it was cancelled or has ended elsewhere."""
        node.drop(done.ticket)
        task = self._tasks.pop(done.ticket, None)
        if task is None:
            return []
        self._end_copies(task, node)
        job = task.job
        if job.kind == "fold" and done.status == "ok":
            self._fold_seconds[job.pipeline.hash] = done.seconds
        self.busy_seconds += done.seconds * job.threads
        fit_seconds = getattr(done.result, "fit_seconds", 0.0)
        if done.status in ("timeout", "memory") and job.kind in ("fold", "full"):
            fit_seconds = done.seconds
        self.fit_seconds += fit_seconds * job.threads
        return [Outcome(job, done.status, done.result, done.error, done.seconds, node.name)]

    def _end_copies(self, task: Task, but: Node | None = None) -> None:
        """End a job on all nodes but one."""
        for node in task.on:
            if node is not but:
                node.drop(task.ticket)
                node.link.post(Order("cancel", tickets=(task.ticket,)))

    # cancelling

    def cancel(self, keys: Iterable[int]) -> list[Job]:
        wanted = set(keys)
        chosen = [
            task
            for task in self._tasks.values()
            if task.job.key in wanted and task.running and not self._ends_soon(task)
        ]
        behind = {ticket for task in chosen for node in task.on for ticket in node.queued}
        chosen += [task for task in self._tasks.values() if task.ticket in behind and task.job.key in wanted]
        for task in chosen:
            self._forget(task)
        return [task.job for task in chosen]

    def _ends_soon(self, task: Task) -> bool:
        """Whether a job is likely to end before a new child could start."""
        return task.job.short or 0 < self._seconds_left(task) < SPAWN_SECONDS

    def _seconds_left(self, task: Task) -> float:
        """Expected seconds until a job ends, from the last fold of the same pipeline; infinite where there is none."""
        took = max((node.seconds(task.ticket) for node in task.on), default=0.0)
        return self._fold_seconds.get(task.job.pipeline.hash, float("inf")) - took

    def _forget(self, task: Task) -> None:
        """End a job, of which no outcome will come."""
        seconds = max((node.seconds(task.ticket) for node in task.on), default=0.0) * task.job.threads
        self.busy_seconds += seconds
        self.fit_seconds += 0.0 if task.job.kind in ("prepare", "screen") else seconds
        del self._tasks[task.ticket]
        self._again = [other for other in self._again if other is not task]
        self._end_copies(task)

    def cancel_all(self) -> None:
        for task in list(self._tasks.values()):
            self._forget(task)
        for node in self._nodes:
            if node.link is not None:
                node.link.post(Order("cancel"))

    def threads_for(self, waiting: int, pipeline: str = "") -> int:
        """As a local pool's, within the cores of one node."""
        if self.calibration is None or waiting >= self.count:
            return self.threads
        soon = SOON * self._fold_seconds.get(pipeline, 0.0)
        free = {id(node): node.free_cores for node in self._nodes if node.ready}
        for task in self._tasks.values():
            for node in task.on:
                if task.ticket in node.running and id(node) in free and self._seconds_left(task) <= soon:
                    free[id(node)] += task.job.threads
        share = min(sum(free.values()) // max(1, waiting), max(free.values(), default=0))
        return max(self.threads, self.calibration.useful_threads(share))

    # nodes that go and come

    def _take_census(self, kind: str, what: Any) -> None:
        """A node has come, or something is to be said of one."""
        if kind == "note":
            self.say(str(what))
            return
        member: Member = what
        self._nodes = [node for node in self._nodes if node.address]  # the head's own part has ended its turn
        node = _node(member)
        self._nodes.append(node)
        if not self._steady:
            self._wanted = self._room
        self._share_out()
        self._open(node)
        self.say(f"Node {node.name} has come, with {_cores(node.cores)}.")

    def _lose(self, node: Node, why: str) -> list[Outcome]:
        """Go on without a node: its jobs are repeated elsewhere, and those that it was lost with too often fail."""
        self._nodes.remove(node)
        self._census.lost(node.address)
        outcomes: list[Outcome] = []
        repeated = 0
        for task in [task for task in self._tasks.values() if node in task.on]:
            task.on.remove(node)
            task.lost += 1
            if task.on:
                continue
            if task.lost >= MOST_LOST:
                del self._tasks[task.ticket]
                outcomes.append(Outcome(task.job, "crash", error=f"It was lost with {task.lost} nodes: {why}."))
                continue
            self._again.append(task)
            repeated += 1
        if not self._steady:
            self._wanted = max(1, self._room)
        self._share_out()
        jobs = "its job is" if repeated == 1 else f"its {repeated} jobs are"
        tail = f"; {jobs} repeated elsewhere." if repeated else "."
        self.say(f"Node {node.name} is lost ({why}){tail}")
        return outcomes

    def _keep_going(self) -> None:
        """Have at least the head work, repeat what was lost, and begin what is slow a second time."""
        if not self._started or self._setup is None:
            return
        if not self._nodes:
            self._work_here()
        while self._again and (idle := self._idlest()) is not None:
            self._give(self._again.pop(0), idle)
        for task in list(self._tasks.values()):
            if len(task.on) == 1 and self._is_slow(task) and (idle := self._idlest(task.on)) is not None:
                self._give(task, idle)

    def _is_slow(self, task: Task) -> bool:
        """Whether a fold takes far longer than the last one of its pipeline did."""
        usual = self._fold_seconds.get(task.job.pipeline.hash)
        took = task.on[0].seconds(task.ticket)
        return task.job.kind == "fold" and usual is not None and took > max(LEAST_SLOW_SECONDS, SLOW * usual)

    def _work_here(self) -> None:
        """Work on this machine, since no node is there."""
        import joblib

        assert self._setup is not None
        from medalist.agent.workers.machine import available_memory

        node = Node("this machine", int(joblib.cpu_count()), float(available_memory()))
        self._nodes.append(node)
        self.threads = min(self.threads, node.cores)
        if not self._steady:
            self._wanted = self._room
        self._share_out()
        node.link = LocalLink(replace(self._setup_of(node), alive_seconds=float("inf")), partial(self._tell, node))
        node.ready = True
        self.say("No node of the cluster is left: the run goes on on this machine until one comes.")


def _node(member: Member) -> Node:
    return Node(member.name, member.cores, member.memory, member.address, member.cache)


def _headline(address: str, members: list[Member]) -> str:
    """The nodes and their cores in a sentence."""
    cores = sum(member.cores for member in members)
    listed = ", ".join(f"{member.name} ({member.cores})" for member in members[:8])
    more = f" and {len(members) - 8} more" if len(members) > 8 else ""
    nodes = "1 node" if len(members) == 1 else f"{len(members)} nodes"
    return f"The cluster at {address} has {nodes} with {_cores(cores)}: {listed}{more}."


def _cores(count: int) -> str:
    return "1 core" if count == 1 else f"{count} cores"
