"""What ends a run from outside: its deadline, and the signals that ask for an early close."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from medalist.agent.budget import Budget

if TYPE_CHECKING:
    from medalist.leaderboard.ledger.ledger import Ledger

REQUESTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, a system that shuts down, a terminal that is lost
TOGETHER = 0.5  # seconds within which signals are one request: a terminal sends them to every process of the run


class Deadline:
    """What a run reports to the process that supervises it, one line a report; nothing where no process does.

    The supervisor ends the run shortly before its deadline and says how far it came: see `supervisor`.
    """

    def __init__(self, pipe: int | None = None):
        self._pipe = pipe

    def start(self, budget: Budget) -> None:
        """Report when a limited budget ends; an unlimited one has no deadline."""
        if budget.limited:
            self._report(f"deadline {budget.deadline!r}")

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
    """Handles the signals of `REQUESTS`: the first, if it is to be graceful, sets `requested`; any other one raises
    KeyboardInterrupt. Signals that arrive together count as one."""

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
        """Handle the signals from now on; returns the handlers before. Where `nohup` ignores SIGHUP, so does this."""
        handled = [s for s in REQUESTS if s != signal.SIGHUP or signal.getsignal(s) != signal.SIG_IGN]
        return {s: signal.signal(s, self) for s in handled}


@contextmanager
def interruptible(ledger: Ledger, run_id: str) -> Iterator[Callable[[], bool]]:
    """Handle Ctrl-C (SIGINT), SIGTERM and SIGHUP as requests for a proper close; yields whether there was one.

    A second request raises KeyboardInterrupt. An exception that leaves the block becomes the run's status and error in
    the ledger, and is raised again. Outside the main thread, where Python handles no signals, there are no requests.
    """
    interrupts = Interrupts(graceful=True)
    before = interrupts.install() if threading.current_thread() is threading.main_thread() else {}
    try:
        yield lambda: interrupts.requested
    except BaseException as error:
        status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        ledger.finish_run(run_id, status, {"status": status, "error": f"{type(error).__name__}: {error}"})
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
