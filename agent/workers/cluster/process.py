"""The process that works on a node: it owns a local pool, and does what the head orders.

It is no child of the engine's worker by `multiprocessing`, since these may have none, but a program of its own at the
other end of a socket, so that nothing that a job does disturbs the engine.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path

from medalist.agent.workers.cluster.artifacts import with_paths
from medalist.agent.workers.cluster.cache import cache_folder
from medalist.agent.workers.cluster.messages import Done, Order, Setup, pack, unpack
from medalist.agent.workers.cluster.node import ALIVE
from medalist.agent.workers.jobs import Job, Outcome
from medalist.agent.workers.local import Workers
from medalist.agent.workers.machine import available_memory
from medalist.agent.workers.processes import FROM_OUTSIDE
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.registry import is_supervised
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.row_recipe import ADDITIONAL, row_step

BUSY_SECONDS, IDLE_SECONDS = 0.02, 1.0  # longest wait for an order while jobs run, and while none does
LARGEST_SHARE = 0.8  # most of the available memory that children may take, whatever the engine allows


@dataclass
class NodeWorker:
    """Does jobs by a local pool, in the order in which they came as far as it has room for them.

    A node computes the features of a fit once, before its first fit that needs them, although the head may have had
    them computed elsewhere.

    root: the folder that relative paths are relative to. waiting: jobs for which the pool had no room yet. preparing:
    by the key of each preparation that runs, the features that it computes. prepared: the features that need none.
    """

    root: Path
    workers: Workers
    store: FeatureStore
    waiting: list[Job] = field(default_factory=list)
    preparing: dict[int, frozenset[str]] = field(default_factory=dict)
    prepared: set[str] = field(default_factory=set)

    @classmethod
    def start(cls, setup: Setup) -> NodeWorker:
        """Start the pool on the training input of a run."""
        share = min(LARGEST_SHARE, setup.memory / max(1, available_memory()))
        workers = Workers(setup.cores, memory_share=share)
        workers.warm_up()
        workers.reconfigure(setup.count, setup.threads)
        given, root = setup.training_input, cache_folder()
        more = given.additional
        local = replace(
            given,
            store=root / given.store,
            targets=root / given.targets,
            weights=None if given.weights is None else root / given.weights,
            additional=None if more is None else replace(more, store=root / more.store, targets=root / more.targets),
        )
        workers.start(local)
        return cls(root, workers, FeatureStore(local.store, local.fingerprint, local.n_train, local.limit))

    def take(self, order: Order) -> None:
        """Do what an order says, as far as it can be done at once."""
        if order.kind == "job" and order.job is not None:
            self.waiting.append(with_paths(order.job, lambda path: self.root / path))
        elif order.kind == "configure":
            self.workers.reconfigure(order.count, order.threads)
        elif order.kind == "cancel" and order.tickets is None:
            self.waiting.clear()
            self.preparing.clear()
            self.workers.cancel_all()
        elif order.kind == "cancel":
            cancelled = set(order.tickets or ())
            self.waiting = [job for job in self.waiting if job.key not in cancelled]
            self.workers.cancel(cancelled)
        self._hand_out()

    def poll(self, seconds: float) -> list[Done]:
        """The jobs that end within so many seconds."""
        done = [one for outcome in self.workers.poll(seconds) if (one := self._done(outcome)) is not None]
        self._hand_out()
        return done

    def _done(self, outcome: Outcome) -> Done | None:
        """What the head is told of an outcome; None for a preparation of this node's own."""
        features = self.preparing.pop(outcome.job.key, None)
        if features is not None:
            self.prepared |= features  # or failed: then the fit says why
            return None
        return Done(outcome.job.key, outcome.status, outcome.result, outcome.error, outcome.seconds, outcome.peak)

    def _hand_out(self) -> None:
        """Give the pool the jobs that it has room for, and where their features are missing, a preparation first."""
        awaited = {feature for features in self.preparing.values() for feature in features}
        for job in list(self.waiting):
            if not self.workers.has_room(short=job.short, needed=job.memory):
                continue
            absent = frozenset(self._absent(job))
            if absent & awaited:
                continue
            if not absent:
                self.waiting.remove(job)
                self.workers.submit(job)
            elif self.workers.idle:
                key = -1 - job.key  # of no job of the head, whose keys here are tickets above 0
                self.preparing[key] = absent
                awaited |= absent
                self.workers.submit(Job(key, "prepare", job.pipeline, hard_seconds=job.hard_seconds))

    def _absent(self, job: Job) -> list[str]:
        """The features of a fit that are computed before it, and are not on this node."""
        if job.kind not in ("fold", "full") or row_step(job.pipeline.rows, ADDITIONAL):  # of another store
            return []
        for feature in set(job.pipeline.features) - self.prepared:
            if is_supervised(parse(feature)) or self.store.has(feature):
                self.prepared.add(feature)
        return [feature for feature in job.pipeline.features if feature not in self.prepared]


def serve(connection: Connection) -> None:
    """Receive a Setup and then orders, and send back each job's Done, until the head or the connection is gone. A
    message without bytes says that the other side is there, and is answered by another."""
    setup = unpack(connection.recv_bytes())
    worker = NodeWorker.start(setup)
    orders: queue.Queue[Order | bytes | None] = queue.Queue()

    def read() -> None:
        try:
            while True:
                data = connection.recv_bytes()
                orders.put(unpack(data) if data else ALIVE)
        except (EOFError, OSError):
            orders.put(None)

    threading.Thread(target=read, daemon=True).start()
    heard = time.monotonic()
    try:
        while time.monotonic() - heard < setup.alive_seconds:
            try:
                busy = bool(worker.workers.running)
                order = orders.get(timeout=BUSY_SECONDS if busy else IDLE_SECONDS)
                if order is None:
                    return
                heard = time.monotonic()
                if isinstance(order, Order):
                    worker.take(order)
                    continue  # orders that wait go before outcomes
                connection.send_bytes(ALIVE)
            except queue.Empty:
                pass
            for done in worker.poll(0.0):
                connection.send_bytes(pack(done))
    except (BrokenPipeError, ConnectionResetError):
        return
    finally:
        worker.workers.close()


def main() -> None:
    """`python -m medalist.agent.workers.cluster.process SOCKET`: the number of the socket's file descriptor."""
    for number in FROM_OUTSIDE:
        signal.signal(number, signal.SIG_IGN)
    serve(Connection(int(sys.argv[1])))
    os._exit(0)  # at once, whatever threads remain


if __name__ == "__main__":
    main()
