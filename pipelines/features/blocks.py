"""A cache of computed arrays in the files of a folder: written atomically, evicted least recently used first."""

from __future__ import annotations

import contextlib
import os
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from medalist.competitions.atomic import disk_is_full, remove_abandoned, replacing

EVICT_TO = 0.8  # share of the limit down to which blocks are evicted, so that not every write has to evict
CHECK_AFTER = 1 / 64  # bytes written between two checks of the folder's size, as a share of the limit
_COMPUTED = (".npy", ".npz")


@dataclass
class BlockFolder:
    """Arrays and sparse matrices in files of a folder that several processes may share.

    A killed process leaves no partial file. Beyond `limit` bytes the least recently used blocks are evicted.
    """

    folder: Path
    limit: int
    _unchecked: float = field(default=float("inf"), repr=False)  # bytes written since the folder's size was checked

    def read(self, path: Path) -> Any:
        """The block in a file: a memory-mapped array or a sparse matrix; None where it is missing or broken."""
        try:
            os.utime(path)  # the time of the last use, for eviction
            if path.suffix == ".npz":
                from scipy import sparse

                return sparse.load_npz(path)
            return np.load(path, mmap_mode="r")
        except FileNotFoundError:
            return None
        except (EOFError, ValueError, zipfile.BadZipFile):  # cut short by a power failure: computed again
            path.unlink(missing_ok=True)
            return None

    def write(self, path: Path, value: Any) -> None:
        """Write an array (.npy) or a sparse matrix (.npz), and evict old blocks beyond the limit. Nothing is written
        where the disk is full: what is not stored is computed again."""
        try:
            self._write(path, value)
        except OSError as error:
            if not disk_is_full(error):
                raise
            return
        with contextlib.suppress(FileNotFoundError):  # evicted by another process
            self._unchecked += path.stat().st_size
        if self._unchecked > CHECK_AFTER * self.limit:
            self._unchecked = 0
            self.tidy()

    def _write(self, path: Path, value: Any) -> None:
        with replacing(path, durable=False) as stream:  # a block broken by a power failure is computed again
            if path.suffix == ".npz":
                from scipy import sparse

                sparse.save_npz(stream, value, compressed=False)
            else:
                np.save(stream, value)

    def tidy(self) -> None:
        """Evict the least recently used blocks where all together have more bytes than the limit."""
        remove_abandoned(self.folder)
        blocks = []
        for path in self.folder.iterdir():
            if path.suffix not in _COMPUTED:
                continue
            try:
                status = path.stat()
            except FileNotFoundError:  # evicted by another process
                continue
            blocks.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in blocks)
        if total <= self.limit:
            return
        for _, size, path in sorted(blocks):
            if total <= EVICT_TO * self.limit:
                return
            path.unlink(missing_ok=True)  # a process that has it memory-mapped can still read it
            total -= size
