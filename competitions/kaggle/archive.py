"""Whether a zip that was downloaded is whole: all of it is here, and its checksums are right."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

from medalist.competitions.errors import InputError

CHECKED_BYTES = 2 << 30  # of contents, up to which all checksums are computed: 5 s at most
PARTIAL = ".kaggle-partial"  # the suffix by which the client marks a file that is not complete


def is_whole(path: Path) -> bool:
    """Whether a zip is complete, by its directory. A part of one whose last file is a zip itself looks like one."""
    if path.with_name(path.name + PARTIAL).exists():
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return not archive.infolist() or min(i.header_offset for i in archive.infolist()) == 0
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def check_contents(path: Path, name: str) -> None:
    """Check a new download against its checksums. Raises InputError, and removes the zip, where it is broken.

    What is encrypted, or packed in a way that Python does not know, is left to whoever reads it.
    """
    broken: str | None = None
    with zipfile.ZipFile(path) as archive:
        if sum(i.file_size for i in archive.infolist()) > CHECKED_BYTES:
            return
        with suppress(RuntimeError, NotImplementedError):
            try:
                broken = archive.testzip()
            except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError):
                broken = path.name
    if broken is not None:
        remove(path)
        raise InputError(f"the zip of {name} arrived broken and was removed: try again.")


def remove(path: Path) -> None:
    """Remove a download and the client's mark beside it."""
    for one in (path, path.with_name(path.name + PARTIAL)):
        one.unlink(missing_ok=True)
