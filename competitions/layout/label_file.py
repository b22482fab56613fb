"""Joins a train table that comes apart: inputs in one file, ids and labels in others, and test's inputs in a third.

The inputs may have one row for each id (`train_features.csv`, `X_train.csv`) or several (statements, events), which
become one row of aggregates.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd

from medalist.competitions.layout.candidates import blank_columns, constant_share, looks_like_form, named_as_train
from medalist.competitions.layout.id_match import counts_rows, find_id_column, id_index, share_in
from medalist.competitions.layout.many_rows import Aggregate, ManyRows
from medalist.competitions.layout.sheets import Load, Sheet, cached, rename, within

_FEWEST = 0.5  # share of the labels whose ids must stand in the inputs


@dataclass(frozen=True, eq=False)
class _Labels:
    """A sheet of labels for a sheet of inputs.

    `keys`: (column of the labels, column of the inputs), () for labels in the order of the rows; `targets`: its other
    columns; `repeated`: whether the inputs have several rows for an id; `constant`: the share of constant targets.
    """

    sheet: Sheet
    keys: tuple[tuple[str, str], ...]
    targets: tuple[str, ...]
    repeated: bool
    constant: float


def join_labels(sheets: Sequence[Sheet], aggregate: Aggregate) -> tuple[list[Sheet], ManyRows | None]:
    """(the sheets, those of train joined to one; the inputs where they have several rows for an id).

    Unchanged unless there are two tables of the same columns, inputs of train and of test, and a table with the ids of
    one of them, or as many rows, and columns that no other table of inputs has.
    """
    best: tuple[tuple[int, float], Sheet, Sheet, list[_Labels]] | None = None
    for values in sheets:
        if looks_like_form(values.path) and not named_as_train(values):
            continue
        twins = [s for s in sheets if s is not values and _same_inputs(values, s, sheets)]
        if (
            not twins
            or looks_like_form(values.path)
            or any(blank_columns(*pair) for t in twins for pair in ((values, t), (t, values)))
        ):
            continue  # no table of the same columns, or one whose targets are there but empty
        labels = _all_labels(values, twins, sheets)
        if labels:
            test = _test_of(twins)
            keys = {b for one in labels for _, b in one.keys}
            others = [c for c in test.columns if c not in keys]
            if looks_like_form(test.path) or not others or constant_share(test.load(), others) == 1.0:
                continue  # a sample
            doubt = min(one.constant for one in labels) - 0.5 * named_as_train(values, labels[0].sheet)
            score = (-len(values.columns), doubt)
            if best is None or score < best[0]:
                best = (score, values, test, labels)
    if best is None:
        return list(sheets), None
    _, values, test, labels = best
    repeated = [found for found in labels if found.repeated]
    rest = [s for s in sheets if s is not values and all(s is not found.sheet for found in labels)]
    if not repeated:
        return [_one_to_one(values, labels), *rest], None
    first = repeated[0]
    ids = tuple(b for _, b in first.keys)
    train = with_keys(first.sheet, first.keys)
    many = ManyRows(values, test, ids)
    further = [
        found for found in labels if found is not first and {b for _, b in found.keys} <= set(train.columns)
    ]  # tables of other keys, such as users beside visits, are further tables
    rest += [found.sheet for found in labels if found is not first and found not in further]
    if further:
        train = _one_to_one(
            train, [_Labels(more.sheet, more.keys, more.targets, False, more.constant) for more in further]
        )
    forms = [s for s in rest if s is not test and set(ids) <= set(s.columns)]
    joined, tests = many.join(train, forms, aggregate)
    return [joined, tests, *(s for s in rest if s is not test)], many


def _same_inputs(values: Sheet, test: Sheet, sheets: Sequence[Sheet]) -> bool:
    """Whether two tables have the same columns; or, but for a few, where another one has columns that both lack."""
    one, two = set(values.columns), set(test.columns)
    if one == two:
        return len(one) > 1 or bool(one)
    lacking = len(one ^ two)
    if lacking > max(2, 0.1 * len(one)) or len(one & two) < 3:
        return False
    others = [s for s in sheets if s is not values and s is not test]
    if any((one ^ two) & set(s.columns) for s in others):
        return False  # what is to be predicted, perhaps
    for form in (s for s in others if looks_like_form(s.path)):
        more = set(form.columns) - one - two
        if more and any(s is not form and more <= set(s.columns) for s in others):
            return True
    return False


def _test_of(twins: Sequence[Sheet]) -> Sheet:
    return max(twins, key=lambda s: ("test" in s.path.lower(), -len(s.path)))


def _all_labels(values: Sheet, twins: Sequence[Sheet], sheets: Sequence[Sheet]) -> list[_Labels]:
    """The tables of labels for `values`, those that are no sample: each with targets of its own."""
    found: list[_Labels] = []
    for sheet in sheets:
        more = [c for c in sheet.columns if c not in values.columns]
        if sheet is values or sheet in twins or not more or _has_test(sheet, values, more, sheets):
            continue
        labels = _labels_of(sheet, values, more, twins)
        if labels is not None:
            found.append(labels)
    found.sort(key=lambda one: (one.constant, -named_as_train(one.sheet)))
    kept: list[_Labels] = []
    for one in found:
        taken = {t for other in kept for t in other.targets}
        if one.constant < 1.0 and not taken & set(one.targets):
            kept.append(one)
    asked = {c for s in sheets if looks_like_form(s.path) for c in s.columns}
    return [one for one in kept if asked & set(one.targets)] or kept


def _has_test(labels: Sheet, values: Sheet, more: Sequence[str], sheets: Sequence[Sheet]) -> bool:
    """Whether a table is no table of labels, since another one has its further columns as inputs: beside others, or a
    part of them."""
    for sheet in sheets:
        shared = [c for c in more if c in sheet.columns]
        if sheet in (labels, values) or not shared or looks_like_form(sheet.path):
            continue
        beside = set(sheet.columns) - set(labels.columns)
        if (beside or len(shared) < len(more)) and constant_share(sheet.load(), shared) < 1.0:
            return True
    return False


def _labels_of(sheet: Sheet, values: Sheet, more: list[str], twins: Sequence[Sheet]) -> _Labels | None:
    """The table as labels of `values`, or None where its rows do not match."""
    labels, inputs = sheet.load(), values.load()
    if not len(labels) or not len(inputs):
        return None
    shared = [c for c in sheet.columns if c in values.columns]
    for keys in ([shared] if len(shared) == 1 else [*([c] for c in shared), shared]) if shared else ():
        if labels.duplicated(keys).any() or share_in(labels, inputs, keys) < _FEWEST:
            continue
        if _matches_better(labels, keys, twins, inputs):
            return None
        repeated = bool(inputs.duplicated(keys).any())
        return _Labels(sheet, tuple((k, k) for k in keys), tuple(more), repeated, constant_share(labels, more))
    if shared:
        return None
    for name in more[:2] if len(more) > 1 else ():
        rest = tuple(c for c in more if c != name)
        column = find_id_column(labels[name], inputs)
        if column is not None:
            repeated = bool(inputs[column].duplicated().any())
            return _Labels(sheet, ((name, column),), rest, repeated, constant_share(labels, list(rest)))
    if len(labels) != len(inputs):
        return None
    if any(len(t.load()) == len(inputs) for t in twins) and not named_as_train(sheet, values):
        return None
    rest = tuple(c for c in more if len(more) == 1 or not counts_rows(labels[c]))
    return _Labels(sheet, (), rest, False, constant_share(labels, list(rest))) if rest else None


def _matches_better(labels: pd.DataFrame, keys: list[str], twins: Sequence[Sheet], inputs: pd.DataFrame) -> bool:
    """Whether more of the labels' ids stand in another table of the same columns."""
    share = share_in(labels, inputs, keys)
    return any(set(keys) <= set(t.columns) and share_in(labels, t.load(), keys) > share for t in twins)


def _one_to_one(values: Sheet, labels: Sequence[_Labels]) -> Sheet:
    """One sheet of the inputs and the labels of all tables, of the rows that have both."""
    notes = [*values.notes]
    columns = list(values.columns)
    for one in labels:
        columns += [c for c in one.targets if c not in columns]
        notes += one.sheet.notes
        if not one.keys:
            notes.append(f"{one.sheet.path} belongs to {values.path} by the order of the rows.")
            continue
        ids = [b for _, b in one.keys]
        left = id_index(values.load()[ids])
        right = id_index(one.sheet.load()[[a for a, _ in one.keys]])
        without = int((~left.isin(right)).sum())
        unused = int((~right.isin(left)).sum())
        if without:
            notes.append(f"{without:,} rows of {values.path} have no row in {one.sheet.path}: they are left out.")
        if unused:
            notes.append(f"{unused:,} rows of {one.sheet.path} have no row in {values.path}: they are left out.")
        if one.keys[0][0] != one.keys[0][1]:
            notes.append(f"{one.keys[0][0]!r} of {one.sheet.path} is {ids[0]!r} of {values.path} (equal values).")

    def load(text: Collection[str] = (), exact: Collection[str] = ()) -> pd.DataFrame:
        frame = values.load(*within(values.columns, text, exact))
        for one in labels:
            right = with_keys(one.sheet, one.keys).load(text, exact)[[*(b for _, b in one.keys), *one.targets]]
            if not one.keys:
                frame = frame.assign(**{c: right[c].to_numpy() for c in one.targets})
            else:
                frame = _merged(frame, right, [b for _, b in one.keys])
        return frame

    files = (*values.files, *(path for one in labels for path in one.sheet.files))
    return Sheet(values.path, tuple(columns), cached(load), files, tuple(notes))


def _merged(left: pd.DataFrame, right: pd.DataFrame, ids: list[str]) -> pd.DataFrame:
    """The rows of `left` whose ids are in `right` too, in the order of `left`, with the columns of both."""
    place = pd.Index(id_index(right[ids])).get_indexer(id_index(left[ids]))
    kept = left if (place >= 0).all() else left[place >= 0].reset_index(drop=True)
    more = right.drop(columns=ids).iloc[place[place >= 0]].reset_index(drop=True)
    return pd.concat([kept.reset_index(drop=True), more], axis=1)


def with_keys(sheet: Sheet, keys: tuple[tuple[str, str], ...]) -> Sheet:
    """The labels with their keys called as in the inputs."""
    names = {a: b for a, b in keys if a != b}
    loader: Load = rename(sheet, names) if keys else sheet.load
    return Sheet(sheet.path, tuple(names.get(c, c) for c in sheet.columns), loader, sheet.parts, sheet.notes)
