"""One process at a time works on a run's folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from medalist.competitions.errors import LedgerError


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold a run's folder while this process works on it; a process that is killed holds it no longer.

    Raises LedgerError where another one does.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    (folder / "work").mkdir(parents=True, exist_ok=True)
    with (folder / "work" / "claim").open("w", encoding="ascii") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LedgerError(f"Another process works on {folder.name}: wait for its end, or end it first.") from None
        except OSError:  # a file system without locks
            pass
        yield
