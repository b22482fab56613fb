"""Only one process works on a run at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from medalist.competitions.errors import LedgerError


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold a run's folder for the length of a block; the system lets it go when this process is killed.

    Raises LedgerError where another process, or another block of this one, holds it. On a file system without locks
    nothing is held.
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
