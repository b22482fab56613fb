"""Which process works on a run, and whether it still lives: process numbers alone are given out again."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

#: Seconds by which a process may seem to have begun after it wrote a time down: clocks are set.
CLOCK_TOLERANCE = 600.0


@dataclass(frozen=True)
class Process:
    """A process by its machine, its number there, and its beginning (see `beginning`; "" where that is not known)."""

    host: str
    pid: int
    began: str


def this_process() -> Process:
    """The process that calls."""
    return Process(socket.gethostname(), os.getpid(), beginning(os.getpid()))


def is_alive(process: Process, since: datetime) -> bool | None:
    """Whether a process, which was at work at `since`, still lives; None where it is of another machine.

    Where its beginning is not known, a process of its number counts that had begun by then.
    """
    if process.host != socket.gethostname():
        return None
    if process.began:
        return beginning(process.pid) == process.began
    import psutil

    try:
        other = psutil.Process(process.pid)
        began = other.create_time() <= since.timestamp() + CLOCK_TOLERANCE
        return bool(began and other.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # alive, somebody else's
        return True


def beginning(pid: int) -> str:
    """When the process of that number began, as a text that no other process of this machine has with that number.

    On Linux the boot and the clock ticks since then, which do not change when the clock is set (proc(5)); elsewhere
    seconds since 1970. "" where no process of that number lives.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        state, ticks = fields[0], fields[19]
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (OSError, IndexError):
        return beginning_by_clock(pid)
    return "" if state in ("Z", "X") else f"{boot}+{ticks}"


def beginning_by_clock(pid: int) -> str:
    """When the process of that number began, in seconds since 1970 as a text; "" where none of that number lives."""
    import psutil

    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.Error:
        return ""
