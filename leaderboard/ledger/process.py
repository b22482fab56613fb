"""Identifies the process that works on a run, and whether it is alive: process ids (pid) alone are reused."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

#: Seconds by which a process may seem to have started after a time that it recorded, since clocks are adjusted.
CLOCK_TOLERANCE = 600.0


@dataclass(frozen=True)
class Process:
    """A process: its host name, its pid, and `began`, its start (see `beginning`; "" where it was not recorded)."""

    host: str
    pid: int
    began: str


def this_process() -> Process:
    """The calling process."""
    return Process(socket.gethostname(), os.getpid(), beginning(os.getpid()))


def is_alive(process: Process, since: datetime) -> bool | None:
    """Whether a process that was running at `since` still is; None where it is on another host.

    Where its start was not recorded, any process with its pid that started before `since` is taken for it.
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
    """The start of the process with that pid, as a text that no other process with that pid has on this host.

    On Linux the boot id and the clock ticks since boot, which do not change when the clock is set (proc(5)); elsewhere
    seconds since 1970. "" where no process with that pid is alive.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        state, ticks = fields[0], fields[19]
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (OSError, IndexError):
        return beginning_by_clock(pid)
    return "" if state in ("Z", "X") else f"{boot}+{ticks}"


def beginning_by_clock(pid: int) -> str:
    """The start of the process with that pid, in seconds since 1970 as a text; "" where none is alive."""
    import psutil

    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.Error:
        return ""
