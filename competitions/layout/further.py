"""Further tables of a competition: read when they are asked for, those of train's and test's rows as one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from medalist.competitions.layout.many_rows import concat_sheets
from medalist.competitions.layout.sheets import FileLoader, Sheet
from medalist.competitions.tables.source import Source

_ROLE = re.compile(r"(?:^|(?<=[^a-z]))(train|test)(?:ing)?(?=$|[^a-z])", re.IGNORECASE)


@dataclass(frozen=True)
class FurtherTable:
    """A further table: its files with the names of columns that are called otherwise there, and the columns it has.

    `source`: the file whose bytes are the table, None where it is made of several or has other columns than the file.
    """

    files: tuple[tuple[Source, Mapping[str, str]], ...]
    columns: tuple[str, ...]
    source: Source | None = field(default=None)

    @property
    def size(self) -> int:
        """Bytes of its files, unpacked."""
        return sum(source.size for source, _ in self.files)

    def load(self) -> pd.DataFrame:
        """The table, read anew at every call. Raises InputError where a file is broken."""
        loaders = [FileLoader(source, {}, names) for source, names in self.files]
        return concat_sheets([Sheet(load.source.path, self.columns, load) for load in loaders], self.columns)


def further_table(
    sheets: Sequence[Sheet], columns: Sequence[str], by_path: Mapping[str, Source], read: Mapping[str, Sheet]
) -> FurtherTable:
    """The further table of the rows of all sheets, with the given columns. `read`: the sheet of each file, by path."""
    loads = [(path, read[path].load) for sheet in sheets for path in sheet.files]
    files = tuple((by_path[path], load.names if isinstance(load, FileLoader) else {}) for path, load in loads)
    plain = len(files) == 1 and not files[0][1] and tuple(columns) == sheets[0].columns
    return FurtherTable(files, tuple(columns), files[0][0] if plain else None)


def pairs_of_train_and_test(sheets: Sequence[Sheet]) -> list[tuple[Sheet, Sheet]]:
    """Further tables of the same columns whose names differ by "train" and "test" alone, in that order."""
    found = []
    for one in sheets:
        if [w.lower() for w in _ROLE.findall(one.path)] != ["train"]:
            continue
        for other in sheets:
            if set(one.columns) == set(other.columns) and other.path.lower() == _ROLE.sub("test", one.path).lower():
                found.append((one, other))
    return found


def name_without_role(path: str, taken: Sequence[str]) -> str:
    """A name for the rows of train and test together: "statements" of train_statements.csv."""
    stem = path.rpartition("/")[2].partition(".")[0]
    name = re.sub(r"[\W_]+", "_", _ROLE.sub("", stem)).strip("_") or "rows"
    while name in taken:
        name += "_rows"
    return name
