"""Further rows to predict: read as the run's tables were, with its columns and types, and known by the run's test."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api import types

from medalist.agent.run_data import RunData
from medalist.competitions.audit.rows import row_hashes
from medalist.competitions.columns.spellings import same_spellings
from medalist.competitions.competition import Competition
from medalist.competitions.errors import InputError
from medalist.competitions.layout.reconcile import Frames
from medalist.competitions.tables.archive import source_of
from medalist.competitions.tables.dtypes import is_text
from medalist.competitions.tables.reading import load, read_header
from medalist.competitions.text_columns import with_time

MOST_NAMED = 8  # columns that a sentence names
_TRUTH = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False, "yes": True, "no": False}


@dataclass(frozen=True)
class FurtherRows:
    """Rows to predict.

    frame: (k, …) the columns of the run's test, in its types. place: (k,) for each row the position among the m test
    rows of the run, or m + j for the j-th of those that are none. notes: sentences on what was ignored, filled or not
    understood.
    """

    frame: pd.DataFrame
    place: np.ndarray
    n_test: int
    notes: tuple[str, ...]

    @property
    def later(self) -> pd.DataFrame:
        """The rows that are none of the run's test, in order."""
        return self.frame[self.place >= self.n_test].reset_index(drop=True)

    @property
    def are_the_test(self) -> bool:
        """Whether they are the run's test rows, all of them in their order."""
        return len(self.place) == self.n_test and bool((self.place == np.arange(self.n_test)).all())


def further_rows(data: RunData, rows: pd.DataFrame | Path | str, needed: Collection[str]) -> FurtherRows:
    """The rows of a file or a frame. needed: the columns that the run's models use; others may be missing.

    Raises InputError for a file that cannot be read, and naming the missing columns.
    """
    competition, task = data.competition, data.task
    if isinstance(rows, pd.DataFrame):
        raw = rows.reset_index(drop=True)
        raw = raw.set_axis(list(map(str, raw.columns)), axis=1)
        name = "The table"
    else:
        raw, name = _loaded(Path(rows), competition), str(rows)
    if not len(raw):
        raise InputError(f"{name} has no rows: give at least one.")
    ids = [column for column in task.id if column in raw]
    raw = competition.readings.apply(raw, ids)
    raw = _with_derived(raw, competition)
    test = competition.test
    missing = [c for c in test.columns if c not in raw and c in needed and c not in task.id]
    if missing:
        raise InputError(
            f"{name} lacks {_columns(missing)}, which the run's models use: add {'it' if len(missing) == 1 else 'them'}"
            ", with empty values where unknown."
        )
    notes = []
    frame = same_spellings(competition.train, raw[[c for c in test.columns if c in raw]], task.id)[1]
    extra = [c for c in raw.columns if c not in test]
    if extra:
        notes.append(f"Ignored: {_columns(extra)}, which the run's test does not have.")
    unused = [c for c in test.columns if c not in frame and c not in task.id]
    if unused:
        notes.append(f"Missing, and not used by the models: {_columns(unused)}.")
    lacking = [c for c in task.id if c not in frame]
    if lacking:
        notes.append(f"Without {_columns(lacking)} the rows are numbered from 0 on.")
    filled: dict[str, pd.Series] = {}
    for column in test.columns:
        if column in frame:
            filled[column], lost = _as(frame[column], test[column])
            if lost:
                notes.append(f"{lost} of {len(frame)} values of column {column!r} are no numbers: taken as missing.")
        elif column in task.id:
            filled[column] = pd.Series(np.arange(len(frame)))
        else:
            filled[column] = pd.Series(np.nan, index=range(len(frame)), dtype=object)
    shared = [c for c in test.columns if c in frame]
    table = pd.DataFrame(filled)
    return FurtherRows(table, _places(table, test, shared), len(test), tuple(notes))


def _columns(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, map(str, names[:MOST_NAMED])))
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{'column' if len(names) == 1 else 'columns'} {shown}{more}"


def _loaded(path: Path, competition: Competition) -> pd.DataFrame:
    """The table in a file; columns that hold text in the run's tables are read as text."""
    if not path.is_file():
        raise InputError(f"{path} is not a file: give a table with the rows to predict.")
    source = source_of(path, str(path))
    header = read_header(source).columns
    text = {c for c in competition.test.columns if is_text(competition.test[c])} | set(competition.readings.raw)
    return load(source, text=[c for c in header if c in text]).frame


def _with_derived(raw: pd.DataFrame, competition: Competition) -> pd.DataFrame:
    """The rows with the columns that reading made from others, such as a date from year, month and day."""
    absent = [c for c in competition.test.columns if c not in raw]
    if not absent:
        return raw
    train = competition.train.drop(columns=[c for c in absent if c in competition.train])
    made = with_time(Frames(train, raw, None, ())).test
    return raw.assign(**{c: made[c] for c in absent if c in made})


def _as(values: pd.Series, like: pd.Series) -> tuple[pd.Series, int]:
    """A column in the type of the run's, and how many of its values are no numbers where these are needed."""
    values = values.reset_index(drop=True)
    present = int(values.notna().sum())
    if values.dtype == like.dtype:
        return values, 0
    if types.is_bool_dtype(like.dtype) or (types.is_object_dtype(like.dtype) and _holds_truth(like)):
        read = values.map(lambda v: _TRUTH.get(str(v).strip().lower()), na_action="ignore").astype(object)
        return read, present - int(read.notna().sum())
    if types.is_numeric_dtype(like.dtype):
        read = pd.to_numeric(values, errors="coerce")
        return read, present - int(read.notna().sum())
    if types.is_datetime64_any_dtype(like.dtype):
        read = pd.to_datetime(values, errors="coerce")
        return read, present - int(read.notna().sum())
    return values.where(values.isna(), values.map(_text)), 0


def _text(value: object) -> object:
    """A value as the text that it is written as: a whole number without a point."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _holds_truth(values: pd.Series) -> bool:
    return types.infer_dtype(values.iloc[:1000], skipna=True) == "boolean"


def _places(rows: pd.DataFrame, test: pd.DataFrame, columns: list[str]) -> np.ndarray:
    """(k,) the position of the test row with the same values in all of test's columns, of equal ones in their order;
    m + j for the j-th row without one. A row that lacks a column of test beside ids is none of them."""
    place = np.full(len(rows), -1)
    if len(columns) == len(test.columns):
        waiting: dict[int, list[int]] = {}
        for position, value in enumerate(row_hashes(test, columns).tolist()):
            waiting.setdefault(value, []).append(position)
        used: dict[int, int] = {}
        for position, value in enumerate(row_hashes(rows, columns).tolist()):
            if value in waiting:
                count = used.get(value, 0)
                place[position] = waiting[value][min(count, len(waiting[value]) - 1)]
                used[value] = count + 1
    later = place < 0
    place[later] = len(test) + np.arange(int(later.sum()))
    return place
