"""Reads a table of text into memory: csv in any encoding, with any separator and with lines around it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from medalist.competitions.errors import InputError
from medalist.competitions.tables.csv_format import (
    HEAD_BYTES,
    MISSING_WORDS,
    Dialect,
    dialect_of,
    truncated_line,
)
from medalist.competitions.tables.encodings import decoded, no_text
from medalist.competitions.tables.integers import overflown_columns, padded_columns, restore, rounded_columns
from medalist.competitions.tables.parsing import column_names, empty_table, parse, plain_columns
from medalist.competitions.tables.records import read_records
from medalist.competitions.tables.source import Source
from medalist.competitions.tables.surroundings import below_note, footer
from medalist.competitions.tables.text_form import TextForm, form_of

_TAIL_BYTES = 1 << 13  # of a file, in which lines below its table are looked for


def load_text(
    source: Source, text: Collection[str], exact: Collection[str]
) -> tuple[pd.DataFrame, list[str], str, TextForm]:
    """(frame, notes, SHA-256 of the bytes in hex, form) of a table of text.

    `text`, `exact`: see `reading.load`. Raises InputError for an empty, broken or unreadable file.
    """
    return table_in(source.read_bytes(), source, text, exact)


def table_in(
    data: bytes, source: Source, text: Collection[str], exact: Collection[str]
) -> tuple[pd.DataFrame, list[str], str, TextForm]:
    """`load_text` of the bytes of a table of text that a file holds."""
    digest = hashlib.sha256(data).hexdigest()
    head = data[:HEAD_BYTES]
    dialect = dialect_of(head, source, whole=len(data) <= HEAD_BYTES)
    if not dialect.header:
        raise empty_table(source.path)
    final_newline = data.rstrip(b"\0")[-1:] in (b"\n", b"\r")
    notes = notes_on(dialect, source.path)
    codec = "utf-8"
    if dialect.encoding not in (None, "utf-8-sig"):
        codec = str(dialect.encoding)
        data = decoded(data, source, codec)[0].encode()
    elif b"\0" in data:
        raise no_text(source.path)
    if dialect.line_end == "\r" and dialect.skipped:  # pandas miscounts the lines that it skips
        data = data.replace(b"\r", b"\n")
    data, count = _without_footer(data, dialect)
    if count:
        notes.append(below_note(source.path, count))
    elif (fields := truncated_line(data, dialect)) is not None:
        whole = len(dialect.header)
        notes.append(f"{source.path} ends in the middle of a line ({fields} of {whole} fields): copy the file again.")
    options: dict[str, Any] = {"dtype": dict.fromkeys([*text, *exact], str)}
    if exact:
        others = [name for name in column_names(dialect.header) if name not in exact]
        options |= {"keep_default_na": False, "na_values": {name: list(MISSING_WORDS) for name in others}}
    try:
        frame = parse(data, dialect, source.path, **options)
    except UnicodeDecodeError:
        decoded_text, encoding = decoded(data, source, None)
        codec = encoding.codec
        notes += [encoding.note] if encoding.note else []
        data = decoded_text.encode()
        frame = parse(data, dialect, source.path, **options)
    notes += _as_written(data, dialect, source.path, frame, options)
    for name in exact:
        if name in frame:
            frame[name] = frame[name].replace("", np.nan)
    frame = with_names(frame, dialect, source.path)
    return plain_columns(frame), notes, digest, form_of(dialect, head, codec, final_newline)


def _as_written(data: bytes, dialect: Dialect, path: str, frame: pd.DataFrame, options: dict[str, Any]) -> list[str]:
    """Puts into `frame`, in place, the columns of digits that numbers would change; notes, beginning with the path."""
    suspects = [*rounded_columns(frame), *overflown_columns(frame), *padded_columns(data, dialect, frame)]
    suspects = [name for name in dict.fromkeys(suspects) if name not in options["dtype"]]

    def reread(names: Collection[str]) -> pd.DataFrame:
        types = {**options["dtype"], **dict.fromkeys(names, str)}
        some = {"usecols": list(names)} if tuple(frame.columns) == dialect.header else {}  # repeated names are renamed
        return parse(data, dialect, path, **{**options, "dtype": types, **some})

    return [f"{path}: {note}" for note in restore(frame, reread, suspects, dialect.decimal)]


def notes_on(dialect: Dialect, path: str) -> list[str]:
    """Notes on repeated names and on skipped lines, each beginning with the file's path."""
    notes = [f"{path}: {note}" for note in dialect.notes]
    if len(set(dialect.header)) < len(dialect.header):
        names = sorted({name for name in dialect.header if dialect.header.count(name) > 1})
        notes.append(f"{path} has several columns named {', '.join(names)}: the later ones get a number.")
    return notes


def with_names(frame: pd.DataFrame, dialect: Dialect, path: str) -> pd.DataFrame:
    """The frame with the names of `reading.read_header`, which differ where the header is no UTF-8, and without the
    columns of separators that end every line."""
    names = column_names(dialect.header)
    if dialect.empty and len(frame.columns) == len(names) + dialect.empty:
        if frame.iloc[:, len(names) :].notna().any(axis=None):
            raise InputError(f"{path} has values in a column without a name: give each column a name.")
        frame = frame.iloc[:, : len(names)]
    if tuple(frame.columns) != names:
        if len(frame.columns) != len(names):
            raise InputError(f"{path} has a header line that cannot be understood: mend its quotes and separators.")
        frame.columns = pd.Index(names)
    return frame


def _without_footer(data: bytes, dialect: Dialect) -> tuple[bytes, int]:
    """The bytes without the lines below the table, and the number of these lines. `data`: UTF-8 or a code page."""
    start = max(0, len(data) - _TAIL_BYTES)
    tail = data[start:]
    if start:
        start += tail.find(b"\n") + 1
        tail = data[start:]
    text = tail.decode("utf-8", "surrogateescape")
    width = len(dialect.header)
    records = read_records(text, dialect.quoting, True, len(tail))
    rows = records if start else [r for r in records if r.line >= dialect.first_row]
    rows = rows[-30:]
    body = [len(record.fields) for record in rows[:-6] or rows[:3]]
    if width < 2 or len(rows) < 4 or sum(fields == width for fields in body) < 0.8 * len(body):
        return data, 0
    count = footer(rows, width)
    if not count:
        return data, 0
    lines = text.splitlines(keepends=True)
    kept = "".join(lines[: rows[-count].line]).encode("utf-8", "surrogateescape")
    return data[: start + len(kept)], count
