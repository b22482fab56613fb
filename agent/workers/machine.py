"""Memory: what the machine or the container has, what is available of it, and what processes use."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
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


def total_memory(groups: Path = CONTROL_GROUPS) -> int:
    """Bytes of memory of the machine, or of the container where that has less; `groups` as in `available_memory`."""
    total = psutil.virtual_memory().total
    for limit in ("memory.max", "memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # there is no such file, or the limit is "max": none
            total = min(total, int((groups / limit).read_text()))
    return total


def resident(pid: int) -> int:
    """Bytes of a process's resident memory without shared pages, such as mapped files; 0 if there is no process."""
    try:
        info = psutil.Process(pid).memory_info()
    except psutil.NoSuchProcess:
        return 0
    return int(info.rss - getattr(info, "shared", 0))


def family_of(pid: int) -> list[int]:
    """Ids of a process and of all that it has started, directly or through others; [] if there is no process."""
    try:
        process = psutil.Process(pid)
        return [pid, *(child.pid for child in process.children(recursive=True))]
    except psutil.Error:
        return []


def held_together(pids: Iterable[int]) -> int:
    """Bytes of memory that processes hold together and that nobody gets before they give it back: anonymous pages and
    shared memory. Pages that several of them share, as after a fork, count once. Pages of mapped files do not count,
    since the system takes them back where memory is short.

    From the proportional set sizes of the kernel (Linux 5.9 or later); elsewhere the sum of `resident`.
    """
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
            sizes = dict(line.split()[:2] for line in lines[1:])
            total += 1024 * (int(sizes["Pss_Anon:"]) + int(sizes["Pss_Shmem:"]))
        except (OSError, KeyError, ValueError):  # ended, not ours to read, or another system
            total += resident(pid)
    return total
