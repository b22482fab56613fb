"""The evidence that test was separated in time: it is later than train, or both alternate in long stretches."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from medalist.competitions.columns.dates import is_text, parse_dates, time_axes
from medalist.competitions.errors import TaskError
from medalist.competitions.folds.plan import FoldPlan, Scheme

SHARED = 0.2  # largest share of test rows with the last time of train, as where a day was divided between both
_TIME_WORD = re.compile(r"(?:^|[^a-z])(?:year|yr|month|week|day|date|time|hour|quarter|period|step|timestamp|epoch)s?"
                        r"(?:[^a-z]|$)|date$|time$|year$|month$|week$|day$", re.IGNORECASE)  # fmt: skip


def time_plan(
    train: pd.DataFrame,
    test: pd.DataFrame,
    train_part: pd.DataFrame,
    test_part: pd.DataFrame,
    columns: list[str],
    scheme: str | None,
    n_splits: int | None,
    seed: int,
) -> FoldPlan | None:
    """The plan by a column in which test was separated in time, or None where there is none.

    Of several such columns dates are preferred, and then the one with most distinct times, since years do not
    distinguish days. The evidence is read from the samples `train_part` and `test_part`. `scheme`: a person's choice,
    "time" or "blocks", for which the first column of dates is taken where none gives evidence. Raises TaskError where
    no column holds dates.
    """
    usable = []
    evidence: dict[str, tuple[bool, int, Scheme]] = {}
    for name in columns:
        if not _may_be_time(train_part[name], name, given=len(columns) == 1 and scheme is not None):
            continue
        parts = time_axes(train_part[name], test_part[name])
        if parts[0] is None or (parts[1] is None and len(test)):
            continue
        usable.append(name)
        relation = time_relation(parts[0][0], parts[1][0]) if parts[1] is not None else None
        if relation is not None and scheme in (None, relation):
            evidence[name] = parts[0][1], len(np.unique(parts[0][0])), relation
    if evidence:
        finest = max(evidence, key=lambda name: evidence[name][:2])
        return _plan(train[finest], test[finest], evidence[finest][2], n_splits, seed)
    if scheme is None:
        return None
    if not usable:
        which = f"{columns[0]!r} holds neither dates nor numbers" if len(columns) == 1 else "no column holds dates"
        raise TaskError(f"--folds {scheme}: {which}; name the column of time, --folds {scheme}:COLUMN.")
    test_column = test[usable[0]] if usable[0] in test.columns else train[usable[0]].iloc[:0]
    return _plan(train[usable[0]], test_column, "time" if scheme == "time" else "blocks", n_splits, seed, given=True)


def _may_be_time(values: pd.Series, name: str, given: bool) -> bool:
    """Whether a column may hold times: dates, years, whole numbers with such a name, or what a person has `given`."""
    if parse_dates(values) is not None or given:
        return True
    if is_text(values) or pd.api.types.is_bool_dtype(values.dtype) or not pd.api.types.is_numeric_dtype(values.dtype):
        return False
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    numbers = numbers[np.isfinite(numbers)]
    if len(numbers) == 0 or (numbers % 1).any() or len(np.unique(numbers)) < 3:
        return False
    years = numbers.min() >= 1900 and numbers.max() <= 2100
    return bool(years or _TIME_WORD.search(name))


def time_relation(train: np.ndarray, test: np.ndarray) -> Scheme | None:
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


def _plan(
    train: pd.Series, test: pd.Series, relation: str, n_splits: int | None, seed: int, given: bool = False
) -> FoldPlan:
    """The plan by the times of one column. `given`: a person chose the scheme, and there is no evidence of it."""
    train_axis, test_axis = time_axes(train, test)
    assert train_axis is not None
    is_date = train_axis[1]
    a = np.unique(train_axis[0][np.isfinite(train_axis[0])])
    b = np.unique(test_axis[0][np.isfinite(test_axis[0])]) if test_axis is not None else a[:0]
    step = float(np.median(np.diff(a))) if len(a) > 1 else 1.0
    name, unit = str(train.name), " days" if is_date else ""
    if relation == "time":
        later = len(b) > 0 and b[-1] > a[-1]
        ahead, gap = (float(b[-1] - a[-1]), max(0.0, float(b[b > a[-1]][0] - a[-1]) - step)) if later else (0.0, 0.0)
        span = ahead - gap if later else (a[-1] - a[0]) / 7
        gap = gap if gap > 0.05 * span and gap + span < (a[-1] - a[0]) / 2 else 0.0
        count, span = _windows(float(a[-1] - a[0]) + step, ahead - gap if later else span, gap, n_splits)
        shown = _moment(a[-1], is_date), _moment(b[-1] if later else a[-1], is_date)
        reason = (
            f"Test lies after train in {name} (train ends {shown[0]}, test {shown[1]}), so the last {count} spans "
            f"of {span:.4g}{unit} are held out, each predicted from the rows before it."
            if later
            else f"Held out by time in {name}, as was asked for."
        )
        return FoldPlan("time", count, name, seed, reason, round(float(span), 6), round(float(gap), 6))
    train_runs, test_runs = _run_lengths(a, b)
    span = float(np.median(test_runs)) + step if len(test_runs) and not given else float(a[-1] - a[0]) / 10
    length = float(np.median(train_runs)) + step
    count = n_splits or int(np.clip(round(length / span), 2, 10)) if not given else n_splits or 5
    reason = (
        f"In {name} test fills {len(test_runs)} stretches of about {span:.3g}{unit} between those of train, so blocks "
        f"of about {length / count:.3g}{unit} are held out of every stretch at once."
        if not given
        else f"Blocks of {name} are held out, as was asked for."
    )
    horizon = length / count if not given else float(a[-1] - a[0] + step) / (4 * count)
    return FoldPlan("blocks", count, name, seed, reason, round(float(horizon), 6))


def _windows(history: float, span: float, gap: float, n_splits: int | None) -> tuple[int, float]:
    """(number of windows, span of each): at most `n_splits` (None: 5) windows at the end of a `history`.

    At least two spans before them, or else one, are left to train on. Where the history is too short for two windows,
    the span is shortened.
    """
    for least in (2.0, 1.0):
        count = int((history - gap - least * span) / span + 0.02)
        if count >= 2:
            return min(count, n_splits or 5), span
    return 2, min(span, (history - gap) / 4)


def forecast_horizon(plan: FoldPlan, train: pd.DataFrame, test: pd.DataFrame) -> float | None:
    """How far ahead of its training rows a model predicts, in the unit of the plan's column (days for dates).

    It is the larger one of the span from the last time of train to the last time of test, and the plan's horizon plus
    gap; the latter where test extends further ahead than train extends back. None unless the scheme is "time".
    """
    if plan.scheme != "time" or plan.column is None:
        return None
    test_column = test[plan.column] if plan.column in test.columns else train[plan.column].iloc[:0]
    train_axis, test_axis = time_axes(train[plan.column], test_column)
    if train_axis is None or not np.isfinite(train_axis[0]).any():
        return None
    last, history = float(np.nanmax(train_axis[0])), float(np.ptp(train_axis[0][np.isfinite(train_axis[0])]))
    of_folds = (plan.horizon or history / (plan.n_splits + 2)) + plan.gap
    ahead = 0.0 if test_axis is None else max(test_axis[0][np.isfinite(test_axis[0])], default=last) - last
    return max(of_folds, round(ahead, 6)) if ahead <= history else of_folds


def _run_lengths(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lengths of the stretches of sorted points `a` between points of `b`, and of `b` between those of `a`."""
    if not len(b):
        return np.array([a[-1] - a[0]]), np.array([])
    lengths = []
    for points, others in ((a, b), (b, a)):
        starts = np.flatnonzero(np.diff(np.searchsorted(others, points), prepend=-1))
        ends = np.append(starts[1:], len(points)) - 1
        lengths.append(points[ends] - points[starts])
    return lengths[0], lengths[1]


def _moment(value: float, is_date: bool) -> str:
    """A position on the time axis as text: a date, or the number."""
    return str(pd.Timestamp(value * 86_400, unit="s").date()) if is_date else f"{value:g}"
