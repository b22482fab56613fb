"""One child process of a local pool, as the pool sees it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any

from medalist.agent.workers.jobs import Job


@dataclass
class Child:
    """A child process and what it is doing; `began` is on the clock of `time.monotonic()`."""

    process: Any
    pipe: connection.Connection
    job: Job | None = None
    began: float = 0.0
    queued: Job | None = None  # sent to the child already, to follow `job`
    retiring: bool = False  # ends when its jobs have

    @property
    def idle(self) -> bool:
        return self.job is None and not self.retiring

    @property
    def has_queue_room(self) -> bool:
        """Whether a short job may be sent ahead: the child is at a short one, and at its last."""
        return self.job is not None and self.job.short and self.queued is None and not self.retiring

    def send(self, job: Job) -> None:
        """Send a job to the child. That it has died is noticed when its outcome is collected."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.pipe.send(job)
