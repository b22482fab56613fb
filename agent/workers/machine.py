"""Memory: what is available to this process, and what another process uses."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil

CONTROL_GROUPS = Path("/sys/fs/cgroup")


def available_memory(groups: Path = CONTROL_GROUPS) -> int:
    """Bytes of available memory: the machine's, or the container's where that is less.

    `groups` is the folder of Linux's control groups (version 2 or 1), which hold the container's limit and use.
    """
    free = psutil.virtual_memory().available
    for limit, used, stat in (
        ("memory.max", "memory.current", "memory.stat"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat"),
    ):
        with contextlib.suppress(OSError, ValueError):  # there is no such file, or the limit is "max": none
            room = int((groups / limit).read_text()) - int((groups / used).read_text())
            with contextlib.suppress(OSError):
                statistics = dict(line.split() for line in (groups / stat).read_text().splitlines())
                room += int(statistics.get("inactive_file", 0))  # the page cache, given up when memory is needed
            free = min(free, max(0, room))
    return free


def resident(pid: int) -> int:
    """Bytes of a process's resident memory without shared pages, such as mapped files; 0 if there is no process."""
    try:
        info = psutil.Process(pid).memory_info()
    except psutil.NoSuchProcess:
        return 0
    return int(info.rss - getattr(info, "shared", 0))
