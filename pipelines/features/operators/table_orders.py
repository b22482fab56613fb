"""Further tables in order of a date or a number: their first and last rows with an equal key, trends, time since the
last."""

from __future__ import annotations

from collections.abc import Callable

from medalist.pipelines.features.frames.conditions import fixed_join, join_of, window_bounds
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.joins import (
    Join,
    grouped,
    of_groups,
    sorted_groups,
    table_numbers,
)
from medalist.pipelines.features.frames.ordering import times
from medalist.pipelines.features.language.conditions import BEFORE
from medalist.pipelines.features.language.expression import Column, Condition, Feature
from medalist.pipelines.features.language.operator import Operator
from medalist.pipelines.features.lazy import np


def _in_order(frame: Frame, feature: Feature) -> tuple[Join, np.ndarray, np.ndarray, np.ndarray]:
    """The join, and of its rows that have a key, a number and an order, sorted by these: (r,) groups, numbers and
    orders."""
    join, (node, order) = join_of(frame, feature), feature.args
    rows = grouped(frame, join, order)
    values = join.of_table(table_numbers(frame, node))[rows.order]
    instants = join.of_table(table_numbers(frame, order))[rows.order]
    present = ~np.isnan(values)
    if present.all():
        return join, rows.codes, values, instants
    return join, rows.codes[present], values[present], instants[present]


def _at_end(frame: Frame, feature: Feature, *, first: bool) -> np.ndarray:
    join, codes, values, _ = _in_order(frame, feature)
    rows = sorted_groups(np.arange(len(codes)), codes)
    return join.to_rows(of_groups(join, rows, values[rows.first if first else rows.last]))


def earliest(frame: Frame, feature: Feature) -> np.ndarray:
    """The number of a further table's first known row with this key in order of its second column."""
    return _at_end(frame, feature, first=True)


def latest(frame: Frame, feature: Feature) -> np.ndarray:
    """The number of a further table's last known row with this key in order of its second column."""
    return _at_end(frame, feature, first=False)


def trend(frame: Frame, feature: Feature) -> np.ndarray:
    """Least-squares slope of a further table's number over its second column (a day for dates), within the key."""
    join, codes, values, instants = _in_order(frame, feature)
    count = np.maximum(np.bincount(codes, minlength=join.size), 1)
    instants = instants - (np.bincount(codes, instants, minlength=join.size) / count)[codes]
    values = values - (np.bincount(codes, values, minlength=join.size) / count)[codes]
    spread = np.bincount(codes, instants**2, minlength=join.size)
    slope = np.bincount(codes, instants * values, minlength=join.size) / np.where(spread > 0, spread, np.nan)
    return join.to_rows(slope * _unit(frame, feature))


def _unit(frame: Frame, feature: Feature) -> float:
    """The size of one unit of a further table's order: a day where it holds dates, else 1."""
    order = feature.args[1]
    if not isinstance(order, Column):
        return 1.0
    return times(frame.within(order.table or ""), Column(order.name))[1]


def ago(frame: Frame, feature: Feature) -> np.ndarray:
    """Time from a further table's last row with this key before a date or number of the row to that: days for dates."""
    column, reference = feature.args
    assert isinstance(column, Column)
    assert isinstance(reference, Column)
    join = fixed_join(frame, feature)
    start, end, rows = window_bounds(frame, join, Condition(column, BEFORE, reference))
    own, unit = times(frame, reference)
    instants = np.append(join.of_table(table_numbers(frame, column))[rows.order], np.nan)
    return np.where(end > start, (own - instants[np.where(end > start, end - 1, -1)]) / unit, np.nan)


def _ordered(compute: Callable[..., np.ndarray], words: str, example: str) -> Operator:
    return Operator(
        "transductive", ("table", "table order"), "number", compute, words, example, grouped=True, proposed=True
    )


OPERATORS = {  # the search tries them in this order
    "table.first": _ordered(
        earliest, "{0} in the first row by {1} of {matching}", "first(orders.amount, orders.sold) by shop"
    ),
    "table.last": _ordered(
        latest, "{0} in the last row by {1} of {matching}", "last(orders.amount, orders.sold) by shop"
    ),
    "table.trend": _ordered(
        trend, "slope of {0} over {1} over the rows of {matching}", "trend(orders.amount, orders.sold) by shop"
    ),
    "table.ago": Operator(
        "transductive",
        ("table order", "order"),
        "number",
        ago,
        "time from the last {0} before {1} over the rows of {matching}",
        "ago(orders.sold, day) by shop",
        grouped=True,
    ),
}
