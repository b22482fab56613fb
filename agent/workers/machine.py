"""What of the machine this process may use, and what others of its processes do use."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil

CONTROL_GROUPS = Path("/sys/fs/cgroup")


def available_memory(groups: Path = CONTROL_GROUPS) -> int:
    """Bytes of memory that are free: of the machine, or of the container that this process is in, where that is less.

    `groups` is where Linux keeps the container's limits (version 2 of control groups, or version 1).
    """
    free = psutil.virtual_memory().available
    for limit, used, stat in (
        ("memory.max", "memory.current", "memory.stat"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat"),
    ):
        with contextlib.suppress(OSError, ValueError):  # there is no such file, or it says "max"
            room = int((groups / limit).read_text()) - int((groups / used).read_text())
            with contextlib.suppress(OSError):
                told = dict(line.split() for line in (groups / stat).read_text().splitlines())
                room += int(told.get("inactive_file", 0))  # kept pages of files, given up when memory is needed
            free = min(free, max(0, room))
    return free


def resident(pid: int) -> int:
    """Bytes of memory that belong to a process alone (pages of mapped files are shared and not counted)."""
    try:
        info = psutil.Process(pid).memory_info()
    except psutil.NoSuchProcess:
        return 0
    return int(info.rss - getattr(info, "shared", 0))
