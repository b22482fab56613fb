"""Chooses the fold plan: from the rows it is inferred whether test was separated in time, by group, or at random."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from medalist.competitions.errors import TaskError
from medalist.competitions.folds.by_group import GroupEvidence, group_evidence, group_plan
from medalist.competitions.folds.by_time import time_plan
from medalist.competitions.folds.by_time_index import time_index_plan
from medalist.competitions.folds.plan import SCHEMES, FoldPlan
from medalist.competitions.folds.separation import Separation, separating_column


def choose_folds(
    train: pd.DataFrame,
    test: pd.DataFrame,
    *,
    problem_type: str,
    targets: Collection[str] = (),
    n_splits: int | None = None,
    scheme: str | None = None,
    column: str | None = None,
    seed: int = 0,
    n_sample: int = 200_000,
) -> FoldPlan:
    """The plan of folds that mirror how test was separated from train.

    `scheme` and `column`: a person's choice, which is followed. At most `n_sample` rows of each table are looked at.
    Raises TaskError for an unknown scheme, for one that no column suits, for an unknown column, and for more folds than
    rows.
    """
    if scheme is not None and scheme not in SCHEMES:
        raise TaskError(f"--folds: {scheme!r} is no fold scheme; write one of {', '.join(SCHEMES)}.")
    if n_splits is not None and not 2 <= n_splits <= len(train):
        raise TaskError(f"--n-splits: {n_splits} folds cannot be made; write a number from 2 to {len(train)}.")
    if column is not None and column not in train.columns:
        raise TaskError(
            f"--folds: train has no column {column!r} to make folds by; it has {', '.join(train.columns[:40])}."
        )
    shared = [c for c in train.columns if c in test.columns and c not in set(targets) and column in (None, c)]
    if column is not None and not shared:
        shared, test = [column], train.iloc[:0]
    rng = np.random.default_rng(0)
    train_part, test_part = _sample(train, n_sample, rng), _sample(test, n_sample, rng)
    if scheme in (None, "time", "blocks"):
        plan = time_plan(train, test, train_part, test_part, shared, scheme, n_splits, seed)
        if plan is not None:
            return plan
    disjoint: list[GroupEvidence] = []
    overlapping: list[GroupEvidence] = []
    if scheme in (None, "group"):
        for evidence in group_evidence(train_part, test_part, shared):
            (disjoint if evidence.disjoint else overlapping).append(evidence)
        numeric = [e.column for e in disjoint if e.separator is None]
        if scheme is None and numeric and len(numeric) == len(disjoint):
            plan = time_index_plan(train, test, numeric, shared, targets, n_splits, seed)
            if plan is not None:
                return plan
        if disjoint or scheme == "group":
            return group_plan(disjoint, overlapping, shared, n_splits, seed, given=column)
    if scheme is None:
        plan = time_index_plan(train, test, shared, shared, targets, n_splits, seed)
        if plan is not None:
            return plan
    stratified = problem_type != "regression" if scheme is None else scheme == "stratified"
    if scheme:
        reason = f"The {scheme} scheme was asked for."
    else:
        reason = _random_reason(stratified, overlapping, separating_column(train_part, test_part, shared))
    return FoldPlan("stratified" if stratified else "random", min(n_splits or 5, len(train)), None, seed, reason)


def _random_reason(stratified: bool, overlapping: list[GroupEvidence], separation: Separation | None) -> str:
    """Why rows are held out at random, naming a structured key whose groups train and test share, if there is one, or
    a column that tells test from train nevertheless."""
    rows = "stratified by target" if stratified else "without strata"
    if separation is not None:
        flag = f"--folds {'time' if separation.numeric else 'group'}:{separation.name}"
        return (
            f"Rows are held out at random ({rows}), though {separation.name} tells test from train (AUC "
            f"{separation.auc:.2f}): nothing shows that it is a time or a key, so the estimate is one for rows like "
            f"train's ({flag} holds out by it)."
        )
    nearest = max((e for e in overlapping if e.separator), key=lambda e: e.expected, default=None)
    if nearest is not None and nearest.expected >= 5:
        return (
            f"Rows are held out at random ({rows}): {nearest.observed} of the {nearest.test_groups} groups that "
            f"{nearest.column} forms in test stand in train too, where chance would give {nearest.expected:.0f}."
        )
    return f"Rows are held out at random ({rows}), since no date and no key keeps the test rows apart from train."


def _sample(table: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """At most `n` rows of a table, in their order."""
    return table if len(table) <= n else table.iloc[np.sort(rng.choice(len(table), n, replace=False))]
