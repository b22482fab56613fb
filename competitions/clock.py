"""The clock of working time: it stands still while the machine sleeps and while the processes of a run are stopped.

`time.monotonic()` leaves out a suspended machine already, but not processes that SIGSTOP, Ctrl-Z or a frozen container
holds. Those are noticed by a pulse: one process that does nothing else writes the time a few times a second into a page
of memory that all processes of a run read. Where it has not beaten for longer than PATIENCE the clock stands still, for
every reader alike and before anyone had to notice; when it beats again, the gap is taken off for good.
"""

from __future__ import annotations

import functools
import mmap
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

TICK = 0.25  # seconds between two beats
PATIENCE = 1.0  # seconds without a beat from which on the clock stands still; a stop costs at most so many
STARVED = 10.0  # seconds that a beat may be late for want of a processor: more is a stop that sent no SIGCONT
VARIABLE = "MEDALIST_CLOCK"  # environment variable: the path of the page, for the processes below
_MAGIC = b"medalist clock 1"
_CELLS = 5  # which of the two pairs holds; (last beat, seconds asleep) twice, so that no reader sees half of a pair


class Pulse:
    """The page of memory, as its one writer (`beat`) and its readers (`now`) use it."""

    def __init__(self, page: mmap.mmap):
        self._cells = memoryview(page)[len(_MAGIC) :].cast("d")

    @classmethod
    def begin(cls, *, shared: bool) -> Pulse:
        """A pulse that begins to beat now, in memory that this process shares with those that it forks; where it is to
        be `shared`, on Linux also with all others below it, which find it by VARIABLE."""
        size = len(_MAGIC) + 8 * _CELLS
        handle = -1
        if shared and hasattr(os, "memfd_create"):
            with suppress(OSError):
                handle = os.memfd_create("medalist-clock")
                os.ftruncate(handle, size)
                os.environ[VARIABLE] = f"/proc/{os.getpid()}/fd/{handle}"
        page = mmap.mmap(handle, size)
        page[: len(_MAGIC)] = _MAGIC
        pulse = cls(page)
        pulse._write(time.monotonic(), 0.0)
        return pulse

    @classmethod
    def at(cls, path: str) -> Pulse | None:
        """The pulse of another process; None where there is none any more, or none that can be read from here."""
        try:
            with open(path, "rb") as stream:
                page = mmap.mmap(stream.fileno(), len(_MAGIC) + 8 * _CELLS, access=mmap.ACCESS_READ)
        except (OSError, ValueError):
            return None
        return cls(page) if page[: len(_MAGIC)] == _MAGIC else None

    def beat(self, *, continued: bool = False) -> None:
        """Write the time. A gap counts as asleep where the process was `continued` (SIGCONT) since the last beat, or
        where it is longer than a process that wants to run ever waits for a processor."""
        beaten, asleep = self._read()
        now = time.monotonic()
        gap = now - beaten
        if gap > PATIENCE and (continued or gap > STARVED):
            asleep += gap - PATIENCE
        self._write(now, asleep)

    def now(self) -> float:
        """Seconds of `time.monotonic()` without those asleep."""
        beaten, asleep = self._read()
        return min(time.monotonic(), beaten + PATIENCE) - asleep

    @property
    def asleep(self) -> float:
        """Seconds asleep so far."""
        return self._read()[1]

    def _read(self) -> tuple[float, float]:
        cells = self._cells
        while True:
            which = cells[0]
            pair = cells[1 + 2 * int(which)], cells[2 + 2 * int(which)]
            if cells[0] == which:
                return pair

    def _write(self, beaten: float, asleep: float) -> None:
        cells = self._cells
        other = 1 - int(cells[0])
        cells[1 + 2 * other], cells[2 + 2 * other] = beaten, asleep
        cells[0] = float(other)


_own: Pulse | None = None  # a process has one clock, as it has one time.monotonic()


def awake() -> float:
    """Seconds of working time since some instant: those of `time.monotonic()`, without the ones in which the run's
    processes were stopped. The same in all processes of a run; just `time.monotonic()` where nothing beats."""
    pulse = _own or _inherited()
    return time.monotonic() if pulse is None else pulse.now()


@functools.cache
def _inherited() -> Pulse | None:
    """The pulse of the run that this process works for, if it does for one."""
    path = os.environ.get(VARIABLE)
    return None if path is None else Pulse.at(path)


def begin_pulse() -> Pulse:
    """Make a new pulse the clock of this process and of those below it; the caller has it beat."""
    global _own
    _own = Pulse.begin(shared=True)
    return _own


@contextmanager
def beating() -> Iterator[None]:
    """Have a thread of this process beat for it within the block: for a process that has no supervisor, and computes
    little. The processes below have clocks of their own."""
    global _own
    before = _own
    _own = pulse = Pulse.begin(shared=False)
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(TICK):
            pulse.beat(continued=True)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        _own = before
