"""Candidates of further tables: aggregates by the keys that join them, under conditions, in order, over two tables.

They come in rounds over all tables, the plainest first, so that a short screening has seen some of each table. Under
more than one condition only what was good under one is looked at (`refined`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, combinations, islice, product

from medalist.pipelines.features.language.expression import Column, Condition, Feature, Node, feature
from medalist.pipelines.features.language.operator import proposed
from medalist.pipelines.features.search.columns import Columns
from medalist.pipelines.features.search.combinations import product_by_rank
from medalist.pipelines.features.search.table_profiles import MOST_NUMBERS, Joined, profile

MAX_JOINT_KEYS = 4  # columns shared with a further table, up to which it is joined by all of them at once too
COMPARED = 8  # numbers of train and test that are compared with what a table says, at most
IN_PAIRS = 10  # numbers of a table that are combined with each other, at most
INNER = 8  # numbers of a table two steps away, at most
FIRST = ("mean", "sum", "max", "min")  # aggregates of each number that come first
STEADY = ("mean", "sum", "max")  # aggregates under conditions
OUTER = ("mean", "max", "sum", "min")  # aggregates of what was made for each row of a table
MOST_CROSSED = 4  # good conditions that are put together with others, at most
MOST_REFINED = 80  # refinements of one candidate, at most


def joined_tables(columns: Columns) -> list[Joined]:
    """The further tables with each of the keys by which they may be joined, all keys of a table together first."""
    schema, found = columns.schema, []
    own_dates, ids = tuple(Column(name) for name in columns.dates[:2]), columns.join_keys
    for table in schema.tables:
        pairs = [(a, b) for a, b in schema.keys_of(table) if columns.joins_by(a)]
        shared = tuple(a for a, b in pairs if a == b)
        if 1 < len(shared) <= MAX_JOINT_KEYS:
            found.append(profile(columns.frame, schema, table, tuple(map(Column, shared)), shared, own_dates, ids))
        for a, b in pairs:
            by = (Column(a),) if a == b else (Column(a), Column(b, table))
            found.append(profile(columns.frame, schema, table, by, (b,), own_dates, ids))
    return found


def plain(columns: Columns, joined: Sequence[Joined]) -> Iterator[Feature]:
    """Numbers of rows, aggregates of single columns, and how numbers of train and test compare with them."""
    once, several = [j for j in joined if j.once], [j for j in joined if not j.once]
    yield from in_turns([_counts(j) for j in joined])
    yield from in_turns([_aggregates(j, FIRST) for j in several] + [_aggregates(j, ("value",)) for j in once])
    yield from in_turns([_of_categories(j) for j in joined])
    yield from in_turns([_compared(columns, j, "value") for j in once])
    yield from in_turns([_in_order(j) for j in several])
    others = tuple(op.removeprefix("table.") for op in proposed(("table",), grouped=True))
    yield from in_turns([_aggregates(j, [op for op in others if op not in FIRST]) for j in several])
    yield from in_turns([_compared(columns, j, "mean") for j in several])


def conditional(columns: Columns, joined: Sequence[Joined]) -> Iterator[Feature]:
    """Aggregates over some rows, of expressions over the rows, and over two tables."""
    several = [j for j in joined if not j.once]
    yield from in_turns(
        chain.from_iterable(
            (_under(j, j.windows), _under(j, j.levels), _of_expressions(j), _of_steps(columns, j)) for j in several
        )
    )


def refined(joined: Sequence[Joined], best: Iterable[Feature]) -> Iterator[Feature]:
    """What may be better than good candidates, two conditions at once, further conditions, other aggregates, the share
    that meets a condition. best: the best first."""
    of_tables = [f for f in best if f.measured is not None]
    crossed = [_crossed(j, [f for f in of_tables if (f.measured, f.by) == (j.table, j.by)]) for j in joined]
    together = in_turns(crossed)
    yield from islice(together, MOST_REFINED)
    yield from in_turns([together, *(islice(_refinements(joined, f), MOST_REFINED) for f in of_tables)])


def _crossed(joined: Joined, best: Sequence[Feature]) -> Iterator[Feature]:
    """Aggregates under two conditions of different columns, one of which was good alone; of the table's numbers too."""
    alone = dict.fromkeys(c for f in best for c in f.where if c not in joined.where)
    others = (*joined.windows, *joined.levels)
    pairs = [(a, b) for a, b in product_by_rank(list(alone)[:MOST_CROSSED], others) if a.column != b.column]
    made = [(f.op, f.args) for f in best if f.op != "ago"]
    numbers = [(op, (number,)) for number in joined.numbers[:COMPARED] for op in ("sum", "mean")]
    for (a, b), (op, args) in product_by_rank(pairs, list(dict.fromkeys([*made[:2], *numbers, *made[2:]]))):
        yield _where(_made(joined, op, *args, condition=a), joined, b)


def _refinements(joined: Sequence[Joined], f: Feature) -> Iterator[Feature]:
    of_table = next((j for j in joined if j.table == f.measured and j.by == f.by), None)
    if of_table is None or of_table.once:
        return
    if f.where != of_table.where:
        yield Feature("divide", (f, replace(f, where=of_table.where)))
        yield Feature("divide", (f, feature("count", of_table.key, by=f.by, where=f.where)))
    there = {c.column for c in f.where} - {c.column for c in of_table.where}
    for condition in (*of_table.levels, *of_table.windows):
        if condition.column not in there:
            yield _where(f, of_table, condition)
    if len(f.args) == 1:
        for op in FIRST:
            if op != f.op and f.op != "count":
                yield replace(f, op=op)
        for order in of_table.orders:
            for op in ("last", "first", "trend"):
                if f.op != "count":
                    yield replace(f, op=op, args=(*f.args, order))
    if f.op == "count":
        for number in of_table.numbers[:MOST_NUMBERS]:
            yield replace(f, op="mean", args=(number,))
            yield replace(f, op="sum", args=(number,))


def _where(f: Feature, joined: Joined, condition: Condition) -> Feature:
    """A feature under a further condition, in place of what all aggregates of its table need where it says more."""
    needed = [c for c in f.where if not (c in joined.where and c.column == condition.column and _is_before(condition))]
    return replace(f, where=(*needed, condition))


def _is_before(condition: Condition) -> bool:
    return isinstance(condition.value, Column)


def _made(joined: Joined, op: str, *args: Node, condition: Condition | None = None) -> Feature:
    made = feature(op, *args, by=joined.by, where=joined.where)
    return made if condition is None else _where(made, joined, condition)


def _counts(joined: Joined) -> Iterator[Feature]:
    yield _made(joined, "count", joined.key)


def _aggregates(joined: Joined, ops: Sequence[str]) -> Iterator[Feature]:
    for column in (*joined.numbers, *joined.dates):
        yield from (_made(joined, op, column) for op in ops)


def _compared(columns: Columns, joined: Joined, op: str) -> Iterator[Feature]:
    """Numbers of train and test with what a table says of the row."""
    for column, number in product(joined.numbers, columns.numbers[:COMPARED]):
        yield feature("subtract", number, _made(joined, op, column))
        yield feature("divide", number, _made(joined, op, column))


def _of_categories(joined: Joined) -> Iterator[Feature]:
    if not joined.once:
        yield from (_made(joined, "count", joined.key, condition=c) for c in joined.levels)
        every = dict.fromkeys((*joined.categories, *joined.numbers, *joined.dates))
        yield from (_made(joined, "distinct", c) for c in every)
        yield from (feature("target_mean", _made(joined, "mode", c)) for c in joined.categories)
    yield from (feature("target_mean", _made(joined, "label", c)) for c in joined.categories)


def _in_order(joined: Joined) -> Iterator[Feature]:
    """First and last values, trends, and the time since the last row."""
    yield from (feature("ago", date, own, by=joined.by) for date, own in product(joined.dates, joined.own_dates))
    for column, order in product_by_rank(joined.numbers[:MOST_NUMBERS], joined.orders):
        if column != order:
            yield from (_made(joined, op, column, order) for op in ("last", "trend", "first"))


def _under(joined: Joined, conditions: Sequence[Condition]) -> Iterator[Feature]:
    """Counts of rows and aggregates of numbers under each condition."""
    for condition in conditions:
        yield _made(joined, "count", joined.key, condition=condition)
    for column, condition in product_by_rank(joined.numbers[:MOST_NUMBERS], conditions):
        if column != condition.column:
            yield from (_made(joined, op, column, condition=condition) for op in STEADY)


def _of_expressions(joined: Joined) -> Iterator[Feature]:
    """Aggregates of quotients, differences and products of two numbers of a table, and of the time between its rows."""
    for order in joined.orders:
        if len(joined.keys) == 1:
            gap = feature("since_previous", order, by=(joined.key,))
            yield from (_made(joined, op, gap) for op in ("mean", "max", "min"))
    for a, b in sorted(combinations(range(min(len(joined.numbers), IN_PAIRS)), 2), key=sum):
        first, second = joined.numbers[a], joined.numbers[b]
        for made in (
            feature("divide", first, second),
            feature("divide", second, first),
            feature("subtract", first, second),
            feature("multiply", first, second),
        ):
            yield from (_made(joined, op, made) for op in OUTER[:2])


def _of_steps(columns: Columns, joined: Joined) -> Iterator[Feature]:
    """Aggregates over a table of what another table says of each of its rows."""
    schema = columns.schema
    for table, links in schema.links.items():
        for column, owner, key in links:
            if owner != joined.table or table in schema.times:
                continue
            by = (Column(key, owner),) if column == key else (Column(key, owner), Column(column, table))
            inner = profile(columns.frame, schema, table, by, (column,), (), columns.join_keys)
            made = partial(feature, by=by)
            steps = [made("count", Column(column, table))]
            steps += [made(op, number) for number in inner.numbers[:INNER] for op in ("sum", "mean", "max")]
            steps += [
                made(op, number, order)
                for number in inner.numbers[:INNER]
                for order in inner.orders[:1]
                for op in ("last", "trend")
                if number != order
            ]
            steps += [replace(steps[0], where=(c,)) for c in inner.levels]
            for step, op in product_by_rank(steps, OUTER):
                yield _made(joined, op, step)


def in_turns(sources: Iterable[Iterator[Feature]], size: int = 24) -> Iterator[Feature]:
    """Candidates of several sources, some of each in turn."""
    left = list(sources)
    while left:
        unfinished = []
        for source in left:
            turn = list(islice(source, size))
            yield from turn
            if len(turn) == size:
                unfinished.append(source)
        left = unfinished
