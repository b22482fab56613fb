"""Ends a process with the one that started it, by the kernel: also in C code that keeps Python's lock."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

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
