"""The form of the task of a table without a test table: what is to be predicted there, and which column is the id."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from pandas.api import types

from medalist.competitions.errors import TaskError
from medalist.competitions.layout.single_table import guess_target, is_named_as_id
from medalist.competitions.task.submission_form import Form
from medalist.competitions.task.task import Layout


def form_of_table(
    train: pd.DataFrame, description: str, id: Sequence[str] | None, targets: Sequence[str] | None
) -> Form:
    """The form of a submission for rows that are cut off a table. `id` and `targets` are taken as they are if given.

    The target is else assumed (see `layout.single_table.guess_target`), with a note; the id is the column named as one
    that is different in each row, () without one. Raises TaskError for names that the table lacks, and where no column
    can be a target.
    """
    for flag, names in (("--id", id), ("--target", targets)):
        lacking = [name for name in names or () if name not in train.columns]
        if lacking:
            raise TaskError(
                f"{flag}: {lacking[0]!r} is no column of the table; write one of {', '.join(train.columns)}."
            )
    notes: tuple[str, ...] = ()
    if not targets:
        guess = guess_target(train, description)
        if guess is None:
            columns = ", ".join(map(str, train.columns[:6])) + (", …" if len(train.columns) > 6 else "")
            raise TaskError(
                f"There is no test table, and no name, value or text tells which column is to be predicted: name one "
                f"of {columns} with --target."
            )
        targets = (guess[0],)
        notes = (f"There is no test table: {guess[0]} is assumed to be predicted, {guess[1]} (--target settles it).",)
    else:
        notes = ("There is no test table: medalist holdout cuts one off.",)
    if id is None:
        unique = [c for c in train.columns if c not in targets and _is_id(train[c])]
        id = unique[:1]
    layout: Layout = "value" if len(targets) == 1 else "per_target"
    return Form(tuple(id), tuple(id), tuple(targets), layout, (*id, *targets), (), tuple(targets), None, notes)


def _is_id(values: pd.Series) -> bool:
    """Whether a column is named as an id and has another value in each row."""
    if not is_named_as_id(str(values.name)) or types.is_float_dtype(values.dtype):
        return False
    return bool(values.is_unique) and not bool(values.isna().any())
