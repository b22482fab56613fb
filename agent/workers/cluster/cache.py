"""The folder in which a machine of the cluster keeps artifacts: files named by the hash of their bytes, so that each
comes there once."""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

CHUNK = 4 << 20  # bytes of one message
OBJECTS, STORES = "objects", "stores"  # folders of a cache
CACHE_GIB = 20.0  # most GiB of artifacts on a machine, unless MEDALIST_NODE_GIB says otherwise


def cache_folder() -> Path:
    """The folder of this machine's artifacts: MEDALIST_NODE_CACHE, or else in the user's cache folder."""
    import platformdirs

    given = os.environ.get("MEDALIST_NODE_CACHE")
    return Path(given) if given else Path(platformdirs.user_cache_dir("medalist")) / "node"


def cache_limit() -> int:
    """Most bytes of artifacts on this machine. ValueError where MEDALIST_NODE_GIB is no number."""
    return int(float(os.environ.get("MEDALIST_NODE_GIB") or CACHE_GIB) * 2**30)


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class NodeCache:
    """The folder in which a machine keeps artifacts, shared by the workers on it."""

    root: Path

    def missing(self, names: Iterable[str]) -> list[str]:
        """Those of the names that are not there; the others count as used now."""
        absent = []
        for name in names:
            try:
                os.utime(self.root / name)
            except OSError:
                absent.append(name)
        return absent

    def part(self, name: str, writer: str) -> Path:
        """Where one writer collects the bytes of an artifact before it is complete."""
        return self.root / OBJECTS / f".{Path(name).name}.{writer}"

    def append(self, name: str, writer: str, offset: int, data: bytes) -> None:
        """Add bytes at an offset of what a writer has collected. OSError where the disk does not take them."""
        part = self.part(name, writer)
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("r+b" if offset else "wb") as file:
            file.seek(offset)
            file.write(data)

    def complete(self, name: str, writer: str) -> bool:
        """Let an artifact that a writer has collected appear under its name; False where its bytes have another hash,
        and then they are gone."""
        part = self.part(name, writer)
        if digest_of(part) != Path(name).name.split(".")[0]:
            part.unlink()
            return False
        part.replace(self.root / name)
        return True

    def place(self, where: str, name: str) -> None:
        """Let an artifact appear at a further place of the cache too."""
        target = self.root / where
        if where == name or target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
        os.link(self.root / name, beside)
        beside.replace(target)

    def trim(self, limit: int, keep: Iterable[str]) -> None:
        """Remove the artifacts that were not used for longest, beyond so many bytes, but for those to keep."""
        kept = {self.root / name for name in keep}
        found = []
        for path in (self.root / OBJECTS).glob("*"):
            with contextlib.suppress(OSError):
                found.append((path.stat().st_mtime, path.stat().st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= limit:
                return
            if path not in kept:
                with contextlib.suppress(OSError):
                    path.unlink()
                    total -= size
