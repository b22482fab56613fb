"""What ends a run from outside: its deadline, and the signals that ask for an early close."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from medalist.agent.budget import Budget
from medalist.agent.workers.local import kill_children
from medalist.leaderboard.ledger.ledger import Ledger

SHOW_CURSOR = "\x1b[?25h"
LAST_SECONDS = 0.4  # before the deadline: what is not closed by then is ended
BEFORE_SUBMISSION = "medalist: The budget ended before a first submission: give more with --budget."
WHILE_REPLAYING = "The budget ended while the run was read again: its submission stays as it was."
WHILE_CLOSING = "The deadline was reached while closing; submission.csv is the last one written."


class Deadline:
    """Ends the process shortly before the deadline, whatever it is doing, with a sentence about the submission."""

    def __init__(self) -> None:
        self._message, self._exit_code = BEFORE_SUBMISSION, 2
        self._over = threading.Event()

    def start(self, budget: Budget) -> None:
        """Begin to watch the deadline of a limited budget; an unlimited one has none."""
        if budget.limited:
            threading.Thread(target=self._watch, args=(budget.deadline,), daemon=True).start()

    def replaying(self) -> None:
        """Report that the run goes on from an earlier part, whose submission is on disk."""
        self._message, self._exit_code = WHILE_REPLAYING, 0

    def submitted(self) -> None:
        """Report that this process has written, or taken over, a valid submission."""
        self._message, self._exit_code = WHILE_CLOSING, 0

    def stop(self) -> None:
        """Stop watching: the run has ended by itself."""
        self._over.set()

    def _watch(self, deadline: float) -> None:
        if not self._over.wait(max(0.0, deadline - LAST_SECONDS - time.monotonic())):
            kill_children()
            if sys.stdout.isatty():
                sys.stdout.write(SHOW_CURSOR)
                sys.stdout.flush()
            sys.stderr.write(self._message + "\n")
            sys.stderr.flush()
            os._exit(self._exit_code)


@contextmanager
def interruptible(ledger: Ledger, run_id: str) -> Iterator[Callable[[], bool]]:
    """Handle Ctrl-C (SIGINT) and SIGTERM as requests for a proper close; yields whether there was one.

    A second request raises KeyboardInterrupt. An exception that leaves the block becomes the run's status and error in
    the ledger, and is raised again.
    """
    requested = threading.Event()

    def request(*_: object) -> None:
        if requested.is_set():
            raise KeyboardInterrupt
        requested.set()

    in_main = threading.current_thread() is threading.main_thread()
    before = {s: signal.signal(s, request) for s in (signal.SIGINT, signal.SIGTERM)} if in_main else {}
    try:
        yield requested.is_set
    except BaseException as error:
        status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        ledger.finish_run(run_id, status, {"status": status, "error": f"{type(error).__name__}: {error}"})
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
