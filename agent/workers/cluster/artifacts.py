"""Artifacts: the files that jobs read, addressed by the hash of their bytes, so that each goes once to each machine.

The head names files by their hash; a node keeps them in a folder under these names, which the workers on one machine
share. A `Path` in a message that is relative is relative to that folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from medalist.agent.workers.jobs import Job, TrainingInput

CHUNK = 4 << 20  # bytes of one message
OBJECTS, STORES = "objects", "stores"  # folders of a node's cache


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass
class Catalogue:
    """The head's files by their names on nodes: "objects/<SHA-256><ending>"."""

    paths: dict[str, Path] = field(default_factory=dict)
    _names: dict[tuple[Path, int, int], str] = field(default_factory=dict)  # by path, time of change and size

    def name(self, path: Path) -> Path:
        """The name of a file on nodes. OSError where it cannot be read."""
        stat = path.stat()
        key = path, stat.st_mtime_ns, stat.st_size
        if key not in self._names:
            self._names[key] = f"{OBJECTS}/{digest_of(path)}{path.suffix}"
        self.paths[self._names[key]] = path
        return Path(self._names[key])

    def job(self, job: Job) -> tuple[Job, tuple[str, ...]]:
        """A job with names in place of paths, and the names. OSError where one of its files cannot be read."""
        names: list[str] = []

        def name(path: Path) -> Path:
            names.append(str(self.name(path)))
            return Path(names[-1])

        return with_paths(job, name), tuple(dict.fromkeys(names))

    def training_input(self, given: TrainingInput) -> tuple[TrainingInput, dict[str, str]]:
        """A training input with names in place of paths, and by its place in the node's cache the name of each file
        that it needs: of targets and weights, raw columns and further tables. Computed columns stay here: nodes compute
        their own."""
        files = {str(self.name(p)): str(self.name(p)) for p in (given.targets, given.weights) if p is not None}
        raw = {path.name: str(self.name(path)) for path in sorted(given.store.glob("*.feather"))}
        content = hashlib.sha256("\n".join(f"{k} {v}" for k, v in raw.items()).encode()).hexdigest()[:16]
        store = Path(STORES) / f"{given.fingerprint}-{content}"
        files |= {str(store / name): artifact for name, artifact in raw.items()}
        weights = None if given.weights is None else self.name(given.weights)
        return replace(given, store=store, targets=self.name(given.targets), weights=weights), files


def with_paths(job: Job, change: Callable[[Path], Path]) -> Job:
    """A job with each of its paths changed."""
    sources, screen = job.sources, job.screen
    if sources is not None:
        stacked = tuple((change(oof), change(test)) for oof, test in sources.stacked)
        labels = change(sources.labels) if isinstance(sources.labels, Path) else sources.labels
        sources = replace(sources, stacked=stacked, labels=labels)
    if screen is not None:
        screen = replace(screen, data_file=change(screen.data_file))
    folds = None if job.folds is None else change(job.folds)
    return replace(job, folds=folds, sources=sources, screen=screen)


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
