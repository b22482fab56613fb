"""Messages between the head and the process that works on a node, as bytes that the engine carries."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any, Literal

from medalist.agent.workers.jobs import Job, TrainingInput
from medalist.pipelines.features.search.step import ScreenResult
from medalist.pipelines.fitting.fold import FoldResult

ALIVE_SECONDS = 30.0  # without a message from the head for so long a node's process ends


@dataclass(frozen=True)
class Setup:
    """The first message to a node's process.

    count, threads: of its children, on `cores` cores. memory: bytes for all children together, at most. alive_seconds:
    without a message for so long it ends.
    """

    training_input: TrainingInput
    cores: int
    count: int
    threads: int
    memory: float
    alive_seconds: float = ALIVE_SECONDS


@dataclass(frozen=True)
class Order:
    """What a node's process is to do.

    "job": one whose key is its ticket, under which its outcome comes back. "cancel": those with these tickets, or all
    where there are none. "configure": have so many children of so many threads.
    """

    kind: Literal["job", "cancel", "configure"]
    job: Job | None = None
    tickets: tuple[int, ...] | None = None
    count: int = 1
    threads: int = 1


@dataclass(frozen=True)
class Done:
    """A job has ended: its ticket, and what `Outcome` holds."""

    ticket: int
    status: Literal["ok", "crash", "timeout", "memory"]
    result: FoldResult | ScreenResult | None
    error: str | None
    seconds: float
    peak: int = 0


def pack(message: Any) -> bytes:
    """A message as bytes."""
    return pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)


def unpack(data: bytes) -> Any:
    """The message in these bytes."""
    return pickle.loads(data)
