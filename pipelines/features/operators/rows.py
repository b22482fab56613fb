"""Rows: statistics over several columns of one row. Missing values are left out; a row of none gives missing."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.language.expression import Column, Feature
from medalist.pipelines.features.language.operator import Operator, Output
from medalist.pipelines.features.lazy import np

REPEATS = 3  # columns of row_repeats
MOST_CELLS = 4_000_000  # rows times columns that are sorted at a time


def _sorted(frame: Frame, feature: Feature) -> tuple[np.ndarray, np.ndarray]:
    """(n, k) the values of each row in ascending order, missing ones last, and (n,) how many are not missing."""

    def make() -> tuple[np.ndarray, np.ndarray]:
        values = np.sort(frame.numbers(feature.args), axis=1)
        return values, values.shape[1] - np.isnan(values).sum(axis=1)

    return frame.cached(("row sorted", feature.args, frame.token(feature)), make)


def _runs(frame: Frame, feature: Feature) -> tuple[np.ndarray, np.ndarray]:
    """(n, k) counts of each row's distinct values, values ascending, padded with 0; and (n, k) these values, with
    NaN."""

    def make() -> tuple[np.ndarray, np.ndarray]:
        values, counts = _sorted(frame, feature)
        n, k = values.shape
        new = np.ones((n, k), dtype=bool)
        new[:, 1:] = values[:, 1:] != values[:, :-1]
        present = np.arange(k) < counts[:, None]
        place = np.cumsum(new, axis=1) - 1 + k * np.arange(n)[:, None]
        counts = np.bincount(place[present], minlength=n * k).reshape(n, k)
        different = np.full(n * k, np.nan)
        different[place[present]] = values[present]
        return counts, different.reshape(n, k)

    return frame.cached(("row runs", feature.args, frame.token(feature)), make)


def _where(valid: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(n,) values where `valid` (n,), else NaN."""
    return np.where(valid, values, np.nan)


def _nth_of_row(values: np.ndarray, n: np.ndarray) -> np.ndarray:
    """(n,) the n-th value (from 1) of each row of values (n, k), with n (n,); the first where n is 0."""
    return np.take_along_axis(values, np.maximum(n - 1, 0)[:, None], axis=1)[:, 0]


def row_sum(frame: Frame, feature: Feature) -> np.ndarray:
    """Sum over columns of the row."""
    values = frame.numbers(feature.args)
    return _where(~np.isnan(values).all(axis=1), np.nansum(values, axis=1))


def row_mean(frame: Frame, feature: Feature) -> np.ndarray:
    """Mean over columns of the row."""
    values = frame.numbers(feature.args)
    counts = (~np.isnan(values)).sum(axis=1)
    return _where(counts > 0, np.nansum(values, axis=1) / np.maximum(counts, 1))


def row_std(frame: Frame, feature: Feature) -> np.ndarray:
    """Standard deviation over columns of the row; missing where fewer than two are not missing."""
    values = frame.numbers(feature.args)
    counts = (~np.isnan(values)).sum(axis=1)
    deviations = values - (np.nansum(values, axis=1) / np.maximum(counts, 1))[:, None]
    return _where(counts > 1, np.sqrt(np.nansum(deviations**2, axis=1) / np.maximum(counts - 1, 1)))


def row_min(frame: Frame, feature: Feature) -> np.ndarray:
    """Smallest value over columns of the row."""
    return np.fmin.reduce(frame.numbers(feature.args), axis=1)


def row_max(frame: Frame, feature: Feature) -> np.ndarray:
    """Largest value over columns of the row."""
    return np.fmax.reduce(frame.numbers(feature.args), axis=1)


def row_range(frame: Frame, feature: Feature) -> np.ndarray:
    """Largest less smallest value over columns of the row."""
    values = frame.numbers(feature.args)
    return np.fmax.reduce(values, axis=1) - np.fmin.reduce(values, axis=1)


def row_median(frame: Frame, feature: Feature) -> np.ndarray:
    """Median over columns of the row."""
    values, counts = _sorted(frame, feature)
    low, high = _nth_of_row(values, (counts + 1) // 2), _nth_of_row(values, counts // 2 + 1)
    return _where(counts > 0, (low + high) / 2)


def row_zeros(frame: Frame, feature: Feature) -> np.ndarray:
    """How many columns of the row are 0."""
    return (frame.numbers(feature.args) == 0).sum(axis=1)


def row_distinct(frame: Frame, feature: Feature) -> np.ndarray:
    """How many different values the columns of the row have."""
    return (_runs(frame, feature)[0] > 0).sum(axis=1)


def row_missing(frame: Frame, feature: Feature) -> np.ndarray:
    """How many columns of the row are missing."""
    counts = np.zeros(frame.n)
    for node in feature.args:
        if isinstance(node, Column):
            counts += frame.column(node.name).isna().to_numpy(bool)
        else:
            counts += np.isnan(frame.numbers((node,))).sum(axis=1)
    return counts


def row_argmax(frame: Frame, feature: Feature) -> np.ndarray:
    """Which column of the row is the largest, counted from 0; the first of equal ones."""
    values = frame.numbers(feature.args)
    gaps = np.isnan(values)
    return _where(~gaps.all(axis=1), np.argmax(np.where(gaps, -np.inf, values), axis=1))


def row_sorted(frame: Frame, feature: Feature) -> np.ndarray:
    """(n, k): the values of the row in ascending order, missing ones last."""
    return _sorted(frame, feature)[0]


def row_gaps(frame: Frame, feature: Feature) -> np.ndarray:
    """(n, k - 1): differences of neighbours among the values of the row in ascending order."""
    values = _sorted(frame, feature)[0]
    return np.diff(values, axis=1) if values.shape[1] > 1 else np.full((len(values), 1), np.nan)


def row_repeats(frame: Frame, feature: Feature) -> np.ndarray:
    """(n, 3): how often the most, second and third most frequent values occur in the row."""
    counts = _runs(frame, feature)[0]
    return -np.sort(-counts, axis=1)[:, :REPEATS]


def row_mode(frame: Frame, feature: Feature) -> np.ndarray:
    """The most frequent value of the row; the largest of equally frequent ones."""
    counts, values = _runs(frame, feature)
    last = counts.shape[1] - 1 - np.argmax(counts[:, ::-1], axis=1)
    return np.where(counts.any(axis=1), values[np.arange(len(values)), last], np.nan)


def _in_blocks(compute: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """The compute function, applied to blocks of rows of at most MOST_CELLS cells, to bound memory."""

    @wraps(compute)
    def compute_in_blocks(frame: Frame, feature: Feature) -> np.ndarray:
        size = max(1, MOST_CELLS // len(feature.args))
        if frame.n <= size or not all(isinstance(arg, Column) for arg in feature.args):
            return compute(frame, feature)
        rows = np.arange(frame.n) if frame.rows is None else frame.rows
        starts = range(0, frame.n, size)
        return np.concatenate([compute(Frame(frame.source, rows=rows[i : i + size]), feature) for i in starts])

    return compute_in_blocks


def _over_row(
    compute: Callable[..., np.ndarray], gives: Output, words: str, width: int | None = None
) -> dict[str, Operator]:
    """The operator of a compute function over several numbers of a row, under the function's name."""
    name = compute.__name__
    example = f"{name}(x, z, whole)"
    operator = Operator(
        "stateless",
        ("number+",),
        gives,
        _in_blocks(compute),
        words,
        example,
        symmetric=compute is not row_argmax,
        width=width,
        proposed=True,
    )
    return {name: operator}


OPERATORS = {  # the search tries them in this order
    **_over_row(row_distinct, "number", "how many different values {all} have"),
    **_over_row(row_repeats, "numbers", "how often the most frequent values across {all} occur", width=REPEATS),
    **_over_row(row_sorted, "numbers", "values of {all} in ascending order"),
    **_over_row(row_gaps, "numbers", "gaps between the values of {all} in ascending order"),
    **_over_row(row_range, "number", "largest less smallest value across {all}"),
    **_over_row(row_zeros, "number", "how many of {all} are 0"),
    **_over_row(row_sum, "number", "sum across {all}"),
    **_over_row(row_min, "number", "smallest value across {all}"),
    **_over_row(row_max, "number", "largest value across {all}"),
    **_over_row(row_std, "number", "standard deviation across {all}"),
    **_over_row(row_mean, "number", "mean across {all}"),
    **_over_row(row_median, "number", "median across {all}"),
    **_over_row(row_argmax, "number", "which of {all} is the largest"),
    **_over_row(row_mode, "number", "most frequent value across {all}"),
    "row_missing": Operator(
        "stateless",
        ("key+",),
        "number",
        row_missing,
        "how many of {all} are missing",
        "row_missing(x, z, city)",
        symmetric=True,
    ),
}
