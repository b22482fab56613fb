"""Files that are replaced at once or not at all: written beside their place, synced, renamed.

Whoever reads a path sees the old contents or the new ones, never a part, whatever ends the writer in between.
"""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # errors of a disk that is full, or of a limit on files
ABANDONED = 3600.0  # seconds without a change, after which a temporary file belongs to a writer that was killed
_SUFFIX = ".tmp"


@contextmanager
def replacing(path: Path | str, *, durable: bool = True) -> Iterator[BinaryIO]:
    """A binary stream whose contents become the file `path`, in a folder that is there, when the block ends.

    Where the block or the disk raises, the temporary file is removed and `path` stays as it is. `durable`: the contents
    and the rename are synced to the disk, so that a power cut leaves one of the two versions too. It costs
    milliseconds to seconds; without it a power cut may leave a broken file under the final name, which only suits what
    is checked when read and can be computed again. Raises OSError.
    """
    path = Path(path)
    temporary = path.with_name(f".{secrets.token_hex(8)}{_SUFFIX}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)  # the umask decides, as for any new file
    try:
        with open(handle, "wb") as stream:
            yield stream
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    if durable:
        sync_folder(path.parent)


def replace_file(path: Path | str, contents: bytes | str, *, durable: bool = True) -> None:
    """Make `contents` (text as UTF-8) the file `path`, as `replacing` does. Raises OSError."""
    with replacing(path, durable=durable) as stream:
        stream.write(contents.encode() if isinstance(contents, str) else contents)


def disk_is_full(error: OSError) -> bool:
    """Whether it is a full disk, or a limit on files, that an error is about."""
    return error.errno in FULL or (error.errno is None and "requested and" in str(error))  # numpy's own sentence


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files in `folder` of writers that were killed. Raises OSError where it cannot be listed."""
    for path in folder.glob(f".*{_SUFFIX}"):
        with suppress(OSError):  # its writer, or another process, was faster
            if time.time() - path.stat().st_mtime > ABANDONED:
                path.unlink()


def sync_folder(folder: Path) -> None:
    """Make a rename within `folder` durable, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
