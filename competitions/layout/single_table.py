"""A table without a test table, and a test table in which what is to be predicted is filled in."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

import pandas as pd
from pandas.api import types

from medalist.competitions.layout.asked_columns import column_asked_for, named_like_target
from medalist.competitions.layout.candidates import looks_like_form
from medalist.competitions.layout.sheets import Sheet, select

_ID = re.compile(r"(?:^|[^a-z])id(?:$|[^a-z])|id$|^index$|^unnamed", re.IGNORECASE)


def is_named_as_id(name: str) -> bool:
    """Whether a column is named as an id or a row index."""
    return _ID.search(name) is not None


def guess_target(frame: pd.DataFrame, description: str) -> tuple[str, str] | None:
    """(the column that is most likely to be predicted, the reason in words); None where a table has no such column.

    The column that the description asks to predict, else one that is named or made like a target (see
    `asked_columns`). No column that is constant, numbers the rows, or is text with hardly a value twice.
    """
    usable = [str(c) for c in frame.columns if _can_be_target(frame[c])]
    asked = column_asked_for(description, usable)
    if asked is not None:
        return asked[0], f"since the description asks for it (“{asked[1][:160]}”)"
    return named_like_target(frame, [c for c in usable if not _ID.search(c)])


def without_unlabelled(
    frame: pd.DataFrame, targets: Collection[str], description: str
) -> tuple[pd.DataFrame, list[str]]:
    """(the table without the rows that lack a target, the given one or the guessed one; a note on them)."""
    guess = None if targets else guess_target(frame, description)
    names = [c for c in targets if c in frame] or ([guess[0]] if guess else [])
    missing = frame[names].isna().any(axis=1).to_numpy()
    if not missing.any() or missing.all():
        return frame, []
    note = f"{int(missing.sum()):,} of {len(frame):,} rows have no {' or no '.join(names)}: they are left out."
    return frame[~missing].reset_index(drop=True), [note]


def _can_be_target(values: pd.Series) -> bool:
    if types.is_integer_dtype(values.dtype) and len(values) > 1 and bool((values.sort_values().diff()[1:] == 1).all()):
        return False  # numbers of rows
    distinct = values.nunique()
    text = not types.is_numeric_dtype(values.dtype)
    return distinct >= 2 and not (text and distinct > max(20, 0.3 * len(values)))


def set_answers_aside(sheets: Sequence[Sheet], description: str, targets: Collection[str]) -> list[Sheet] | None:
    """The sheets, test's without its answers, where two tables have the same columns, one named as test.

    The answers are the columns `targets`, else those that a sample has beside an id, else the column that
    `guess_target` gives. None where there are no two such tables.
    """
    forms = [s for s in sheets if looks_like_form(s.path)]
    for test in sheets:
        if forms and not any(set(s.columns) <= set(test.columns) for s in forms):
            continue  # something else is asked for
        if not re.search(r"test|valid|eval|hold", test.path, re.IGNORECASE):
            continue
        twins = [s for s in sheets if s is not test and set(s.columns) == set(test.columns)]
        trains = [s for s in twins if re.search("train", s.path, re.IGNORECASE)] or twins
        if len(trains) != 1 or len(test.columns) < 2:
            continue
        answers, reason = _answers(trains[0], test, sheets, description, targets)
        if not answers:
            continue
        columns = tuple(c for c in test.columns if c not in answers)
        note = (
            f"{test.path} has {', '.join(answers)} filled in ({reason}; --target says otherwise): taken for answers, "
            f"set aside and never used; grade --answers {test.path.rpartition('/')[2]} can score by them."
        )
        hidden = Sheet(test.path, columns, select(test, columns), test.parts, (*test.notes, note))
        return [hidden if s is test else s for s in sheets]
    return None


def _answers(
    train: Sheet, test: Sheet, sheets: Sequence[Sheet], description: str, targets: Collection[str]
) -> tuple[list[str], str]:
    """(columns that are to be predicted, the reason in words)."""
    given = [c for c in targets if c in test.columns]
    if given:
        return given, "named by --target"
    for sample in sheets:
        if sample in (train, test) or not set(sample.columns) <= set(test.columns):
            continue
        frame, rows = sample.load(), test.load()
        keys = [c for c in sample.columns if rows[c].is_unique and bool(frame[c].isin(rows[c]).mean() > 0.9)]
        if keys and len(keys) < len(sample.columns) < len(test.columns):
            return [c for c in sample.columns if c not in keys], f"asked for by {sample.path}"
    guess = guess_target(train.load(), description)
    return ([guess[0]], guess[1]) if guess else ([], "")


def only_table(sheets: Sequence[Sheet], train: str | None) -> Sheet | None:
    """The table that stands alone as train: the one that the user has named, or the only one; None for several."""
    named = [s for s in sheets if s.path == train]
    if named:
        return named[0]
    wide = [s for s in sheets if len(s.columns) > 1]
    return wide[0] if len(wide) == 1 else None


def empty_test(train: Sheet) -> Sheet:
    """A test table without rows, with the columns of train."""

    def load(text: Collection[str] = (), exact: Collection[str] = ()) -> pd.DataFrame:
        return train.load(text, exact).iloc[:0]

    return replace(train, path="", load=load, parts=(), notes=())
