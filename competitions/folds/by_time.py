"""The evidence that test was separated in time: it is later than train, or both alternate in long stretches."""

from __future__ import annotations

import numpy as np
import pandas as pd

from medalist.competitions.columns.date_form import plain_iso
from medalist.competitions.columns.dates import time_axes
from medalist.competitions.columns.time_order import may_be_time, time_relation
from medalist.competitions.errors import TaskError
from medalist.competitions.folds.plan import FoldPlan, Scheme


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
    distinguish days; of columns with about as many, the one in which fewest test rows are no later than train, and
    then one in ISO 8601. The evidence is read from the samples `train_part` and `test_part`. `scheme`: a person's
    choice, "time" or "blocks", for which the first column of dates is taken where none gives evidence. Raises
    TaskError where no column holds dates.
    """
    usable = []
    evidence: dict[str, tuple[bool, int, Scheme, float]] = {}
    for name in columns:
        given = len(columns) == 1 and scheme is not None
        if not given and not may_be_time(train_part[name], name):
            continue
        parts = time_axes(train_part[name], test_part[name])
        if parts[0] is None or (parts[1] is None and len(test)):
            continue
        usable.append(name)
        relation = time_relation(parts[0][0], parts[1][0]) if parts[1] is not None else None
        if relation is not None and scheme in (None, relation):
            early = float(np.mean(parts[1][0] <= np.nanmax(parts[0][0]))) if parts[1] is not None else 0.0
            evidence[name] = parts[0][1], len(np.unique(parts[0][0])), relation, early
    if evidence:
        finest = max(evidence, key=lambda name: evidence[name][:2])
        alike = [n for n, (date, times, *_) in evidence.items() if date and times >= 0.98 * evidence[finest][1]]
        if evidence[finest][0] and evidence[finest][2] == "time":  # of local time and UTC, that in which test is later
            written = {name: not plain_iso(train_part[name].head(50).dropna().astype(str)) for name in alike}
            order = {n: (evidence[n][2] != "time", evidence[n][3], written[n], -evidence[n][1]) for n in alike}
            finest = min(alike, key=order.__getitem__)
        return plan_in_time(train[finest], test[finest], evidence[finest][2], n_splits, seed)
    if scheme is None:
        return None
    if not usable:
        which = f"{columns[0]!r} holds neither dates nor numbers" if len(columns) == 1 else "no column holds dates"
        raise TaskError(f"--folds {scheme}: {which}; name the column of time, --folds {scheme}:COLUMN.")
    test_column = test[usable[0]] if usable[0] in test.columns else train[usable[0]].iloc[:0]
    return plan_in_time(
        train[usable[0]], test_column, "time" if scheme == "time" else "blocks", n_splits, seed, given=True
    )


def plan_in_time(
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
