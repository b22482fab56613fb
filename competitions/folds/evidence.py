"""How the organiser separated test from train, read from the rows: in time, by group, or by chance."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from medalist.competitions.errors import TaskError
from medalist.competitions.folds.by_group import GroupEvidence, group_evidence, group_plan
from medalist.competitions.folds.by_time import time_plan
from medalist.competitions.folds.plan import SCHEMES, FoldPlan


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
    """Choose the folds that mirror how test was separated from train.

    `scheme` and `column` are obeyed where given. The evidence is read from at most `n_sample` rows of each table.
    Raises TaskError for a scheme that is none, or that finds no column to work with.
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
    apart: list[GroupEvidence] = []
    alike: list[GroupEvidence] = []
    if scheme in (None, "group"):
        for evidence in group_evidence(train_part, test_part, shared):
            (apart if evidence.apart else alike).append(evidence)
        if apart or scheme == "group":
            return group_plan(apart, alike, shared, n_splits, seed, given=column)
    stratified = problem_type != "regression" if scheme is None else scheme == "stratified"
    reason = f"The {scheme} scheme was asked for." if scheme else _chance_reason(stratified, alike)
    return FoldPlan("stratified" if stratified else "random", min(n_splits or 5, len(train)), None, seed, reason)


def _chance_reason(stratified: bool, alike: list[GroupEvidence]) -> str:
    rows = "stratified by target" if stratified else "without strata"
    nearest = max((e for e in alike if e.separator), key=lambda e: e.expected, default=None)
    if nearest is not None and nearest.expected >= 5:
        return (
            f"Rows are held out at random ({rows}): {nearest.observed} of the {nearest.test_groups} groups that "
            f"{nearest.column} forms in test stand in train too, where chance would give {nearest.expected:.0f}."
        )
    return f"Rows are held out at random ({rows}), since no date and no key keeps the test rows apart from train."


def _sample(table: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.DataFrame:
    return table if len(table) <= n else table.iloc[np.sort(rng.choice(len(table), n, replace=False))]
