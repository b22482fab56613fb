"""FoldPlan: how cross-validation holds rows out. Folds: the row positions that a plan yields for a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from medalist.competitions.errors import TaskError

Scheme = Literal["random", "stratified", "group", "time", "blocks"]
SCHEMES: tuple[str, ...] = get_args(Scheme)


@dataclass(frozen=True)
class FoldPlan:
    """How rows are held out, and why (`reason`, a sentence).

    `scheme`: "random", "stratified" by target, "group" (whole groups), "time" (expanding windows: each fold is
    predicted from the rows before it) or "blocks" (stretches of time, each predicted from all other rows). `column`:
    the group of scheme "group", the time of "time" and "blocks". `separator`: the group is the text of `column` before
    its last separator. `horizon`: the span of time that is held out at once; `gap`: for "time", the span between
    training and held-out rows. Both are in days for dates, else in the unit of `column`.
    """

    scheme: Scheme
    n_splits: int
    column: str | None = None
    seed: int = 0
    reason: str = ""
    horizon: float | None = None
    gap: float = 0.0
    separator: str | None = None


@dataclass(frozen=True)
class Folds:
    """The folds that a plan yields for the rows of train.

    `splits`: for each fold the sorted positions, int64, of the training and of the held-out rows. `complete`: every row
    is held out exactly once. `refit`: test rows must be predicted by a model fitted on all rows, since the models of
    the folds have not seen the latest ones.
    """

    splits: tuple[tuple[np.ndarray, np.ndarray], ...]
    complete: bool
    refit: bool
    plan: FoldPlan


def plan_column(train: pd.DataFrame, plan: FoldPlan) -> pd.Series:
    """The column of train that a plan refers to. Raises TaskError where it names none, or one that train lacks."""
    if plan.column is None or plan.column not in train.columns:
        problem = "names no column" if plan.column is None else f"names {plan.column!r}, which train lacks"
        raise TaskError(f"The {plan.scheme} fold scheme {problem}: write --folds {plan.scheme}:COLUMN.")
    return train[plan.column]
