"""Turns the types of Arrow and Parquet into those that a csv gives: numbers, booleans, text and dates."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from medalist.competitions.tables.parsing import column_names, plain_columns
from medalist.competitions.tables.precision import LARGEST_EXACT

if TYPE_CHECKING:
    import pyarrow as pa

SECONDS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}  # units of time in a second
BINARY_ROWS = 1000  # of a column of bytes that show whether it holds text


def plain_names(schema: pa.Schema, is_text: Callable[[str], bool]) -> tuple[str, ...]:
    """The names of the columns that `plain_frame` gives for a table of this schema.

    `is_text`: whether a column of bytes (by its name) holds text.
    """
    import pyarrow as pa

    names: list[str] = []

    def add(name: str, kind: pa.DataType) -> None:
        if pa.types.is_struct(kind):
            for index in range(kind.num_fields):
                add(f"{name}.{kind.field(index).name}", kind.field(index).type)
        elif _left_out(kind) is None and (not _is_binary(kind) or is_text(name)):
            names.append(name)

    for place in _order(schema):
        add(schema.field(place).name, _storage(schema.field(place).type))
    return column_names((*(name for name, _ in _named_ranges(schema)), *names))


def plain_frame(table: pa.Table, path: str) -> tuple[pd.DataFrame, list[str]]:
    """(frame, notes): columns within records get the names "record.column"; durations are seconds, times of day seconds
    since midnight, and dates ISO 8601, those with a time zone in its local time. What is neither number, text nor
    date is left out with a note."""
    import pyarrow as pa

    columns: list[tuple[str, Any]] = []
    notes: list[str] = []

    def add(name: str, column: Any) -> None:
        column = _decoded(column)
        kind = column.type
        if pa.types.is_struct(kind):
            for index in range(kind.num_fields):
                add(f"{name}.{kind.field(index).name}", _child(column, kind.field(index).name))
            return
        if pa.types.is_duration(kind):
            notes.append(f"{path}: column {name!r} holds durations, read as seconds.")
        elif pa.types.is_time(kind):
            notes.append(f"{path}: column {name!r} holds times of day, read as seconds since midnight.")
        reason = _left_out(kind)
        if reason is None and _is_binary(kind):
            column = text_of_bytes(column)
            reason = "bytes that are no text" if column is None else None
        if reason is not None:
            notes.append(f"{path}: column {name!r} holds {reason} and is left out.")
        else:
            columns.append((name, _series(column)))

    columns += [(name, pd.Series(numbers)) for name, numbers in _named_ranges(table.schema)]
    for place in _order(table.schema):
        add(table.schema.field(place).name, table.column(place))
    names = column_names(tuple(name for name, _ in columns))
    frame = pd.DataFrame(dict(zip(names, (series for _, series in columns), strict=True)), index=range(len(table)))
    return plain_columns(frame), notes


def _order(schema: pa.Schema) -> list[int]:
    """The places of the columns, with an index of pandas, which is stored behind them, in front as in a csv."""
    stored = [index for index in _stored_indexes(schema) if isinstance(index, str)]
    first = [place for name in stored if (place := schema.get_field_index(name)) >= 0]
    return [*first, *(place for place in range(len(schema)) if place not in first)]


def _named_ranges(schema: pa.Schema) -> list[tuple[str, range]]:
    """The indexes of pandas with a name that are stored as a range of numbers and not as a column."""
    ranges = [index for index in _stored_indexes(schema) if isinstance(index, dict) and index.get("name")]
    return [
        (str(index["name"]), range(index["start"], index["stop"], index["step"]))
        for index in ranges
        if all(isinstance(index.get(key), int) for key in ("start", "stop", "step")) and index["step"]
    ]


def _stored_indexes(schema: pa.Schema) -> list[Any]:
    """What pandas noted of a table's indexes in its metadata; [] where that is damaged, as it is not needed to read."""
    try:
        stored = (schema.pandas_metadata or {}).get("index_columns", [])
    except (ValueError, AttributeError):
        return []
    return stored if isinstance(stored, list) else []


def text_of_bytes(column: Any) -> Any | None:
    """A column of bytes as strings; None where its first ones are no UTF-8."""
    import pyarrow as pa

    first = column.slice(0, BINARY_ROWS).to_pylist()
    try:
        [value.decode() for value in first if value is not None]
    except UnicodeDecodeError:
        return None
    values = [None if value is None else value.decode(errors="replace") for value in column.to_pylist()]
    return pa.chunked_array([pa.array(values, pa.large_string())])


def _left_out(kind: pa.DataType) -> str | None:
    """What a column of this type holds that no csv has, None for a type that can be read."""
    import pyarrow as pa

    if pa.types.is_map(kind):
        return "maps"
    if pa.types.is_nested(kind):
        return "lists"
    if pa.types.is_interval(kind):
        return "intervals of the calendar"
    return None


def _is_binary(kind: pa.DataType) -> bool:
    import pyarrow as pa

    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)
    return any(test(kind) for test in tests)


def _storage(kind: pa.DataType) -> pa.DataType:
    """The type of the values themselves, within extensions, dictionaries and run-length encodings."""
    import pyarrow as pa

    if isinstance(kind, pa.BaseExtensionType):
        return pa.string() if kind.extension_name == "arrow.uuid" else _storage(kind.storage_type)
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return _storage(kind.value_type)
    return kind


def _decoded(column: Any) -> Any:
    """A column of the type that `_storage` says."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        if kind.extension_name == "arrow.uuid":
            values = [None if value is None else str(value) for value in column.to_pylist()]
            return pa.chunked_array([pa.array(values, pa.string())])
        if isinstance(column, pa.ChunkedArray):
            return _decoded(pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type))
        return _decoded(column.storage)
    if pa.types.is_run_end_encoded(kind):
        return _decoded(pc.run_end_decode(column))
    if pa.types.is_dictionary(kind):
        return _decoded(column.cast(kind.value_type))
    return column


def _child(column: Any, name: str) -> Any:
    """A column within a column of records, missing where the record is."""
    import pyarrow.compute as pc

    return pc.struct_field(column, [name])


def _series(column: Any) -> pd.Series:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_duration(kind):
        return _seconds(column.cast(pa.int64()), SECONDS[kind.unit])
    if pa.types.is_time(kind):
        return _seconds(column.cast(pa.int32()).cast(pa.int64()) if kind.bit_width == 32 else column.cast(pa.int64()),
                        SECONDS[kind.unit])  # fmt: skip
    if pa.types.is_decimal(kind):
        column, kind = _decimals(column)
    elif pa.types.is_null(kind):
        column = column.cast(pa.float64())
    elif pa.types.is_float16(kind):
        column = column.cast(pa.float32())
    elif pa.types.is_string_view(kind):
        column = column.cast(pa.large_string())
    if pa.types.is_integer(kind) and column.null_count:
        bounds = pc.min_max(column).as_py()
        if max(abs(bounds["min"] or 0), abs(bounds["max"] or 0)) > LARGEST_EXACT:
            dtype: Any = pd.UInt64Dtype() if kind == pa.uint64() else pd.Int64Dtype()
            return cast(pd.Series, column.to_pandas(types_mapper={kind: dtype}.get))
    return cast(pd.Series, column.to_pandas())


def _seconds(column: Any, per_second: int) -> pd.Series:
    """Whole numbers of a unit of time as seconds."""
    values = cast(pd.Series, column.to_pandas())
    whole = values.dropna() % per_second == 0
    return values // per_second if whole.all() else values / per_second


def _decimals(column: Any) -> tuple[Any, Any]:
    """Decimals as doubles, those without digits behind the point as integers where they fit, or else as text."""
    import pyarrow as pa

    if column.type.scale > 0:
        return column.cast(pa.float64()), pa.float64()
    try:
        return column.cast(pa.int64()), pa.int64()
    except pa.ArrowInvalid:
        return column.cast(pa.string()), pa.string()
