"""Several targets of which each is measured on some rows only: their measured values, and notes on them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from medalist.competitions.errors import TaskError
from medalist.competitions.metrics.metric import Metric
from medalist.competitions.task.target_values import target_column

LEAST_MEASURED = 10  # rows of a fit with a value of the target, below which it is predicted as a constant


def measured_values(train: pd.DataFrame, targets: Sequence[str]) -> list[pd.Series]:
    """The values of each target on the rows where it is measured; a single target has to be measured on all.

    Raises TaskError as `target_column` does, and where the last row alone lacks some of the targets, as in a file that
    was cut short.
    """
    several = len(targets) > 1
    columns = [target_column(train, target, gaps=several) for target in targets]
    if not several:
        return columns
    gaps = pd.concat([column.isna().reset_index(drop=True) for column in columns], axis=1).any(axis=1).to_numpy()
    if len(gaps) > 1 and gaps[-1] and gaps.sum() == 1:
        lacking = next(str(column.name) for column in columns if pd.isna(column.iloc[-1]))
        raise TaskError(
            f"The target {lacking!r} is missing in the last of {len(train)} training rows alone: the file may have "
            f"been cut short; copy it again, or remove that row."
        )
    return [column.dropna() if column.isna().any() else column for column in columns]


def measured_notes(values: Sequence[pd.Series], n_rows: int, n_splits: int) -> tuple[str, ...]:
    """Notes on targets that are measured on some of the `n_rows` rows only; () where all are measured on all rows."""
    if all(len(column) == n_rows for column in values):
        return ()
    counts = ", ".join(f"{column.name} in {len(column):,}" for column in values)
    notes = [
        f"Targets are measured on some of the {n_rows:,} training rows only ({counts}): each is learned, and scored in "
        f"validation, on the rows that have it."
    ]
    few = [column for column in values if len(column) * (1 - 1 / max(n_splits, 2)) < LEAST_MEASURED]
    notes += [
        f"{column.name} is measured in {len(column)} rows, too few to learn from: it is predicted as a constant."
        for column in few
    ]
    return tuple(notes)


def refuse_whole_metric(metric: Metric, values: Sequence[pd.Series], n_rows: int) -> None:
    """Raise TaskError for a metric that takes all targets at once, where some are not measured in all rows."""
    lacking = [column for column in values if len(column) < n_rows]
    if metric.whole and lacking:
        raise TaskError(
            f"The metric {metric.name} takes all targets at once, and {lacking[0].name} is measured in "
            f"{len(lacking[0]):,} of {n_rows:,} training rows only: name a mean over the targets, such as --metric "
            f"mean_rmse, or keep the rows alone that have all targets."
        )
