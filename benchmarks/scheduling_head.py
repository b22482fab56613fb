"""The head's time in `scheduling.py`: a clock that counts its own work, and the division of that work by step."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

from medalist.agent.budget import Budget
from medalist.agent.judging import referee as judging
from medalist.agent.search import recording
from medalist.agent.search.loop import Search

SCHEDULER = Path("/proc/thread-self/schedstat")  # nanoseconds on a processor, and waiting for one


def asleep() -> float:
    """Seconds that this thread has slept, up to a constant: neither worked nor waited for a processor, which others on
    the machine would be the cause of. Where the system does not tell (not Linux), waiting for one counts as sleep."""
    queued = 0.0
    with contextlib.suppress(OSError, ValueError, IndexError):
        queued = int(SCHEDULER.read_text(encoding="ascii").split()[1]) * 1e-9
    return time.monotonic() - time.thread_time() - queued


@dataclass
class Clock:
    """Virtual time: the seconds that the head really works, and those that are skipped since it only waits.

    The head's work is the processor time of this process, so that others on the machine do not count, and what it
    sleeps in steps that wait for the disk. What the benchmark itself does between `paused` does not count.
    """

    skipped: float = 0.0
    waited: float = 0.0  # seconds of sleep in steps that wait for the disk
    _began: float = field(default_factory=time.process_time)
    _paused: float = 0.0

    @property
    def head(self) -> float:
        """Seconds of the head's own work so far."""
        return time.process_time() - self._began - self._paused + self.waited

    @property
    def now(self) -> float:
        """Virtual seconds since the clock was made."""
        return self.head + self.skipped

    def skip_to(self, instant: float) -> None:
        """Let the time until then pass, if it is not past."""
        self.skipped += max(0.0, instant - self.now)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Within it no time passes."""
        began = time.process_time()
        try:
            yield
        finally:
            self._paused += time.process_time() - began


@dataclass(frozen=True)
class VirtualBudget(Budget):
    """A budget on a virtual clock, from the clock's beginning."""

    clock: Clock = field(default_factory=Clock)

    @property
    def used(self) -> float:
        return self.clock.now

    @property
    def left(self) -> float:
        return self.seconds - self.reserve - self.clock.now


@dataclass
class Steps:
    """Seconds of the head's work by step, each without those of the steps within it."""

    clock: Clock
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _within: list[float] = field(default_factory=list)

    def timed(self, step: str, call: Callable[..., Any], *, disk: bool = False) -> Callable[..., Any]:
        """The same function, whose time counts for `step`; `disk`: whether it waits for the disk."""

        @wraps(call)
        def watched(*args: Any, **options: Any) -> Any:
            began, slept = self.clock.head, asleep()
            self._within.append(0.0)
            try:
                return call(*args, **options)
            finally:
                if disk:
                    self.clock.waited += max(0.0, asleep() - slept)
                took = self.clock.head - began
                self.seconds[step] += took - self._within.pop()
                self.calls[step] += 1
                if self._within:
                    self._within[-1] += took

        return watched

    def watch(self, owner: Any, name: str, step: str, *, disk: bool = False) -> None:
        """Count an attribute's calls for a step; the owner may be a frozen object or a module."""
        object.__setattr__(owner, name, self.timed(step, getattr(owner, name), disk=disk))

    def watch_search(self, search: Search) -> None:
        """Divide the search's work by step."""
        recorder, journal = search.recorder, search.recorder.journal
        self.watch(search.policy, "propose", "propose")
        self.watch(search.features, "ready", "features")
        self.watch(search.features, "request", "features")
        self.watch(search, "closing_seconds", "time for the close")
        self.watch(search.jobs, "begin", "jobs")
        self.watch(search.intake, "take", "take in")
        self.watch(search.pruner, "loss", "prune")
        self.watch(search.pruner, "verdict", "prune")
        self.watch(recorder.referee, "judge", "score")
        self.watch(journal.predictions, "keep", "keep predictions")
        self.watch(journal.predictions, "load", "keep predictions")
        self.watch(journal.predictions, "keep_fold_tests", "keep predictions")
        self.watch(journal.queue, "write", "ledger", disk=True)
        for name in ("submit_champion", "submit_first_fold"):
            self.watch(recorder.submissions, name, "submission", disk=True)
        self.watch(journal, "emit", "events", disk=True)


@contextlib.contextmanager
def watched_modules(steps: Steps) -> Iterator[None]:
    """Within it, what the search calls from modules is divided by step, too."""
    kept = judging.select, recording.combine
    try:
        steps.watch(judging, "select", "select the ensemble")
        steps.watch(recording, "combine", "combine folds")
        yield
    finally:
        judging.select, recording.combine = kept  # type: ignore[attr-defined]
