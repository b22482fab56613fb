"""Reads the text columns of train, test and sample as the numbers and dates that they hold, all three alike."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from pandas.api import types

from medalist.competitions.columns.local_times import with_local_times
from medalist.competitions.columns.reading_decisions import read_jointly
from medalist.competitions.columns.readings import Readings
from medalist.competitions.columns.spellings import same_spellings
from medalist.competitions.columns.time_columns import with_time_column
from medalist.competitions.layout.candidates import Roles
from medalist.competitions.layout.reconcile import Frames, Reload
from medalist.competitions.layout.sheets import Sheet


def decide_readings(roles: Roles, description: str) -> Readings:
    """How the columns of text of train, test and sample are written; ids stay as they are."""
    sheets = {"train": roles.train, "test": roles.test} | ({"sample": roles.sample} if roles.sample else {})
    frames = {role: sheet.load() for role, sheet in sheets.items()}
    ids = {*roles.ids, *(old for old, _ in roles.match.renamed)}
    targets = [c for c in frames["train"].columns if c not in frames["test"] or c in roles.blank]

    def as_text(role: str, columns: Sequence[str]) -> pd.DataFrame:
        return sheets[role].load([c for c in columns if c in sheets[role].columns])

    return read_jointly(frames, ids, targets, description, as_text)


def read_frames(roles: Roles, readings: Readings) -> tuple[Frames, Reload]:
    """The three tables with their columns of text read, and a function that reads one of them again so."""
    sheets = {sheet.path: sheet for sheet in (roles.train, roles.test, roles.sample) if sheet}

    def reload(path: str, as_text: Sequence[str], exact: Sequence[str]) -> pd.DataFrame:
        raw = [c for c in readings.raw if c in sheets[path].columns]
        skip = (*as_text, *exact, *(readings.date_columns if roles.sample and path == roles.sample.path else ()))
        return readings.apply(sheets[path].load((*as_text, *raw), exact), skip)

    def read(sheet: Sheet) -> pd.DataFrame:
        if any(c in readings.raw for c in sheet.columns):
            return reload(sheet.path, (), ())
        return readings.apply(sheet.load(), readings.date_columns if sheet is roles.sample else ())

    sample = read(roles.sample) if roles.sample else None
    return Frames(read(roles.train), read(roles.test), sample, ()), reload


def decimal_of_train(frames: Frames, readings: Readings) -> str:
    """The decimal sign of all numbers with decimals in train where these were text, else ""."""
    floats = [v for c, v in frames.train.items() if c not in readings.forms and types.is_float_dtype(v.dtype)]
    return "" if any(bool((values.dropna() % 1).any()) for values in floats) else readings.decimal


def with_same_spellings(frames: Frames, ids: Sequence[str]) -> Frames:
    """The tables, train and test with one spelling of each value of text; `ids` stay as they are."""
    train, test, notes = same_spellings(frames.train, frames.test, ids)
    return Frames(train, test, frames.sample, (*frames.notes, *notes))


def with_time(frames: Frames) -> Frames:
    """The tables, train and test with a column of dates where several columns together tell the time, and with the
    local time of stamps in UTC beside a column of time zones."""
    targets = [c for c in frames.train.columns if c not in frames.test]
    train, test, local = with_local_times(frames.train, frames.test, targets)
    train, test, notes = with_time_column(train, test, targets)
    return Frames(train, test, frames.sample, (*frames.notes, *local, *notes))
