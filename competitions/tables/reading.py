"""Reads one table: csv in any usual encoding and with any usual separator, gzipped or in a zip, or parquet.

Every form gives the same types: integers, floats, bool, objects (bool and missing), or strings (pandas' `str`, or
`object` before pandas 3). Text up to LARGE_BYTES goes through pandas' C parser, larger files through `large.py`.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medalist.competitions.errors import InputError
from medalist.competitions.tables.archive import TABLE_SUFFIXES, Source, list_sources, unpacking
from medalist.competitions.tables.csv_format import (
    MISSING_WORDS,
    Dialect,
    dialect_of,
    lacks_header,
    read_dialect,
    transcode,
    truncated_line,
)
from medalist.competitions.tables.integers import (
    lost_digits,
    overflown_columns,
    padded_columns,
    restore,
    rounded_columns,
    to_frame,
)
from medalist.competitions.tables.large import load_large
from medalist.competitions.tables.number_text import numbers_from_text
from medalist.competitions.tables.parsing import column_names, empty_table, parse, plain_columns

LARGE_BYTES = 64 << 20  # unpacked, above which a csv is read by pyarrow into compact types and cached


@dataclass(frozen=True, eq=False)
class Table:
    """A table with what a person should know of how it was read. `digest`: SHA-256 (hex) of its unpacked bytes."""

    frame: pd.DataFrame
    notes: tuple[str, ...]
    digest: str


@dataclass(frozen=True)
class Header:
    """What the beginning of a file shows: the columns as in `Table.frame`, and the rows (None for text)."""

    columns: tuple[str, ...]
    rows: int | None


def read_table(path: Path | str) -> pd.DataFrame:
    """The table in a file on disk, which may be a zip of one table.

    Raises InputError where it is absent, empty or unreadable.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{file} is not a file: give the path of a table.")
    if file.suffix.lower() == ".zip":
        tables = [source for source in list_sources(file)[0] if source.suffix in TABLE_SUFFIXES]
        if len(tables) != 1:
            raise InputError(f"{file} holds {len(tables)} tables where one is needed: unpack it and name the table.")
        return load(tables[0]).frame
    return load(Source(str(file), file, (), file.stat().st_size)).frame


def read_header(source: Source) -> Header:
    """The columns of a table, () for an empty one, without reading it whole.

    Raises InputError where it cannot be read or has no header line.
    """
    if _is_parquet(source):
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with source.open() as stream:
                file = pq.ParquetFile(stream if not source.members else io.BytesIO(stream.read()))
                return Header(tuple(file.schema_arrow.names), file.metadata.num_rows)
        except pa.ArrowInvalid as error:
            raise _not_parquet(source) from error
    header = read_dialect(source).header
    if lacks_header(header):
        raise InputError(f"{source.path} begins with numbers instead of column names: add a header line.")
    return Header(column_names(header), None)


def load(source: Source, *, text: Collection[str] = (), exact: Collection[str] = ()) -> Table:
    """The whole table.

    `text`: columns that are kept as strings. `exact`: columns that are kept letter by letter, so that "NA" and "None"
    are values and only an empty field is missing. Raises InputError for an empty, broken or unreadable file.
    """
    if _is_parquet(source):
        table = _load_parquet(source)
        keep = [c for c in (*text, *exact) if c in table.frame]
        return Table(table.frame.astype(dict.fromkeys(keep, str)), table.notes, table.digest) if keep else table
    if source.size > LARGE_BYTES:
        dialect = read_dialect(source)
        frame, notes, digest = load_large(source, dialect, {*text, *exact})
        _set_names(frame, dialect, source.path)
    else:
        frame, notes, digest = _load_small(source, text, exact)
    more = [*notes, *numbers_from_text(frame, source.path, {*text, *exact})]
    return Table(frame, tuple(more), digest)


def _load_small(source: Source, text: Collection[str], exact: Collection[str]) -> tuple[pd.DataFrame, list[str], str]:
    """(frame, notes, SHA-256 of the bytes in hex) of a csv, read into memory as a whole."""
    data = source.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    dialect = dialect_of(data[: 1 << 16], source.path, whole=len(data) <= 1 << 16)
    if not dialect.header:
        raise empty_table(source.path)
    notes: list[str] = []
    if len(set(dialect.header)) < len(dialect.header):
        names = sorted({name for name in dialect.header if dialect.header.count(name) > 1})
        notes.append(f"{source.path} has several columns named {', '.join(names)}: the later ones get a number.")
    if dialect.encoding not in (None, "utf-8-sig"):
        data, _ = transcode(data, dialect.encoding, source.path)
    elif b"\0" in data:
        raise InputError(f"{source.path} holds bytes that are no text (NUL): save it as UTF-8 csv or as parquet.")
    if (fields := truncated_line(data, dialect)) is not None:
        whole = len(dialect.header)
        notes.append(f"{source.path} ends in the middle of a line ({fields} of {whole} fields): copy the file again.")
    options: dict[str, Any] = {"dtype": dict.fromkeys([*text, *exact], str)}
    if exact:
        others = [name for name in column_names(dialect.header) if name not in exact]
        options |= {"keep_default_na": False, "na_values": {name: list(MISSING_WORDS) for name in others}}
    try:
        frame = parse(data, dialect, source.path, **options)
    except UnicodeDecodeError:
        data, note = transcode(data, None, source.path)
        notes += [note] if note else []
        frame = parse(data, dialect, source.path, **options)
    as_text = [*rounded_columns(frame), *overflown_columns(frame), *padded_columns(data, dialect, frame)]
    as_text = [name for name in dict.fromkeys(as_text) if name not in options["dtype"]]

    def reread(names: Collection[str]) -> pd.DataFrame:
        types = {**options["dtype"], **dict.fromkeys(names, str)}
        some = {"usecols": list(names)} if tuple(frame.columns) == dialect.header else {}  # repeated names are renamed
        return parse(data, dialect, source.path, **{**options, "dtype": types, **some})

    notes += [f"{source.path}: {note}" for note in restore(frame, reread, as_text, dialect.decimal)]
    for name in exact:
        if name in frame:
            frame[name] = frame[name].replace("", np.nan)
    _set_names(frame, dialect, source.path)
    return plain_columns(frame), notes, digest


def _set_names(frame: pd.DataFrame, dialect: Dialect, path: str) -> None:
    """Gives the frame, in place, the names of `read_header`, which differ where the header's bytes are no UTF-8."""
    names = column_names(dialect.header)
    if tuple(frame.columns) != names:
        if len(frame.columns) != len(names):
            raise InputError(f"{path} has a header line that cannot be understood: mend its quotes and separators.")
        frame.columns = pd.Index(names)


def _load_parquet(source: Source) -> Table:
    """The table in a parquet file, without columns of lists or records."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    digest = hashlib.sha256()
    try:
        if source.members:
            data = source.read_bytes()
            digest.update(data)
            arrow = pq.read_table(io.BytesIO(data))
        else:
            with unpacking(source.path), open(source.file, "rb") as stream:
                digest = hashlib.file_digest(stream, "sha256")
            arrow = pq.read_table(source.file)
    except pa.ArrowInvalid as error:
        raise _not_parquet(source) from error
    nested = [field.name for field in arrow.schema if pa.types.is_nested(field.type)]
    notes = [f"{source.path}: column {name!r} holds lists or records and is left out." for name in nested]
    fields = []
    for field in arrow.schema:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_decimal(kind):  # whole numbers of up to 38 digits, or decimals
            kind = pa.float64() if kind.scale else pa.int64() if kind.precision <= 18 else pa.string()
        fields.append(field.with_type(kind))
    frame = to_frame(arrow.cast(pa.schema(fields)).drop_columns(nested), ignore_metadata=True)
    notes += [f"{source.path}: {note}" for name in rounded_columns(frame) for note in lost_digits(frame[name])]
    return Table(plain_columns(frame), tuple(notes), digest.hexdigest())


def _is_parquet(source: Source) -> bool:
    return source.suffix in (".parquet", ".pq")


def _not_parquet(source: Source) -> InputError:
    return InputError(f"{source.path} is not a parquet file that can be read: write it again or give it as csv.")
