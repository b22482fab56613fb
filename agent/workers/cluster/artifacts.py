"""Artifacts as the head knows them: the files that jobs read, named by the hash of their bytes.

On a node a relative `Path` in a message is relative to the folder of `cache.NodeCache`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from medalist.agent.workers.cluster.cache import OBJECTS, STORES, digest_of
from medalist.agent.workers.jobs import Job, TrainingInput


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
        more = given.additional
        arrays = (given.targets, given.weights, None if more is None else more.targets)
        files = {str(self.name(p)): str(self.name(p)) for p in arrays if p is not None}
        store, of_store = self._store(given.store, given.fingerprint)
        files |= of_store
        if more is not None:
            further, of_store = self._store(more.store, more.fingerprint)
            files |= of_store
            more = replace(more, store=further, targets=self.name(more.targets))
        weights = None if given.weights is None else self.name(given.weights)
        return replace(given, store=store, targets=self.name(given.targets), weights=weights, additional=more), files

    def _store(self, folder: Path, fingerprint: str) -> tuple[Path, dict[str, str]]:
        """The place of a feature store in the node's cache, and by their places there the names of its raw columns and
        further tables."""
        raw = {path.name: str(self.name(path)) for path in sorted(folder.glob("*.feather"))}
        content = hashlib.sha256("\n".join(f"{k} {v}" for k, v in raw.items()).encode()).hexdigest()[:16]
        store = Path(STORES) / f"{fingerprint}-{content}"
        return store, {str(store / name): artifact for name, artifact in raw.items()}


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
