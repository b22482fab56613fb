"""Candidates made of several columns, and of the best candidates with columns and with each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, islice, product
from typing import Any

from medalist.pipelines.features.language.expression import Column, Feature, Node, feature
from medalist.pipelines.features.language.operator import proposed
from medalist.pipelines.features.language.registry import operator_of
from medalist.pipelines.features.search.column_families import overlap
from medalist.pipelines.features.search.columns import MIN_DISTINCT_SHARE, Columns
from medalist.pipelines.features.search.spacing import Spacing, spacing_of

MOST_NUMBERS = 40  # numbers that are paired with each other, at most
MOST_POINTS = 6  # pairs of points in a plane whose distances are tried, at most
SAME_RANGE = 0.5  # `overlap` of the ranges of two columns that may be the same coordinate of two points
MOST_RECENT = 12  # most important numbers whose last values come first
MOST_PAIRS = 6  # pairs of keys within whose groups rows are ordered, at most


def pairs(columns: Columns) -> Iterator[Feature]:
    """Arithmetic of two numbers, interacting pairs first, and whether two columns are equal."""
    ranked = columns.numbers[:MOST_NUMBERS]
    for a, b in [*_hinted(columns, ranked), *_by_rank(ranked)]:
        yield from _arithmetic(Column(a), Column(b))
        if columns.profiles[a].whole and columns.profiles[b].whole:
            yield feature("equal", a, b)
    texts = [k for k in columns.keys if k not in columns.profiles]
    for a, b in combinations(texts[:12], 2):
        yield feature("equal", a, b)


def _together(columns: Columns, hinted: Sequence[tuple[str, ...]]) -> Iterator[Feature]:
    """Target means and counts by the crossed keys of interacting columns (`hinted`: tuples of names)."""
    for some in hinted:
        keys = [key for name in some if (key := columns.as_key(name)) is not None]
        if len(keys) == len(some):
            yield feature("target_mean", feature("cross", *keys))
            yield feature("count", feature("cross", *keys))


def crosses(columns: Columns) -> Iterator[Feature]:
    """Target means and counts by two crossed keys, interacting pairs first."""
    yield from _together(columns, columns.hints.pairs)
    keys = columns.short_keys()
    wide = [Column(n) for n in columns.keys if Column(n) not in keys][:8]
    for a, b in _by_rank(keys):
        yield feature("target_mean", feature("cross", a, b))
        yield feature("count", feature("cross", a, b))
    for a, b in product(wide, keys[:8]):
        yield feature("target_mean", feature("cross", a, b))
        yield feature("count", feature("cross", a, b))
    for a, b in combinations(wide, 2):
        yield feature("target_mean", feature("cross", a, b))
        yield feature("count", feature("cross", a, b))


def triples(columns: Columns) -> Iterator[Feature]:
    """Target means and counts by three and four crossed keys, interacting triples first."""
    yield from _together(columns, columns.hints.triples)
    keys = columns.short_keys()
    for most, size in ((5, 3), (5, 4), (10, 3), (7, 4)):
        for some in combinations(keys[:most], size):
            yield feature("target_mean", feature("cross", *some))
            yield feature("count", feature("cross", *some))


def groups(columns: Columns) -> Iterator[Feature]:
    """Statistics of numbers within the groups of one key, and numbers of distinct values of one key within another."""
    keys: list[Node] = [k for k in columns.short_keys() if not (isinstance(k, Feature) and k.op == "bin")]
    keys += [Column(n) for n in columns.keys if Column(n) not in keys]
    for key, name in product_by_rank(keys[:16], columns.numbers[:30]):
        if key != Column(name):
            yield from _within(Column(name), (key,))
    for a, b in _by_rank(keys[:16]):
        yield feature("distinct", a, by=(b,))
        yield feature("distinct", b, by=(a,))
    for name, date in product(columns.numbers[:6], columns.dates[:2]):
        yield from _within(Column(name), (feature("dayofyear", date),))


def pair_groups(columns: Columns) -> Iterator[Feature]:
    """Statistics of numbers within the groups of two keys."""
    keys = [k for k in columns.short_keys() if not (isinstance(k, Feature) and k.op == "bin")]
    for pair, name in product_by_rank(list(combinations(keys[:6], 2)), columns.numbers[:12]):
        if Column(name) not in pair:
            yield from _within(Column(name), pair)


def sequences(columns: Columns, *, past_only: bool = False) -> Iterator[Feature]:
    """Earlier rows and, unless `past_only`, later rows of the same group, where a column orders the rows.

    Where test lies ahead of train, later rows would mislead: rows of train have them and those of test do not.
    """
    keys = [n for n in columns.keys if columns.distinct[n] <= columns.frame.n / 3][:8]
    for t in [*columns.dates[:3], *columns.numbered_rows()[:4]]:
        grouped = _ordered_groups(columns, t, [k for k in keys if k != t])
        if t in columns.dates or columns.distinct[t] > MIN_DISTINCT_SHARE * columns.frame.n:
            grouped.append(())
        spacing = {by: spacing_of(columns.frame, Column(t), by) for by in grouped}
        for by in grouped:
            yield feature("since_previous", t, by=by)
            if not past_only:
                yield feature("until_next", t, by=by)
            for span in spacing[by].spans if spacing[by].irregular else ():
                yield feature("window_count", t, span, by=by)
            if by:
                yield feature("position", t, by=by)
                since = feature("elapsed", t) if t in columns.dates else Column(t)
                yield feature("subtract", since, feature("min", since, by=by))
        for by, name in product_by_rank(grouped, [n for n in columns.numbers if n != t][:16]):
            before = feature("lag", name, t, 1, by=by)
            yield before
            yield feature("subtract", name, before)
            if not past_only:
                yield feature("lag", name, t, -1, by=by)
            for op, width in (("rolling_mean", 3), ("rolling_mean", 10), ("rolling_std", 10), ("rolling_max", 5)):
                yield feature(op, name, t, width, by=by)
            yield feature("expanding_mean", name, t, by=by)
            yield feature("lag", name, t, 2, by=by)
            yield feature("divide", name, before)
            yield from _of_period(name, t, by, spacing[by])


def recent(columns: Columns, t: str) -> Iterator[Feature]:
    """The last values of numbers in order of the time `t`, within the groups whose rows it orders best: the few forms
    that a forecast needs most often, for many columns, where `sequences` has many forms of each."""
    if t not in columns.distinct:
        return
    keys = [n for n in columns.keys if columns.distinct[n] <= columns.frame.n / 3 and n != t][:8]
    grouped = _ordered_groups(columns, t, keys)
    if columns.distinct[t] > MIN_DISTINCT_SHARE * columns.frame.n or not grouped:
        grouped.insert(0, ())
    for by, name in product_by_rank(grouped[:2], [n for n in columns.numbers if n != t][:MOST_RECENT]):
        spacing = spacing_of(columns.frame, Column(t), by)
        for rows in (1, 2, 3):
            yield feature("lag", name, t, rows, by=by)
        for rows in dict.fromkeys((3, *spacing.periods[:1])):
            mean = feature("rolling_mean", name, t, rows, by=by)
            yield mean
            yield feature("subtract", name, mean)
        for rows in spacing.periods[:2]:
            past = feature("lag", name, t, rows, by=by)
            yield past
            yield feature("subtract", feature("lag", name, t, 1, by=by), past)
        for span in spacing.spans[:2] if spacing.irregular else ():
            yield feature("window_mean", name, t, span, by=by)
            yield feature("window_sum", name, t, span, by=by)


def _of_period(name: str, t: str, by: tuple[Node, ...], spacing: Spacing) -> Iterator[Feature]:
    """Earlier values of a number by the rows' natural periods, such as a day of hourly rows, and by spans of time where
    the rows come irregularly."""
    before = feature("lag", name, t, 1, by=by)
    for rows in spacing.periods:
        past, mean = feature("lag", name, t, rows, by=by), feature("rolling_mean", name, t, rows, by=by)
        yield past
        yield mean
        yield feature("subtract", name, past)
        yield feature("subtract", name, mean)
        yield feature("subtract", before, past)
    for span in spacing.spans if spacing.irregular else ():
        mean = feature("window_mean", name, t, span, by=by)
        yield mean
        yield feature("window_sum", name, t, span, by=by)
        yield feature("subtract", name, mean)


def _ordered_groups(columns: Columns, t: str, keys: Sequence[str]) -> list[tuple[Node, ...]]:
    """Tuples of keys within whose groups the column `t` orders the rows: single keys, and pairs of keys with ties.

    A pair is needed where, for example, a shop has a row for each of its products every day.
    """
    untied = [k for k in keys if columns.orders(t, k, check_dates=True)]
    tied = [k for k in keys if k not in untied]
    pairs = ((Column(a), Column(b)) for a, b in combinations(tied, 2) if columns.orders(t, a, b, check_dates=True))
    single = [(Column(k),) for k in untied]
    return [*single, *islice(pairs, MOST_PAIRS), *((Column(k),) for k in tied if columns.orders(t, k))]


def spaces(columns: Columns) -> Iterator[Feature]:
    """Distances, neighbours, clusters and directions in the space of several numbers."""
    for a, b, c, d in islice(_points(columns), MOST_POINTS):
        yield from _distances(columns, a, b, c, d)
    top = (columns.continuous or columns.numbers)[:6]
    for a, b in [*_hinted(columns, top)[:3], *combinations(top, 2)]:
        yield feature("target_neighbours", a, b, 24)
    for k in (24, 100):
        for a, b in combinations(top[:4], 2):
            yield feature("target_mean", feature("kmeans", a, b, k))
    for triple in combinations(top[:4], 3):
        yield feature("target_neighbours", *triple, 24)
    if len(columns.numbers) >= 4:
        yield feature("pca", *columns.numbers[:30], min(6, len(columns.numbers) - 1))


def _points(columns: Columns) -> Iterator[tuple[str, str, str, str]]:
    """Columns (a, b, c, d) that may be coordinates of two points (a, b) and (c, d): a and c, b and d have similar
    ranges."""
    like_ranges = [
        (a, c)
        for a, c in combinations(columns.continuous[:12], 2)
        if not columns.profiles[a].whole and overlap(columns.profiles[a], columns.profiles[c]) > SAME_RANGE
    ]
    for (a, c), (b, d) in combinations(like_ranges, 2):
        if len({a, b, c, d}) == 4:
            yield a, b, c, d


def _distances(columns: Columns, a: str, b: str, c: str, d: str) -> Iterator[Feature]:
    """Distances between (a, b) and (c, d): in a plane, along its axes, and on the earth where they may be degrees."""
    across, along = feature("subtract", a, c), feature("subtract", b, d)
    yield feature("hypotenuse", across, along)
    yield feature("add", feature("abs", across), feature("abs", along))
    yield across
    yield along
    most = {n: max(abs(columns.profiles[n].low), abs(columns.profiles[n].high)) for n in (a, b, c, d)}
    for lat, lon, other_lat, other_lon in ((a, b, c, d), (b, a, d, c)):
        if max(most[lat], most[other_lat]) <= 90 and max(most[lon], most[other_lon]) <= 180:
            yield feature("haversine", lat, lon, other_lat, other_lon)


def compositions(columns: Columns, best: Sequence[Feature]) -> Iterator[Feature]:
    """Compositions of the best candidates so far with columns and with each other."""
    numbers: Sequence[Node] = [f for f in best if operator_of(f).gives == "number"][:12]
    grouping: list[Node] = [f.args[0] for f in best if f.op == "target_mean"]
    grouping += [f for f in best if operator_of(f).gives == "category"]
    keys = list(dict.fromkeys(grouping))[:14]
    blocks = [f for f in best if operator_of(f).gives == "numbers" and operator_of(f).takes == ("number+",)]
    plain: list[Node] = [Column(n) for n in columns.numbers[:12]]
    plain_keys = columns.short_keys()[:14]
    for key in keys if columns.numeric_target else ():
        yield feature("target_std", key)
        yield feature("target_median", key)
    for key, other in product(keys, [*plain_keys, *keys]):
        if key != other:
            yield feature("target_mean", feature("cross", key, other))
            yield feature("count", feature("cross", key, other))
    for a, b in combinations(numbers, 2):
        yield from _arithmetic(a, b)
        yield feature("hypotenuse", a, b)
    for number, column in product(numbers, plain):
        yield from _arithmetic(number, column)
    for number, key in product(numbers, [*plain_keys[:6], *keys[:4]]):
        yield from _within(number, (key,))
    for number in numbers:
        yield feature("target_mean", feature("bin", number, 24))
        for op, literal in (("fraction", None), ("digit", 1), ("digit", 2), ("mod", 7), ("mod", 10)):
            yield feature(op, number) if literal is None else feature(op, number, literal)
        for key in plain_keys[:8]:
            yield feature("target_mean", feature("cross", feature("bin", number, 12), key))
    for key, column in product(keys[:6], plain[:6]):
        yield from _within(column, (key,))
    for a, b in combinations(blocks, 2):
        yield feature(
            "target_mean", feature("cross", feature("row_distinct", *a.args), feature("row_distinct", *b.args))
        )


def _hinted(columns: Columns, within: Sequence[str]) -> list[tuple[str, str]]:
    """The interacting pairs of which both columns are among `within`."""
    return [(a, b) for a, b in columns.hints.pairs if a in within and b in within]


def _arithmetic(a: Node, b: Node) -> Iterator[Feature]:
    yield feature("divide", a, b)
    yield feature("divide", b, a)
    yield feature("subtract", a, b)
    yield feature("add", a, b)
    yield feature("multiply", a, b)


def _within(number: Node, by: tuple[Node, ...]) -> Iterator[Feature]:
    """A number relative to its group, and the group's statistics."""
    mean = feature("mean", number, by=by)
    yield feature("subtract", number, mean)
    yield feature("divide", number, mean)
    yield feature("rank", number, by=by)
    for op in proposed(("number",), grouped=True):
        yield feature(op, number, by=by)


def _by_rank(items: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Pairs of two different items, in ascending order of the sum of their positions."""
    for total in range(1, 2 * len(items)):
        for i in range(max(0, total - len(items) + 1), (total + 1) // 2):
            yield items[i], items[total - i]


def product_by_rank(first: Sequence[Any], second: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Pairs of one item of each, in ascending order of the sum of their positions."""
    for total in range(len(first) + len(second) - 1):
        for i in range(max(0, total - len(second) + 1), min(len(first), total + 1)):
            yield first[i], second[total - i]
