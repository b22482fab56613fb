"""How a run is ended from outside: reports to the supervisor process, which enforces the deadline, and signals."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from medalist.agent.budget import Budget
from medalist.competitions.errors import LedgerError

REQUESTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, a system that shuts down, a terminal that is lost
TOGETHER = 0.5  # seconds within which several signals count as one: a terminal sends them to every process of a run


class Deadline:
    """Reports of a run to the process that supervises it (see `supervisor`), which ends the run shortly before its
    deadline.

    pipe: the file descriptor to which each report is written as a line; None where no process supervises the run, and
    every method does nothing.
    """

    def __init__(self, pipe: int | None = None):
        self._pipe = pipe

    @property
    def supervised(self) -> bool:
        """Whether a process supervises this one, which then does nothing but its run."""
        return self._pipe is not None

    def start(self, budget: Budget) -> None:
        """Report when a limited budget ends; an unlimited one has no deadline."""
        if budget.hour is not None:
            self._report(f"until {budget.hour.until!r} {budget.began!r} {budget.seconds!r}")
        elif budget.limited:
            self._report(f"deadline {budget.deadline!r}")

    def resuming(self) -> None:
        """Report that the process goes on with a run that is in the ledger already."""
        self._report("stage resuming")

    def beginning(self) -> None:
        """Report that there is no submission yet."""
        self._report("stage begun")

    def replaying(self) -> None:
        """Report that the run goes on from an earlier part, whose submission is on disk."""
        self._report("stage replaying")

    def submitted(self) -> None:
        """Report that this process has written, or taken over, a valid submission."""
        self._report("stage submitted")

    def stop(self) -> None:
        """Report that the run has been closed, or has failed: its end needs no explanation any more."""
        self._report("stage closed")

    def exiting(self, exit_code: int) -> None:
        """Report the exit code, just before the process exits; if it then hangs, it is ended with that code."""
        self._report(f"exiting {exit_code}")

    def _report(self, line: str) -> None:
        if self._pipe is not None:
            with contextlib.suppress(OSError):  # the supervisor is gone, and this process will be soon
                os.write(self._pipe, f"{line}\n".encode())


class Interrupts:
    """A handler of the signals of `REQUESTS`. If `graceful`, the first one sets `requested` and any later one raises
    KeyboardInterrupt; if not, the first one raises it. Signals within `TOGETHER` seconds count as one."""

    def __init__(self, *, graceful: bool):
        self.requested = False
        self._graceful = graceful
        self._last = float("-inf")

    def __call__(self, *_: object) -> None:
        now = time.monotonic()
        repeated = now - self._last < TOGETHER
        self._last = now
        if repeated:
            return
        if self.requested or not self._graceful:
            raise KeyboardInterrupt
        self.requested = True

    def install(self) -> dict[signal.Signals, object]:
        """Handle the signals from now on; returns the previous handlers. SIGHUP stays ignored where `nohup` ignores
        it."""
        handled = [s for s in REQUESTS if s != signal.SIGHUP or signal.getsignal(s) != signal.SIG_IGN]
        return {s: signal.signal(s, self) for s in handled}


def never() -> bool:
    """False: nobody asks for a close but by signals."""
    return False


@contextmanager
def interruptible(
    end: Callable[[str, Mapping[str, Any]], None], asked: Callable[[], bool] = never
) -> Iterator[Callable[[], bool]]:
    """Handle Ctrl-C (SIGINT), SIGTERM and SIGHUP as requests for an orderly close within a `with` block. Yields a
    function that returns whether there was one, or whether it was `asked` for otherwise.

    A second request raises KeyboardInterrupt. An exception that leaves the block is given to `end`, as the run's status
    and error (see `LedgerQueue.end`), and is raised again. Outside the main thread, where Python handles no signals,
    there are no requests by signal.
    """
    interrupts = Interrupts(graceful=True)
    before = interrupts.install() if threading.current_thread() is threading.main_thread() else {}
    try:
        yield lambda: interrupts.requested or asked()
    except BaseException as error:
        status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        with contextlib.suppress(LedgerError):  # the exception goes before
            end(status, {"status": status, "error": f"{type(error).__name__}: {error}"})
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
