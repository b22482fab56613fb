"""Blocks of computed numbers in a folder: written atomically, and thrown out beyond a number of bytes."""

from __future__ import annotations

import contextlib
import os
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from medalist.competitions.atomic import remove_abandoned, replacing

EVICT_TO = 0.8  # share of the limit down to which blocks are thrown out, so that not every write does it
CHECK_AFTER = 1 / 64  # share of the limit, after so many written bytes of which the folder is looked at again
_COMPUTED = (".npy", ".npz")


@dataclass
class BlockFolder:
    """Arrays and sparse matrices in files of a folder that several processes share.

    A kill leaves nothing half-written. Beyond `limit` bytes the least recently used blocks are thrown out.
    """

    folder: Path
    limit: int
    _unchecked: float = field(default=float("inf"), repr=False)  # bytes written since the folder was looked at

    def read(self, path: Path) -> Any:
        """The block in a file: a memory-mapped array or a sparse matrix; None where it is missing or cut short."""
        try:
            os.utime(path)  # the last use, by which blocks are thrown out
            if path.suffix == ".npz":
                from scipy import sparse

                return sparse.load_npz(path)
            return np.load(path, mmap_mode="r")
        except FileNotFoundError:
            return None
        except (EOFError, ValueError, zipfile.BadZipFile):  # cut short by a power cut: computed anew
            path.unlink(missing_ok=True)
            return None

    def write(self, path: Path, value: Any) -> None:
        """Write an array (.npy) or a sparse matrix (.npz), and throw out old blocks where there are too many."""
        with replacing(path, durable=False) as stream:  # a block that a power cut breaks is computed anew
            if path.suffix == ".npz":
                from scipy import sparse

                sparse.save_npz(stream, value, compressed=False)
            else:
                np.save(stream, value)
        with contextlib.suppress(FileNotFoundError):  # thrown out by another process
            self._unchecked += path.stat().st_size
        if self._unchecked > CHECK_AFTER * self.limit:
            self._unchecked = 0
            self.tidy()

    def tidy(self) -> None:
        """Throw out the least recently used blocks where all together have more bytes than the limit."""
        remove_abandoned(self.folder)
        blocks = []
        for path in self.folder.iterdir():
            if path.suffix not in _COMPUTED:
                continue
            try:
                status = path.stat()
            except FileNotFoundError:  # another process was faster
                continue
            blocks.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in blocks)
        if total <= self.limit:
            return
        for _, size, path in sorted(blocks):
            if total <= EVICT_TO * self.limit:
                return
            path.unlink(missing_ok=True)  # who has it mapped keeps it
            total -= size
