"""Locks between processes: only one works on a run at a time, and only one night in a folder of runs."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from medalist.competitions.errors import LedgerError

#: Errors by which a file system says that it has no locks.
NO_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL}


def claimed(folder: Path) -> contextlib.AbstractContextManager[None]:
    """`locked` for a run's folder. Raises LedgerError where another process, or another block of this one, holds it."""
    held = f"Another process works on {folder.name}: wait for its end, or end it first."
    return locked(folder / "work" / "claim", held)


@contextlib.contextmanager
def locked(path: Path, held: str) -> Iterator[None]:
    """Hold a lock file within a `with` block; the system releases it when this process is killed.

    Raises LedgerError with the message `held` where it is held elsewhere, and with another one where the file cannot be
    written. On a file system without locks the block is entered without one.
    """
    from filelock import FileLock, Timeout  # commands that show something rarely need it

    lock = FileLock(path, timeout=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise LedgerError(held) from None
    except (NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in NO_LOCKS:
            reason = error.strerror or error
            raise LedgerError(
                f"{path} cannot be written ({reason}), so that two processes might work there at once: make room, or "
                f"see to its permissions."
            ) from None
        yield
        return
    try:
        yield
    finally:
        lock.release()
