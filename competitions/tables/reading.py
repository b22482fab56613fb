"""Reads one table: csv in any usual encoding and with any usual separator, json, a workbook's sheet, parquet or Arrow,
ARFF, the table of a web page; compressed or in an archive too.

Every form gives the same types: integers, floats, bool, objects (bool and missing), or strings (pandas' `str`, or
`object` before pandas 3). Text up to LARGE_BYTES goes through pandas' C parser, larger files through `large.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from medalist.competitions.errors import InputError
from medalist.competitions.tables.archive import (
    AMBIGUOUS_SUFFIXES,
    ARCHIVE_SUFFIXES,
    TABLE_SUFFIXES,
    list_sources,
    source_of,
)
from medalist.competitions.tables.arff import load_arff
from medalist.competitions.tables.columnar import columnar_columns, load_columnar
from medalist.competitions.tables.contents import (
    ARFF_SUFFIXES,
    COLUMNAR_SUFFIXES,
    JSON_SUFFIXES,
    PAGE_SUFFIXES,
    WORKBOOK_SUFFIXES,
)
from medalist.competitions.tables.csv_format import read_dialect
from medalist.competitions.tables.encodings import encoding_of
from medalist.competitions.tables.headers import first_lines, lacks_header
from medalist.competitions.tables.integers import lost_digits, rounded_columns
from medalist.competitions.tables.json_table import load_json
from medalist.competitions.tables.large import load_large
from medalist.competitions.tables.number_text import numbers_from_text
from medalist.competitions.tables.page import load_page
from medalist.competitions.tables.parsing import column_names
from medalist.competitions.tables.records import is_number
from medalist.competitions.tables.source import Source
from medalist.competitions.tables.text_form import PLAIN, TextForm, form_of
from medalist.competitions.tables.text_table import load_text, notes_on, with_names
from medalist.competitions.tables.workbook import expand_workbooks, load_sheet

WHOLE_SUFFIXES = WORKBOOK_SUFFIXES + JSON_SUFFIXES + ARFF_SUFFIXES + PAGE_SUFFIXES  # whose header is not read alone
LARGE_BYTES = 64 << 20  # unpacked, above which a csv is read by pyarrow into compact types and cached


@dataclass(frozen=True, eq=False)
class Table:
    """A table with what a person should know of how it was read.

    `digest`: SHA-256 (hex) of its unpacked bytes. `form`: how it is written as text, plain csv for other formats.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...]
    digest: str
    form: TextForm = PLAIN


@dataclass(frozen=True)
class Header:
    """What the beginning of a file shows: the columns as in `Table.frame`, and the rows (None for text)."""

    columns: tuple[str, ...]
    rows: int | None


def read_table(path: Path | str, *, exact: Collection[str] = ()) -> pd.DataFrame:
    """The table in a file on disk, which may be an archive of one table. `exact`: see `load`.

    Raises InputError where it is absent, empty or unreadable.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{file} is not a file: give the path of a table.")
    source = source_of(file, str(file))
    if source.suffix in ARCHIVE_SUFFIXES:
        tables = [s for s in list_sources(file)[0] if s.actual or s.suffix in TABLE_SUFFIXES + AMBIGUOUS_SUFFIXES]
    else:
        tables = [source]
    tables = expand_workbooks(tables)
    if len(tables) != 1:
        raise InputError(f"{file} holds {len(tables)} tables where one is needed: unpack it and name the table.")
    return load(tables[0], exact=exact).frame


def read_headerless(path: Path | str, names: Sequence[str]) -> pd.DataFrame | None:
    """The table in a text file without a header line, whose columns get the names; None where it has other columns.

    Raises InputError where it cannot be read.
    """
    source = source_of(Path(path), str(path))
    dialect = read_dialect(source)
    if len(dialect.header) != len(names):
        return None
    frame = load(source).frame.set_axis(list(names), axis=1)
    first = pd.DataFrame([dialect.header], columns=list(names), dtype=object)
    for name in names:
        if pd.api.types.is_numeric_dtype(frame[name].dtype):
            first[name] = pd.to_numeric(first[name].str.replace(dialect.decimal, "."), errors="coerce")
    return pd.concat([first, frame], ignore_index=True)


def read_header(source: Source) -> Header:
    """The columns of a table, () for an empty one, without reading it whole where it is text or columnar.

    Raises InputError where it cannot be read or has no header line.
    """
    if source.suffix in COLUMNAR_SUFFIXES:
        return Header(*columnar_columns(source))
    if source.suffix in WHOLE_SUFFIXES:
        frame = load(source).frame
        return Header(tuple(map(str, frame.columns)), len(frame))
    dialect = read_dialect(source)
    header = dialect.header
    if any(map(is_number, header)) and lacks_header(header, dialect.rows, first_lines(source)):
        kind = "numbers" if all(map(is_number, header)) else "values"
        raise InputError(f"{source.path} begins with {kind} instead of column names: add a header line.")
    return Header(column_names(header), None)


def load(source: Source, *, text: Collection[str] = (), exact: Collection[str] = ()) -> Table:
    """The whole table.

    `text`: columns that are kept as strings. `exact`: columns that are kept letter by letter, so that "NA" and "None"
    are values and only an empty field is missing. Raises InputError for an empty, broken or unreadable file.
    """
    form = PLAIN
    if source.suffix in COLUMNAR_SUFFIXES + WORKBOOK_SUFFIXES + JSON_SUFFIXES:
        if source.suffix in COLUMNAR_SUFFIXES:
            frame, notes, digest = load_columnar(source)
        else:
            frame, notes, digest = (load_json if source.suffix in JSON_SUFFIXES else load_sheet)(source)
        notes += [f"{source.path}: {note}" for name in rounded_columns(frame) for note in lost_digits(frame[name])]
        keep = [c for c in (*text, *exact) if c in frame]
        frame = frame.astype(dict.fromkeys(keep, str)) if keep else frame
    elif source.suffix in ARFF_SUFFIXES + PAGE_SUFFIXES:
        read = load_arff if source.suffix in ARFF_SUFFIXES else load_page
        frame, notes, digest = read(source, text, exact)
    elif source.size > LARGE_BYTES:
        dialect = read_dialect(source)
        frame, notes, digest = load_large(source, dialect, {*text, *exact})
        notes = [*notes_on(dialect, source.path), *notes]
        frame = with_names(frame, dialect, source.path)
        legacy = dialect.encoding is None and any("is not UTF-8" in note for note in notes)
        codec = encoding_of(source).codec if legacy else dialect.encoding or "utf-8"
        with source.open() as stream:
            form = form_of(dialect, stream.read(4), codec, True)
    else:
        frame, notes, digest, form = load_text(source, text, exact)
    more = [*notes, *numbers_from_text(frame, source.path, {*text, *exact})]
    return Table(frame, tuple(more), digest, form)
