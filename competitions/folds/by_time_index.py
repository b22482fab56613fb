"""The evidence that a column of numbers, whatever its name, orders rows in time: test follows, rows are correlated.

Serial correlation is measured by the rank version of von Neumann's ratio (Bartels, 1982): the mean square of the
differences of neighbouring ranks over their variance. Its distribution under independence is known, so that no
permutations are needed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pandas as pd

from medalist.competitions.columns.dates import parse_dates
from medalist.competitions.folds.by_time import plan_in_time
from medalist.competitions.folds.plan import FoldPlan
from medalist.competitions.tables.dtypes import is_number, is_text

_LEAST = 20  # distinct times in train that are needed
_ALIKE = 6.0  # standard deviations of the serial correlation in train, at least
_ALIKE_IN_TEST = 3.0
_MOST_COLUMNS = 50  # columns in which neighbours are compared
_SAMPLED = 20_000  # rows of train in which neighbours are compared


def time_index_plan(
    train: pd.DataFrame,
    test: pd.DataFrame,
    clocks: list[str],
    columns: list[str],
    targets: Collection[str],
    n_splits: int | None,
    seed: int,
) -> FoldPlan | None:
    """The plan of time folds by one of `clocks`, columns of numbers, beyond whose last value in train all of test lies
    and in whose order the rows of train are alike in another one of `columns` or a target; None where there is none.

    A row number goes on in test too, but neighbouring rows are alike only where they were written in time.
    """
    for name in clocks:
        if not _beyond(train[name], test[name]):
            continue
        others = [c for c in columns if c != name][:_MOST_COLUMNS]
        if _is_time_index(train, test, name, others, [t for t in targets if t in train]):
            plan = plan_in_time(train[name], test[name], "time", n_splits, seed)
            reason = f"{plan.reason} {name} is taken for time since neighbouring rows in its order are alike."
            return replace(plan, reason=reason)
    return None


def serial_correlation(order: np.ndarray, values: np.ndarray) -> float:
    """The serial correlation of `values` in an `order`, in standard deviations under independence; 0 for chance.

    Both (n,) float64; rows without a value do not count, and those at the same place in the order are averaged. 0.0 for
    fewer than 20 places, or for equal values.
    """
    kept = np.isfinite(values) & np.isfinite(order)
    places, codes = np.unique(order[kept], return_inverse=True)
    n = len(places)
    if n < _LEAST:
        return 0.0
    means = np.bincount(codes, weights=values[kept]) / np.bincount(codes)
    ranks = pd.Series(means).rank().to_numpy()
    spread = float(((ranks - ranks.mean()) ** 2).sum())
    if spread == 0.0:
        return 0.0
    ratio = float((np.diff(ranks) ** 2).sum()) / spread
    return (2 - ratio) / np.sqrt(4 / n)


def _beyond(train: pd.Series, test: pd.Series) -> bool:
    """Whether a column holds numbers whose values in test are all larger than those in train."""
    for values in (train, test):
        if not is_number(values):
            return False
        if not len(values) or values.isna().any():
            return False
    return bool(test.min() > train.max()) and train.nunique() >= _LEAST


def _is_time_index(train: pd.DataFrame, test: pd.DataFrame, name: str, others: list[str], targets: list[str]) -> bool:
    """Whether neighbours in the column are alike, in an input that goes on in test in the same way, or in a target."""
    train = train.sort_values(name, kind="stable").iloc[-_SAMPLED:]
    test = test.sort_values(name, kind="stable").iloc[:_SAMPLED]
    order, later = (frame[name].to_numpy(dtype=float) for frame in (train, test))
    alike = []
    for column in others:
        values = _numbers(train[column], test[column])
        if values is not None and serial_correlation(order, values[0]) > _ALIKE:
            alike.append(values)
    if alike:  # files that are sorted by something, train and test each, begin anew in test
        long = len(np.unique(later)) >= _LEAST
        goes_on = [
            (not long or serial_correlation(later, after) > _ALIKE_IN_TEST)
            and _continues(_by_place(order, before), _by_place(later, after))
            for before, after in alike
        ]
        return 2 * sum(goes_on) > len(goes_on)
    for target in targets:
        values = _numbers(train[target], train[target].iloc[:0])
        if (
            values is not None
            and serial_correlation(order, values[0]) > _ALIKE
            and not _sorted(_by_place(order, values[0]))
        ):
            return True
    return False


def _numbers(train: pd.Series, test: pd.Series) -> tuple[np.ndarray, np.ndarray] | None:
    """A column in both tables as float64: numbers, or codes of text with few values; None for dates and other text."""
    if pd.api.types.is_numeric_dtype(train.dtype):
        return train.to_numpy(dtype=float, na_value=np.nan), test.to_numpy(dtype=float, na_value=np.nan)
    if not is_text(train) or parse_dates(train) is not None:
        return None
    codes, uniques = pd.factorize(pd.concat([train, test], ignore_index=True).astype(object))
    if len(uniques) > 20:
        return None
    values = np.where(codes < 0, np.nan, codes.astype(float))
    return values[: len(train)], values[len(train) :]


def _by_place(order: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The mean of the values at each place of a sorted order, missing values left out: (u,) float64."""
    kept = np.isfinite(values)
    _, codes = np.unique(order[kept], return_inverse=True)
    return np.bincount(codes, weights=values[kept]) / np.bincount(codes) if kept.any() else values[kept]


def _continues(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether the step from the last rows of train to the first of test is no larger than usual steps within train."""
    width = int(np.clip(len(before) // 50, 5, 200))
    before, after = before[np.isfinite(before)], after[np.isfinite(after)]
    if len(before) < 3 * width or not len(after):
        return False
    blocks = before[len(before) % width :].reshape(-1, width).mean(axis=1)
    step = abs(float(after[:width].mean()) - float(blocks[-1]))
    return bool(step <= 1.5 * np.abs(np.diff(blocks)).max()) and not _sorted(before)


def _sorted(values: np.ndarray) -> bool:
    """Whether nearly all steps go one way, or equal values stand together, as where a file is sorted by this column."""
    values = values[np.isfinite(values)]
    steps = np.diff(values)
    distinct = len(np.unique(values))
    together = (steps != 0).sum() < distinct <= len(values) / 2
    return bool(together or (steps >= 0).mean() > 0.98 or (steps <= 0).mean() > 0.98)
