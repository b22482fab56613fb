"""Further tables that refer to each other: payments to the loans that they belong to, by a key that these have once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from medalist.competitions.tables.dtypes import is_number
from medalist.pipelines.features.frames.matching import common_codes

REFERRED = 0.9  # share of a table's distinct keys that the table it refers to has, at least
LEAST_KEYS = 20  # distinct values of a key that is looked for under another name
FIRST_ROWS = 10_000  # rows of which it is seen first whether their values differ
MOST_KEYS = 12  # columns of a table that are looked for under other names, at most
MOST_STEPS = 3  # tables from one that has the keys of train and test to one that gets them


class Link(NamedTuple):
    """A column of a further table, and the table with the column whose values it holds, which has each of them once."""

    column: str
    owner: str
    key: str


def links(tables: Mapping[str, pd.DataFrame]) -> dict[str, tuple[Link, ...]]:
    """By table, which other tables its rows refer to: by a column of the same name, else by one whose values they have.

    Keys of another name are text, or whole numbers with gaps between them: numbers from 1 on would be found anywhere.
    """
    keys = {name: _unique_keys(table) for name, table in tables.items()}
    found: dict[str, tuple[Link, ...]] = {}
    for name, table in tables.items():
        of_table = []
        for owner, candidates in keys.items():
            if owner == name:
                continue
            named = [Link(k, owner, k) for k in candidates if k in table.columns]
            link = next((k for k in named if _refers(table[k.column], tables[owner][k.key])), None)
            link = link or _by_values(table, owner, tables[owner], candidates)
            of_table += [link] if link is not None else []
        if of_table:
            found[name] = tuple(of_table)
    return found


def with_keys_of_owners(
    tables: Mapping[str, pd.DataFrame],
    linked: Mapping[str, Collection[Link]],
    columns: Collection[str],
    ids: Collection[str],
    notes: list[str],
) -> dict[str, pd.DataFrame]:
    """The tables; one that shares no column with train gets the keys of train from another that it refers to, and one
    without the rows' own `ids` gets these. columns: of train. Adds a note for each to `notes`."""
    made = dict(tables)
    for _ in range(MOST_STEPS):
        before = dict(made)
        for name, table in before.items():
            shares = bool(set(table.columns) & set(columns))
            for link in linked.get(name, ()):
                owner = before[link.owner]
                keys = [
                    c for c in owner.columns if c in columns and c not in table.columns and (c in ids or not shares)
                ]
                if keys:
                    made[name] = pd.concat([_referred(table[link.column], owner, link.key, keys), table], axis=1)
                    notes.append(f"{name} gets {', '.join(keys)} of {link.owner}, by {link.column}.")
                    break
        if all(len(made[name].columns) == len(table.columns) for name, table in before.items()):
            break
    return made


def _unique_keys(table: pd.DataFrame) -> list[str]:
    """Columns of text or whole numbers in which every row has a value of its own."""
    return [
        str(c)
        for c in table.columns
        if not pd.api.types.is_float_dtype(table[c].dtype)
        and not pd.api.types.is_datetime64_any_dtype(table[c].dtype)
        and all(part.notna().all() and part.is_unique for part in (table[c].iloc[:FIRST_ROWS], table[c]))
    ]


def _refers(values: pd.Series, keys: pd.Series) -> bool:
    distinct = pd.Series(values.dropna().unique())
    return len(distinct) > 0 and bool(found(distinct, keys).mean() >= REFERRED)


def _by_values(table: pd.DataFrame, owner: str, other: pd.DataFrame, candidates: Collection[str]) -> Link | None:
    """The column of a table that holds the values of a key of another table under another name, if there is one."""
    for key in [k for k in candidates if k not in table.columns][:MOST_KEYS]:
        keys = other[key]
        numeric = is_number(keys)
        if len(keys) < LEAST_KEYS or (numeric and int(keys.min()) <= 1):
            continue
        for column in table.columns[: 2 * MOST_KEYS]:
            values = table[column]
            if is_number(values) != numeric or pd.api.types.is_float_dtype(values.dtype) or values.is_unique:
                continue
            few = pd.Series(values.dropna().unique())
            if len(few) >= LEAST_KEYS and found(few[:: max(1, len(few) // 200)], keys).all() and _refers(few, keys):
                return Link(str(column), owner, key)
    return None


def _referred(values: pd.Series, owner: pd.DataFrame, key: str, columns: Collection[str]) -> pd.DataFrame:
    """The columns of the owner's rows to which values refer, missing where there is none; with the values' index."""
    at, to, size = common_codes(values, owner[key])
    row = np.full(size + 1, len(owner))
    row[to] = np.arange(len(owner))
    row[-1] = len(owner)
    held = owner[list(columns)].reset_index(drop=True)
    if (row[at] == len(owner)).any():  # integers with gaps stay integers
        held = held.convert_dtypes(convert_string=False, convert_boolean=False, convert_floating=False)
    return held.reindex(row[at]).set_axis(values.index, axis=0)


def found(values: pd.Series, keys: pd.Series) -> np.ndarray:
    """(n,) whether each value is among the keys; a missing one is not."""
    mine, theirs, size = common_codes(values, keys)
    present = np.zeros(size + 1, dtype=bool)
    present[theirs] = True
    present[-1] = False
    return present[mine]
