"""Artifacts in object storage: any location that fsspec can open (s3://, gs://, abfs://, file://)."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from medalist.agent.workers.cluster.cache import CHUNK, NodeCache
from medalist.competitions.errors import ClusterError


def filesystem(url: str) -> tuple[Any, str]:
    """The file system of a location, and the path in it. ClusterError where there is none, or a package for it is
    missing."""
    import fsspec

    try:
        return fsspec.core.url_to_fs(url.rstrip("/"))
    except (ImportError, ValueError) as error:
        raise ClusterError(f"--artifacts {url} cannot be opened: {' '.join(str(error).split())}") from None


def check(url: str) -> None:
    """Write, read and remove a small object. ClusterError where the location does not allow it."""
    system, root = filesystem(url)
    path = f"{root}/objects/.written-by-medalist"
    try:
        system.makedirs(f"{root}/objects", exist_ok=True)
        system.pipe_file(path, b"1")
        system.cat_file(path)
        system.rm_file(path)
    except Exception as error:  # noqa: BLE001 - each file system has errors of its own
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ClusterError(f"--artifacts {url} cannot be written: {reason}") from None


def upload(url: str, name: str, path: Path) -> None:
    """Store a file under its name, unless it is there. Raises what the file system raises."""
    system, root = filesystem(url)
    target = f"{root}/{name}"
    if system.exists(target) and system.size(target) == path.stat().st_size:
        return
    system.makedirs(str(PurePosixPath(target).parent), exist_ok=True)
    system.put_file(str(path), target)


def download(url: str, names: Sequence[str], cache: NodeCache, writer: str) -> list[str]:
    """Fetch artifacts into a node's cache. Returns those that cannot be had from there, or did not come whole."""
    failed = []
    for name in names:
        came = False
        with contextlib.suppress(Exception):  # each file system has errors of its own; the head sends it then
            system, root = filesystem(url)
            with system.open(f"{root}/{name}", "rb") as file:
                offset = 0
                while data := file.read(CHUNK):
                    cache.append(name, writer, offset, data)
                    offset += len(data)
                if not offset:
                    cache.append(name, writer, 0, b"")
            came = cache.complete(name, writer)
        if not came:
            failed.append(name)
    return failed
