"""Lists and opens the tables and texts of a folder or a zip, in nested zips and compressed too, and
unpacks nothing to disk.

A zip is refused where it is broken or encrypted, where a member's path leads out of its folder, and where its contents
are out of proportion to its size (a decompression bomb).
"""

from __future__ import annotations

import gzip
import io
import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from medalist.competitions.errors import InputError
from medalist.competitions.naming import printable
from medalist.competitions.tables.compression import BOMB_BYTES, BOMB_RATIO, bomb, compression, plain_name, unpacked

CSV_SUFFIXES = (".csv", ".tsv", ".tab")
COLUMNAR_SUFFIXES = (".parquet", ".pq", ".feather", ".arrow", ".ipc", ".orc")
WORKBOOK_SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
AMBIGUOUS_SUFFIXES = (".txt", ".dat", ".data")  # a table or a text, as its content shows
TABLE_SUFFIXES = CSV_SUFFIXES + COLUMNAR_SUFFIXES + WORKBOOK_SUFFIXES + JSON_SUFFIXES
TEXT_SUFFIXES = (".md", ".txt", ".html", ".htm", ".rst")
TEXT_FORMATS = CSV_SUFFIXES + JSON_SUFFIXES + AMBIGUOUS_SUFFIXES + TEXT_SUFFIXES  # files of text in some encoding
UNSUPPORTED_ARCHIVES = (".7z", ".rar", ".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")
MAX_DEPTH = 6  # levels of folders below the root that are searched
MAX_NESTING = 2  # zips around a table: a zip within a zip
NESTED_BYTES = 2 << 30  # the largest zip within a zip, which is held in memory
_RUN_FILES = {"log.txt", "task.yaml", "predictions"}  # by which the folder of a run of the agent is recognised


@dataclass(frozen=True)
class Source:
    """One file, on disk or in a zip.

    `path`: relative to the competition's root, printable, with "/" ("data.zip/train.csv" for a member of a zip, and
    "data.xlsx/train" for a sheet of a workbook). `file`: the file on disk. `members`: the names of the zip members that
    lead from `file` to this one, () for a plain file. `size`: bytes after unpacking, for .gz an estimate. `sheet`: the
    name of the sheet of a workbook, "" for any other file. `siblings`: the files that it is judged together with.
    """

    path: str
    file: Path
    members: tuple[str, ...]
    size: int
    sheet: str = ""
    siblings: Siblings | None = field(default=None, compare=False, repr=False)

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name

    @property
    def suffix(self) -> str:
        """The suffix in lower case, of "train.csv.gz" it is ".csv", of a sheet that of its workbook."""
        return PurePosixPath(plain_name(self._file_name.lower())).suffix

    @property
    def _file_name(self) -> str:
        """The name of the file itself: of a sheet, that of its workbook."""
        return (self.members[-1] if self.members else self.file.name) if self.sheet else self.name

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """A stream of the unpacked bytes. Raises InputError where they cannot be read."""
        with unpacking(self.path), ExitStack() as stack:
            stream: BinaryIO = stack.enter_context(open(self.file, "rb"))
            for depth, member in enumerate(self.members):
                archive = stack.enter_context(zipfile.ZipFile(stream))
                stream = cast(BinaryIO, stack.enter_context(archive.open(member)))
                if depth + 1 < len(self.members):
                    stream = io.BytesIO(stream.read())
            yield unpacked(stream, self._file_name) if compression(self._file_name) else stream

    def read_bytes(self) -> bytes:
        """All unpacked bytes. Raises InputError where they cannot be read."""
        with self.open() as stream:
            return stream.read()


@dataclass(eq=False)
class Siblings:
    """The files of one competition, and what was found out about them together (a cache, by path)."""

    sources: tuple[Source, ...]
    found: dict[str, Any] = field(default_factory=dict)


def as_siblings(sources: Iterable[Source]) -> list[Source]:
    """The files, each with all of them as its `siblings`: a single one may not show its encoding."""
    plain = tuple(sources)
    siblings = Siblings(plain)
    return [replace(source, siblings=siblings) for source in plain]


@contextmanager
def unpacking(path: str) -> Iterator[None]:
    """Turns the errors of reading and unpacking the file `path` into an InputError of one sentence."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, gzip.BadGzipFile) as error:
        raise InputError(f"{path} is a broken archive ({_plain(error)}): download it again.") from error
    except NotImplementedError as error:
        raise InputError(f"{path} is compressed in a way that cannot be read here: unpack it first.") from error
    except RuntimeError as error:
        if "password" not in str(error) and "encrypted" not in str(error):
            raise
        raise InputError(f"{path} is protected by a password: unpack it first.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or _plain(error)}.") from error


def list_sources(root: Path) -> tuple[list[Source], list[str]]:
    """The tables and texts of a folder or a zip, sorted by path, and notes about zips that could not be read.

    Raises InputError where `root` is a zip that cannot be read, is a file of another kind, or holds a zip with a path
    that leads out of its folder.
    """
    if root.is_file():
        base = Source(printable(root.name), root, (), root.stat().st_size)
        if root.name.lower().endswith(UNSUPPORTED_ARCHIVES):
            raise InputError(_unread(base.path))
        if base.suffix in TABLE_SUFFIXES + AMBIGUOUS_SUFFIXES:
            return [replace(base, size=_unpacked_size(base))], []
        if root.suffix.lower() != ".zip":
            raise InputError(f"{root} is a single file: give the folder or the zip that holds train and test.")
        prefix = f"{base.path}/"
        return [replace(s, path=s.path.removeprefix(prefix)) for s in _members(base)], []
    notes: list[str] = []
    sources: list[Source] = []
    for file in _walk(root):
        path = printable(file.relative_to(root).as_posix())
        source = Source(path, file, (), file.stat().st_size)
        if source.suffix == ".zip":
            try:
                sources += _members(source)
            except _BrokenError as error:
                notes.append(str(error))
        elif _is_table_or_text(source.name):
            sources.append(replace(source, size=_unpacked_size(source)))
        elif source.name.lower().endswith(UNSUPPORTED_ARCHIVES):
            notes.append(_unread(path))
    return sources, notes


def _unread(path: str) -> str:
    return f"{path} is an archive of a kind that is not opened here (zip is): unpack it and give the folder."


class _BrokenError(InputError):
    """A zip that cannot be read. In a folder with other files it becomes a note."""


def _walk(root: Path) -> Iterator[Path]:
    """Tables, texts and zips below a folder, sorted within each folder, but for hidden ones and runs of the agent."""
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
            if (
                not name.startswith(".")
                and path.is_file()
                and (_is_table_or_text(name) or name.lower().endswith((".zip", *UNSUPPORTED_ARCHIVES)))
            ):
                yield path


def _is_table_or_text(name: str) -> bool:
    """Whether a file is a table or a text, by its name."""
    lower = name.lower()
    table = plain_name(lower).endswith(TABLE_SUFFIXES + AMBIGUOUS_SUFFIXES)
    return (table and not name.startswith("~$")) or lower.endswith(TEXT_SUFFIXES)


def _unpacked_size(source: Source) -> int:
    """The size of a file on disk after unpacking, in bytes; for .gz an estimate."""
    if not source.name.lower().endswith(".gz") or source.size < 18:
        return source.size
    with open(source.file, "rb") as stream:  # RFC 1952: the last four bytes are the size modulo 2**32
        stream.seek(-4, os.SEEK_END)
        return max(int.from_bytes(stream.read(4), "little"), source.size)


def _members(outer: Source) -> list[Source]:
    """The tables and texts in a zip and in the zips in it, sorted by path. Raises InputError."""
    try:
        with outer.open() as stream, zipfile.ZipFile(stream) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
    except InputError as error:
        raise _BrokenError(str(error)) from error
    except ValueError as error:  # zipfile on some damaged directories
        raise _BrokenError(f"{outer.path} is a broken archive ({_plain(error)}): download it again.") from error
    total = 0
    members: list[Source] = []
    for info in infos:
        parts = PurePosixPath(info.filename.replace("\\", "/")).parts
        link = stat.S_ISLNK(info.external_attr >> 16)
        if ".." in parts or info.filename.startswith(("/", "\\")) or ":" in parts[0] or link:
            raise InputError(
                f"{outer.path} holds {info.filename!r}, which leads out of its folder: refused; get a clean archive."
            )
        total += info.file_size
        if total > BOMB_BYTES and total > BOMB_RATIO * max(outer.size, 1):
            raise bomb(outer.path)
        if parts[0] == "__MACOSX" or parts[-1].startswith("."):
            continue
        path = printable("/".join((outer.path, *parts)))
        inner = Source(path, outer.file, (*outer.members, info.filename), info.file_size)
        if inner.suffix == ".zip":
            if len(inner.members) >= MAX_NESTING or info.file_size > NESTED_BYTES:
                raise InputError(f"{inner.path} is nested too deep or too large to be read in place: unpack it first.")
            members += _members(inner)
        elif _is_table_or_text(inner.name):
            members.append(inner)
    return sorted(members, key=lambda source: source.path)


def _plain(error: Exception) -> str:
    """The message of an error as the middle of a sentence."""
    return str(error).rstrip(".").replace("\n", " ")[:120] or type(error).__name__
