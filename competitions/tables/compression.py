"""Streams of compressed files: .gz, .bz2, .xz and .zst, each with a limit on what it unpacks to."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from medalist.competitions.errors import InputError

BOMB_RATIO = 300  # bytes of the contents per byte of an archive, above which it is refused as a bomb
BOMB_BYTES = 1 << 30  # contents up to this size are never taken for a bomb


def _zstandard(stream: BinaryIO) -> Any:
    import pyarrow as pa

    return pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), "zstd")


_READERS: dict[str, Callable[[BinaryIO], Any]] = {
    ".gz": lambda stream: gzip.GzipFile(fileobj=stream),
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
    ".zst": _zstandard,
}
_STARTS = ((b"\x1f\x8b\x08", ".gz"), (b"BZh", ".bz2"), (b"\xfd7zXZ\0", ".xz"), (b"\x28\xb5\x2f\xfd", ".zst"))
_BLOCK = b"1AY&SY"  # begins the first block of a .bz2, at its fifth byte


def packed_as(head: bytes) -> str:
    """The suffix of the compression that a file's first bytes show, such as ".gz"; "" for none."""
    suffix = next((suffix for start, suffix in _STARTS if head.startswith(start)), "")
    return "" if suffix == ".bz2" and head[4:10] != _BLOCK else suffix


def compression(name: str) -> str:
    """The suffix of a compressed file in lower case, such as ".gz"; "" for any other."""
    lower = name.lower()
    return next((suffix for suffix in _READERS if lower.endswith(suffix)), "")


def plain_name(name: str) -> str:
    """The name of a file without the suffix of its compression: "train.csv" for "train.csv.gz"."""
    suffix = compression(name)
    return name[: -len(suffix)] if suffix else name


def unpacked(stream: BinaryIO, path: str, suffix: str) -> BinaryIO:
    """The unpacked bytes of a file that is compressed as `suffix` says, such as ".gz"; `path` names it in errors.

    Reading it raises InputError where they are out of proportion to the file (a decompression bomb).
    """
    packed = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    reader = _READERS[suffix](stream)
    return cast(BinaryIO, _Bounded(reader, path, max(BOMB_BYTES, BOMB_RATIO * packed)))


def bomb(path: str) -> InputError:
    """The error for an archive whose contents are out of proportion to its size."""
    return InputError(
        f"{path} unpacks to more than {BOMB_RATIO} times its size (over {BOMB_BYTES >> 30} GiB): refused as a "
        "decompression bomb; unpack it yourself if you trust it."
    )


class _Bounded(io.RawIOBase):
    """A stream that raises InputError once more than `limit` bytes have been read from it."""

    def __init__(self, stream: Any, path: str, limit: int) -> None:
        self._stream, self._path, self._remaining = stream, path, limit

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        size_limit = self._remaining + 1 if size is None or size < 0 else min(size, self._remaining + 1)
        data = bytes(self._stream.read(size_limit))
        self._remaining -= len(data)
        if self._remaining < 0:
            raise bomb(self._path)
        return data

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
