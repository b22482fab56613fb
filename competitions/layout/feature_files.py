"""Joins inputs that come in several files of train's and of test's rows, with one row for each id in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from medalist.competitions.layout.candidates import Roles
from medalist.competitions.layout.further import pairs_of_train_and_test
from medalist.competitions.layout.id_match import id_index
from medalist.competitions.layout.many_rows import sheet_of_frame, with_aggregates
from medalist.competitions.layout.parts import mixed_columns
from medalist.competitions.layout.sheets import Sheet


def join_feature_files(roles: Roles, sheets: Sequence[Sheet]) -> tuple[Roles, list[Sheet]]:
    """(the roles, train and test with the columns of further files of theirs; the sheets).

    Such files come as pairs whose names differ by "train" and "test" alone (train_identity.csv, test_identity.csv),
    have the submission's ids, each once, and columns that train and test lack. Rows that are not there are missing.
    """
    old = {new: name for name, new in roles.match.renamed}
    ids = [old.get(c, c) for c in roles.ids]
    left = list(sheets)
    used = (roles.train, roles.test, roles.sample)
    if not ids or not all(c in roles.train.columns and c in roles.test.columns for c in ids):
        return roles, left
    for pair in pairs_of_train_and_test([s for s in sheets if s not in used]):
        more = [c for c in pair[0].columns if c not in roles.train.columns and c not in roles.test.columns]
        if not more or not set(ids) <= set(pair[0].columns) or set(pair[0].columns) - set(more) - set(ids):
            continue
        tables = (roles.train, roles.test)
        frames = [s.load()[[*ids, *more]] for s in pair]
        mixed = mixed_columns(frames)
        if mixed:
            frames = [s.load(mixed)[[*ids, *more]] for s in pair]
        if any(f.duplicated(ids).any() for f in frames):
            continue
        rows = [table.load() for table in tables]
        present = [int(id_index(r[ids]).isin(id_index(f[ids])).sum()) for r, f in zip(rows, frames, strict=True)]
        if not all(present):
            continue
        note = (
            f"{pair[0].path} and {pair[1].path} have one row for each {', '.join(ids)} ({present[0]:,} of "
            f"{len(rows[0]):,} of train, {present[1]:,} of {len(rows[1]):,} of test): their columns are columns of "
            "train and test."
        )
        train, test = (
            sheet_of_frame(table.path, (*table.files, *one.files), with_aggregates(r, f, ids), table.load, table.notes)
            for table, one, r, f in zip(tables, pair, rows, frames, strict=True)
        )
        train = replace(train, notes=(*train.notes, *pair[0].notes, note))
        left = [train if s is roles.train else test if s is roles.test else s for s in left if s not in pair]
        roles = replace(roles, train=train, test=test)
    return roles, left
