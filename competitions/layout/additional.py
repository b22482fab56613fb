"""Which further tables hold additional training rows: train's columns with the target, in rows of another origin."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from medalist.competitions.layout.candidates import Roles
from medalist.competitions.layout.sheets import Sheet
from medalist.competitions.tables.dtypes import is_number

LEAST_COLUMNS = 0.6  # share of the inputs that such a table has at least
LEAST_INPUTS = 2  # inputs that it has at least, where there are as many
LEAST_ROWS = 10  # rows with a target
LEAST_LABELS = 0.9  # share of the rows whose label is one of train's
LEAST_RANGE = 0.5  # share of the rows whose value of the target lies in train's range
MOST_LABELS = 50  # distinct whole numbers of a target up to which they may be labels
MOST_SAME = 0.5  # share of the rows whose id is one of train's, from which on the table may be of train's own rows


def counterparts(columns: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    """The column of a table for each column of train that it has, by name: exactly, else but for case, blanks and
    marks."""
    plain: dict[str, list[str]] = {}
    for column in columns:
        plain.setdefault(_plain(column), []).append(column)
    found = {}
    for name in known:
        others = [name] if name in columns else plain.get(_plain(name), [])
        if len(others) == 1:
            found[name] = others[0]
    return found


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", str(name)).casefold()


def is_additional(sheet: Sheet, roles: Roles, train: pd.DataFrame, test: pd.DataFrame) -> bool:
    """Whether a further table holds rows of train's kind with what is to be predicted.

    It has the targets, whose values are like train's, and most of the inputs, with values of the same types. A table
    whose ids are train's is one of train's own rows, such as out-of-fold predictions, unless its inputs differ.
    """
    lacking = [c for c in train.columns if c not in test.columns and c not in roles.ids]
    named = [c for c in roles.sample.columns if c in lacking] if roles.sample else []
    targets = named or (lacking if len(lacking) == 1 else [])
    inputs = [c for c in test.columns if c in train.columns and c not in roles.ids]
    of_targets, of_inputs = counterparts(sheet.columns, targets), counterparts(sheet.columns, inputs)
    if not targets or len(of_targets) < len(targets):
        return False
    if len(of_inputs) < max(LEAST_COLUMNS * len(inputs), min(LEAST_INPUTS, len(inputs))):
        return False
    table = sheet.load()
    rows = table[list(of_targets.values())].notna().all(axis=1)
    if rows.sum() < LEAST_ROWS:
        return False
    if not all(_alike(table.loc[rows, other], train[name]) for name, other in of_targets.items()):
        return False
    if _same_types(table, train, of_inputs) < LEAST_COLUMNS * len(inputs):
        return False
    return not _own_rows(table, train, counterparts(sheet.columns, list(roles.ids)), of_inputs)


def _alike(values: pd.Series, known: pd.Series) -> bool:
    """Whether values of a target are like train's: its labels, or numbers in its range."""
    if is_number(values) and is_number(known):
        labels = known.dropna().unique()
        if len(labels) <= MOST_LABELS and not (pd.Series(labels, dtype=float) % 1).any():
            return bool(values.isin(labels).mean() >= LEAST_LABELS)
        return bool(values.between(known.min(), known.max()).mean() >= LEAST_RANGE)
    if is_number(values) != is_number(known):
        return False
    words = {str(label).strip().casefold() for label in known.dropna().unique()}
    return bool(values.astype(str).str.strip().str.casefold().isin(words).mean() >= LEAST_LABELS)


def _same_types(table: pd.DataFrame, train: pd.DataFrame, columns: Mapping[str, str]) -> int:
    """How many of the columns are numbers in both tables or in neither, or without values in one."""
    return sum(
        bool(is_number(table[other]) == is_number(train[name]) or table[other].isna().all() or train[name].isna().all())
        for name, other in columns.items()
    )


def _own_rows(table: pd.DataFrame, train: pd.DataFrame, ids: Mapping[str, str], inputs: Mapping[str, str]) -> bool:
    """Whether most rows have the ids of rows of train, and the same numbers in most inputs there."""
    if len(ids) != 1:
        return False
    ((name, other),) = ids.items()
    if name not in train or train[name].duplicated().any() or is_number(train[name]) != is_number(table[other]):
        return False
    place = pd.Series(range(len(train)), index=train[name])
    found = table[table[other].isin(place.index) & ~table[other].duplicated()]
    if len(found) < MOST_SAME * len(table):
        return False
    rows = train.iloc[place[found[other]].to_numpy()]
    same = [
        float((rows[a].astype(str).to_numpy() == found[b].astype(str).to_numpy()).mean()) for a, b in inputs.items()
    ]
    return float(pd.Series(same).median()) > MOST_SAME
