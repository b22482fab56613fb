"""Reads tables in columnar formats: parquet, Feather and Arrow files or streams, ORC."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any

import pandas as pd

from medalist.competitions.errors import InputError
from medalist.competitions.tables.arrow_types import BINARY_ROWS, plain_frame, plain_names, text_of_bytes
from medalist.competitions.tables.source import Source, unpacking

if TYPE_CHECKING:
    import pyarrow as pa

_PARQUET = (".parquet", ".pq")
_NAMES = {".orc": "an ORC", ".parquet": "a parquet", ".pq": "a parquet"}


def columnar_columns(source: Source) -> tuple[tuple[str, ...], int | None]:
    """(columns as in `load_columnar`, number of rows) of a file; of parquet without reading it whole.

    Raises InputError where it cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if source.suffix not in _PARQUET:
        frame = load_columnar(source)[0]
        return tuple(map(str, frame.columns)), len(frame)
    try:
        file = pq.ParquetFile(source.file if not source.packed else io.BytesIO(source.read_bytes()))

        def is_text(name: str) -> bool:
            first = next(file.iter_batches(BINARY_ROWS, columns=[name]), None)
            return first is None or _leaf_is_text(first.column(0))

        return plain_names(file.schema_arrow, is_text), file.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(source) from error


def load_columnar(source: Source) -> tuple[pd.DataFrame, list[str], str]:
    """(frame, notes, SHA-256 of the bytes in hex) of a file. Raises InputError where it cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    digest = hashlib.sha256()
    try:
        if source.suffix in _PARQUET and not source.packed:
            with unpacking(source.path), open(source.file, "rb") as stream:
                digest = hashlib.file_digest(stream, "sha256")
            table = pq.ParquetFile(source.file).read()
        else:
            data = source.read_bytes()
            digest.update(data)
            table = _read(data, source.suffix)
            table.validate(full=True)
        frame, notes = plain_frame(table, source.path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(source) from error
    return frame, notes, digest.hexdigest()


def _read(data: bytes, suffix: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.feather
    import pyarrow.orc
    import pyarrow.parquet as pq

    if suffix in _PARQUET:
        return pq.ParquetFile(io.BytesIO(data)).read()
    if suffix == ".orc":
        return pa.orc.ORCFile(io.BytesIO(data)).read()
    if data.startswith(b"FEA1"):
        return pa.feather.read_table(io.BytesIO(data))
    if data.startswith(b"ARROW1"):
        return pa.ipc.open_file(data).read_all()
    return pa.ipc.open_stream(data).read_all()


def _leaf_is_text(column: Any) -> bool:
    """Whether a column of bytes, which may lie within records, holds text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    while pa.types.is_struct(column.type):
        column = pc.struct_field(column, [0])
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return text_of_bytes(pa.chunked_array([column])) is not None


def _unreadable(source: Source) -> InputError:
    kind = _NAMES.get(source.suffix, "an Arrow")
    return InputError(f"{source.path} is not {kind} file that can be read: write it again or give it as csv.")
