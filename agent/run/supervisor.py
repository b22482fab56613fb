"""The supervisor: the process that was started forks, the child does the run, and the parent watches it.

Nothing that the run does can hold it up: not C code that keeps Python's lock for minutes, not an exit handler that
waits for a child. It ends the run and its children shortly before the deadline, shows the cursor again, prints what
became of the submission, and ends with the run's exit code. It imports little and is forked before anything heavy is.
Its pulse is that of the run's clock (see `competitions.clock`): while it is stopped no time passes for the run.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterable
from typing import NoReturn

from medalist.agent.budget import Hour
from medalist.agent.run.deadline import REQUESTS, Deadline, Interrupts
from medalist.agent.workers.lifeline import descendants, end_with_parent
from medalist.competitions.clock import TICK, Pulse, awake, begin_pulse

SHOW_CURSOR = "\x1b[?25h"
LAST_SECONDS = 0.6  # time before the deadline at which the run and its children are killed
EXIT_SECONDS = 5.0  # longest time from the report of the exit code until the run's process has ended
REAP_SECONDS = 0.1  # longest wait for the end of a killed process
SIGNALLED = 128  # a shell's exit code for a process that a signal ended is this plus the signal's number
MOST_SECONDS = 1.5  # most time that they are killed earlier than that, where this process gets its turns late
TURNS = 3.0  # so many turns it takes to end the run, each as late as the latest ones
FORGET = 0.9  # factor, for each turn since, on how late a turn was

STAGES = {  # by the last reported stage: the message and the exit code where the deadline ends the run
    "begun": ("medalist: The budget ended before a first submission: give more with --budget.", 2),
    "resuming": ("medalist: The budget ended before the run could be read again: give more with --budget.", 2),
    "replaying": ("The budget ended while the run was read again: its submission stays as it was.", 0),
    "submitted": ("The deadline was reached while closing; submission.csv is the last one written.", 0),
    "closed": ("", 0),
}


def supervise() -> Deadline:
    """Fork: returns in the child, which goes on with the run, the object to report to. In the parent it does not
    return: the parent supervises the child and exits with its exit code.

    To be called while the process has one thread. Raises OSError where the system cannot fork.
    """
    reports, reporting = os.pipe()
    lifeline, held = os.pipe()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    signal.pthread_sigmask(signal.SIG_BLOCK, REQUESTS)  # until each side handles them in its own way
    pulse, supervisor = begin_pulse(), os.getpid()
    agent = os.fork()
    if agent != 0:
        os.close(reporting)
        os.close(lifeline)
        _wait(_Supervised(agent), reports, pulse)
    os.close(reports)
    os.close(held)
    end_with_parent(supervisor)
    _exit_after(lifeline)
    Interrupts(graceful=False).install()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, REQUESTS)
    return Deadline(reporting)


def _exit_after(lifeline: int) -> None:
    """End this process as soon as the other end of a pipe is closed: the supervisor was killed."""

    def watch() -> None:
        os.read(lifeline, 1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class Lateness:
    """How late this process gets its turn when it has waited for some time: much on a machine with more work than
    processors, nothing elsewhere."""

    def __init__(self) -> None:
        self._latest = 0.0

    def see(self, seconds: float) -> None:
        """Take in by how many seconds a turn was later than the time that was waited for."""
        self._latest = max(seconds, FORGET * self._latest)

    @property
    def margin(self) -> float:
        """Seconds by which the end has to begin earlier."""
        return min(MOST_SECONDS, TURNS * self._latest)


class _Supervised:
    """The run's process as the supervisor sees it, with what it has reported through a `Deadline`."""

    def __init__(self, pid: int):
        self.pid = pid
        self._instant = float("inf")  # at which it is ended, on the clock of awake()
        self._hour: Hour | None = None
        self._stage = "begun"
        self._exit_code: int | None = None

    @property
    def deadline(self) -> float:
        """The instant at which it is ended, on the clock of `awake()`; infinite where there is none."""
        return self._instant if self._hour is None else min(self._instant, self._hour.instant - LAST_SECONDS)

    def take_in(self, lines: Iterable[str]) -> None:
        """Store reported lines: the deadline, the stage or the exit code."""
        for line in lines:
            kind, _, value = line.partition(" ")
            if kind == "deadline":
                self._instant = float(value) - LAST_SECONDS
            elif kind == "until":
                self._hour = Hour.of(*map(float, value.split()))
            elif kind == "stage":
                self._stage = value
            elif kind == "exiting":
                self._exit_code = int(value)
                self._instant = min(self._instant, awake() + EXIT_SECONDS)

    def signal(self, number: int, _: object = None) -> None:
        """Send the process a signal; also the handler that passes this process's signals on."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def ended(self, seconds: float = 0.0) -> int | None:
        """Wait at most `seconds` for the process; its exit code, negative for a signal, or None where it still runs."""
        until = time.monotonic() + seconds
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() >= until:
                return None
            select.select((), (), (), 0.01)  # not time.sleep, which fails where a tool fakes the clock

    def kill(self) -> int:
        """Kill the process and its descendants at the deadline, and print why; returns the exit code for this
        process."""
        below = descendants(self.pid)
        for pid in (self.pid, *below):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        message, exit_code = STAGES[self._stage]
        if self._exit_code is not None:
            message, exit_code = "", self._exit_code
        _say(message)
        self.ended(REAP_SECONDS)
        return exit_code


def _wait(agent: _Supervised, reports: int, pulse: Pulse) -> NoReturn:
    """Wait until the agent ends or its deadline is reached, and exit with its exit code."""
    continued = False

    def note_continued(*_: object) -> None:
        nonlocal continued
        continued = True

    signal.signal(signal.SIGCONT, note_continued)
    descendants(agent.pid)  # imports what it needs: when the deadline comes there is no time for that
    woken, waking = os.pipe()
    os.set_blocking(waking, False)
    signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in REQUESTS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, agent.signal)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, REQUESTS)
    watched, unread, lateness = [woken, reports], "", Lateness()
    while (exit_code := agent.ended()) is None:
        pulse.beat(continued=continued)
        continued = False
        left = agent.deadline - lateness.margin - awake()
        if left <= 0:
            os._exit(agent.kill())
        wait, began = min(left, TICK), awake()
        ready, _, _ = select.select(watched, [], [], wait)
        if not ready:
            lateness.see(awake() - began - wait)
        if woken in ready:
            os.read(woken, 4096)
        if reports in ready:
            text = os.read(reports, 4096).decode()
            if not text:
                watched.remove(reports)
            *lines, unread = (unread + text).split("\n")
            agent.take_in(lines)
    if exit_code < 0:
        name = signal.Signals(-exit_code).name
        _say(f"medalist: The run was ended by {name}: if medalist runs lists it, go on with medalist resume.")
        exit_code = SIGNALLED - exit_code
    os._exit(exit_code)


def _say(message: str) -> None:
    """Print a sentence on stderr, and show the cursor, which the run may have hidden."""
    with contextlib.suppress(OSError):
        if sys.stdout.isatty():
            sys.stdout.write(SHOW_CURSOR)
            sys.stdout.flush()
    with contextlib.suppress(OSError):
        if message:
            sys.stderr.write(message + "\n")
            sys.stderr.flush()
