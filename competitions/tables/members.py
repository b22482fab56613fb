"""Lists and opens the members of a zip or a tar, which may be compressed, without unpacking anything to disk."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from medalist.competitions.tables.compression import packed_as, unpacked
from medalist.competitions.tables.contents import HEAD_BYTES


@dataclass(frozen=True)
class Member:
    """A file in an archive: its name as it stands there, its size unpacked, its first bytes (b"" where they were not
    asked for), and whether it is a link or a device."""

    name: str
    size: int
    head: bytes = b""
    link: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of its path."""
        return tuple(part for part in PurePosixPath(self.name.replace("\\", "/")).parts if part != ".")

    @property
    def leads_out(self) -> bool:
        """Whether its path leads out of the folder that the archive is unpacked to."""
        outside = self.name.startswith(("/", "\\")) or ".." in self.parts or ":" in next(iter(self.parts), "")
        return outside or self.link


def members_of(stream: BinaryIO, path: str, wanted: Callable[[str], bool]) -> list[Member]:
    """The files in a zip or a tar, with the first bytes of those whose name is `wanted`.

    `path`: of the archive, in errors. Raises what zipfile and tarfile raise for a broken one, and ValueError.
    """
    if not _is_tar(stream):
        with zipfile.ZipFile(stream) as archive:
            return [_zipped(archive, info, wanted) for info in archive.infolist() if not info.is_dir()]
    with _tar(stream, path) as tar:
        found: dict[str, Member] = {}
        for info in tar:
            if info.isdir():
                continue
            file = tar.extractfile(info) if info.isreg() and wanted(info.name) else None
            head = file.read(HEAD_BYTES) if file else b""
            found[info.name] = Member(info.name, info.size, head, not info.isreg())
        return list(found.values())


@contextmanager
def opened(stream: BinaryIO, path: str, name: str) -> Iterator[BinaryIO]:
    """A stream of the member `name` of the zip or tar in `stream`. `path`: of the archive, in errors."""
    if not _is_tar(stream):
        with zipfile.ZipFile(stream) as archive, archive.open(name) as member:
            yield cast(BinaryIO, member)
        return
    with _tar(stream, path) as tar:
        info = next((info for info in tar if info.name == name and info.isreg()), None)
        file = tar.extractfile(info) if info else None
        if file is None:
            raise tarfile.ReadError(f"{name} is gone")
        yield cast(BinaryIO, file)


def is_workbook(stream: BinaryIO) -> bool:
    """Whether a zip is a workbook (.xlsx, .xlsb, .ods); False for a broken one."""
    try:
        with zipfile.ZipFile(stream) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return False
    return any(name.startswith("xl/") for name in names) or {"mimetype", "content.xml"} <= names


def _zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo, wanted: Callable[[str], bool]) -> Member:
    head = b""
    if wanted(info.filename):
        try:
            with archive.open(info) as stream:
                head = stream.read(HEAD_BYTES)
        except Exception:  # noqa: BLE001 - an encrypted or damaged member: reading it says why
            head = b""
    return Member(info.filename, info.file_size, head, stat.S_ISLNK(info.external_attr >> 16))


def _is_tar(stream: BinaryIO) -> bool:
    """Whether a stream that can be read from its beginning is a tar, perhaps compressed, and not a zip."""
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    return bool(packed_as(head)) or head[257:262] == b"ustar"


@contextmanager
def _tar(stream: BinaryIO, path: str) -> Iterator[tarfile.TarFile]:
    suffix = packed_as(stream.read(HEAD_BYTES))
    stream.seek(0)
    plain = io.BufferedReader(cast(io.RawIOBase, unpacked(stream, path, suffix))) if suffix else stream
    with tarfile.open(fileobj=plain, mode="r|" if suffix else "r:") as tar:
        yield tar
