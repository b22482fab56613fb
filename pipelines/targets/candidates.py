"""Which transformations of a target are worth trying for a task, by its values, its columns and its folds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from medalist.competitions.columns.cards import ColumnCard, Kind
from medalist.competitions.columns.dates import time_axis
from medalist.competitions.folds.plan import FoldPlan
from medalist.pipelines.features.language.expression import Column, feature
from medalist.pipelines.problem import Problem

MIN_SKEWNESS = 1.0  # skewness from which on values count as long-tailed
MIN_KURTOSIS = 6.0  # kurtosis (3 for a normal distribution) from which on values count as heavy-tailed on both sides
YEAR = 365.0  # days
SEASONAL_HORIZON = 300.0  # days of a forecast from which on it is taken to span the seasons of a year
MIN_HORIZONS = 1.9  # time span of training, as a multiple of the forecast's horizon, at least
MIN_WINDOW_STEPS = 3.0  # time steps of a window, at least
MIN_WINDOW_DAYS = 28.0  # days of a window, at least, so that it holds all days of the week equally often
DAMPING = 0.5  # damping factor of the mean change between levels after training
MOST_KEYS = 3  # columns that identify a series, at most
MIN_ROWS_PER_LEVEL = 20  # rows of a value of a key, on average, at least
MIN_GROWTH = 1.05  # factor by which a key has to raise the number of distinct (time, keys)
MIN_DENSITY = 0.2  # share of the (time, value) pairs of a key that occur, at least


def candidates(
    problem: Problem,
    y: np.ndarray,
    plan: FoldPlan,
    cards: Sequence[ColumnCard],
    train: pd.DataFrame | None = None,
    reach: float | None = None,
) -> tuple[tuple[str, str], ...]:
    """Pairs (transformation, reason) that are worth trying, the most promising first; see `transform` for their texts.

    Parameters
    ----------
    y : (n, T) targets.
    plan : the fold plan, with its scheme, its time column and its horizon.
    cards : the columns' cards.
    train : the training table; without it no series are looked for.
    reach : how far test lies ahead of train in the units of the time column (days for dates), where that is more than
        the folds hold out.

    Returns
    -------
    () for classes and ordinal targets. Where test lies after train, levels and trends of series come first.
    """
    if problem.problem_type != "regression":
        return ()
    reasons: list[tuple[str, str]] = []
    if plan.scheme == "time" and plan.column is not None:
        reasons += _in_time(plan, cards, train, y, reach)
    linear = ("linear", "trees on what a linear model leaves, which goes on where trees cannot")
    reasons += [linear, *_scales(problem, y)]
    return tuple(dict(reasons).items())


def _scales(problem: Problem, y: np.ndarray) -> Iterator[tuple[str, str]]:
    from scipy.stats import kurtosis, skew

    measured = [column[~np.isnan(column)] for column in y.T]
    varying = [column for column in measured if len(column) and np.ptp(column) > 0]
    if not varying:
        return
    fitted = [problem.forward(column) for column in varying]
    least = min(float(column.min()) for column in varying)
    tail = float(np.median([skew(column) for column in fitted]))
    heavy = float(np.median([kurtosis(column, fisher=False) for column in fitted]))
    if problem.log:
        if tail > MIN_SKEWNESS or tail < -MIN_SKEWNESS:
            yield "sqrt", f"the logarithm of the values is skewed ({tail:.1f}): a root bends them less"
            yield "ranks", f"the logarithm of the values is skewed ({tail:.1f}): normal scores are not"
        return
    if problem.objective == "mape":
        if least >= 0:
            yield "log", "relative errors are differences of logarithms"
        return
    if least >= 0 and tail > MIN_SKEWNESS:
        yield "ranks", f"the values have a long tail (skewness {tail:.1f}): normal scores have none"
        yield "log", f"the values have a long tail (skewness {tail:.1f}): logarithms have a short one"
        yield "sqrt", f"the values have a long tail (skewness {tail:.1f}): roots have a shorter one"
    elif abs(tail) > MIN_SKEWNESS or heavy > MIN_KURTOSIS:
        yield "ranks", "few values lie far out: normal scores do not"
        yield "yeojohnson", "few values lie far out: a power draws them in"


def _in_time(
    plan: FoldPlan, cards: Sequence[ColumnCard], train: pd.DataFrame | None, y: np.ndarray, ahead: float | None
) -> Iterator[tuple[str, str]]:
    """Levels and trends of the series by all keys, then by the single key whose values' levels diverge most over
    time."""
    assert plan.column is not None
    axis = None if train is None else time_axis(train[plan.column])
    if train is None or axis is None:
        return
    when, dates = axis
    horizon = float(plan.horizon or 0.0) + plan.gap
    history = float(np.nanmax(when) - np.nanmin(when))
    if ahead is not None and history >= MIN_HORIZONS * ahead:
        horizon = max(horizon, ahead)
    if not horizon or history < MIN_HORIZONS * horizon:
        return
    keys = series_keys(plan.column, cards, train)
    step = float(np.median(np.diff(np.unique(when[np.isfinite(when)]))))
    seasons = dates and horizon >= SEASONAL_HORIZON
    window = horizon if seasons else max(horizon, MIN_WINDOW_DAYS if dates else 0.0, MIN_WINDOW_STEPS * step)
    lagged = ("lagged", (horizon, round(window, 6)), "relative to the level of {} before the forecast")
    trend = ("trend", (), "relative to a trend in time with a level for {}")
    level = ("level", (YEAR, DAMPING), "relative to the level of {} in its year, going on by half its change a year")
    forms = [trend, level, lagged] if seasons else [lagged, trend]
    for form in forms:
        yield _transformation(form, plan.column, keys)
    if len(keys) > 1:
        key = _most_varying_key(keys, when, horizon, train, y)
        for form in forms[1:] if seasons else forms[:1]:
            yield _transformation(form, plan.column, (key,))


def _transformation(form: tuple[str, tuple[float, ...], str], time: str, keys: Sequence[str]) -> tuple[str, str]:
    name, spans, reason = form
    text = str(feature(name, time, *spans, by=tuple(map(Column, keys))))
    return text, reason.format(f"each {' and '.join(keys)}" if keys else "all rows")


def series_keys(time: str, cards: Sequence[ColumnCard], train: pd.DataFrame) -> tuple[str, ...]:
    """The columns that identify a series of a panel: together with the time they identify a row. () for a single
    series.

    Chosen greedily, by how many distinct (time, keys) there are with them. A key's values recur over time, and in test.
    A function of the date, such as a holiday, distinguishes no rows of one time, and what changes within a series
    distinguishes fewer than what names it. Returned in alphabetical order.
    """
    kinds = (Kind.CATEGORY, Kind.KEY, Kind.ORDINAL, Kind.COUNT, Kind.BOOLEAN)
    n = len(train)
    stamps = pd.factorize(train[time])[0].astype(np.int64)
    times = int(stamps.max(initial=0)) + 1
    eligible = [
        c.name
        for c in cards
        if c.name != time and c.kind in kinds and 2 <= c.distinct <= n / MIN_ROWS_PER_LEVEL and c.unseen <= 0.05
    ]
    codes = {name: pd.factorize(train[name], use_na_sentinel=False)[0].astype(np.int64) for name in eligible}
    cells, distinct = stamps, times
    chosen: list[str] = []
    while distinct < n / MIN_GROWTH and len(chosen) < MOST_KEYS:
        best, most, best_cells = None, distinct * MIN_GROWTH, cells
        for name in eligible:
            if name in chosen:
                continue
            size = int(codes[name].max()) + 1
            crossed = pd.factorize(cells * size + codes[name])[0].astype(np.int64)
            count = int(crossed.max()) + 1
            dense = len(np.unique(stamps * size + codes[name])) / (times * size) >= MIN_DENSITY
            if dense and count > most:
                best, most, best_cells = name, count, crossed
        if best is None:
            break
        chosen.append(best)
        cells, distinct = best_cells, int(most)
    return tuple(sorted(chosen))


def _most_varying_key(keys: Sequence[str], when: np.ndarray, span: float, train: pd.DataFrame, y: np.ndarray) -> str:
    """The key whose values' levels, relative to the mean over all values, vary most from one `span` of time to the
    next."""
    block = np.floor((np.nanmax(when) - when) / span + 1e-9)
    moves = {}
    for key in keys:
        levels = pd.Series(y[:, 0]).groupby([pd.factorize(train[key])[0], block]).mean().unstack()
        relative = levels / levels.mean(axis=0) if np.nanmin(y) >= 0 else levels - levels.mean(axis=0)
        moves[key] = float(np.nanmean(np.nanstd(relative.to_numpy(float), axis=1)))
    return max(keys, key=lambda k: moves[k])
