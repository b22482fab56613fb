"""The nodes of a pool, and how many jobs each of them does at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from medalist.agent.workers.cluster.messages import Order
from medalist.agent.workers.cluster.nodes import Node, shares

MEMORY_SHARE = 0.8  # of a node's memory for its children


@dataclass
class Roster:
    """Nodes, and the division of the jobs that may run at a time over them.

    most: most cores to use; None for all. steady: whether `count` stays as it was configured, whichever nodes are
    there. threads: of each job. bytes_needed: of memory, by each job.
    """

    nodes: list[Node]
    most: int | None = None
    steady: bool = False
    threads: int = 1
    bytes_needed: float = 1.0
    _wanted: int = field(init=False)

    def __post_init__(self) -> None:
        self._wanted = self._room
        self._share_out()

    @property
    def cores(self) -> int:
        """Cores that may be used."""
        there = max(1, sum(node.cores for node in self.nodes))
        return there if self.most is None else min(there, self.most)

    @property
    def count(self) -> int:
        """Jobs that run at a time."""
        return self._wanted if self.steady else max(1, sum(node.count for node in self.nodes))

    @property
    def idle(self) -> int:
        """Jobs that can begin at once."""
        return sum(node.idle for node in self.nodes)

    def _most_jobs(self, node: Node, threads: int) -> int:
        """How many jobs of so many threads a node has cores and memory for; at least 1 by memory."""
        by_memory = max(1.0, min(node.cores, MEMORY_SHARE * node.memory // self.bytes_needed))
        return int(min(node.cores // threads, by_memory))

    @property
    def _room(self) -> int:
        """Jobs for which all nodes together have room, within the cores that may be used; at least 1."""
        room = sum(self._most_jobs(node, self.threads) for node in self.nodes)
        return max(1, room if self.most is None else min(room, self.most // self.threads))

    def fit_to_memory(self, bytes_needed: float) -> None:
        """Have so few jobs on each node that each has so many bytes, and as many threads as every node allows."""
        self.bytes_needed = max(1.0, bytes_needed)
        self.threads = max(1, min((n.cores // self._most_jobs(n, 1) for n in self.nodes), default=1))
        self._wanted = self._room
        self._share_out()

    def reconfigure(self, count: int, threads: int) -> None:
        """Have so many jobs of so many threads. ValueError where the nodes have not so many cores."""
        there = sum(node.cores // threads for node in self.nodes) if threads > 0 else 0
        if count < 1 or threads < 1 or count * threads > self.cores or there < count:
            raise ValueError(f"{count} workers of {threads} threads do not fit on {self.cores} cores of the nodes")
        self.threads, self._wanted = threads, count
        self._share_out()

    def add(self, node: Node) -> None:
        """Take a node in."""
        self.nodes.append(node)
        self._changed()

    def remove(self, node: Node) -> None:
        """Go on without a node."""
        self.nodes.remove(node)
        self._changed()

    def _changed(self) -> None:
        if not self.steady:
            self._wanted = self._room
        self._share_out()

    def _share_out(self) -> None:
        """Divide the jobs over the nodes, and tell those nodes for which that changes."""
        parts = shares([self._most_jobs(node, self.threads) for node in self.nodes], self._wanted)
        for node, count in zip(self.nodes, parts, strict=True):
            configured = count, self.threads
            if node.link is not None and count and configured != node.configured:
                node.link.post(Order("configure", count=count, threads=self.threads))
            node.count, node.configured = count, configured

    def idlest(self, without: Iterable[Node] = ()) -> Node | None:
        """The node with the largest idle part, among those that are idle; None where none is."""
        passed_over = list(without)
        idle = [node for node in self.nodes if node.idle and node not in passed_over]
        return max(idle, key=lambda node: node.idle / node.count, default=None)

    def queueing(self) -> Node | None:
        """A node at which a short job may be queued; None where there is none."""
        return next((node for node in self.nodes if node.has_queue_room), None)
