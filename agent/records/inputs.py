"""The files that a run was made from, with their hashes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from medalist.agent.records.lineage_file import InputFile, file_hash
from medalist.competitions.competition import Competition
from medalist.competitions.metrics.custom import split_custom
from medalist.competitions.task.task import Task

UNREAD = ("ignored", "answers")  # roles of files that say nothing to a run


def input_files(competition: Competition, task: Task) -> list[InputFile]:
    """The files on disk that the competition's tables, its text and the metric's code were read from, not hashed."""
    roles: dict[Path, list[str]] = {}
    for file in competition.files:
        origin = competition.origins.get(file.path)
        if origin is not None and (file.role not in UNREAD or "a part of" in file.reason):
            roles.setdefault(origin, []).append(file.role)
    if custom := split_custom(task.metric):
        roles.setdefault(Path(custom[0]), []).append("metric")
    return [_described(origin, names, competition.root) for origin, names in roles.items() if origin.is_file()]


def _described(origin: Path, roles: Sequence[str], root: Path) -> InputFile:
    status, place, top = origin.stat(), origin.resolve(), root.resolve()
    path = "" if place == top else str(place.relative_to(top)) if place.is_relative_to(top) else str(place)
    return InputFile(path, tuple(dict.fromkeys(roles)), status.st_size, status.st_mtime_ns)


def hashed(
    files: Sequence[InputFile], root: Path, known: Sequence[InputFile] = (), stopped: Callable[[], bool] = lambda: False
) -> list[InputFile]:
    """The files with their hashes; those that equal a `known` one in size and time of change have its hash.

    stopped: whether to leave the rest without hashes. A file that is gone or cannot be read has none either.
    """
    before = {replace(file, sha256="", roles=()): file.sha256 for file in known}
    done = []
    for file in files:
        digest = before.get(replace(file, sha256="", roles=()), "")
        if not digest and not stopped():
            try:
                digest = file_hash(file.below(root), stopped)
            except OSError:
                digest = ""
        done.append(replace(file, sha256=digest))
    return done
