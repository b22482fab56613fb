"""Lists and opens the tables and texts of a folder or an archive (zip or tar), in nested archives and compressed too,
and unpacks nothing to disk.

An archive is refused where it is broken or encrypted, where a member's path leads out of its folder, and where its
contents are out of proportion to its size (a decompression bomb).
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from medalist.competitions.errors import InputError
from medalist.competitions.naming import printable
from medalist.competitions.tables.compression import BOMB_BYTES, BOMB_RATIO, bomb, plain_name
from medalist.competitions.tables.contents import (
    AMBIGUOUS_SUFFIXES,
    ARFF_SUFFIXES,
    COLUMNAR_SUFFIXES,
    CSV_SUFFIXES,
    HEAD_BYTES,
    JSON_SUFFIXES,
    WORKBOOK_SUFFIXES,
    name_by_content,
    plain_alias,
)
from medalist.competitions.tables.members import is_workbook, members_of
from medalist.competitions.tables.source import Source, plain_reason, unpacking

TABLE_SUFFIXES = CSV_SUFFIXES + COLUMNAR_SUFFIXES + WORKBOOK_SUFFIXES + JSON_SUFFIXES + ARFF_SUFFIXES
TEXT_SUFFIXES = (".md", ".txt", ".html", ".htm", ".rst")
TEXT_FORMATS = CSV_SUFFIXES + JSON_SUFFIXES + ARFF_SUFFIXES + AMBIGUOUS_SUFFIXES + TEXT_SUFFIXES  # in any encoding
ARCHIVE_SUFFIXES = (".zip", ".tar")
UNSUPPORTED_ARCHIVES = (".7z", ".rar")
MAX_DEPTH = 6  # levels of folders below the root that are searched
MAX_NESTING = 2  # archives around a table: a zip within a zip
NESTED_BYTES = 2 << 30  # the largest archive within another, which is held in memory
_RUN_FILES = {"log.txt", "task.yaml", "predictions"}  # by which the folder of a run of the agent is recognised


def source_of(file: Path, path: str) -> Source:
    """The file on disk as a table, whatever its name says (see `contents.name_by_content`)."""
    source = Source(path, file, (), file.stat().st_size)
    with unpacking(path), open(file, "rb") as stream:
        source = _by_content(source, file.name, stream.read(HEAD_BYTES))
        if source.suffix == ".zip" and source.actual and is_workbook(stream):
            source = replace(source, actual=source.actual.removesuffix(".zip") + ".xlsx")
    return replace(source, size=_unpacked_size(source))


def _by_content(source: Source, name: str, head: bytes) -> Source:
    actual = name_by_content(name, head)
    return source if actual == name else replace(source, actual=actual)


def list_sources(root: Path) -> tuple[list[Source], list[str]]:
    """The tables and texts of a folder or an archive, sorted by path, and notes about archives that could not be read.

    Raises InputError where `root` is an archive that cannot be read, is a file of another kind, or holds an archive
    with a path that leads out of its folder.
    """
    if root.is_file():
        if root.name.lower().endswith(UNSUPPORTED_ARCHIVES):
            raise InputError(_unread(printable(root.name)))
        base = source_of(root, printable(root.name))
        if base.suffix in TABLE_SUFFIXES + AMBIGUOUS_SUFFIXES:
            return [base], []
        if base.suffix not in ARCHIVE_SUFFIXES:
            raise InputError(f"{root} is a single file: give the folder or the zip that holds train and test.")
        prefix = f"{base.path}/"
        return [replace(s, path=s.path.removeprefix(prefix)) for s in _members(base)], []
    notes: list[str] = []
    sources: list[Source] = []
    for file in _walk(root):
        path = printable(file.relative_to(root).as_posix())
        if file.name.lower().endswith(UNSUPPORTED_ARCHIVES):
            notes.append(_unread(path))
            continue
        source = source_of(file, path) if _may_be_other(file.name) else Source(path, file, (), file.stat().st_size)
        if source.suffix in ARCHIVE_SUFFIXES:
            try:
                sources += _members(source)
            except _BrokenError as error:
                notes.append(str(error))
        else:
            sources.append(source)
    return sources, notes


def _unread(path: str) -> str:
    return f"{path} is an archive of a kind that is not opened here (zip and tar are): unpack it and give the folder."


class _BrokenError(InputError):
    """An archive that cannot be read. In a folder with other files it becomes a note."""


def _walk(root: Path) -> Iterator[Path]:
    """Tables, texts and archives below a folder, sorted within each folder, without hidden ones and runs."""
    for folder, folders, files in os.walk(root):
        depth = len(Path(folder).relative_to(root).parts)
        if depth and {*files, *folders} >= _RUN_FILES:
            folders[:] = []  # a run of the agent: its submission and log are not the organiser's
            continue
        if depth and "ledger.sqlite" in files:
            folders[:] = []  # the agent's folder of runs and demonstrations
        folders[:] = sorted(f for f in folders if not f.startswith((".", "__")) and depth < MAX_DEPTH)
        for name in sorted(files):
            path = Path(folder, name)
            if not name.startswith(".") and path.is_file() and (_is_table_or_text(name) or _is_archive(name)):
                yield path


def _is_table_or_text(name: str) -> bool:
    """Whether a file is a table or a text, by its name."""
    lower = name.lower()
    table = plain_name(lower).endswith(TABLE_SUFFIXES + AMBIGUOUS_SUFFIXES)
    return (table and not name.startswith("~$")) or lower.endswith(TEXT_SUFFIXES)


def _is_archive(name: str) -> bool:
    lower = plain_name(plain_alias(name.lower()))
    return lower.endswith(ARCHIVE_SUFFIXES + UNSUPPORTED_ARCHIVES)


def _may_be_other(name: str) -> bool:
    """Whether the content of a file is asked what it is, rather than its name alone: tables and archives."""
    return plain_name(name.lower()).endswith(TABLE_SUFFIXES + AMBIGUOUS_SUFFIXES) or _is_archive(name)


def _unpacked_size(source: Source) -> int:
    """The size of a file on disk after unpacking, in bytes; for .gz an estimate."""
    name = source.actual or source.file.name
    if not name.lower().endswith(".gz") or source.size < 18:
        return source.size
    with open(source.file, "rb") as stream:  # RFC 1952: the last four bytes are the size modulo 2**32
        stream.seek(-4, os.SEEK_END)
        return max(int.from_bytes(stream.read(4), "little"), source.size)


def _members(outer: Source) -> list[Source]:
    """The tables and texts in an archive and in the archives in it, sorted by path. Raises InputError."""
    try:
        with outer.open(as_stored=True) as stream:
            found = members_of(stream, outer.path, _may_be_other)
    except InputError as error:
        raise _BrokenError(str(error)) from error
    except ValueError as error:  # zipfile on some damaged directories
        raise _BrokenError(f"{outer.path} is a broken archive ({plain_reason(error)}): download it again.") from error
    total = 0
    members: list[Source] = []
    for member in found:
        if member.leads_out:
            raise InputError(
                f"{outer.path} holds {member.name!r}, which leads out of its folder: refused; get a clean archive."
            )
        total += member.size
        if total > BOMB_BYTES and total > BOMB_RATIO * max(outer.size, 1):
            raise bomb(outer.path)
        parts = member.parts
        if not parts or parts[0] == "__MACOSX" or parts[-1].startswith("."):
            continue
        path = printable("/".join((outer.path, *parts)))
        inner = Source(path, outer.file, (*outer.members, member.name), member.size)
        if not (_is_table_or_text(inner.name) or _is_archive(inner.name)):
            continue
        inner = _by_content(inner, inner.name, member.head) if _may_be_other(inner.name) else inner
        if inner.suffix == ".zip" and inner.actual:
            with inner.open() as stream:
                book = is_workbook(io.BytesIO(stream.read()))
            inner = replace(inner, actual=inner.actual.removesuffix(".zip") + ".xlsx") if book else inner
        if inner.suffix in ARCHIVE_SUFFIXES:
            if len(inner.members) >= MAX_NESTING or member.size > NESTED_BYTES:
                raise InputError(f"{inner.path} is nested too deep or too large to be read in place: unpack it first.")
            members += _members(inner)
        elif _is_table_or_text(inner.name):
            members.append(inner)
    return sorted(members, key=lambda source: source.path)
