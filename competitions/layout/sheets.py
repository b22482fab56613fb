"""Sheets: the tables of a competition before their roles are known, each with its columns and a way to read it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import pandas as pd

from medalist.competitions.errors import InputError
from medalist.competitions.tables.archive import TEXT_FORMATS
from medalist.competitions.tables.compression import plain_name
from medalist.competitions.tables.csv_format import read_dialect
from medalist.competitions.tables.headers import lacks_header
from medalist.competitions.tables.parsing import column_names
from medalist.competitions.tables.reading import Table, load, read_header
from medalist.competitions.tables.source import Source

_WHOLE = re.compile(r"-?\d+")


class Load(Protocol):
    """Returns a table; `text`: columns that are kept as strings, `exact`: letter by letter (`tables.reading.load`)."""

    def __call__(self, text: Collection[str] = (), exact: Collection[str] = ()) -> pd.DataFrame: ...


@dataclass(frozen=True, eq=False)
class Sheet:
    """A table: its path and columns, and a function that returns it (without arguments it is read only once).

    `parts`: the paths of the files that it was made from, () for a table that is one file. `notes`: sentences for a
    person on how it was made, which count where the table gets a role. `headerless`: its file has no header line.
    """

    path: str
    columns: tuple[str, ...]
    load: Load
    parts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    headerless: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """The paths of all files that it is made from."""
        return self.parts or (self.path,)


def within(columns: Collection[str], *names: Collection[str]) -> list[list[str]]:
    """Each of several lists of column names, without those that are not in `columns`."""
    return [[name for name in part if name in columns] for part in names]


def select(sheet: Sheet, columns: tuple[str, ...]) -> Load:
    """A function that returns the table with these columns only."""

    def load(text: Collection[str] = (), exact: Collection[str] = ()) -> pd.DataFrame:
        return sheet.load(*within(columns, text, exact))[list(columns)]

    return load


def rename(sheet: Sheet, names: Mapping[str, str]) -> Load:
    """A function that returns the table with other names for some columns (`names`: old → new)."""
    old_names = {new: old for old, new in names.items()}

    def load(text: Collection[str] = (), exact: Collection[str] = ()) -> pd.DataFrame:
        old = [[old_names.get(c, c) for c in part] for part in (text, exact)]
        return sheet.load(*within(sheet.columns, *old)).rename(columns=names)

    return load


def cached(load: Load) -> Load:
    """The same function, which makes the table of no arguments only once and keeps it."""
    kept: list[pd.DataFrame] = []

    def loaded(text: Collection[str] = (), exact: Collection[str] = ()) -> pd.DataFrame:
        if text or exact:
            return load(text, exact)
        if not kept:
            kept.append(load())
        return kept[0]

    return loaded


@dataclass(frozen=True)
class NamedTables:
    """The paths of the tables that the user has named, None for the others."""

    train: str | None = None
    test: str | None = None
    sample: str | None = None


@dataclass(frozen=True)
class FileLoader:
    """A callable that returns the table of `source`, reading it at the first call and keeping it in `loaded`.

    `names`: (name in the file, name in the sheet) of the columns that are called otherwise than in the file.
    """

    source: Source
    loaded: dict[str, Table] = field(default_factory=dict, repr=False)
    names: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, text: Collection[str] = (), exact: Collection[str] = ()) -> pd.DataFrame:
        if text or exact:
            written = {new: old for old, new in self.names.items()}
            options = {"text": [written.get(c, c) for c in text], "exact": [written.get(c, c) for c in exact]}
            return load(self.source, **options).frame.rename(columns=self.names)
        if self.source.path not in self.loaded:
            self.loaded[self.source.path] = load(self.source)
        frame = self.loaded[self.source.path].frame
        if self.names:
            frame = frame.copy(deep=False)
            frame.columns = pd.Index([self.names.get(c, c) for c in frame.columns])
        return frame


def read_sheets(
    by_path: Mapping[str, Source], tables: Collection[str], loaded: dict[str, Table], named: Collection[str]
) -> tuple[list[Sheet], list[Sheet], list[str]]:
    """(tables, tables whose first line is numbers that name nothing, sentences on unreadable ones and on the latter).

    Each table is there once, though the folder may hold it zipped too. `tables`: the paths of tables. `loaded`: gets
    the tables that are read.
    `named`: paths that the user has named. Raises InputError where one of these cannot be read.
    """
    sheets: list[Sheet] = []
    problems: list[str] = []
    doubtful: list[tuple[Sheet, str]] = []
    seen: dict[tuple[str, tuple[str, ...]], list[Source]] = {}
    plain_first = sorted(by_path.items(), key=lambda item: (item[0] not in named, len(item[1].members), item[0]))
    for path, source in plain_first:
        if path not in tables and path not in named:
            continue
        try:
            columns = read_header(source).columns
        except InputError as error:
            numbers = _numbers_for_names(source)
            if numbers:
                doubtful.append((Sheet(path, numbers, FileLoader(source, loaded)), str(error)))
                continue
            if path in named:
                raise
            problems.append(str(error))
            continue
        if not columns:
            problems.append(f"{path} is empty: put the table there again.")
            if path in named:
                raise InputError(problems[-1])
            continue
        same = seen.setdefault((plain_name(source.name.lower()), columns), [])
        if path in named or not any(_same_file(source, other) for other in same):
            same.append(source)
            sheets.append(Sheet(path, columns, FileLoader(source, loaded)))
    headerless: list[Sheet] = []
    for sheet, problem in doubtful:
        others = [s for s in (*sheets, *(s for s, _ in doubtful)) if s is not sheet]
        if _are_names(sheet.columns, others):
            sheets.append(sheet)
        else:
            headerless.append(sheet)
            problems.append(problem)
    return sheets, headerless, problems


def _same_file(one: Source, other: Source) -> bool:
    """Whether two files of one name and header are the same table: one in a zip is the other, or their bytes equal."""
    if one.file != other.file and (one.members or other.members):
        return True
    return one.size == other.size and one.read_bytes() == other.read_bytes()


def _numbers_for_names(source: Source) -> tuple[str, ...]:
    """The first line of a text table, as names, where it is a row of numbers or values; () for any other file."""
    if source.suffix not in TEXT_FORMATS:
        return ()
    try:
        dialect = read_dialect(source)
    except InputError:
        return ()
    return column_names(dialect.header) if lacks_header(dialect.header, dialect.rows, ()) else ()


def _are_names(columns: tuple[str, ...], others: Collection[Sheet]) -> bool:
    """Whether a first line of numbers names columns: whole numbers, each once, that are in another table's first line
    too, all or nearly all."""
    if len(set(columns)) < len(columns) or not all(_WHOLE.fullmatch(c) for c in columns):
        return False
    return any(len(set(columns) & set(s.columns)) >= max(2, 0.8 * len(columns)) for s in others)
