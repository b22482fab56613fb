"""A sample submission without a header line: its columns get their names from the values of test."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd

from medalist.competitions.layout.candidates import related
from medalist.competitions.layout.sheets import FileLoader, Load, Sheet
from medalist.competitions.tables.csv_format import read_dialect

_WIDEST = 40  # columns of a sample


def name_headerless(sheets: Sequence[Sheet], doubtful: Sequence[Sheet]) -> list[Sheet] | None:
    """The sheets, one of them with a header that its file lacks; None where there is no such file.

    `doubtful`: tables whose first line is numbers. Others are looked at where no other table has a column of theirs.
    A file lacks a header where all values of a column, its first line included, are ids of a test table, or where it is
    one column of as many lines as test has rows; its other columns must be as many as train has beyond test.
    """
    strange = [s for s in sheets if not any(set(s.columns) & set(o.columns) for o in sheets if o is not s)]
    for sheet in (*doubtful, *strange):
        if len(sheet.columns) > _WIDEST or not isinstance(sheet.load, FileLoader):
            continue
        rest = [s for s in sheets if s is not sheet]
        for train in rest:
            for test in rest:
                lacking = [c for c in train.columns if c not in test.columns]
                if train is test or not lacking or not related(train, test):
                    continue
                names = _names(sheet, test, lacking)
                if names is not None:
                    return [*rest, _headed(sheet, names)]
    return None


def _names(sheet: Sheet, test: Sheet, lacking: Sequence[str]) -> tuple[str, ...] | None:
    """The names of the columns of a sample without a header, or None where the table is none."""
    rows = test.load()
    width = len(sheet.columns)
    if width == 1:
        same = len(sheet.load()) + 1 == len(rows) and len(lacking) == 1
        return (lacking[0],) if same else None
    if len(lacking) != width - 1:
        return None
    frame = _with_first_line(sheet, sheet.columns)([], sheet.columns)
    for place, name in enumerate(sheet.columns):
        values = frame[name].astype(str)
        for column in rows.columns:
            ids = rows[column].astype(str)
            if len(values) <= len(ids) and values.iloc[0] in set(ids) and values.isin(ids).all() and ids.is_unique:
                rest = list(lacking)
                return tuple(str(column) if i == place else rest.pop(0) for i in range(width))
    return None


def _headed(sheet: Sheet, names: tuple[str, ...]) -> Sheet:
    note = f"{sheet.path} has no header line: its columns are {', '.join(names)}, by the values of the first line."
    return Sheet(sheet.path, names, _with_first_line(sheet, names), sheet.parts, (*sheet.notes, note), True)


def _with_first_line(sheet: Sheet, names: Sequence[str]) -> Load:
    """A function that returns the table with its first line as a row, and the columns `names`."""
    loader = sheet.load
    assert isinstance(loader, FileLoader)

    def load(text: Collection[str] = (), exact: Collection[str] = ()) -> pd.DataFrame:
        back = dict(zip(names, sheet.columns, strict=True))
        wanted = [[back[c] for c in part if c in back] for part in (text, exact)]
        frame = loader(*wanted)
        first = dict(zip(sheet.columns, read_dialect(loader.source).header, strict=True))
        columns = {}
        for name, old in back.items():
            whole = pd.concat([pd.Series([first[old]]), frame[old].astype(object)], ignore_index=True)
            as_text = old in wanted[0] or old in wanted[1]
            numbers = None if as_text else pd.to_numeric(whole, errors="coerce")
            columns[name] = whole if numbers is None or (numbers.isna() & whole.notna()).any() else numbers
        return pd.DataFrame(columns)

    return load
