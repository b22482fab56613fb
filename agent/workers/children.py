"""One child process of a local pool, as the pool sees it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any

from medalist.agent.workers.allowance import Allowance
from medalist.agent.workers.jobs import Job
from medalist.agent.workers.machine import resident

LEAST_HELD = 64 << 20  # bytes that an idle child holds at least for it to be replaced where memory is short


@dataclass
class Child:
    """A child process with its jobs.

    job: what it is working on; None where it is idle. began: when it began with that, on the clock of
    `awake()`. queued: the next job, which was sent already. retiring: whether it ends after its jobs. again: whether
    another child was killed at its job. peak: the most bytes of private memory that it was seen with since it began.
    """

    process: Any
    pipe: connection.Connection
    job: Job | None = None
    began: float = 0.0
    queued: Job | None = None
    retiring: bool = False
    peak: int = 0
    again: bool = False

    @property
    def idle(self) -> bool:
        """Whether it can be given a job at once."""
        return self.job is None and not self.retiring

    @property
    def has_queue_room(self) -> bool:
        """Whether a short job may be queued: the child is at a short one, and has none queued."""
        return self.job is not None and self.job.short and self.queued is None and not self.retiring

    def send(self, job: Job) -> None:
        """Send a job to the child. Where the child has died, that is noticed when its outcome is collected."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.pipe.send(job)


def to_relieve(children: Sequence[Child], allowance: Allowance, share: int, now: float) -> list[Child]:
    """The children to replace where the processes of a run hold more memory than they may; [] where they do not.

    Idle ones that hold something, or else the busy one that is furthest beyond what its job was expected to take, or
    beyond an equal `share` of bytes where that is not known. Sets the `peak` of all. now: on the clock of `awake()`.
    """
    used = {child.process.pid: resident(child.process.pid) for child in children}
    for child in children:
        child.peak = max(child.peak, used[child.process.pid])
    if not allowance.is_exceeded(used, sum(used.values()), now):
        return []
    idle = [c for c in children if c.job is None and used[c.process.pid] > LEAST_HELD]
    beyond = [(used[c.process.pid] - (c.job.memory or share), i) for i, c in enumerate(children) if c.job is not None]
    return idle or ([children[max(beyond)[1]]] if beyond else [])
