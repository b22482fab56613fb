"""Tables of events that go on after the times of the rows: where test has hardly any later events, none may be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medalist.competitions.columns.dates import parse_dates
from medalist.pipelines.features.frames.conditions import window_bounds
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.joins import keys_joined
from medalist.pipelines.features.language.conditions import BEFORE
from medalist.pipelines.features.language.expression import Column, Condition, feature

LEAST_LATER = 0.8  # later events of a test row, as a share of a train row's: less, and they are not to be used
ERRORS = 4  # standard errors of the difference, at least
MOST_ROWS = 20_000  # rows of train, and of test, that are looked at


@dataclass(frozen=True)
class _Rows:
    """Some rows of train and test, with the further tables, as a source of a frame."""

    rows: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]

    @property
    def n_rows(self) -> int:
        return len(self.rows)

    @property
    def n_train(self) -> int:
        return self.n_rows

    def column(self, name: str) -> pd.Series:
        return self.rows[name]

    def table(self, name: str) -> pd.DataFrame:
        return self.tables[name]


def times_of_events(
    tables: Mapping[str, pd.DataFrame],
    joins: Mapping[str, Sequence[tuple[str, str]]],
    train: pd.DataFrame,
    test: pd.DataFrame,
    time: str | None,
) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """By table, the time of a row in train and test and that of the table's rows, where train's rows have later rows of
    the table with their key and test's have hardly any: they would tell what is not known when it matters.

    time: the column by which test lies after train, if any, looked at first. Also returned is a note for each.
    """
    times: dict[str, tuple[str, str]] = {}
    notes: list[str] = []
    columns = sorted((c for c in test.columns if _is_time(train[c])), key=lambda c: c != time)
    if time is not None and time in test.columns and time not in columns:
        columns.insert(0, time)
    some = [_spread(part) for part in (train, test)]
    frame = Frame(_Rows(pd.concat(some, ignore_index=True), tables))
    for name, pairs in joins.items():
        keys = [(a, b) for a, b in pairs if a not in columns]
        if not keys or not columns:
            continue
        row_key, table_key = keys[0]
        by = (Column(row_key), Column(table_key, name)) if row_key != table_key else (Column(row_key),)
        of_table = [str(c) for c in tables[name].columns if c not in dict(pairs).values()]
        for column in columns:
            dated = _is_time(train[column])
            candidates = [c for c in of_table if dated and _is_time(tables[name][c])] or [
                c for c in of_table if not dated and c == column
            ]
            for other in candidates:
                later = _later(frame, name, by, column, other)
                of_train, of_test = later[: len(some[0])], later[len(some[0]) :]
                if name in times or not _fewer(of_test, of_train):
                    continue
                times[name] = (column, other)
                notes.append(
                    f"By {other}, {name} has {of_train.mean():.1f} rows after the {column} of a row of train, and "
                    f"{of_test.mean():.1f} after that of a row of test: only earlier ones are used."
                )
    return times, notes


def _later(frame: Frame, table: str, by: tuple[Column, ...], column: str, other: str) -> np.ndarray:
    """(n,) how many of a table's rows with a row's key are not before its time."""
    counted = feature("count", Column(other, table), by=by)
    before = Condition(Column(other, table), BEFORE, Column(column))
    start, end, _ = window_bounds(frame, keys_joined(frame, counted), before)
    return frame.number(counted) - (end - start)


def _fewer(of_test: np.ndarray, of_train: np.ndarray) -> bool:
    """Whether rows of test have clearly fewer later events than those of train, by ERRORS standard errors."""
    error = np.sqrt(of_test.var() / len(of_test) + of_train.var() / len(of_train))
    return bool(of_test.mean() < min(LEAST_LATER * of_train.mean(), of_train.mean() - ERRORS * error))


def _is_time(values: pd.Series) -> bool:
    return not pd.api.types.is_bool_dtype(values.dtype) and parse_dates(values) is not None


def _spread(frame: pd.DataFrame) -> pd.DataFrame:
    """At most MOST_ROWS rows of a table, evenly spread."""
    return frame.iloc[np.unique(np.linspace(0, len(frame) - 1, min(len(frame), MOST_ROWS)).astype(int))]
