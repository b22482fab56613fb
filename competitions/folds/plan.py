"""FoldPlan: how rows are held out, as data; Folds: the row positions that come of it."""

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
    """How to hold out rows, and the evidence for it.

    `column` is the key of scheme "group" (with `separator`: only the part of its text before the last separator) and
    the time of "time" and "blocks". `horizon` and `gap` are in days for dates, else in the column's own unit: the
    span held out at a time, and for "time" the time between the end of training and the start of validation.
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
    """`splits`: pairs of sorted int64 row positions (train, valid). `complete`: every row is validated exactly once.

    `refit`: predictions for the test rows must come from a model fitted on all rows, since each fold's model stops
    before the latest rows.
    """

    splits: tuple[tuple[np.ndarray, np.ndarray], ...]
    complete: bool
    refit: bool
    plan: FoldPlan


def plan_column(train: pd.DataFrame, plan: FoldPlan) -> pd.Series:
    if plan.column is None or plan.column not in train.columns:
        said = "names no column" if plan.column is None else f"names {plan.column!r}, which train lacks"
        raise TaskError(f"The {plan.scheme} fold scheme {said}: write --folds {plan.scheme}:COLUMN.")
    return train[plan.column]
