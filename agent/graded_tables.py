"""Reads submissions and answers from files as the task means them: names of columns, labels, further columns."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from medalist.competitions.errors import InputError
from medalist.competitions.naming import did_you_mean_path
from medalist.competitions.tables.reading import read_headerless, read_table
from medalist.competitions.task.task import Task
from medalist.competitions.task.transform import parse_transform

_MISSING = {"None", "NA", "N/A", "NaN", "nan", "null", "NULL", "n/a"}  # words that pandas reads as missing


def submission_for(table: pd.DataFrame, path: Path, task: Task) -> pd.DataFrame:
    """The submission in the file `path`, read as `table`, with the task's names of columns and its labels as text."""
    return _with_labels(_with_names(table, path, task), path, task)


def answers_for(table: pd.DataFrame, path: Path, task: Task, test: pd.DataFrame | None) -> pd.DataFrame:
    """The answers in the file `path`, read as `table`, with labels as text and the columns of the test rows that the
    task's transformation and its metric need."""
    return _with_labels(_with_columns_of_test(table, task, test), path, task)


def table_of(path: Path, what: str) -> pd.DataFrame:
    """The table in a file. Raises InputError, which calls it a `what`, where there is none or it cannot be read."""
    if not path.is_file():
        raise InputError(f"There is no {what} file {path}{did_you_mean_path(path)}: check its path.")
    try:
        return read_table(path)
    except InputError as error:
        raise InputError(f"The {what} cannot be read as CSV: {error}") from None


def _with_names(table: pd.DataFrame, path: Path, task: Task) -> pd.DataFrame:
    """The submission with the task's names of columns, where its file has no header line as the sample had none.

    Raises InputError where the first line is a header, of other names.
    """
    names = list(task.submission_columns)
    if set(names) & set(map(str, table.columns)) or len(names) != table.shape[1]:
        return table
    named = read_headerless(path, names)
    if named is None:
        return table
    first, header = named.iloc[0], [str(name).strip() for name in table.columns]
    numeric = [pd.api.types.is_numeric_dtype(named[name].dtype) for name in names]
    words = [
        field
        for name, field, is_numeric in zip(names, header, numeric, strict=True)
        if is_numeric and pd.isna(first[name]) and not (field in _MISSING or field.startswith("Unnamed:"))
    ]
    if words:
        raise InputError(
            f"The first line of {path} ({', '.join(header)}) has other names than {task.name} is submitted with: "
            f"write {', '.join(names)}, or check that the file is of this competition."
        )
    return named


def _with_labels(table: pd.DataFrame, path: Path, task: Task) -> pd.DataFrame:
    """The table with class labels such as None and NA as text, which pandas has read as missing values."""
    columns = {*task.targets, *task.prediction_columns} & set(table.columns)
    lost = [c for c in columns if table[c].isna().any()]
    if not lost or not _MISSING & {str(label) for label in task.classes}:
        return table
    exact = read_table(path, exact=lost)
    return table.assign(**{c: exact[c].fillna("") for c in lost})


def _with_columns_of_test(truth: pd.DataFrame, task: Task, test: pd.DataFrame | None) -> pd.DataFrame:
    """The answers with the columns that the task's transformation, metric and weights need and they lack, from the
    test rows of the same ids."""
    needed = (parse_transform(task.transform).column, *task.scorer().columns, task.weights)
    keys = dict(zip(task.id, task.id if task.long else task.submission_id, strict=True))
    if test is None or not keys or not set(keys.values()) <= set(truth):
        return truth
    absent = [c for c in dict.fromkeys(filter(None, needed)) if c not in truth and c in test and c not in keys]
    if not absent:
        return truth
    return truth.merge(test[[*keys, *absent]].rename(columns=keys), on=list(keys.values()), how="left")
