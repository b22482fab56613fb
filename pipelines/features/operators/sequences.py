"""Sequences: neighbours of a row in order of a date or a number, within the groups of keys or all together.

Rows of train and test are sorted together, ties in table order, rows without a time last. All operators but
`target_lag` use inputs alone and may use any row. Where test lies after train, later rows are not proposed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.ordering import Sequence, sequence, times
from medalist.pipelines.features.frames.target import Target
from medalist.pipelines.features.language.expression import Feature, Node
from medalist.pipelines.features.language.operator import Operator
from medalist.pipelines.features.language.words import counted, filled, literal_int, operand
from medalist.pipelines.features.lazy import np, pd

if TYPE_CHECKING:
    State = tuple[np.ndarray, ...]


def lag(frame: Frame, feature: Feature) -> np.ndarray:
    """The number a given count of rows before within the group, or after where the count is negative."""
    ordered = sequence(frame, feature.args[1], feature.by)
    values = frame.number(feature.args[0])[ordered.order]
    return ordered.unsorted(ordered.shift(values, int(feature.args[2])))  # type: ignore[arg-type]


def since_previous(frame: Frame, feature: Feature) -> np.ndarray:
    """Time since the previous row of the group: in days for dates, in the order's own unit for numbers."""
    return _time_between(frame, feature, 1)


def until_next(frame: Frame, feature: Feature) -> np.ndarray:
    """Time until the next row of the group: in days for dates, in the order's own unit for numbers."""
    return _time_between(frame, feature, -1)


def _time_between(frame: Frame, feature: Feature, k: int) -> np.ndarray:
    ordered = sequence(frame, feature.args[0], feature.by)
    values, unit = times(frame, feature.args[0])
    values = values[ordered.order]
    return ordered.unsorted((values - ordered.shift(values, k)) * k / unit)


def position(frame: Frame, feature: Feature) -> np.ndarray:
    """Place of the row within its group in order of time, from 0."""
    ordered = sequence(frame, feature.args[0], feature.by)
    return ordered.unsorted(ordered.position)


def _rolled(
    frame: Frame,
    feature: Feature,
    start: Callable[[np.ndarray], State],
    empty: tuple[float, ...],
    merge: Callable[[State, State], State],
    result: Callable[[State], np.ndarray],
) -> np.ndarray:
    """A statistic of the w rows before each row, the row itself excluded, by merging states of 1, 2, 4, … rows.

    start: from values (n,) to the states of single rows. empty: the state of no rows. merge: of two states of adjacent
    rows. result: from states to the statistic (n,).

    It takes log w merges and, unlike differences of running sums, loses no precision to values outside the window.
    """
    ordered = sequence(frame, feature.args[1], feature.by)
    window = min(int(feature.args[2]), int(ordered.position.max(initial=0)))  # type: ignore[arg-type]
    values = frame.number(feature.args[0])[ordered.order]

    def before(state: State, k: int) -> State:
        return tuple(ordered.shift(part, k, e) for part, e in zip(state, empty, strict=True))

    block, size = start(values), 1  # states of each row and the size - 1 rows before it
    total, done = tuple(np.full(len(values), e) for e in empty), 0
    while size <= window:
        if window & size:
            total, done = merge(total, before(block, done + 1)), done + size
        if 2 * size <= window:
            block = merge(block, before(block, size))
        size *= 2
    return ordered.unsorted(result(total))


def _moments(values: np.ndarray) -> State:
    gaps = np.isnan(values)
    return (~gaps).astype(float), np.where(gaps, 0.0, values), np.zeros(len(values))


def _merge_moments(a: State, b: State) -> State:
    """Counts, means and sums of squares about the mean of two samples as of one (Chan, Golub and LeVeque, 1979)."""
    count = a[0] + b[0]
    share, difference = b[0] / np.maximum(count, 1), b[1] - a[1]
    return count, a[1] + difference * share, a[2] + b[2] + difference**2 * share * a[0]


def rolling_mean(frame: Frame, feature: Feature) -> np.ndarray:
    """Mean of a number over the given count of rows before this one within the group."""

    def result(state: State) -> np.ndarray:
        return np.where(state[0] > 0, state[1], np.nan)

    return _rolled(frame, feature, _moments, (0.0, 0.0, 0.0), _merge_moments, result)


def rolling_std(frame: Frame, feature: Feature) -> np.ndarray:
    """Standard deviation of a number over the given count of rows before this one; missing where fewer than two."""

    def result(state: State) -> np.ndarray:
        return np.where(state[0] > 1, np.sqrt(state[2] / np.maximum(state[0] - 1, 1)), np.nan)

    return _rolled(frame, feature, _moments, (0.0, 0.0, 0.0), _merge_moments, result)


def rolling_min(frame: Frame, feature: Feature) -> np.ndarray:
    """Smallest value of a number over the given count of rows before this one within the group."""
    return _extreme(frame, feature, np.fmin)


def rolling_max(frame: Frame, feature: Feature) -> np.ndarray:
    """Largest value of a number over the given count of rows before this one within the group."""
    return _extreme(frame, feature, np.fmax)


def _extreme(frame: Frame, feature: Feature, pick: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    return _rolled(frame, feature, lambda v: (v,), (np.nan,), lambda a, b: (pick(a[0], b[0]),), lambda state: state[0])


def expanding_mean(frame: Frame, feature: Feature) -> np.ndarray:
    """Mean of a number over all earlier rows of the group."""
    ordered = sequence(frame, feature.args[1], feature.by)
    values = frame.number(feature.args[0])[ordered.order]
    gaps = np.isnan(values)
    running = pd.DataFrame({"sum": np.where(gaps, 0.0, values), "count": ~gaps}).groupby(ordered.codes).cumsum()
    count = ordered.shift(running["count"].to_numpy(np.float64), 1, 0.0)
    total = ordered.shift(running["sum"].to_numpy(), 1, 0.0)
    return ordered.unsorted(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def target_lag(frame: Frame, feature: Feature, target: Target) -> np.ndarray:
    """Mean target of earlier rows of the group: at least a horizon before this row, at most a window.

    (n, T), or (n, classes) for a multiclass target; NaN where there is no such row. Horizon and window are in days for
    dates, in the order's own unit for numbers; without a window all earlier rows count. Only rows of a strictly earlier
    time count, so a row never sees its own target, whatever the horizon.
    """
    node, horizon, *rest = feature.args
    window = float(rest[0]) if rest else np.inf  # type: ignore[arg-type]
    ordered, low, high = _earlier(frame, feature, node, float(horizon), window)  # type: ignore[arg-type]
    values = target.values
    centre = values.mean(axis=0)  # centred for precision
    out = np.empty((frame.n, values.shape[1]))
    weight = np.zeros(frame.n)
    weight[target.fit] = 1.0
    running = _running(weight[ordered.order])
    count = running[high] - running[low]
    for t in range(values.shape[1]):
        weight[target.fit] = values[:, t] - centre[t]
        running = _running(weight[ordered.order])
        total = running[high] - running[low]
        out[:, t] = np.where(count > 0, centre[t] + total / np.maximum(count, 1), np.nan)
    return out


def _running(values: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(values)])


def window_mean(frame: Frame, feature: Feature) -> np.ndarray:
    """Mean of a number over the rows of the group within a span of time before this row; missing without any."""
    count, total, centre = _window_sums(frame, feature)
    return np.where(count > 0, centre + total / np.maximum(count, 1), np.nan)


def window_sum(frame: Frame, feature: Feature) -> np.ndarray:
    """Sum of a number over the rows of the group within a span of time before this row; 0 without any."""
    count, total, centre = _window_sums(frame, feature)
    return total + count * centre


def window_count(frame: Frame, feature: Feature) -> np.ndarray:
    """Number of rows of the group within a span of time before this row."""
    node, span = feature.args
    _, low, high = _earlier(frame, feature, node, 0.0, float(span))  # type: ignore[arg-type]
    return (high - low).astype(np.float64)


def _window_sums(frame: Frame, feature: Feature) -> tuple[np.ndarray, np.ndarray, float]:
    """(n,) how many values the window of each row has, and their sum after the overall mean is taken off, and that."""
    number, node, span = feature.args
    ordered, low, high = _earlier(frame, feature, node, 0.0, float(span))  # type: ignore[arg-type]
    values = frame.number(number)[ordered.order]
    present = ~np.isnan(values)
    centre = float(values[present].mean()) if present.any() else 0.0  # centred for precision
    count = _running(present.astype(np.float64))
    total = _running(np.where(present, values - centre, 0.0))
    return count[high] - count[low], total[high] - total[low], centre


def _earlier(
    frame: Frame, feature: Feature, node: Node, horizon: float, window: float
) -> tuple[Sequence, np.ndarray, np.ndarray]:
    """The sorted rows, and (n,) for each row of the table the begin and the end within them of its window: the rows of
    strictly earlier times, at least the horizon and at most the window back."""
    if horizon < 0 or window < horizon:
        raise PipelineError(f"{feature} looks at no earlier row: use a horizon of 0 or more and a window beyond it.")
    ordered = sequence(frame, node, feature.by)

    def make() -> tuple[Sequence, np.ndarray, np.ndarray]:
        now, unit = times(frame, node)
        has_time = ~np.isnan(now)
        axis = np.unique(now[has_time])
        codes = frame.keys(feature.by).codes if feature.by else np.zeros(frame.n, dtype=np.int64)
        base = codes * (len(axis) + 1)
        cells = (base + np.searchsorted(axis, now))[ordered.order]  # rows without a time come last
        latest = np.minimum(np.searchsorted(axis, now - horizon * unit, side="right"), np.searchsorted(axis, now))
        high = np.searchsorted(cells, base + latest)
        low = np.searchsorted(cells, base + np.searchsorted(axis, now - window * unit))
        return ordered, np.where(has_time, np.minimum(low, high), 0), np.where(has_time, high, 0)

    return frame.cached(("earlier", node, horizon, window, feature.by), make)


def _lag_words(feature: Feature) -> str:
    rows = literal_int(feature.args[2])
    words = f"value of {operand(feature.args[0])} {counted(abs(rows), 'row')} {'before' if rows >= 0 else 'after'}"
    return words + filled(",{within} in order of {1}", feature)


def _rolling(compute: Callable[..., np.ndarray], statistic: str, example: str) -> Operator:
    def words(feature: Feature) -> str:
        rows = literal_int(feature.args[2])
        over = f"over the {'row' if rows == 1 else f'{rows} rows'} before"
        return f"{statistic} of {operand(feature.args[0])} {over}" + filled(",{within} in order of {1}", feature)

    return Operator("transductive", ("number", "order", "whole"), "number", compute, words, example, grouped=None)


def _window(compute: Callable[..., np.ndarray], statistic: str, takes: tuple[str, ...], example: str) -> Operator:
    def words(feature: Feature) -> str:
        of = f" of {operand(feature.args[0])}" if len(takes) == 3 else ""
        place = "{1}" if len(takes) == 3 else "{0}"
        return f"{statistic}{of} over the rows at most {feature.args[-1]} back" + filled(
            f",{{within}} in order of {place}", feature
        )

    return Operator("transductive", takes, "number", compute, words, example, grouped=None)


def _target_lag_words(feature: Feature) -> str:
    window = f" and at most {feature.args[2]}" if len(feature.args) > 2 else ""
    words = f"mean target of earlier rows, at least {feature.args[1]}{window} back"
    return words + filled(",{within} in order of {0}", feature)


def _of_order(compute: Callable[..., np.ndarray], words: str, example: str) -> Operator:
    words += ",{within} in order of {0}"
    return Operator("transductive", ("order",), "number", compute, words, example, grouped=None)


OPERATORS = {
    "lag": Operator(
        "transductive", ("number", "order", "whole"), "number", lag, _lag_words, "lag(x, day, 1) by shop", grouped=None
    ),
    "since_previous": _of_order(since_previous, "time since the previous row", "since_previous(day) by guest"),
    "until_next": _of_order(until_next, "time until the next row", "until_next(day) by shop"),
    "position": _of_order(position, "place of the row", "position(day) by shop"),
    "rolling_mean": _rolling(rolling_mean, "mean", "rolling_mean(x, day, 3) by shop"),
    "rolling_std": _rolling(rolling_std, "standard deviation", "rolling_std(x, day, 7) by city"),
    "rolling_min": _rolling(rolling_min, "smallest value", "rolling_min(x, whole, 3)"),
    "rolling_max": _rolling(rolling_max, "largest value", "rolling_max(x, day, 3)"),
    "window_mean": _window(window_mean, "mean", ("number", "order", "literal"), "window_mean(x, day, 7) by shop"),
    "window_sum": _window(window_sum, "sum", ("number", "order", "literal"), "window_sum(x, day, 3.5) by guest"),
    "window_count": _window(window_count, "number", ("order", "literal"), "window_count(day, 7) by shop"),
    "expanding_mean": Operator(
        "transductive",
        ("number", "order"),
        "number",
        expanding_mean,
        "mean of {0} over all rows before,{within} in order of {1}",
        "expanding_mean(x, day) by guest",
        grouped=None,
    ),
    "target_lag": Operator(
        "supervised",
        ("order", "literal", "literal?"),
        "numbers",
        target_lag,
        _target_lag_words,
        "target_lag(day, 0) by shop",
        grouped=None,
    ),
}
