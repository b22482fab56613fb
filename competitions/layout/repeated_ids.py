"""Inputs with several rows for each id that their files do not tell: in train itself, or in one table for all ids."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import pandas as pd

from medalist.competitions.errors import InputError
from medalist.competitions.layout.candidates import Roles, constant_share
from medalist.competitions.layout.id_match import find_id_column, share_in
from medalist.competitions.layout.label_file import with_keys
from medalist.competitions.layout.many_rows import Aggregate, ManyRows
from medalist.competitions.layout.sheets import Sheet, rename, select


def collapse(roles: Roles, aggregate: Aggregate) -> tuple[Sheet, Sheet, ManyRows] | None:
    """(train, test, their inputs) with one row for each id, where the sample has each id once and test several times.

    None for other tables. Raises InputError where the target differs within the rows of an id, so that it is none of
    its properties.
    """
    assert roles.sample is not None
    new_to_old = {new: old for old, new in roles.match.renamed}
    ids = [new_to_old.get(c, c) for c in roles.ids]
    if not ids or "" in ids or not set(ids) <= set(roles.train.columns) or not set(ids) <= set(roles.test.columns):
        return None
    test, sample = roles.test.load(), roles.sample.load()
    if len(test) <= len(sample) or sample.duplicated(list(roles.ids)).any() or not test.duplicated(ids).any():
        return None
    train = roles.train.load()
    if not train.duplicated(ids).any():
        return None
    lacking = [c for c in roles.train.columns if c not in roles.test.columns or c in roles.blank]
    fixed = [c for c in lacking if _is_constant_within(train, ids, c)]
    targets = [c for c in roles.sample.columns if c in lacking]
    wrong = [c for c in targets if c not in fixed] or (lacking[:1] if not fixed else [])
    key = ", ".join(ids)
    if wrong:
        raise InputError(
            f"{roles.test.path} has several rows for each {key}, {roles.sample.path} asks for one, and {wrong[0]} "
            f"differs within the rows of a {key} in {roles.train.path}: give a sample with a row for each row of test "
            f"(--sample), or a train table with one {wrong[0]} for each {key}."
        )
    inputs = tuple(c for c in roles.train.columns if c not in lacking)
    shown = tuple(c for c in roles.test.columns if c in inputs)
    many = ManyRows(_part(roles.train, inputs), _part(roles.test, shown), tuple(ids))
    labels = _first_rows(roles.train, (*ids, *fixed), ids)
    sample_ids = Sheet(roles.sample.path, roles.sample.columns, rename(roles.sample, new_to_old))
    joined, asked = many.join(labels, [sample_ids], aggregate)
    return joined, asked, many


def join_further_rows(
    roles: Roles, sheets: Sequence[Sheet], aggregate: Aggregate
) -> tuple[Sheet, Sheet, ManyRows] | None:
    """(train, test, the inputs), where test has nothing but ids and another table has rows for those of both."""
    ids = [c for c in roles.ids if c in roles.train.columns and c in roles.test.columns]
    if not ids or any(c in roles.train.columns and c not in ids for c in roles.test.columns):
        return None
    for sheet in sheets:
        if sheet in (roles.train, roles.test, roles.sample) or not set(ids) < set(sheet.columns):
            continue
        frame = sheet.load()
        if min(share_in(s.load(), frame, ids) for s in (roles.train, roles.test)) > 0.5:
            many = ManyRows(sheet, sheet, tuple(ids))
            joined, asked = many.join(roles.train, (), aggregate, roles.test)
            return joined, asked, many
    return None


def join_shared_rows(sheets: Sequence[Sheet], aggregate: Aggregate) -> tuple[list[Sheet], ManyRows] | None:
    """(the sheets, with a train and a test made of them; the inputs), where one table has the rows of all ids, another
    the labels of some, and a sample the other ids. None where there are no such tables."""
    for labels in sheets:
        for form in sheets:
            ids = [c for c in form.columns if c in labels.columns]
            if form is labels or len(ids) < 1 or len(form.columns) > len(labels.columns):
                continue
            for inputs in sheets:
                if inputs in (labels, form):
                    continue
                pairs = _keys(labels, form, inputs, ids)
                keys = [b for _, b in pairs]
                more = [c for c in labels.columns if c not in inputs.columns and c not in [a for a, _ in pairs]]
                if not keys or not more or len(inputs.columns) <= len(keys):
                    continue
                if not set(more) & set(form.columns) or constant_share(labels.load(), more) == 1.0:
                    continue
                labelled, asked = _labelled(with_keys(labels, pairs), more), with_keys(form, pairs)
                one, two, frame = labelled.load(), asked.load(), inputs.load()
                if one.duplicated(keys).any() or two.duplicated(keys).any() or share_in(two, one, keys) > 0.0:
                    continue
                if share_in(one, frame, keys) > 0.5 and share_in(two, frame, keys) > 0.5:
                    many = ManyRows(inputs, inputs, tuple(keys))
                    asked = replace(asked, path=f"{inputs.path} (ids of {form.path})", parts=form.files)
                    train, test = many.join(labelled, (), aggregate, asked)
                    return [train, test, *(s for s in sheets if s not in (labels, inputs))], many
    return None


def _labelled(labels: Sheet, targets: Sequence[str]) -> Sheet:
    """The rows of the labels that have any; the others are those that are asked for, perhaps."""
    known = labels.load()[list(targets)].notna().any(axis=1).to_numpy()
    if known.all() or not known.any():
        return labels

    def load(text: Collection[str] = (), exact: Collection[str] = ()) -> pd.DataFrame:
        return labels.load(text, exact)[known].reset_index(drop=True)

    return replace(labels, load=load)


def _keys(labels: Sheet, form: Sheet, inputs: Sheet, ids: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """(column of the labels, column of the inputs) for the ids that both have, the only one under any name."""
    shared = tuple((c, c) for c in ids if c in inputs.columns)
    if shared:
        return shared
    for name in ids:
        both = pd.concat([labels.load()[name], form.load()[name]], ignore_index=True)
        column = find_id_column(both, inputs.load())
        if column is not None and column not in labels.columns:
            return ((name, column),)
    return ()


def _is_constant_within(frame: pd.DataFrame, ids: list[str], name: str) -> bool:
    """Whether a column has one value in all rows of an id."""
    pairs = frame[[*ids, name]].drop_duplicates()
    return not bool(pairs.duplicated(ids).any())


def _part(sheet: Sheet, columns: tuple[str, ...]) -> Sheet:
    """A sheet with some of its columns."""
    return Sheet(sheet.path, columns, select(sheet, columns), sheet.parts, sheet.notes)


def _first_rows(sheet: Sheet, columns: tuple[str, ...], ids: list[str]) -> Sheet:
    """A sheet with some of its columns, of the first row of each id."""
    inner = select(sheet, columns)
    first = ~sheet.load().duplicated(ids)

    def load(text: Collection[str] = (), exact: Collection[str] = ()) -> pd.DataFrame:
        return inner(text, exact)[first].reset_index(drop=True)

    return Sheet(sheet.path, columns, load, sheet.parts, sheet.notes)
