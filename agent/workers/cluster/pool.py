"""A pool of workers on the nodes of a cluster, as the head sees it."""

from __future__ import annotations

import queue
import uuid
from collections.abc import Iterable
from concurrent.futures import Future, wait
from dataclasses import replace
from functools import partial
from typing import Any

from medalist.agent.workers.cluster.census import Census, Member, cores, headline
from medalist.agent.workers.cluster.engine import CLOSE_SECONDS, Engine
from medalist.agent.workers.cluster.link import LocalLink, NodeLink, Shipper
from medalist.agent.workers.cluster.messages import Done, Order, Setup
from medalist.agent.workers.cluster.nodes import Node
from medalist.agent.workers.cluster.roster import MEMORY_SHARE, Roster
from medalist.agent.workers.cluster.tasks import FoldSeconds, Task
from medalist.agent.workers.jobs import Job, Outcome, TrainingInput
from medalist.agent.workers.local import calm_threads
from medalist.agent.workers.machine import available_memory
from medalist.agent.workers.threads import Calibration
from medalist.competitions.clock import awake

FIRST_SECONDS = 30.0  # longest wait for the first node when the workers are started
OTHERS_SECONDS = 10.0  # how long the others are waited for from then on; they may still come later
MOST_LOST = 3  # so many nodes may be lost with a job before it counts as what ends them


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
        self._started = False
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
        self._roster = Roster([_node(member) for member in members], most, steady)
        self._tickets = 0
        self._tasks: dict[int, Task] = {}
        self._again: list[Task] = []  # whose nodes were lost
        self._setup: Setup | None = None
        self._watch: Future[Any] | None = None
        self._fold_seconds = FoldSeconds()
        self._news: list[str] = []
        self.say(headline(address, members))

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
    def _nodes(self) -> list[Node]:
        return self._roster.nodes

    @property
    def cores(self) -> int:
        return self._roster.cores

    @property
    def count(self) -> int:
        return self._roster.count

    @property
    def threads(self) -> int:
        return self._roster.threads

    def warm_up(self) -> None:
        """Nothing to do: nodes start when they have the data."""

    def fit_to_memory(self, bytes_needed: float, own: int = 0, *, exact: bool = False) -> None:  # noqa: ARG002
        if not exact:  # each node looks after its memory
            self._roster.fit_to_memory(bytes_needed)

    @property
    def room(self) -> int:
        """Bytes for a job that runs alone on the node with the least memory."""
        return int(MEMORY_SHARE * min((n.memory for n in self._nodes), default=float(available_memory())))

    def reconfigure(self, count: int, threads: int) -> None:
        self._roster.reconfigure(count, threads)

    # starting and closing

    def start(self, training_input: TrainingInput) -> None:
        """Start the nodes, and wait until they have the data: for others than the first a few seconds only."""
        self._setup = Setup(training_input, 1, 1, 1, 0.0)
        self._started = True
        for node in self._nodes:
            self._open(node)
        until = awake() + FIRST_SECONDS
        while not all(node.ready for node in self._nodes) and (left := until - awake()) > 0:
            none = not any(node.ready for node in self._nodes)
            self._take_in(min(left, 0.5))
            if none and any(node.ready for node in self._nodes):
                until = awake() + OTHERS_SECONDS
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
        self._nodes.clear()
        self._tasks, self._again = {}, []
        self._engine.close()

    # jobs

    @property
    def idle(self) -> int:
        self._keep_going()
        return max(0, self._roster.idle - len(self._again))

    @property
    def running(self) -> list[Job]:
        return [task.job for task in self._tasks.values() if task.running]

    def has_room(self, *, short: bool, needed: int = 0) -> bool:  # noqa: ARG002 - each node looks after its memory
        return self.idle > 0 or (short and not self._again and self._roster.queueing() is not None)

    def submit(self, job: Job) -> None:
        self._tickets += 1
        task = Task(self._tickets, job)
        self._tasks[task.ticket] = task
        node = self._roster.idlest() or self._roster.queueing()
        assert node is not None
        self._give(task, node)

    def _give(self, task: Task, node: Node) -> None:
        task.on.append(node)
        node.give(task.ticket, task.job)
        node.link.post(Order("job", job=replace(task.job, key=task.ticket)))

    def poll(self, timeout: float) -> list[Outcome]:
        until = awake() + timeout
        outcomes = self._take_in(0.0)
        self._keep_going()
        while self._tasks and not outcomes and (left := until - awake()) > 0:
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
        if done.status == "ok":
            self._fold_seconds.learn(job, done.seconds)
        self.busy_seconds += done.seconds * job.threads
        fit_seconds = getattr(done.result, "fit_seconds", 0.0)
        if done.status in ("timeout", "memory") and job.kind in ("fold", "full"):
            fit_seconds = done.seconds
        self.fit_seconds += fit_seconds * job.threads
        return [Outcome(job, done.status, done.result, done.error, done.seconds, done.peak, node.name)]

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
            if task.job.key in wanted and task.running and not self._fold_seconds.ends_soon(task)
        ]
        behind = {ticket for task in chosen for node in task.on for ticket in node.queued}
        chosen += [task for task in self._tasks.values() if task.ticket in behind and task.job.key in wanted]
        for task in chosen:
            self._forget(task)
        return [task.job for task in chosen]

    def _forget(self, task: Task) -> None:
        """End a job, of which no outcome will come."""
        seconds = task.seconds * task.job.threads
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
        free = self._fold_seconds.free_cores(self._tasks.values(), self._nodes, pipeline)
        share = min(sum(free) // max(1, waiting), max(free, default=0))
        return max(self.threads, self.calibration.useful_threads(share))

    # nodes that go and come

    def _take_census(self, kind: str, what: Any) -> None:
        """A node has come, or something is to be said of one."""
        if kind == "note":
            self.say(str(what))
            return
        member: Member = what
        node = _node(member)
        self._roster.add(node)
        self._open(node)
        self.say(f"Node {node.name} has come, with {cores(node.cores)}.")

    def _lose(self, node: Node, why: str) -> list[Outcome]:
        """Go on without a node: its jobs are repeated elsewhere, and those that it was lost with too often fail."""
        self._roster.remove(node)
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
        jobs = "its job is" if repeated == 1 else f"its {repeated} jobs are"
        tail = f"; {jobs} repeated elsewhere." if repeated else "."
        self.say(f"Node {node.name} is lost ({why}){tail}")
        return outcomes

    def _keep_going(self) -> None:
        """Have at least the head work, repeat what was lost, and begin what is slow a second time."""
        if not self._started or self._setup is None:
            return
        if not any(node.ready for node in self._nodes):
            self._work_here()
        while self._again and (idle := self._roster.idlest()) is not None:
            self._give(self._again.pop(0), idle)
        for task in list(self._tasks.values()):
            if (
                len(task.on) == 1
                and self._fold_seconds.is_slow(task)
                and (idle := self._roster.idlest(task.on)) is not None
            ):
                self._give(task, idle)

    def _work_here(self) -> None:
        """Work on this machine, since no node is there."""
        import joblib

        assert self._setup is not None
        node = Node("this machine", int(joblib.cpu_count()), float(available_memory()))
        self._roster.add(node)
        node.link = LocalLink(replace(self._setup_of(node), alive_seconds=float("inf")), partial(self._tell, node))
        node.ready = True
        self.say("No node of the cluster is there: the run goes on with this machine, and with nodes that come.")


def _node(member: Member) -> Node:
    return Node(member.name, member.cores, member.memory, member.address, member.cache)
