"""Levels and trends of series: what their values are relative to, known at the time of the forecast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from medalist.pipelines.features.frames.keys import Key

YEAR = 365.2425  # days
HARMONICS = 3
LEAST_YEARS = 1.5  # of training, for a season to be told from a trend
RIDGE = 1.0
LEAST_LEVEL = 1e-3  # of the mean level, below which no level is taken
MORE = 0.5  # of a trend's range in training, by which it may leave it


@dataclass(frozen=True)
class Series:
    """Rows of train and test in time: `when` (n,) in days for dates, else in the column's own unit, NaN where missing;
    `codes` (n,) the series of each row; `keys` the codes (n,) that make it, one by one; `rows` (m,) the training rows.
    """

    when: np.ndarray
    dates: bool
    codes: np.ndarray
    keys: tuple[np.ndarray, ...]
    rows: np.ndarray

    @property
    def end(self) -> float:
        """The last time of training."""
        known = self.when[self.rows]
        return float(np.nanmax(known)) if np.isfinite(known).any() else 0.0

    def reach(self, rows: np.ndarray) -> float:
        """How far the latest of some rows lies after training; 0 where none does."""
        asked = self.when[rows]
        return max(0.0, float(np.nanmax(asked)) - self.end) if np.isfinite(asked).any() else 0.0

    def blocks(self, span: float) -> tuple[np.ndarray, int]:
        """(n,) the block of `span` of each row, counted back from the end of training (later rows: -1), and how many
        there are; a short one at the beginning belongs to the next."""
        end, known = self.end, self.when[self.rows]
        whole = max(1, int((end - np.nanmin(known, initial=end)) / span + 0.02))
        back = np.floor((end - np.where(np.isnan(self.when), np.inf, self.when)) / span + 1e-9)
        return np.clip(back, -1, whole - 1), whole

    def means(self, y: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """(n, T) mean of y (m, T) over each row's series from after `low` (n,) up to `high` (n,), shrunk by one row
        towards the mean of the series, and that towards the mean of all."""
        when, codes = self.when[self.rows], self.codes[self.rows]
        axis = np.unique(when[~np.isnan(when)])
        place = codes * (len(axis) + 1) + np.searchsorted(axis, when)  # rows without a time stand after all others
        order = np.argsort(place, kind="stable")
        size = int(self.codes.max()) + 1
        whole = np.bincount(codes, minlength=size)
        first, last = (
            np.searchsorted(place[order], self.codes * (len(axis) + 1) + np.searchsorted(axis, edge, side="right"))
            for edge in (low, high)
        )
        out = np.empty((len(self.when), y.shape[1]))
        for t in range(y.shape[1]):
            centre = y[:, t].mean()
            running = np.concatenate([[0.0], np.cumsum(y[order, t] - centre)])
            of_series = np.bincount(codes, weights=y[:, t] - centre, minlength=size) / (whole + 1)
            out[:, t] = centre + (running[last] - running[first] + of_series[self.codes]) / (last - first + 1)
        return out


def level(series: Series, spans: tuple[float, ...], y: np.ndarray, divided: bool) -> np.ndarray:
    """The mean of the series over the row's own span of time; later rows have that of the last span of training.

    A second number is the share of the mean change from span to span by which the level of later rows goes on: trends
    had better be damped (Gardner and McKenzie, 1985).
    """
    span, *share = spans
    block, count = series.blocks(span)
    inside = np.maximum(block, 0)
    first = series.end - (count - 1) * span  # the end of the first span, which is open to the past
    low = np.where(inside == count - 1, -np.inf, series.end - (inside + 1) * span)
    base = _positive(series.means(y, low, series.end - inside * span), y, divided)
    if not share or count < 2:
        return base
    everywhere = np.ones(len(block))
    oldest = _positive(series.means(y, -np.inf * everywhere, first * everywhere), y, divided)
    newest = _positive(series.means(y, (series.end - span) * everywhere, series.end * everywhere), y, divided)
    ahead = np.where(block < 0, share[0] / (count - 1), 0.0)[:, None]
    return base * (newest / oldest) ** ahead if divided else base + (newest - oldest) * ahead


def lagged(series: Series, spans: tuple[float, ...], y: np.ndarray, divided: bool) -> np.ndarray:
    """The mean of the series over a window that ends where the row's forecast begins.

    Spans: how far a forecast goes, and the window. Training rows stand in forecasts counted back from the end of
    training; those of the first have nothing before them, and are relative to their own level.
    """
    horizon, window = spans
    block, count = series.blocks(horizon)
    begins = series.end - (block + 1) * horizon
    alone = block == count - 1
    low, high = np.where(alone, -np.inf, begins - window), np.where(alone, begins + horizon, begins)
    return _positive(series.means(y, low, high), y, divided)


def trend(series: Series, spans: tuple[float, ...], y: np.ndarray, divided: bool) -> np.ndarray:  # noqa: ARG001
    """A straight line in time with a level for each key, by ridge regression; of logarithms where none is negative.

    Where dates reach over more than a year and a half, the season of the year and the day of the week are told from
    it by three harmonics and seven levels. Beyond training it goes on, half its range at most.
    """
    from scipy import sparse
    from sklearn.linear_model import Ridge

    known = np.where(np.isnan(series.when), series.end, series.when)
    begin = float(known[series.rows].min())
    reach = max(series.end - begin, 1e-9)
    columns = [sparse.csr_matrix(((known - begin) / reach)[:, None])]
    columns += [_one_hot(Key(codes, int(codes.max()) + 1)) for codes in series.keys]
    if series.dates and reach >= LEAST_YEARS * YEAR:
        angles = 2 * np.pi * known / YEAR
        waves = [wave(k * angles) for k in range(1, HARMONICS + 1) for wave in (np.sin, np.cos)]
        columns += [sparse.csr_matrix(np.column_stack(waves)), _one_hot(Key(np.floor(known).astype(np.int64) % 7, 7))]
    design = sparse.hstack(columns, format="csr")
    values = np.log1p(y) if divided else y
    model = Ridge(alpha=RIDGE, solver="sparse_cg", tol=1e-6).fit(design[series.rows], values)
    found = model.predict(design).reshape(len(known), -1)
    low, high = found[series.rows].min(axis=0), found[series.rows].max(axis=0)
    found = np.clip(found, low - MORE * (high - low), high + MORE * (high - low))
    return _positive(np.expm1(found), y, divided) if divided else found


def _one_hot(key: Key) -> object:
    from scipy import sparse

    n = len(key.codes)
    return sparse.csr_matrix((np.ones(n), (np.arange(n), key.codes)), shape=(n, key.size))


def _positive(base: np.ndarray, y: np.ndarray, divided: bool) -> np.ndarray:
    """Levels that can be divided by, where they are to be."""
    return np.maximum(base, LEAST_LEVEL * y.mean(axis=0)) if divided else base


@dataclass(frozen=True)
class Base:
    """What values may be relative to: the spans that it takes after the time, and how it is computed."""

    takes: tuple[str, ...]
    compute: Callable[[Series, tuple[float, ...], np.ndarray, bool], np.ndarray]


BASES: dict[str, Base] = {
    "level": Base(("span", "share?"), level),
    "lagged": Base(("horizon", "window"), lagged),
    "trend": Base((), trend),
}
