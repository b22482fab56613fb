"""One file of a competition, wherever it lies: a stream of its unpacked bytes, and errors of one sentence."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from medalist.competitions.errors import InputError
from medalist.competitions.tables.compression import compression, plain_name, unpacked
from medalist.competitions.tables.members import opened


@dataclass(frozen=True)
class Source:
    """One file, on disk or in an archive.

    `path`: relative to the competition's root, printable, with "/" ("data.zip/train.csv" for a member of a zip, and
    "data.xlsx/train" for a sheet of a workbook). `file`: the file on disk. `members`: the names of those that lead from
    `file` to this one, () for a plain file. `size`: bytes after unpacking, for .gz an estimate. `sheet`: the
    name of the sheet of a workbook, "" for any other file. `actual`: the name that it would have by its content, ""
    where that is its own (see `contents.name_by_content`). `siblings`: the files that it is judged together with.
    """

    path: str
    file: Path
    members: tuple[str, ...]
    size: int
    sheet: str = ""
    actual: str = ""
    siblings: Siblings | None = field(default=None, compare=False, repr=False)

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name

    @property
    def suffix(self) -> str:
        """The suffix in lower case by its content, of "train.csv.gz" it is ".csv", of a sheet that of its workbook."""
        return PurePosixPath(plain_name(self._file_name.lower())).suffix

    @property
    def _file_name(self) -> str:
        """The name of the file itself, by its content: of a sheet, that of its workbook."""
        return self.actual or ((self.members[-1] if self.members else self.file.name) if self.sheet else self.name)

    @property
    def packed(self) -> bool:
        """Whether it lies in an archive or is compressed, so that its bytes are not those of a file on disk."""
        return bool(self.members) or bool(compression(self._file_name))

    @contextmanager
    def open(self, *, as_stored: bool = False) -> Iterator[BinaryIO]:
        """A stream of the unpacked bytes, or of those `as_stored`. Raises InputError where they cannot be read."""
        suffix = "" if as_stored else compression(self._file_name)
        with unpacking(self.path), ExitStack() as stack:
            stream: BinaryIO = stack.enter_context(open(self.file, "rb"))
            for depth, member in enumerate(self.members):
                stream = stack.enter_context(opened(stream, self.path, member))
                seekable = isinstance(stream, zipfile.ZipExtFile)
                if as_stored or depth + 1 < len(self.members) or (suffix and not seekable):
                    stream = io.BytesIO(stream.read())
            yield unpacked(stream, self.path, suffix) if suffix else stream

    def read_bytes(self) -> bytes:
        """All unpacked bytes. Raises InputError where they cannot be read."""
        with self.open() as stream:
            return stream.read()


@dataclass(eq=False)
class Siblings:
    """Files that are judged together, such as those of a competition, and what was found out about them (by path)."""

    sources: tuple[Source, ...]
    found: dict[str, Any] = field(default_factory=dict)


def as_siblings(sources: Iterable[Source]) -> list[Source]:
    """The files as ones that are judged together, where a single one shows too little."""
    plain = tuple(sources)
    siblings = Siblings(plain)
    return [replace(source, siblings=siblings) for source in plain]


@contextmanager
def unpacking(path: str) -> Iterator[None]:
    """Turns the errors of reading and unpacking the file `path` into an InputError of one sentence."""
    try:
        yield
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, gzip.BadGzipFile) as error:
        raise InputError(f"{path} is a broken archive ({plain_reason(error)}): download it again.") from error
    except NotImplementedError as error:
        raise InputError(f"{path} is compressed in a way that cannot be read here: unpack it first.") from error
    except RuntimeError as error:
        if "password" not in str(error) and "encrypted" not in str(error):
            raise
        raise InputError(f"{path} is protected by a password: unpack it first.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or plain_reason(error)}.") from error


def plain_reason(error: Exception) -> str:
    """The message of an error as the middle of a sentence."""
    return str(error).rstrip(".").replace("\n", " ")[:120] or type(error).__name__
