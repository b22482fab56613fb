"""Data, folds and referees of a run that never was: targets alone, without files of a competition."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from medalist.agent.folds import FoldSet, first_fold
from medalist.agent.judging.feature_trials import FeatureJudge
from medalist.agent.judging.referee import Referee
from medalist.agent.run_data import RunData
from medalist.agent.score import block_of_rows
from medalist.competitions.metrics.registry import get_metric
from medalist.pipelines.problem import Problem

REGRESSION = Problem("regression", 1, 0, "l2", False)


def run_data(
    folder: Path,
    y: np.ndarray,
    *,
    metric: str = "rmse",
    problem: Problem = REGRESSION,
    scheme: str = "random",
    **more: Any,
) -> RunData:
    """Of targets y (n, T); the sample has no columns, and the task knows its scheme of folds only."""
    task = SimpleNamespace(folds=SimpleNamespace(scheme=scheme, n_splits=5))
    fields = {"competition": None, "cards": (), "weights": None, "store": None, "schema": None} | more
    return RunData(task=task, metric=get_metric(metric), problem=problem, y=y, folder=folder, **fields)


def fold_set(y: np.ndarray, fold_of_row: np.ndarray, *, first_row: int = 0, **more: Any) -> FoldSet:
    """Folds by the number of each row's; the rows are numbered from `first_row` on."""
    positions = tuple(np.flatnonzero(fold_of_row == k) for k in range(int(fold_of_row.max()) + 1))
    return FoldSet(
        path=Path("folds.npz"),
        positions=positions,
        rows=np.arange(first_row, first_row + len(y)),
        fold_of_row=first_fold(positions, len(y)),
        blocks=block_of_rows(y, groups=more.get("groups")),
        y=y,
        **{"weights": None} | more,
    )


def referee(data: RunData, folds: FoldSet, **options: Any) -> Referee:
    """Of these folds."""
    return Referee(data, folds, FeatureJudge(data, folds), **options)
