"""Submitted jobs on their way, and how long their likes take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from medalist.agent.workers.cluster.nodes import Node
from medalist.agent.workers.jobs import Job
from medalist.agent.workers.local import SOON, SPAWN_SECONDS

SLOW = 3.0  # a fold is slow that takes so many times what the last one of its pipeline took
LEAST_SLOW_SECONDS = 5.0  # and at least so long


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

    @property
    def seconds(self) -> float:
        """For how long a node has done it."""
        return max((node.seconds(self.ticket) for node in self.on), default=0.0)


@dataclass
class FoldSeconds:
    """The seconds that the last fold of each pipeline took, by the pipeline's hash."""

    last: dict[str, float] = field(default_factory=dict)

    def learn(self, job: Job, seconds: float) -> None:
        """Store what a fold took; nothing for other jobs."""
        if job.kind == "fold":
            self.last[job.pipeline.hash] = seconds

    def left(self, task: Task) -> float:
        """Expected seconds until a job ends; infinite where nothing is known, negative where it takes longer."""
        return self.last.get(task.job.pipeline.hash, float("inf")) - task.seconds

    def ends_soon(self, task: Task) -> bool:
        """Whether a job is likely to end before a new child could start."""
        return task.job.short or 0 < self.left(task) < SPAWN_SECONDS

    def is_slow(self, task: Task) -> bool:
        """Whether a fold takes far longer than the last one of its pipeline."""
        usual = self.last.get(task.job.pipeline.hash)
        return task.job.kind == "fold" and usual is not None and task.seconds > max(LEAST_SLOW_SECONDS, SLOW * usual)

    def free_cores(self, tasks: Iterable[Task], nodes: Sequence[Node], pipeline: str) -> list[int]:
        """The free cores of each node that takes jobs. A core counts as free if it becomes so soon (see `local.SOON`)
        beside the seconds of the next job, which is of this pipeline (a hash)."""
        soon = SOON * self.last.get(pipeline, 0.0)
        ending = [task for task in tasks if self.left(task) <= soon]
        return [
            node.free_cores + sum(task.job.threads for task in ending if task.ticket in node.running)
            for node in nodes
            if node.ready
        ]
