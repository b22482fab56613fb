"""Measures the peak of this process's memory while it does a job."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import threading
from collections.abc import Iterator

from medalist.agent.workers.machine import resident

INTERVAL = 0.02  # seconds between two measurements


class Meter:
    """A thread that measures, several times a second, the private memory of this process (see `machine.resident`).

    The kernel's own peak (VmHWM) counts mapped files too, which are no memory that a job takes from others.
    """

    def __init__(self) -> None:
        self.peak = 0  # bytes, the most of the present or the last job
        self._wanted = threading.Event()
        threading.Thread(target=self._measure, daemon=True).start()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Measure within it; `peak` then is the most that the process held."""
        self.peak = resident(os.getpid())
        self._wanted.set()
        try:
            yield
        finally:
            self._wanted.clear()
            self.peak = max(self.peak, resident(os.getpid()))

    def _measure(self) -> None:
        pid, pause = os.getpid(), threading.Event()
        while True:
            self._wanted.wait()
            self.peak = max(self.peak, resident(pid))
            pause.wait(INTERVAL)


def give_back() -> None:
    """Return freed memory to the system, which the C library and Arrow keep for later."""
    if "pyarrow" in sys.modules:
        sys.modules["pyarrow"].default_memory_pool().release_unused()
    with contextlib.suppress(AttributeError, OSError):  # another library than glibc
        ctypes.CDLL(None).malloc_trim(0)
