"""Decides which table is train, which is test and which is the sample submission: the candidate with the best score.

Where another one scores about the same, or there is none, the error names the flag that settles it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from medalist.competitions.errors import InputError
from medalist.competitions.layout.candidates import (
    Roles,
    looks_like_form,
    named_as_train,
    read_pair,
    read_triple,
    related,
)
from medalist.competitions.layout.id_match import share_in
from medalist.competitions.layout.sheets import NamedTables, Sheet

_MARGIN = 0.2  # difference of scores, below which two candidates are ambiguous


def decide_roles(sheets: Sequence[Sheet], given: NamedTables, need_sample: bool) -> Roles:
    """The candidate with the best score, of those that use the `given` tables.

    `need_sample`: whether there must be a sample submission. Raises InputError, naming the flag that settles it, where
    there is no candidate, or more than one of about the same score.
    """
    trains, tests, samples = (
        [s for s in sheets if path is None or s.path == path] for path in (given.train, given.test, given.sample)
    )
    fixed = bool(given.train and given.test)
    pairs = [(a, b) for a in trains for b in tests if a is not b and given.sample not in (a.path, b.path)]
    pairs = [(a, b) for a, b in pairs if fixed or related(a, b)]
    triples = [(a, b, c) for a, b in pairs for c in samples if c.path not in (a.path, b.path)]
    forced = given.sample is not None
    candidates = [r for t in triples if (r := read_triple(*t, by_name=True, forced=forced))]
    if not candidates:
        candidates = [r for t in triples if (r := read_triple(*t, by_name=False, forced=forced))]
    if not candidates and not need_sample and not forced:
        candidates = [r for a, b in pairs if (r := read_pair(a, b))]
    if not candidates:
        raise InputError(_what_is_missing(sheets, pairs, given))
    candidates.sort(key=lambda r: -r.score)
    candidates = _called_sample(candidates)
    for other in candidates[1:]:
        if candidates[0].score - other.score < _MARGIN:
            raise _ambiguous(candidates[0], other)
    return candidates[0]


def _called_sample(candidates: list[Roles]) -> list[Roles]:
    """The candidates, sorted; where the best ones differ in the sample alone and one is called so, as
    sample_submission.csv beside a baseline is, that one first, with a note and without the others."""
    best = candidates[0]
    tied = [r for r in candidates if best.score - r.score < _MARGIN]
    alike = all(r.train is best.train and r.test is best.test and r.sample is not None for r in tied)
    called = [r for r in tied if r.sample is not None and re.search("sampl", r.sample.path.rpartition("/")[2], re.I)]
    if len(tied) < 2 or not alike or len(called) != 1 or called[0].sample is None:
        return candidates
    sample = called[0].sample
    others = " and ".join(r.sample.path for r in tied if r.sample is not None and r is not called[0])
    note = f"{sample.path} is taken for the sample submission, by its name, and not {others} (--sample names another)."
    chosen = replace(called[0], sample=replace(sample, notes=(*sample.notes, note)))
    return [chosen, *(r for r in candidates if r not in tied)]


def is_answers(sheet: Sheet, roles: Roles, train: pd.DataFrame, test: pd.DataFrame) -> bool:
    """Whether a further table holds the ids of test together with a column that is to be predicted."""
    lacking = (set(roles.train.columns) - set(roles.test.columns)) | set(roles.blank)
    named = [c for c in roles.sample.columns if c in lacking] if roles.sample else []
    targets = named or list(lacking)  # a sample may hold classes or quantiles, and not the target itself
    ids = list(roles.ids) or [c for c in sheet.columns if c in test and test[c].is_unique][:1]
    if not any(c in sheet.columns for c in targets) or not all(c in sheet.columns and c in test for c in ids):
        return False
    frame = sheet.load()
    if not ids or (all(c in train for c in ids) and share_in(test, train, ids) > 0.5):
        return len(frame) == len(test)  # no ids, or they start again in train: they prove nothing
    return share_in(test, frame, ids) > 0.9


def _ambiguous(best: Roles, other: Roles) -> InputError:
    """The error for two candidates of about the same score, naming the first role in which they differ."""
    files = [{path for s in (r.train, r.test, r.sample) if s for path in s.files} for r in (best, other)]
    if not files[0] & files[1] or _in_own_folders(best, other):
        return InputError(
            f"There is more than one competition, one with {best.train.path} and one with {other.train.path}: give the "
            "folder or zip of one of them, or name its --train, --test and --sample."
        )
    if best.train is not other.train and set(best.train.columns) == set(other.train.columns):
        return InputError(
            f"{best.train.path} and {other.train.path} could both be train, and rows of one may repeat the other's: "
            f"say which it is with --train FILE, or take all with --train {best.train.path},{other.train.path}."
        )
    for role in ("sample", "test", "train"):
        one, two = getattr(best, role), getattr(other, role)
        if one is not two and one and two:
            return InputError(f"{one.path} and {two.path} could both be {role}: say which it is with --{role} FILE.")
    return InputError("the files can be read in two ways: say which is which with --train, --test and --sample.")


def _in_own_folders(best: Roles, other: Roles) -> bool:
    """Whether both have train and test in a folder of their own, one of which holds the sample."""
    folders = [{s.path.rpartition("/")[0] for s in (r.train, r.test)} for r in (best, other)]
    if best.test is other.test or folders[0] == folders[1] or any(len(names) > 1 for names in folders):
        return False
    forms = {r.sample.path.rpartition("/")[0] for r in (best, other) if r.sample}
    return bool(forms) and forms <= folders[0] | folders[1]


def _what_is_missing(sheets: Sequence[Sheet], pairs: Sequence[tuple[Sheet, Sheet]], given: NamedTables) -> str:
    """The error message where no candidate exists, from the pairs that could be train and test."""
    names = ", ".join(s.path for s in sheets[:6]) + (", …" if len(sheets) > 6 else "")
    if given.sample:
        return f"{given.sample} does not fit train and test: it needs test's ids and the targets; check --sample."
    pairs = sorted(pairs, key=lambda pair: any(looks_like_form(s.path) for s in pair))
    for a, b in pairs:
        if read_pair(a, b):
            for sheet in (a, b):
                if not len(sheet.load()):
                    return f"{sheet.path} has a header line but no rows: put the table there again."
            for c in sheets:
                asked = [name for name in c.columns if name not in a.columns]
                if looks_like_form(c.path) and c is not a and c is not b and len(asked) > 1:
                    shown = ", ".join(asked[:6]) + (f" and {len(asked) - 6} more" if len(asked) > 6 else "")
                    return (
                        f"{c.path} asks for {shown}, which {a.path} lacks: give a training table that has them beside "
                        f"the columns of {b.path}, with --train FILE."
                    )
            return (
                f"no sample submission fits {a.path} and {b.path} (looked at {names}): "
                "give --sample FILE, or --id and --target instead."
            )
    for a, b in pairs:
        if set(a.columns) == set(b.columns) and not given.train:
            one, other = (b, a) if named_as_train(b) and not named_as_train(a) else (a, b)
            return (
                f"every column of {one.path} is in {other.path} too, so that nothing is left to be predicted: "
                "if it is the train table, its target is missing; else give --train and --test."
            )
        for c in sheets:
            same = len(set(a.columns) & set(c.columns))
            if c.path not in (a.path, b.path) and same == len(c.columns) and not given.train:
                return (
                    f"every column of {c.path} is in {a.path} too, so that nothing is left to be predicted: "
                    "if it is the train table, its target is missing; else give --train and --test."
                )
            if c.path not in (a.path, b.path) and set(b.columns) & set(c.columns) and not given.test:
                return (
                    f"{c.path} has only {same} of its {len(c.columns)} columns in common with {a.path}, too few to be "
                    "its test table: check the files, or give --train and --test."
                )
        if set(b.columns) <= set(a.columns):
            return f"no test table was found beside {a.path} and {b.path}: give --test FILE."
    if pairs or len(sheets) < 2:
        return f"no train table with its test table was found (looked at {names}): give --train FILE and --test FILE."
    return f"no two tables share enough columns to be train and test (looked at {names}): give --train and --test."
