"""Rows sorted by a date or a number within groups, for lags and rolling statistics."""

from __future__ import annotations

from typing import NamedTuple

from medalist.pipelines.features.frames.conversion import parsed_dates
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.language.expression import Column, Node
from medalist.pipelines.features.lazy import np, pd

DAY = 86_400.0  # seconds


class Sequence(NamedTuple):
    """Rows sorted by group and then by time.

    order: (n,) positions of the sorted rows in the table. codes: (n,) the group of each sorted row. position: (n,) its
    position within the group, from 0.
    """

    order: np.ndarray
    codes: np.ndarray
    position: np.ndarray

    def shift(self, values: np.ndarray, k: int, empty: float = float("nan")) -> np.ndarray:
        """(n,) for each sorted row the value k rows before it in its group, or -k rows after it for negative k.

        values: (n,) in sorted order. empty: the value where there is no such row.
        """
        n = len(values)
        out = np.full(n, empty)
        if abs(k) >= n:
            return out
        into, source = (slice(k, None), slice(None, n - k)) if k >= 0 else (slice(None, k), slice(-k, None))
        out[into] = np.where(self.codes[into] == self.codes[source], values[source], empty)
        return out

    def unsorted(self, values: np.ndarray) -> np.ndarray:
        """(n,) sorted values, put back into the order of the table."""
        out = np.empty(len(values))
        out[self.order] = values
        return out


def sequence(frame: Frame, node: Node, by: tuple[Node, ...]) -> Sequence:
    """The rows of a frame in ascending order of `node`, within the groups of `by` where it is not empty."""

    def make() -> Sequence:
        order = frame.order(node)
        codes = np.zeros(len(order), dtype=np.int64)
        if by:
            codes = frame.keys(by).codes
            order = order[np.argsort(codes[order], kind="stable")]
            codes = codes[order]
        at = np.arange(len(codes))
        first = np.ones(len(codes), dtype=bool)
        first[1:] = codes[1:] != codes[:-1]
        return Sequence(order, codes, at - np.maximum.accumulate(np.where(first, at, 0)))

    return frame.cached(("sequence", node, by), make)


def times(frame: Frame, node: Node) -> tuple[np.ndarray, float]:
    """(n,) float64 times, NaN where missing, and the size of one unit of horizons and time differences.

    For dates the times are seconds since 1970 and the unit is a day (86,400); for numbers they are the numbers and the
    unit is 1.
    """

    def make() -> tuple[np.ndarray, float]:
        if isinstance(node, Column):
            column = frame.column(node.name)
            if not pd.api.types.is_numeric_dtype(column.dtype) or parsed_dates(column) is not None:
                dates = frame.date(node)
                return np.where(np.isnat(dates), np.nan, dates.astype(np.int64) / 1e9), DAY
        return frame.number(node), 1.0

    return frame.cached(("times", node), make)
