"""Levels and trends of time series, from training targets alone: baselines to which targets are relative."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from medalist.pipelines.features.frames.keys import Key

YEAR = 365.2425  # days
HARMONICS = 3  # pairs of sine and cosine for the season of the year
LEAST_YEARS = 1.5  # years of training from which a season and a trend can be fitted together
RIDGE = 1.0  # penalty of the regression on time
LEAST_LEVEL = 1e-3  # least level that values are divided by, as a share of the target's mean
MAX_EXTRAPOLATION = 0.5  # share of a trend's range in training, by which it may exceed that range afterwards


@dataclass(frozen=True)
class Series:
    """The rows of train and test as time series, and which of them are training rows.

    Parameters
    ----------
    when : (n,) times, in days for dates, else in the column's unit; NaN where missing.
    dates : whether times are dates.
    codes : (n,) the series of each row.
    keys : codes (n,) of each column that identifies a series together with the others.
    rows : (m,) the training rows.
    """

    when: np.ndarray
    dates: bool
    codes: np.ndarray
    keys: tuple[np.ndarray, ...]
    rows: np.ndarray

    @property
    def end(self) -> float:
        """The last time of training."""
        when = self.when[self.rows]
        return float(np.nanmax(when)) if np.isfinite(when).any() else 0.0

    def reach(self, rows: np.ndarray) -> float:
        """The time from the end of training to the latest of these rows; 0 where none lies after it."""
        when = self.when[rows]
        return max(0.0, float(np.nanmax(when)) - self.end) if np.isfinite(when).any() else 0.0

    def blocks(self, span: float) -> tuple[np.ndarray, int]:
        """(n,) the block of length `span` in which each row lies, and the number of blocks.

        Blocks are counted back from the end of training, from 0 on; rows after it, or without a time, have -1. A short
        block at the beginning of training is joined to the next.
        """
        end = self.end
        whole = max(1, int((end - np.nanmin(self.when[self.rows], initial=end)) / span + 0.02))
        back = np.floor((end - np.where(np.isnan(self.when), np.inf, self.when)) / span + 1e-9)
        return np.clip(back, -1, whole - 1), whole

    def means(self, y: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """(n, T) for each row the mean of the training targets y (m, T) of its series with low < time <= high.

        low, high: (n,) times. The mean is shrunk, with the weight of one row, towards the mean of the series, and that
        one towards the mean of all training targets.
        """
        when, codes = self.when[self.rows], self.codes[self.rows]
        axis = np.unique(when[~np.isnan(when)])
        place = codes * (len(axis) + 1) + np.searchsorted(axis, when)  # rows without a time come last
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
    """(n, T) the mean of the row's series over the block of time in which the row lies; after training, over the last
    block.

    spans : the length of a block and, optionally, the share of the mean change from block to block that is added to the
        level after training: damped trends forecast better (Gardner and McKenzie, 1985).
    y : (m, T) training targets.
    divided : whether values will be divided by the level, so that it has to be above 0.
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
    """(n, T) the mean of the row's series over a window that ends where the row's forecast begins; y, divided: see
    `level`.

    spans : the horizon of a forecast, and the length of the window. Training is cut into blocks of one horizon, each as
        if it were forecast; the earliest block, with nothing before it, is relative to its mean.
    """
    horizon, window = spans
    block, count = series.blocks(horizon)
    begins = series.end - (block + 1) * horizon
    earliest = block == count - 1
    low, high = np.where(earliest, -np.inf, begins - window), np.where(earliest, begins + horizon, begins)
    return _positive(series.means(y, low, high), y, divided)


def trend(series: Series, spans: tuple[float, ...], y: np.ndarray, divided: bool) -> np.ndarray:  # noqa: ARG001
    """(n, T) a linear trend in time with an intercept for each value of each key, by ridge regression; y, divided: see
    `level`. `spans` is not used.

    Where values will be divided by it, it is fitted to their logarithms. Where dates span at least LEAST_YEARS,
    harmonics of the year and indicators of the weekdays are added. It is extrapolated beyond training, within
    MAX_EXTRAPOLATION.
    """
    from scipy import sparse
    from sklearn.linear_model import Ridge

    when = np.where(np.isnan(series.when), series.end, series.when)
    begin = float(when[series.rows].min())
    reach = max(series.end - begin, 1e-9)
    columns = [sparse.csr_matrix(((when - begin) / reach)[:, None])]
    columns += [_one_hot(Key(codes, int(codes.max()) + 1)) for codes in series.keys]
    if series.dates and reach >= LEAST_YEARS * YEAR:
        angles = 2 * np.pi * when / YEAR
        waves = [wave(k * angles) for k in range(1, HARMONICS + 1) for wave in (np.sin, np.cos)]
        columns += [sparse.csr_matrix(np.column_stack(waves)), _one_hot(Key(np.floor(when).astype(np.int64) % 7, 7))]
    design = sparse.hstack(columns, format="csr")
    values = np.log1p(y) if divided else y
    model = Ridge(alpha=RIDGE, solver="sparse_cg", tol=1e-6).fit(design[series.rows], values)
    line = model.predict(design).reshape(len(when), -1)
    low, high = line[series.rows].min(axis=0), line[series.rows].max(axis=0)
    line = np.clip(line, low - MAX_EXTRAPOLATION * (high - low), high + MAX_EXTRAPOLATION * (high - low))
    return _positive(np.expm1(line), y, divided) if divided else line


def _one_hot(key: Key) -> object:
    from scipy import sparse

    n = len(key.codes)
    return sparse.csr_matrix((np.ones(n), (np.arange(n), key.codes)), shape=(n, key.size))


def _positive(base: np.ndarray, y: np.ndarray, divided: bool) -> np.ndarray:
    """The base (n, T), where values will be `divided` by it at least LEAST_LEVEL of the mean target."""
    return np.maximum(base, LEAST_LEVEL * y.mean(axis=0)) if divided else base


@dataclass(frozen=True)
class Base:
    """A kind of baseline: the names of its arguments after the time (one that ends in "?" is optional), and the
    function that computes it from (series, arguments, y, divided)."""

    takes: tuple[str, ...]
    compute: Callable[[Series, tuple[float, ...], np.ndarray, bool], np.ndarray]


BASES: dict[str, Base] = {
    "level": Base(("span", "share?"), level),
    "lagged": Base(("horizon", "window"), lagged),
    "trend": Base((), trend),
}
