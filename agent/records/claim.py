"""A lock on a run's folder: only one process works on a run at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from medalist.competitions.errors import LedgerError


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold the lock of a run's folder within a `with` block; the system releases it when this process is killed.

    Raises LedgerError where another process, or another block of this one, holds it. On a file system without locks
    the block is entered without one.
    """
    path = folder / "work" / "claim"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise LedgerError(f"Another process works on {folder.name}: wait for its end, or end it first.") from None
    except (NotImplementedError, OSError):  # the file system has no locks
        yield
        return
    try:
        yield
    finally:
        lock.release()
