"""Keys: codes, frequencies, crossed keys and bins. A key groups rows: a column's or a feature's values."""

from __future__ import annotations

from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.keys import bins_of
from medalist.pipelines.features.language.expression import Feature
from medalist.pipelines.features.language.operator import Operator
from medalist.pipelines.features.lazy import np


def code(frame: Frame, feature: Feature) -> np.ndarray:
    """Categories numbered 0… in sorted order over train and test; missing stays missing."""
    key = frame.keys(feature.args)
    return np.where(key.codes == key.missing, np.nan, key.codes)


def count(frame: Frame, feature: Feature) -> np.ndarray:
    """How many rows of train and test have this row's value."""
    key = frame.keys(feature.args)
    return np.bincount(key.codes, minlength=key.size)[key.codes]


def cross(frame: Frame, feature: Feature) -> np.ndarray:
    """The combination of two keys or more as a category."""
    return frame.keys(feature.args).codes.astype(np.float64)


def bins(frame: Frame, feature: Feature) -> np.ndarray:
    """The quantile bin of a number over train and test, one of the given count; a frequent value has its own."""
    values, most = frame.number(feature.args[0]), int(feature.args[1])  # type: ignore[arg-type]
    fitted = values[frame.fitted_rows]
    present = fitted[~np.isnan(fitted)]
    if not len(present):
        return np.full(len(values), np.nan)
    edges = np.unique(np.quantile(present, np.linspace(0, 1, most + 1)[1:-1]))
    return np.where(np.isnan(values), np.nan, bins_of(values, edges, most)[0])


def rank(frame: Frame, feature: Feature) -> np.ndarray:
    """Rank of the number among train and test rows, or within its group, from 0 to 1, ties at their mean."""
    values = frame.number(feature.args[0])
    if not feature.by:
        codes, size = np.zeros(len(values), dtype=np.int64), 1
    else:
        key = frame.keys(feature.by)
        codes, size = key.codes, key.size
    by_value = frame.order(feature.args[0])
    order = by_value[np.argsort(codes[by_value], kind="stable")] if feature.by else by_value
    held, sorted_values = codes[order], values[order]
    present = ~np.isnan(sorted_values)
    counts = np.bincount(held, weights=present, minlength=size)
    starts = np.concatenate([[0], np.cumsum(np.bincount(held, minlength=size))[:-1]])
    place = np.arange(len(order)) - starts[held]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (held[1:] != held[:-1]) | (sorted_values[1:] != sorted_values[:-1])
    tie = np.cumsum(new) - 1
    middle = np.bincount(tie, weights=place)[tie] / np.bincount(tie)[tie]
    out = np.full(len(values), np.nan)
    out[order] = np.where(present, (middle + 1) / np.maximum(counts[held], 1), np.nan)
    return out if isinstance(frame.fitted_rows, slice) else _rank_among(values, codes, frame.fitted_rows)


def _rank_among(values: np.ndarray, codes: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """(n,) the rank of each number among those of the rows `fitted` of its group, codes (n,), as if it were one of
    their ties; NaN where the number is missing or the group has no such row."""
    known = fitted[~np.isnan(values[fitted])]
    order = known[np.lexsort((values[known], codes[known]))]
    groups, firsts = np.unique(codes[order], return_index=True)
    out = np.full(len(values), np.nan)
    for group, part in zip(groups.tolist(), np.split(values[order], firsts[1:]) if len(groups) else (), strict=True):
        rows = np.flatnonzero((codes == group) & ~np.isnan(values))
        below = np.searchsorted(part, values[rows], side="left")
        ties = np.searchsorted(part, values[rows], side="right") - below
        out[rows] = (below + (ties + 1) / 2) / len(part)
    return out


OPERATORS = {
    "code": Operator("transductive", ("key",), "category", code, "{0} as a category", "code(city)", relabels=True),
    "count": Operator(
        "transductive",
        ("key",),
        "number",
        count,
        "how often {value} occurs in train and test",
        "count(guest)",
        of_group=True,
        unseen=0.0,
    ),
    "cross": Operator(
        "transductive",
        ("key", "key+"),
        "category",
        cross,
        "the combination of {all}",
        "city × town",
        symmetric=True,
        relabels=True,
    ),
    "bin": Operator(
        "transductive",
        ("number", "whole"),
        "category",
        bins,
        "{0} in {1} bins",
        "bin(x, 10)",
        ordered=True,
        relabels=True,
    ),
    "rank": Operator(
        "transductive", ("number",), "number", rank, "rank of {0}{within}", "rank(x) by city", grouped=None
    ),
}
