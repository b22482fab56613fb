"""Reads tables in JSON: lists of records, lines of records, dictionaries of columns, pandas' and other usual forms."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import numpy as np
import pandas as pd

from medalist.competitions.errors import InputError
from medalist.competitions.tables.encodings import decoded, marked_encoding
from medalist.competitions.tables.integers import LARGEST_EXACT
from medalist.competitions.tables.parsing import column_names, plain_columns
from medalist.competitions.tables.source import Source

PARSED_BYTES = 1 << 24  # of a file that is parsed to see whether it holds a table; larger ones must begin as records do
_RECORDS = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\[\s*)?\{\s*\"[^\"]*\"\s*:\s*[^\s\[{]")
_EXACT_DIGITS = 15  # of whole numbers that all doubles hold
MAX_BYTES = 1 << 30  # of a file, which is held in memory as Python's objects


def is_json_table(source: Source) -> bool:
    """Whether a file of JSON holds a table: records of the same kind, or columns of equal length."""
    try:
        if source.size <= PARSED_BYTES:
            return _frame(_document(source, source.read_bytes())) is not None
        with source.open() as stream:
            return _RECORDS.match(stream.read(1 << 16)) is not None
    except InputError:
        return False


def load_json(source: Source) -> tuple[pd.DataFrame, list[str], str]:
    """(frame, notes, SHA-256 of the bytes in hex) of a table in JSON.

    Values within records get the names "record.value"; lists are left out with a note. Raises InputError for what is
    no JSON or no table.
    """
    if source.size > MAX_BYTES:
        raise InputError(f"{source.path} is too large to be read as JSON: write it as csv or parquet.")
    data = source.read_bytes()
    frame = _frame(_document(source, data))
    if frame is None:
        raise InputError(f"{source.path} holds no table (records, or columns of equal length): give it as csv.")
    notes = []
    if b"\\ud" in data or b"\\uD" in data:  # half of a letter, which is none
        frame = frame.map(_whole_letters).rename(columns=_whole_letters)
    for name in list(frame.columns):
        column = frame[name]
        if column.map(lambda value: isinstance(value, list | dict)).any():
            notes.append(f"{source.path}: column {name!r} holds lists and is left out.")
            frame = frame.drop(columns=name)
        elif column.dtype == object and column.map(lambda v: isinstance(v, int | float) or v is None).all():
            frame[name] = column.astype(object).where(column.notna(), None) if _has_bool(column) else _numbers(column)
    frame.columns = pd.Index(column_names(tuple(map(str, frame.columns))))
    return plain_columns(frame.infer_objects()), notes, hashlib.sha256(data).hexdigest()


def _whole_letters(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _has_bool(column: pd.Series) -> bool:
    return bool(column.map(lambda value: isinstance(value, bool)).any())


def _numbers(column: pd.Series) -> pd.Series:
    """Numbers and gaps; whole ones that no double holds as nullable integers, or as text beyond 64 bits."""
    gaps = column.map(lambda value: value is None or value != value)
    present = list(column[~gaps])
    if not all(isinstance(v, int) or (v.is_integer() and abs(v) <= LARGEST_EXACT) for v in present):
        return column.astype(float)
    low, high = min(present, default=0), max(present, default=0)
    if max(-low, high) <= LARGEST_EXACT:
        whole = not gaps.any() and all(isinstance(value, int) for value in present)
        return column if whole else column.astype(float)
    if low < -(1 << 63) or high >= 1 << (63 if low < 0 else 64):
        return column.map(lambda value: None if value is None or value != value else str(int(value)))
    kind = np.int64 if high < 1 << 63 else np.uint64
    values = np.array([0 if gap else int(v) for v, gap in zip(column, gaps, strict=True)], dtype=kind)
    if not gaps.any():
        return pd.Series(values, index=column.index)
    return pd.Series(pd.arrays.IntegerArray(values, gaps.to_numpy(dtype=bool)), index=column.index)


def _number(text: str) -> int | float:
    """A number with a point or an exponent; one such as 1180000000000004305.0 as the whole number that it is."""
    whole, _, rest = text.partition(".")
    return int(whole) if len(whole) > _EXACT_DIGITS and rest and not rest.strip("0") else float(text)


def _document(source: Source, data: bytes) -> Any:
    """The parsed document; for JSON lines the list of their values. Raises InputError."""
    text = decoded(data, source, marked_encoding(data))[0].removeprefix("\ufeff")
    try:
        return json.loads(text, parse_float=_number)
    except RecursionError as error:
        raise InputError(f"{source.path} holds no table (it is nested too deep): give it as csv.") from error
    except ValueError as whole:
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            return [json.loads(line, parse_float=_number) for line in lines] if len(lines) > 1 else _fail(source, whole)
        except ValueError as error:
            number = next(i for i, line in enumerate(text.splitlines(), 1) if line.strip() and not _parses(line))
            reason = whole if source.suffix == ".json" and text.lstrip()[:1] == "[" else error
            where = "" if reason is whole else f"in line {number}, "
            raise InputError(f"{source.path} is no JSON ({where}{str(reason)[:80]}): write it again.") from error


def _fail(source: Source, error: ValueError) -> Any:
    raise InputError(f"{source.path} is no JSON ({str(error)[:80]}): write it again.") from error


def _parses(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _frame(document: Any) -> pd.DataFrame | None:
    """The table in a document, None where it holds none."""
    if isinstance(document, list):
        records = [row for row in document if isinstance(row, dict)]
        if records and len(records) == len(document):
            return _flat(records)
        if len(document) > 1 and all(isinstance(row, list) for row in document):
            names, rows = document[0], document[1:]
            if all(isinstance(name, str) for name in names) and all(len(row) == len(names) for row in rows):
                return pd.DataFrame(rows, columns=names, dtype=object)
        return None
    if not isinstance(document, dict) or not document:
        return None
    columns, data = document.get("columns"), document.get("data")
    if isinstance(columns, list) and isinstance(data, list) and all(isinstance(row, list) for row in data):
        return pd.DataFrame(data, columns=columns, dtype=object)  # pandas' "split"
    values = list(document.values())
    if isinstance(schema := document.get("schema"), dict) and isinstance(data, list):
        table = _frame(data)  # pandas' "table", with its index as a column
        numbered = table is not None and schema.get("primaryKey") == ["index"] and "index" in table
        return table.drop(columns="index") if table is not None and numbered else table
    within = [value for value in values if isinstance(value, list) and value and isinstance(value[0], dict)]
    if len(within) == 1:
        return _frame(within[0])  # a list of records under a name such as "data"
    if all(isinstance(value, list) for value in values) and len({len(value) for value in values}) == 1:
        return pd.DataFrame(document, dtype=object) if values[0] else None
    if all(isinstance(value, dict) for value in values) and len(values) > 1:
        keys = [tuple(value) for value in values]
        if len(set(keys)) == 1 and keys[0]:
            if all(key.isdigit() for key in keys[0]) or len(keys[0]) > len(values):  # a column each
                return pd.DataFrame({name: list(value.values()) for name, value in document.items()}, dtype=object)
            return _flat(values)  # a record each
    return None


def _flat(records: list[dict[str, Any]]) -> pd.DataFrame:
    """A row for each record; values within records get the names "record.value"."""
    rows = [_flat_record(record) for record in records]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pd.DataFrame({name: pd.Series([row.get(name) for row in rows], dtype=object) for name in names})


def _flat_record(record: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            flat |= _flat_record(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
