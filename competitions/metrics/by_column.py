"""Metrics that look at a column of each row: the mean of another metric over the groups of a column, such as the
Pearson correlation within each date ("pearson by date").

A row of what such a metric is told of the rows is (F,), a number for each of its `columns`; see `row_values`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics.metric import Metric

_NAME = re.compile(r"(?P<metric>.+?)\s+by\s+(?P<column>\S.*)", re.DOTALL)


def split_by(name: str) -> tuple[str, str] | None:
    """(metric, column) of "metric by column"; None for any other name."""
    match = _NAME.fullmatch(name.strip())
    return None if match is None else (match["metric"], match["column"].strip())


@dataclass(frozen=True)
class GroupMean:
    """The mean over groups of rows of a metric's score in each, each group weighing the same. Groups in which it is not
    defined, such as an area under the ROC curve of rows of one class, do not count."""

    metric: Metric
    column: str

    def __call__(self, y: np.ndarray, p: np.ndarray, rows: np.ndarray) -> float:
        """y (n,), p (n,) or (n, K), rows (n, 1) the group of each row. Raises MetricError where no group counts."""
        order = np.argsort(rows[:, 0], kind="stable")
        bounds = np.flatnonzero(np.diff(rows[order, 0])) + 1
        scores = []
        for part in np.split(order, bounds):
            try:
                scores.append(self.metric.score(y[part], p[part]))
            except MetricError:
                continue
        if not scores:
            raise MetricError(f"{self.metric.name} is not defined within any {self.column} of these rows.")
        return float(np.mean(scores))


def mean_by(metric: Metric, column: str) -> Metric:
    """The mean of a metric of one target over the groups of a column."""
    if metric.columns or metric.weighted or metric.whole or metric.level_weights is not None:
        raise MetricError(
            f"{metric.name} cannot be taken by {column}: write the whole as a function of your own, file.py:function."
        )
    return replace(
        metric,
        name=f"{metric.name} by {column}",
        title=f"{metric.title}, mean over {column}",
        function=GroupMean(metric, column),
        shape="unknown",
        mean="",
        confusion=None,
        columns=(column,),
        single=metric,
        by_type={kind: f"{name} by {column}" for kind, name in metric.by_type.items()},
    )


def row_values(table: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """The values of columns as a metric takes them, (n, F) float64: numbers as they are, dates as seconds since 1970,
    other values as codes in their order; NaN where one is missing.

    Raises MetricError for a column that the table lacks.
    """
    absent = [name for name in columns if name not in table.columns]
    if absent:
        raise MetricError(
            f"The metric looks at the column {absent[0]!r}, which is not there: name one of the table's columns, or "
            f"add it to the answers."
        )
    return np.column_stack([_numbers(table[name]) for name in columns]) if columns else np.empty((len(table), 0))


def named_values(columns: Sequence[str], rows: np.ndarray) -> Mapping[str, np.ndarray]:
    """The values (n, F) of `row_values` by the names of the columns, each (n,)."""
    return {name: rows[:, k] for k, name in enumerate(columns)}


def _numbers(values: pd.Series) -> np.ndarray:
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        seconds = values.astype("int64").to_numpy(float) * (pd.Timedelta(1, values.dt.unit).value / 1e9)
        return np.where(values.isna(), np.nan, seconds)
    if pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype):
        return np.asarray(values.to_numpy(dtype=float, na_value=np.nan))
    codes = pd.factorize(values, sort=True)[0].astype(float)
    return np.where(codes < 0, np.nan, codes)
