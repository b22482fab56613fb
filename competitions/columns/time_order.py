"""How the times of test lie to those of train: after them, or in long stretches between them."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
import pandas as pd

from medalist.competitions.columns.dates import parse_dates, since_1970
from medalist.competitions.tables.dtypes import is_number

SHARED = 0.2  # largest share of test rows with the last time of train, as where a day was divided between both
_TIME_WORD = re.compile(
    r"(?:^|[^a-z])(?:year|yr|month|week|day|date|time|hour|quarter|period|step|timestamp|epoch|unix|utc|jahr|monat|woche"
    r"|stunde|datum|annee|mois|semaine|jour|fecha|semana)s?(?:[^a-z]|$)|date$|time$|year$|month$|week$|day$",
    re.IGNORECASE,
)


def may_be_time(values: pd.Series, name: str) -> bool:
    """Whether a column may hold times: dates, times since 1970, years, or whole numbers with such a name."""
    if parse_dates(values) is not None:
        return True
    if not is_number(values):
        return False
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    numbers = numbers[np.isfinite(numbers)]
    if len(numbers) == 0 or (numbers % 1).any() or len(np.unique(numbers)) < 3:
        return False
    if numbers.min() >= 1e8 and np.ptp(numbers) > 20 * len(numbers) and since_1970(values):
        return True  # ids of such a size lie closer together
    years = numbers.min() >= 1900 and numbers.max() <= 2100
    return bool(years or _TIME_WORD.search(name))


def time_relation(train: np.ndarray, test: np.ndarray) -> Literal["time", "blocks"] | None:
    """ "time" where test lies after train, "blocks" where both alternate in long stretches, else None.

    `train`, `test`: positions of their rows on one axis, NaN where missing. Up to SHARED of the test rows may have the
    last time of train. Stretches are long where there are at most a quarter as many runs as distinct times in random
    order would give (Wald and Wolfowitz, 1940).
    """
    train_times, test_times = train[np.isfinite(train)], test[np.isfinite(test)]
    if (
        len(train_times) < 0.9 * len(train)
        or len(test_times) < 0.9 * len(test)
        or not len(test_times)
        or not len(train_times)
    ):
        return None
    last = train_times.max()
    if (
        (test_times >= last).mean() >= 0.95
        and (test_times == last).mean() <= SHARED
        and len(np.unique(train_times)) >= 3
    ):
        return "time"
    points, inside = np.unique(train_times), np.unique(test_times)
    if np.isin(test_times, points).mean() > 0.02 or len(points) < 10 or len(inside) < 3:
        return None
    marks = np.concatenate([np.zeros(len(points)), np.ones(len(inside))])
    marks = marks[np.argsort(np.concatenate([points, inside]), kind="stable")]
    runs = 1 + int((np.diff(marks) != 0).sum())
    expected = 1 + 2 * len(points) * len(inside) / (len(points) + len(inside))
    return "blocks" if runs <= 0.25 * expected else None
