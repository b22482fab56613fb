"""Joins notes that are the same for several files into one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

_ALONE = (" is not UTF-8: read as ", "save it as ", " is a web page (HTML), whose table is ")
_TOGETHER = (" are not UTF-8: read as ", "save them as ", " are web pages (HTML), whose tables are ")
_MOST_NAMED = 4  # files in a note


def joined_notes(notes: Sequence[str], paths: Collection[str]) -> list[str]:
    """The notes, each once, those that differ in the file alone as one on all of these files, at the first's place.

    `paths`: of the files. Such a note begins with the path of a file and ": ", or goes on as `_ALONE`.
    """
    groups: dict[str, list[str]] = {}
    for note in dict.fromkeys(notes):
        begins = (path for path in paths if note.startswith((f"{path}: ", path + _ALONE[0], path + _ALONE[2])))
        path = next(begins, "")
        groups.setdefault(note[len(path) :], []).append(path)
    return [_on(files) + (rest if len(files) == 1 else _plural(rest)) for rest, files in groups.items()]


def _on(files: Sequence[str]) -> str:
    if len(files) > _MOST_NAMED:
        return f"{', '.join(files[: _MOST_NAMED - 1])} and {len(files) - _MOST_NAMED + 1} other files"
    return " and ".join(filter(None, (", ".join(files[:-1]), files[-1])))


def _plural(rest: str) -> str:
    for alone, together in zip(_ALONE, _TOGETHER, strict=True):
        rest = rest.replace(alone, together)
    return rest
