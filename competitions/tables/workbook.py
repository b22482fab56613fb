"""Reads the sheets of workbooks (.xlsx, .xls, .xlsb, .ods), with python-calamine, which the extra `excel` installs."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from medalist.competitions.errors import InputError
from medalist.competitions.naming import printable
from medalist.competitions.tables.contents import WORKBOOK_SUFFIXES
from medalist.competitions.tables.parsing import column_names, empty_table, plain_columns
from medalist.competitions.tables.precision import LARGEST_EXACT
from medalist.competitions.tables.records import Record, is_number
from medalist.competitions.tables.source import Source
from medalist.competitions.tables.surroundings import Place, below_note, find_table, footer


def expand_workbooks(sources: Sequence[Source]) -> list[Source]:
    """The files, with each workbook replaced by its sheets that hold something.

    A workbook that cannot be read stays as it is: reading it says why. The path of the only sheet is that of the
    workbook.
    """
    expanded: list[Source] = []
    for source in sources:
        names = [] if source.suffix not in WORKBOOK_SUFFIXES or source.sheet else _sheet_names(source)
        if len(names) == 1:
            expanded.append(replace(source, sheet=names[0]))
        elif names:
            paths = [f"{source.path}/{printable(name).replace('/', '_')}" for name in names]
            expanded += [replace(source, sheet=n, path=path) for n, path in zip(names, paths, strict=True)]
        else:
            expanded.append(source)
    return expanded


def load_sheet(source: Source) -> tuple[pd.DataFrame, list[str], str]:
    """(frame, notes, SHA-256 of the workbook's bytes and the sheet's name in hex) of a sheet.

    Titles above the table, units below its header and sums below it are left out. Raises InputError where the
    workbook cannot be read or the extra is not installed.
    """
    data, book = _open(source)
    sheets = [source.sheet] if source.sheet else _filled(source, book)
    if len(sheets) > 1:
        shown = ", ".join(sheets[:3])
        raise InputError(
            f"{source.path} holds several sheets ({shown} …): save the one that is meant as a file of its own."
        )
    rows = _cells(source, book, sheets[0]) if sheets else []
    rows = [row for row in rows if any(value != "" for value in row)]
    if not rows:
        raise empty_table(source.path)
    filled = [place for place in range(len(rows[0])) if any(row[place] != "" for row in rows)]
    rows = [[row[place] for place in filled] for row in rows]
    records = [Record(tuple(map(_text, row)), line, line + 1) for line, row in enumerate(rows)]
    place = find_table(records[:60]) or Place(0, 1)
    header = records[place.header].fields
    below = footer(records[max(place.first, len(records) - 30) :], len(header))
    notes = []
    if place.header:
        notes.append(f"{source.path}: the lines above the header ({records[0].fields[0][:40]!r} …) are skipped.")
    if place.first > place.header + 1:
        notes.append(f"{source.path}: the row under the header holds units or types and is skipped.")
    if below:
        notes.append(below_note(source.path, below))
    names = column_names(tuple(name.strip() and name for name in header))
    body = rows[place.first : len(rows) - below]
    if all(map(is_number, header)) and len(set(header)) < len(header):
        raise InputError(f"{source.path} begins with numbers instead of column names: add a header line.")
    frame = pd.DataFrame({name: _column([row[i] for row in body]) for i, name in enumerate(names)})
    digest = hashlib.sha256(data + source.sheet.encode()).hexdigest()
    return plain_columns(frame), notes, digest


def _sheet_names(source: Source) -> list[str]:
    """The sheets of a workbook that hold something; [] where it cannot be read."""
    try:
        _, book = _open(source)
        return _filled(source, book)
    except InputError:
        return []


def _filled(source: Source, book: Any) -> list[str]:
    """The names of a workbook's sheets that hold more than one row."""
    return [name for name in book.sheet_names if len(_cells(source, book, name)) > 1]


def _cells(source: Source, book: Any, name: str) -> list[list[Any]]:
    """The rows of a sheet. Raises InputError where they cannot be read."""
    import python_calamine

    try:
        return list(book.get_sheet_by_name(name).to_python())
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise _unreadable(source, error) from error


def _open(source: Source) -> tuple[bytes, Any]:
    """(bytes, workbook). Raises InputError."""
    try:
        import python_calamine
    except ImportError as error:
        raise InputError(
            f"{source.path} is a workbook, which needs another package: pip install 'medalist[excel]', or save its "
            "sheets as csv."
        ) from error
    data = source.read_bytes()
    try:
        return data, python_calamine.load_workbook(io.BytesIO(data))
    except python_calamine.PasswordError as error:
        raise InputError(f"{source.path} is protected by a password: save it without one.") from error
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise _unreadable(source, error) from error


def _unreadable(source: Source, error: Exception) -> InputError:
    reason = str(error).replace("\n", " ")[:80]
    return InputError(f"{source.path} is no workbook that can be read ({reason}): save it as csv.")


def _text(value: Any) -> str:
    """A cell as a csv would show it."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 63:
        return str(int(value))
    return str(value)


def _column(cells: list[Any]) -> pd.Series:
    """Cells as a column: numbers, booleans, dates, durations and times of day in seconds; others as text."""
    present = [cell for cell in cells if cell != ""]
    kinds = {type(cell) for cell in present}
    gaps = [None if cell == "" else cell for cell in cells]
    if not present:
        return pd.Series([np.nan] * len(cells), dtype=float)
    if kinds <= {int, float}:
        whole = all(float(cell).is_integer() and abs(cell) < LARGEST_EXACT for cell in present)
        return pd.Series(gaps, dtype="int64" if whole and len(present) == len(cells) else float)
    if kinds == {bool}:
        return pd.Series(gaps, dtype=bool if len(present) == len(cells) else object)
    if kinds <= {dt.date, dt.datetime}:
        return pd.to_datetime(pd.Series(gaps))
    if kinds == {dt.time}:
        return pd.Series([np.nan if t is None else t.hour * 3600.0 + t.minute * 60 + t.second for t in gaps])
    if kinds == {dt.timedelta}:
        return pd.Series([np.nan if t is None else t.total_seconds() for t in gaps])
    return pd.Series([None if cell is None else _text(cell) for cell in gaps])
