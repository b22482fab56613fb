"""Ends a process with the one that started it, by the kernel: also in C code that keeps Python's lock. And finds what
is below a process fast: at a deadline a look at all processes of a busy machine takes too long.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # of Linux's prctl(2)


def end_with_parent(parent: int | None = None) -> None:
    """Have the kernel kill this process when its parent ends, whatever ends that and whatever this one is doing.

    parent: its process id, where it may have ended already. Only on Linux; elsewhere nothing happens. What counts is
    the thread that started this process: where it ends earlier than its process, this one ends then.
    """
    if sys.platform != "linux":
        return
    with suppress(ImportError, OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if parent is not None and os.getppid() != parent:  # it ended before that was in force
            os._exit(1)


def descendants(pid: int) -> list[int]:
    """Ids of the processes below a process: its children, theirs and so on."""
    if not Path(f"/proc/self/task/{os.getpid()}/children").exists():
        import psutil

        with suppress(psutil.Error):
            return [process.pid for process in psutil.Process(pid).children(recursive=True)]
        return []
    found = _children(pid)
    for one in found:  # which grows meanwhile
        found += _children(one)
    return found


def _children(pid: int) -> list[int]:
    """Ids of the children of a process, as Linux lists them for each of its threads; [] where it has ended."""
    children: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                children += map(int, (thread / "children").read_text().split())
    return children
