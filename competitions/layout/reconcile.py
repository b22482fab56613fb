"""Gives train, test and sample the same columns in the same types, and refuses what cannot be reconciled."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api import types

from medalist.competitions.errors import InputError
from medalist.competitions.layout.affixes import affix_of, with_affix
from medalist.competitions.layout.candidates import Roles
from medalist.competitions.layout.expanded_test import expand_test
from medalist.competitions.layout.id_match import same_ids_in_order
from medalist.competitions.layout.integer_types import align_integer_types, ids_without_zeros, pad_ids, restore_zeros
from medalist.competitions.layout.missing_marks import unmark_missing
from medalist.competitions.layout.sample_rows import rows_to_submit

_LEADING_ZERO = re.compile(rb"(?:^|[\n\r,;\t|\"])0\d")

Reload = Callable[[str, Sequence[str], Sequence[str]], pd.DataFrame]  # (path, text columns, exact columns)


@dataclass(frozen=True, eq=False)
class Frames:
    """The three tables, and notes for a person on what was changed in them."""

    train: pd.DataFrame
    test: pd.DataFrame
    sample: pd.DataFrame | None
    notes: tuple[str, ...]


def reconcile(
    roles: Roles, frames: Frames, reload: Reload, sample_head: bytes, description: str = "", named: Sequence[str] = ()
) -> Frames:
    """The three tables with the same columns in the same types, and notes on what was changed.

    A column that is numeric in one of train and test and text in the other becomes text in both. Ids stay as they are
    written where numbers would lose leading zeros, which `sample_head`, the first bytes of the sample, shows. Labels
    such as "None" or "NA" are labels. An id column under another name gets the name that it has in the sample. Rows of
    train without a target are left out. `reload(path, text, exact)` reads a table again, its columns `text`
    as text and `exact` letter by letter (see `tables.reading.load`). A sample with fewer rows than test is settled by
    `description`, the organiser's text (see `sample_rows.rows_to_submit`). `named`: targets that the user has named.

    Raises InputError for a table without rows, for duplicate or missing ids, for ids of the sample that test lacks, and
    where train and test share no column.
    """
    notes: list[str] = []
    train, test, sample = frames.train, frames.test, frames.sample
    for frame, sheet in ((train, roles.train), (test, roles.test)):
        if not len(frame) and sheet.path:
            raise InputError(f"{sheet.path} has a header line but no rows: put the table there again.")
    new_to_old = {new: old for old, new in roles.match.renamed if old}
    ids = list(roles.ids)
    exact = [c for c in ids if sample is not None and _lost_as_numbers(sample[c], sample_head)]
    exact_test = [new_to_old.get(c, c) for c in exact]
    text = [c for c in _clashes(train, test) if c not in exact_test]
    for c in text:
        notes.append(f"column {c!r} holds numbers in one of train and test, text in the other: read as text in both.")
    labels = _targets_with_gaps(roles, train, sample)
    if exact and sample is not None and roles.sample is not None:
        sample = reload(roles.sample.path, (), exact)
        notes.append(f"ids {', '.join(exact)} are kept as text, letter by letter.")
    if text or exact_test:
        test = reload(roles.test.path, text, [c for c in exact_test if c in test])
    if text or labels or any(c in train for c in exact_test):
        reloaded = reload(roles.train.path, text, [c for c in (*exact_test, *labels) if c in train])
        words = [c for c in labels if reloaded[c].notna().all()]
        notes += [f"target {c!r}: labels such as 'None' or 'NA' are read as labels." for c in words]
        train = reloaded
    train, test, restored = restore_zeros(train, test, text)
    notes += restored
    if sample is not None:
        names = [(new_to_old.get(c, c), c) for c in ids]
        train, test = (pad_ids(table, sample, names) for table in (train, test))
        train, test, bare = ids_without_zeros(train, test, sample, names)
        notes += bare
        train, test, written = _as_sample_writes(train, test, sample, ids)
        notes += written
    if roles.blank:
        notes.append(f"columns {', '.join(roles.blank)} of {roles.test.path} are empty there: taken to be absent.")
        test = test.drop(columns=list(roles.blank))
    for old, new in roles.match.renamed:
        train, test = _rename(train, test, sample, old, new)
        origin = f"is {old!r} of {roles.test.path} (equal values)" if old else "is matched by the order of the rows"
        notes.append(f"the sample's {new!r} {origin}.")
    if roles.match.by_order and not ids:
        notes.append("the sample has no id column: its rows are those of test, in the same order.")
    if roles.long is not None and roles.key is not None and sample is not None:
        test, expanded = expand_test(roles.long, roles.key, train, test, sample)
        notes.append(expanded)
    notes += _check(roles, ids, train, test, sample)
    if sample is not None and roles.sample is not None and ids:
        paths = (roles.train.path, roles.test.path, roles.sample.path)
        sample, settled = rows_to_submit(sample, test, train, ids, paths, description)
        notes += settled
    train, test = _same_precision(*align_integer_types(train, test), ids)
    lacking = [str(c) for c in train.columns if c not in test.columns and c not in ids]
    train, unmarked = unmark_missing(train, lacking, roles.train.path) if sample is not None else (train, [])
    notes += unmarked
    train, left_out = _drop_unlabelled(roles, train, test, sample, named)
    notes += left_out
    return Frames(train, test, sample, tuple(notes))


def _as_sample_writes(
    train: pd.DataFrame, test: pd.DataFrame, sample: pd.DataFrame, ids: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Train and test with their only id as the sample writes it, with the same text around each; a note."""
    name = ids[0] if len(ids) == 1 else ""
    affix = affix_of(sample[name], test[name]) if name in test else None
    if affix is None:
        return train, test, []
    train, test = (t.assign(**{name: with_affix(t[name], affix)}) if name in t else t for t in (train, test))
    return train, test, [f"ids {name} are written as in the sample, {affix[0] + '…' + affix[1]!r} for each."]


def _drop_unlabelled(
    roles: Roles, train: pd.DataFrame, test: pd.DataFrame, sample: pd.DataFrame | None, named: Sequence[str]
) -> tuple[pd.DataFrame, list[str]]:
    """Train without the rows that lack all of the targets, and a note: those `named`, else the sample's, else the only
    column that test lacks.

    All of train where no row has one, or only the last row lacks it, as in a file that was cut short.
    """
    columns = [] if sample is None else list(sample.columns)
    targets = [c for c in named if c in train]
    targets = targets or [c for c in columns if c in train and c not in test and c not in roles.ids]
    if not targets:  # under another name in the sample, or a column for each of its classes
        only = [str(c) for c in train if c not in test and c not in roles.ids and bool(train[c].notna().any())]
        targets = only if len(only) == 1 else []
    missing = train[targets].isna().all(axis=1).to_numpy() if targets else np.zeros(len(train), dtype=bool)
    count = int(missing.sum())
    if not count or count == len(train) or (count == 1 and missing[-1]):
        return train, []
    note = (
        f"{count:,} of {len(train):,} rows of {roles.train.path} have no {' and no '.join(targets)}: they are left out."
    )
    return train[~missing].reset_index(drop=True), [note]


def _same_precision(train: pd.DataFrame, test: pd.DataFrame, ids: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables with float32 for columns that are float32 in one (large files are read so) and float64 in the other.

    Equal decimals are then equal numbers.
    """
    shared = [c for c in test.columns if c in train.columns and c not in ids]
    single = {c: "float32" for c in shared if {train[c].dtype, test[c].dtype} == {np.dtype("f4"), np.dtype("f8")}}
    return (train.astype(single), test.astype(single)) if single else (train, test)


def _check(
    roles: Roles, ids: list[str], train: pd.DataFrame, test: pd.DataFrame, sample: pd.DataFrame | None
) -> list[str]:
    """Notes on columns and rows that are not used. Raises InputError as `reconcile` says."""
    notes: list[str] = []
    shared = [c for c in test.columns if c in train.columns and c not in ids]
    if not shared and (not any(c in train.columns for c in ids) or len(test.columns) > len(ids)):
        several = [] if sample is None else [c for c in sample.columns if c not in ids and c not in train.columns]
        if len(several) > 1 and roles.sample is not None and roles.long is None:
            asked = ", ".join(several[:6]) + (f" and {len(several) - 6} more" if len(several) > 6 else "")
            raise InputError(
                f"{roles.sample.path} asks for {asked}, which {roles.train.path} lacks, as it does test's columns: "
                f"give a training table that has them beside the columns of {roles.test.path}, with --train FILE."
            )
        raise InputError(f"{roles.test.path} has no column of {roles.train.path} but its id: check --train and --test.")
    unknown = [c for c in test.columns if c not in train.columns and c not in ids]
    if unknown:
        notes.append(f"{roles.test.path} has columns that train lacks and that are not used: {', '.join(unknown[:9])}.")
    if sample is None or roles.sample is None:
        return notes
    if not len(sample):
        raise InputError(f"{roles.sample.path} has a header line but no rows: put the sample there again.")
    if not ids:
        return notes
    for frame, sheet in ((sample, roles.sample), (test, roles.test)):
        if frame[ids].isna().any(axis=None):
            raise InputError(f"{sheet.path} has rows without an id in {', '.join(ids)}: fill them in or remove them.")
        twice = frame[ids].duplicated()
        if twice.any() and same_ids_in_order(sample, test, ids):
            notes.append(
                f"{int(twice.sum())} ids repeat in {roles.test.path} ({', '.join(ids)}), and the sample has them in "
                "the same order: rows are matched by their order."
            )
            break
        if twice.any():
            first = ", ".join(map(str, frame.loc[twice, ids].iloc[0]))
            raise InputError(
                f"{sheet.path} has {int(twice.sum())} duplicate ids in {', '.join(ids)} (first: {first}): "
                "every row needs an id of its own; remove the rows that stand there twice, or mend their ids."
            )
    return notes


def _rename(
    train: pd.DataFrame, test: pd.DataFrame, sample: pd.DataFrame | None, old: str, new: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train and test with the id column `old` called `new`; with "" for `old`, test gets the sample's ids in order."""
    if not old and sample is not None:
        test = test.copy(deep=False)
        test.insert(0, new, sample[new].to_numpy())
        return train, test
    if new in train.columns:
        train = train.drop(columns=[new])  # another column of that name would be taken for the id
    return train.rename(columns={old: new}), test.rename(columns={old: new})


def _kind(column: pd.Series) -> str:
    """ "boolean", "number" or "text", of the values of a column."""
    if types.is_bool_dtype(column.dtype) or types.infer_dtype(column.iloc[:1000], skipna=True) == "boolean":
        return "boolean"
    return "number" if types.is_numeric_dtype(column.dtype) else "text"


def _clashes(train: pd.DataFrame, test: pd.DataFrame) -> list[str]:
    """Shared columns that are text in one of the tables only; one without any value clashes with nothing."""
    clashing = []
    for name in train.columns:
        if name in test.columns and train[name].dtype != test[name].dtype:
            one, two = _kind(train[name]), _kind(test[name])
            if one != two and "text" in (one, two) and not train[name].isna().all() and not test[name].isna().all():
                clashing.append(str(name))
    return clashing


def _lost_as_numbers(ids: pd.Series, head: bytes) -> bool:
    """Whether parsing lost leading zeros of the ids, or values such as "NA". `head`: the file's first bytes."""
    if ids.isna().any():
        return True
    return _kind(ids) == "number" and _LEADING_ZERO.search(head) is not None


def _targets_with_gaps(roles: Roles, train: pd.DataFrame, sample: pd.DataFrame | None) -> list[str]:
    """Targets of text in which some values are missing, perhaps since a class is called "None"."""
    if sample is None:
        return []
    targets = [c for c in sample.columns if c in train.columns and c not in roles.ids]
    return [c for c in targets if _kind(train[c]) == "text" and bool(train[c].isna().any())]
