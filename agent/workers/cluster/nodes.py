"""A node as the head sees it: its cores, and the jobs that it was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from medalist.agent.workers.jobs import Job
from medalist.competitions.clock import awake


@dataclass
class Node:
    """A machine, or part of one, that does up to `count` jobs at a time.

    cores, memory: what it may use; bytes. address: in the cluster; "" for the head's own machine. cache: identifies the
    artifacts of its machine. ready: whether it takes jobs.
    configured: the jobs at a time and their threads that it was told.
    running, queued: its jobs by ticket, in the order in which it got them. began: when it got each of those that run,
    on the clock of `competitions.clock.awake`.
    """

    name: str
    cores: int
    memory: float
    address: str = ""
    cache: str = ""
    link: Any = None
    ready: bool = False
    count: int = 0
    configured: tuple[int, int] = (0, 0)
    running: dict[int, Job] = field(default_factory=dict)
    queued: dict[int, Job] = field(default_factory=dict)
    began: dict[int, float] = field(default_factory=dict)

    @property
    def idle(self) -> int:
        """How many more jobs it can begin at once."""
        return max(0, self.count - len(self.running)) if self.ready else 0

    @property
    def has_queue_room(self) -> bool:
        """Whether a short job may be queued behind another short one."""
        return self.ready and self.count > 0 and len(self.queued) < sum(job.short for job in self.running.values())

    @property
    def free_cores(self) -> int:
        """Cores that no running job keeps busy."""
        return self.cores - sum(job.threads for job in self.running.values())

    def give(self, ticket: int, job: Job) -> None:
        """Count a job as given to the node."""
        if self.idle:
            self.running[ticket], self.began[ticket] = job, awake()
        else:
            self.queued[ticket] = job

    def drop(self, ticket: int) -> None:
        """Count a job as ended, if the node had it; the first queued one then runs."""
        self.queued.pop(ticket, None)
        if self.running.pop(ticket, None) is not None:
            self.began.pop(ticket, None)
            if self.queued and self.idle:
                following = next(iter(self.queued))
                self.give(following, self.queued.pop(following))

    def seconds(self, ticket: int) -> float:
        """For how long a job has run here; 0 for a queued one."""
        return awake() - self.began[ticket] if ticket in self.began else 0.0


def shares(capacities: Sequence[int], wanted: int) -> list[int]:
    """`wanted` jobs divided over nodes that have room for so many each: evenly by the share of a node's room that is
    taken, the first node first where equal. Fewer where there is not so much room."""
    taken = [0] * len(capacities)
    for _ in range(min(wanted, sum(capacities))):
        i = min(
            (i for i in range(len(capacities)) if taken[i] < capacities[i]),
            key=lambda i: (taken[i] + 1) / capacities[i],
        )
        taken[i] += 1
    return taken
