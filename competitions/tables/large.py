"""Reads large csv files, of many megabytes to several gigabytes, with pyarrow's multi-threaded reader, and caches them.

pyarrow infers types from its first block alone and fails where later ones differ, and it would turn text that looks
like a date into a timestamp. So the types come from the first rows as pandas reads them and are all given explicitly;
where a later value does not fit, the column is widened (integer, float, text) and the file is read again.
"""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import re
from collections.abc import Collection
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pandas as pd

from medalist.competitions.errors import InputError
from medalist.competitions.tables.cache import cache_file, read_cache, write_cache
from medalist.competitions.tables.csv_format import MISSING_WORDS, Dialect
from medalist.competitions.tables.encodings import Encoding, encoding_of
from medalist.competitions.tables.integers import (
    is_padded,
    overflown_columns,
    padded_values,
    pieces_of,
    to_frame,
)
from medalist.competitions.tables.parsing import parse
from medalist.competitions.tables.precision import LARGEST_EXACT, LARGEST_EXACT_SINGLE
from medalist.competitions.tables.records import BLANKS
from medalist.competitions.tables.source import Source

if TYPE_CHECKING:
    import pyarrow as pa

HEAD_ROWS = 20_000  # from which pandas infers the types
MAX_ATTEMPTS = 12  # readings of a file, each with one column widened
_NARROW = (np.int8, np.int16, np.int32)
_FAILED_COLUMN = re.compile(r"In CSV column #(\d+)")
_FAILED_VALUE = re.compile(r"invalid value '([^']*)'")
_INTEGER = re.compile(r"[+-]?[0-9]+")


def load_large(source: Source, dialect: Dialect, text: Collection[str]) -> tuple[pd.DataFrame, list[str], str]:
    """(frame, notes, SHA-256 of the unpacked bytes in hex) of a csv, from the cache where it is there.

    Columns in `text` stay strings. Integers have the smallest type that holds them, with gaps a float, or beyond 2**53
    pandas' `Int64`; floats are float32 (7 digits), or float64 where they hold whole numbers from 2**24 on. Raises
    InputError for lines that do not fit the header.
    """
    file = cache_file(source, text)
    cached = read_cache(file)
    if cached is None:
        arrow, notes, digest = _read(source, dialect, text)
        notes += write_cache(file, arrow, notes, digest)
    else:
        arrow, notes, digest = cached
    return to_frame(arrow, split_blocks=True, self_destruct=True, ignore_metadata=True), notes, digest


class _Hashed:
    """A readable stream that hashes the bytes read from it, and gives them in UTF-8 where a codec is given."""

    closed = False

    def __init__(self, stream: BinaryIO, codec: str | None, errors: str) -> None:
        self._stream, self.hash = stream, hashlib.sha256()
        self._decoder = None if codec is None else codecs.getincrementaldecoder(codec)(errors)

    def read(self, size: int = -1) -> bytes:
        while data := self._stream.read(size):
            self.hash.update(data)
            if self._decoder is None:
                return data
            if text := self._decoder.decode(data):
                return text.encode()
        return b"" if self._decoder is None else self._decoder.decode(b"", True).encode()

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        """Do nothing: the stream is closed where it was opened."""


def _read(source: Source, dialect: Dialect, text: Collection[str]) -> tuple[pa.Table, list[str], str]:
    import pyarrow as pa
    import pyarrow.csv as pc

    notes: list[str] = []
    encoding = Encoding(dialect.encoding or "utf-8")
    try:
        names, types = _first_types(source, dialect, encoding, text)
    except UnicodeDecodeError:
        encoding = encoding_of(source)
        notes.append(encoding.note)
        names, types = _first_types(source, dialect, encoding, text)
    if dialect.quoting.separator == BLANKS:
        raise InputError(f"{source.path} is large and its fields are kept apart by blanks: write it with commas.")
    for _ in range(MAX_ATTEMPTS):
        plain = encoding.codec in ("utf-8", "utf-8-sig") and encoding.errors == "strict"
        options = pc.ConvertOptions(
            column_types=types,
            null_values=list(MISSING_WORDS),
            strings_can_be_null=True,
            decimal_point=dialect.decimal,
            true_values=["True", "TRUE", "true"],
            false_values=["False", "FALSE", "false"],
        )
        try:
            with source.open() as stream:
                hashed = _Hashed(stream, None if plain else encoding.codec, encoding.errors)
                arrow = pc.read_csv(
                    pa.PythonFile(hashed, mode="r"),
                    read_options=pc.ReadOptions(column_names=names, skip_rows=dialect.first_row, block_size=8 << 20),
                    parse_options=pc.ParseOptions(
                        delimiter=dialect.separator,
                        quote_char=dialect.quoting.quote,
                        double_quote=dialect.quoting.escape is None,
                        escape_char=dialect.quoting.escape or False,
                        newlines_in_values=True,
                    ),
                    convert_options=options,
                )
        except pa.ArrowInvalid as error:
            failed = _FAILED_COLUMN.search(str(error))
            if failed is None:
                reason = str(error).split("\n")[0][:200].rstrip(".")
                raise InputError(f"{source.path} cannot be read as a table ({reason}): mend that line.") from error
            if dialect.encoding is None and plain and "UTF8" in str(error):
                encoding = encoding_of(source)
                notes.append(encoding.note)
            else:
                notes += _widen(types, names[int(failed[1])], source.path, str(error))
        else:
            digest = hashed.hash.hexdigest()
            columns = arrow.columns
            del arrow  # each column is given back once it is made smaller
            return _compact(columns, names), notes, digest
    raise InputError(f"{source.path} mixes numbers and text in too many columns: write it as parquet.")


def _first_types(
    source: Source, dialect: Dialect, encoding: Encoding, text: Collection[str]
) -> tuple[list[str], dict[str, pa.DataType]]:
    """The names of the columns and a type for each, as the first HEAD_ROWS suggest. Raises UnicodeDecodeError."""
    import pyarrow as pa

    how = {"encoding": encoding.codec, "encoding_errors": encoding.errors}
    with source.open() as stream:
        head = parse(stream, dialect, source.path, nrows=HEAD_ROWS, **how)
    whole = [name for name in head if name not in text and _is_whole(head[name])] + overflown_columns(head)
    written = head
    if whole:
        with source.open() as stream:
            written = parse(stream, dialect, source.path, nrows=HEAD_ROWS, dtype=dict.fromkeys(whole, str), **how)
    zeros = padded_values(pieces_of(source, dialect.encoding), dialect) if whole else {}
    padded = {str(name): zeros[place] for place, name in enumerate(head.columns) if place in zeros}
    types: dict[str, pa.DataType] = {}
    for name, dtype in head.dtypes.items():
        column = head[name]
        if name in text or column.isna().all():
            types[str(name)] = pa.string()
        elif pd.api.types.is_bool_dtype(dtype) or pd.api.types.infer_dtype(column, skipna=True) == "boolean":
            types[str(name)] = pa.bool_()
        elif name in whole and is_padded(
            pd.Series([*written[name].dropna(), *padded.get(str(name), ())], dtype=object)
        ):
            types[str(name)] = pa.string()
        elif name in whole and written[name].dropna().str.fullmatch(r"[+-]?[0-9]+").all():  # gaps aside, as integers
            types[str(name)] = (
                pa.uint64() if dtype == np.uint64 or not pd.api.types.is_numeric_dtype(dtype) else pa.int64()
            )
        elif pd.api.types.is_integer_dtype(dtype):
            types[str(name)] = pa.int64() if dtype != np.uint64 else pa.uint64()
        else:
            types[str(name)] = pa.float64() if pd.api.types.is_float_dtype(dtype) else pa.string()
    return list(types), types


def _is_whole(column: pd.Series) -> bool:
    """Whether a column holds whole numbers alone, as integers or, for its gaps, as floats."""
    if pd.api.types.is_integer_dtype(column.dtype):
        return True
    return column.dtype == np.float64 and bool((column.isna() | (column % 1 == 0)).all()) and bool(column.notna().any())


def _widen(types: dict[str, pa.DataType], name: str, path: str, error: str) -> list[str]:
    """Changes, in `types`, the type of a column into which a value did not fit: integers to larger ones (beyond 2**64
    to text) or floats, others to text. `error`: pyarrow's message, which ends in the value.

    Returns a note for text. Raises InputError where the column is text already.
    """
    import pyarrow as pa

    if types[name] in (pa.int64(), pa.uint64()):
        value = _FAILED_VALUE.search(error)
        digits = _INTEGER.fullmatch(value[1]) if value else None
        if digits is None:
            types[name] = pa.float64()
        elif types[name] == pa.int64() and 0 <= int(digits[0]) < 1 << 64:
            types[name] = pa.uint64()
        else:
            types[name] = pa.string()
        return []
    if types[name] == pa.string():
        raise InputError(f"{path}: column {name!r} holds bytes that are not UTF-8: save the file as UTF-8.")
    kind = "numbers" if types[name] != pa.bool_() else "true and false"
    types[name] = pa.string()
    return [f"{path}: column {name!r} mixes {kind} with text: read as text."]


def _compact(columns: list[pa.ChunkedArray], names: list[str]) -> pa.Table:
    """The table of the columns, which are replaced in the list one by one, with every column of numbers in its smallest
    type (see `load_large`), so that both forms of one column at most are in memory."""
    import pyarrow as pa

    for index in range(len(columns)):
        columns[index] = _smallest(_unknown_to_numbers(columns[index]))
    return pa.table(columns, names)


def _unknown_to_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of text as floats, where the first rows are all missing and every value is a number."""
    import pyarrow as pa

    if column.type == pa.string() and column.slice(0, HEAD_ROWS).null_count == min(HEAD_ROWS, len(column)):
        with contextlib.suppress(pa.ArrowInvalid):
            return column.cast(pa.float64())
    return column


def _smallest(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of numbers in its smallest type; any other column as it is."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_integer(column.type):
        bounds = pc.min_max(column).as_py()
        low, high = bounds["min"] or 0, bounds["max"] or 0
        fits = (t for t in _NARROW if np.iinfo(t).min <= low and high <= np.iinfo(t).max)
        small = pa.from_numpy_dtype(next(fits, np.int64 if high < 1 << 63 else np.uint64))
        if column.null_count and max(-low, high) <= LARGEST_EXACT:  # pandas holds integers with gaps as floats
            small = pa.float32() if max(-low, high) < LARGEST_EXACT_SINGLE else pa.float64()
    elif pa.types.is_floating(column.type):
        bounds = pc.min_max(column).as_py()
        magnitude = max(-(bounds["min"] or 0.0), bounds["max"] or 0.0)
        whole = magnitude >= LARGEST_EXACT_SINGLE and pc.any(pc.equal(pc.floor(column), column)).as_py()
        small = pa.float64() if whole or magnitude > np.finfo(np.float32).max else pa.float32()
    else:
        return column
    return column.cast(small)
