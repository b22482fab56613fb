"""Reads `lineage.json`, the document of a run's lineage, and hashes files, without loading numpy or pandas."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

NAME = "lineage.json"
VERSION = 1  # of the document: raise it where its form changes
BLOCK = 1 << 22  # bytes that are read and hashed at a time


def read_lineage(folder: Path) -> dict[str, Any] | None:
    """The document in a run's folder; None where there is none, or it is broken or of another form."""
    try:
        document = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) and document.get("version") == VERSION else None


@dataclass(frozen=True)
class InputFile:
    """A file that a run was made from.

    path: relative to the competition's root, "" for the root itself, absolute for a file elsewhere. roles: what it was
    read for, such as train; of an archive those of its members. size: bytes. modified: when it was last changed, in
    nanoseconds since the epoch. sha256: of its bytes in hex; "" while it is not known.
    """

    path: str
    roles: tuple[str, ...]
    size: int
    modified: int
    sha256: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> InputFile:
        """The file of plain values as `as_dict` returns them."""
        return cls(**{**document, "roles": tuple(document["roles"])})

    def below(self, root: Path) -> Path:
        """Where the file is, for a competition's root."""
        return root / self.path if self.path else root


def file_hash(path: Path, stopped: Callable[[], bool] = lambda: False) -> str:
    """The SHA-256 of a file's bytes in hex, read block by block; "" where `stopped` ended it. Raises OSError."""
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
            if stopped():
                return ""
    return digest.hexdigest()
