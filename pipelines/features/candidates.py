"""Candidates: which expressions are worth a look, from what the columns mean and what the model already uses.

The order is the judgment: what costs little and often decides comes first, then combinations in the order of the
columns' importance, pairs that the model splits on together before others. What a column is called plays no part, but
that `s1`, `s2` … are numbered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice, product
from typing import Any

import numpy as np

from competitions.errors import PipelineError
from pipelines.features.expression import Column, Feature, Node, feature
from pipelines.features.families import Profile, families, profile_of
from pipelines.features.frame import Frame
from pipelines.features.operators import operator_of
from pipelines.features.types import USES, Schema, check
from pipelines.features.words import shape_of

FEW = 64  # a number with no more values is a key as it is
MODULI = (2, 3, 4, 5, 7, 10, 12, 24, 60, 100)
STATISTICS = ("mean", "std", "min", "max", "median", "sum")
DATE_PARTS = (
    "hour",
    "weekday",
    "month",
    "day",
    "dayofyear",
    "week",
    "minute",
    "second",
    "quarter",
    "daytime",
    "elapsed",
)
ROW_OPERATORS = ("row_distinct", "row_repeats", "row_sorted", "row_gaps", "row_range", "row_zeros", "row_sum",
                 "row_min", "row_max", "row_std", "row_mean", "row_median", "row_argmax", "row_mode")  # fmt: skip
MOST_NUMBERS = 40  # that are paired with each other
MOST_KEYS = 30
WINDOWS = (7.0, 28.0, 91.0)  # in the unit of the time column, over which past targets are averaged
UNTIED = 0.95  # of the rows with an order of their own, for a number to be a time
REMEMBERED = 3000  # candidates among which those of proven shapes are looked for
SAMPLE = 20_000  # rows on which columns are looked at


@dataclass(frozen=True)
class Hints:
    """What is known of the columns beyond their values: importance in the model (by column), pairs of columns that it
    splits on together (best first), and how often features of a shape have been kept in earlier competitions."""

    importance: Mapping[str, float] = field(default_factory=dict)
    pairs: Sequence[tuple[str, str]] = ()
    shapes: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # kept, tested


@dataclass
class Candidates:
    """Makes candidates for a competition's columns. `frame` gives their values, `schema` their types."""

    schema: Schema
    frame: Frame
    hints: Hints = field(default_factory=Hints)
    forbidden: frozenset[str] = frozenset()  # columns that no candidate is made from
    ahead: tuple[str, float] | None = None  # the time column and how far test lies ahead of train, where it does

    def __post_init__(self) -> None:
        rows = np.linspace(0, self.frame.n - 1, min(SAMPLE, self.frame.n)).astype(int)
        names = [n for n in self.schema.columns if n not in self.forbidden]
        names.sort(key=lambda n: -self.hints.importance.get(n, 0.0))  # stable: otherwise in the order of the table
        self.profiles: dict[str, Profile] = {}
        self.distinct: dict[str, int] = {}
        self.numbers: list[str] = []
        self.dates: list[str] = []
        self.texts: list[str] = []
        self.keys: list[str] = []
        for name in names:
            uses = USES[self.schema.columns[name]]
            size = self.frame.key(Column(name)).size
            self.distinct[name] = size
            if size < 2:
                continue
            if "number" in uses:
                self.profiles[name] = profile_of(self.frame.number(Column(name))[rows])
                if self.profiles[name].distinct > 2:
                    self.numbers.append(name)
            if "date" in uses:
                self.dates.append(name)
            if "text" in uses and self.schema.columns[name] != "boolean" and size > 2:
                self.texts.append(name)
            if "key" in uses and "date" not in uses and size <= 0.5 * self.frame.n:
                self.keys.append(name)
        self.parts = {n: self._parts(n) for n in self.texts if self.distinct[n] > 30}
        self.whole = [n for n in self.numbers if self.profiles[n].whole]
        self.fine = [n for n in self.numbers if self.profiles[n].distinct > FEW]

    def _parts(self, name: str) -> tuple[Feature, ...]:
        """What a text's first part and the first word of its second field are, where they group rows anew."""
        made = (feature("part", name, 0), feature("field_word", name, 1, 0))
        return tuple(f for f in made if 2 < self.frame.key(f).size < 0.8 * self.distinct[name])

    def all(self) -> Iterator[Feature]:
        """Every candidate, well-typed and each once, the most promising first.

        What is of a shape that earlier competitions kept more often than not goes before the rest.
        """
        made = self._typed()
        if not self.hints.shapes:
            yield from made
            return
        ahead = list(islice(made, REMEMBERED))
        proven = [f for f in ahead if self.prior(f) > 0.5]
        yield from proven
        known = set(proven)
        yield from (f for f in ahead if f not in known)
        yield from made

    def _typed(self) -> Iterator[Feature]:
        seen: set[Feature] = set()
        for made in self._ordered():
            if made in seen:
                continue
            seen.add(made)
            if self._allowed(made):
                yield made

    def further(self, best: Sequence[Feature]) -> Iterator[Feature]:
        """Compositions of the best candidates so far with columns and with each other."""
        numbers: Sequence[Node] = [f for f in best if operator_of(f).gives == "number"][:8]
        grouping: list[Node] = [f.args[0] for f in best if f.op == "target_mean"]
        grouping += [f for f in best if operator_of(f).gives == "category"]
        keys = list(dict.fromkeys(grouping))[:10]
        blocks = [f for f in best if operator_of(f).gives == "numbers" and f.op.startswith("row_")]
        columns: list[Node] = [Column(n) for n in self.numbers[:12]]
        plain_keys = self._short_keys()[:14]
        seen: set[Feature] = set()

        def made() -> Iterator[Feature]:
            for key, other in product(keys, [*plain_keys, *keys]):
                if key != other:
                    yield feature("target_mean", feature("cross", key, other))
                    yield feature("count", feature("cross", key, other))
            for a, b in combinations(numbers, 2):
                yield from self._arithmetic(a, b)
                yield feature("hypotenuse", a, b)
            for number, column in product(numbers, columns):
                yield from self._arithmetic(number, column)
            for number, key in product(numbers, [*plain_keys[:6], *keys[:4]]):
                yield from self._within(number, (key,))
            for number in numbers:
                yield feature("target_mean", feature("bin", number, 24))
                for op, literal in (("fraction", None), ("digit", 1), ("digit", 2), ("mod", 7), ("mod", 10)):
                    yield feature(op, number) if literal is None else feature(op, number, literal)
                for key in plain_keys[:8]:
                    yield feature("target_mean", feature("cross", feature("bin", number, 12), key))
            for key, column in product(keys[:6], columns[:6]):
                yield from self._within(column, (key,))
            for a, b in combinations(blocks, 2):
                yield feature(
                    "target_mean", feature("cross", feature("row_distinct", *a.args), feature("row_distinct", *b.args))
                )

        for f in made():
            if f not in seen:
                seen.add(f)
                if self._allowed(f):
                    yield f

    def prior(self, made: Feature) -> float:
        """How likely a feature of this shape is kept, by earlier competitions: 0.5 where there were none."""
        kept, tested = self.hints.shapes.get(shape_of(made, self.schema.kinds), (0, 0)) if self.hints.shapes else (0, 0)
        return (kept + 1) / (tested + 2)

    def _allowed(self, made: Feature) -> bool:
        try:
            check(made, self.schema)
        except PipelineError:
            return False
        return not self.forbidden & set(made.columns)

    def _ordered(self) -> Iterator[Feature]:
        yield from self._single()
        yield from self._rows()
        yield from self._tables()
        yield from self._times()
        combined = [
            self._pairs(),
            self._crosses(),
            self._groups(),
            self._sequences(),
            self._triples(),
            self._pair_groups(),
            self._spaces(),
        ]
        # what combines columns takes turns, so that a short screening has seen some of each
        chunks: tuple[int, ...] = (60, 60, 90, 40, 15, 30, 2)
        while combined:
            rest, sizes = [], []
            for source, size in zip(combined, chunks, strict=True):
                chunk = list(islice(source, size))
                yield from chunk
                if len(chunk) == size:
                    rest.append(source)
                    sizes.append(size)
            combined, chunks = rest, tuple(sizes)

    # one column

    def _single(self) -> Iterator[Feature]:
        for name in self.keys:
            yield feature("count", name)
            if self.distinct[name] > 2:
                yield feature("target_mean", name)
        for name in self.texts:
            yield from self._strings(name)
        for name in self.numbers:
            profile = self.profiles[name]
            if profile.whole:
                span = profile.high - profile.low
                for modulus in MODULI:
                    if span >= 2 * modulus:
                        yield feature("mod", name, modulus)
                if span >= 100:
                    yield feature("digit", name, -1)
                    yield feature("digit", name, -2)
            else:
                for place in (1, 2, 3, 4):
                    yield feature("digit", name, place)
                yield feature("decimals", name)
                yield feature("fraction", name)
                yield feature("target_mean", feature("round", name, 0))
                yield feature("target_mean", feature("round", name, 1))
            if self.distinct[name] > 0.5 * self.frame.n:
                yield feature("count", name)
        for name in self.schema.columns:
            if name in self.distinct and name not in self.forbidden:
                yield feature("missing", name)
        everything = [n for n in self.schema.columns if n in self.distinct]
        if len(everything) > 2:
            yield feature("row_missing", *everything)

    def _strings(self, name: str) -> Iterator[Feature]:
        long = self.schema.columns[name] == "text"
        for op in ("length", "words", "parts"):
            yield feature(op, name)
        if self.distinct[name] > 10:
            parts = [feature("part", name, i) for i in (0, 1, 2, 3, -1)]
            parts += [feature("field", name, i) for i in (0, 1, 2, -1)]
            parts += [feature("field_word", name, i, j) for i in (0, 1) for j in (0, 1)]
            parts += [feature(op, name, k) for op in ("prefix", "suffix") for k in (1, 2, 3)]
            parts += [feature("character", name, k) for k in (0, 1, 2, 3, 4, -1, -2)]
            parts += [feature("letters", name), feature("pattern", name)]
            for part in parts:
                yield feature("target_mean", part)
                yield feature("count", part)
            for i in (0, 1, 2, 3, -1):
                yield feature("part_number", name, i)
            for number in (feature("field_number", name, 0), feature("first_number", name)):
                yield number
                for modulus in (2, 10):
                    yield feature("mod", number, modulus)
        if long:
            yield feature("text_shape", name)
            for matrix in (feature("tfidf", name), feature("char_tfidf", name)):
                yield feature("target_linear", matrix)
            yield feature("svd", feature("tfidf", name), 24)

    # rows, further tables, times

    def _rows(self) -> Iterator[Feature]:
        for members in families(self.profiles):
            few = len(members) <= 12
            for op in ROW_OPERATORS:
                if few or op not in ("row_sorted", "row_gaps", "row_repeats"):
                    yield feature(op, *members)
            if few:
                yield feature("target_mean", feature("row_mode", *members))
                yield feature("target_mean", feature("row_argmax", *members))

    def _tables(self) -> Iterator[Feature]:
        for table, columns in self.schema.tables.items():
            for key in [c for c in columns if c in self.schema.columns]:
                by = (Column(key),)
                yield feature("count", Column(key, table), by=by)
                for name, kind in columns.items():
                    if name == key:
                        continue
                    column = Column(name, table)
                    if "number" in USES[kind] or "date" in USES[kind]:
                        for op in ("mean", "sum", "min", "max", "std", "median", "value"):
                            made = feature(op, column, by=by)
                            yield made
                            if op in ("mean", "value"):
                                for own in self.numbers[:8]:
                                    yield feature("subtract", own, made)
                                    yield feature("divide", own, made)
                    yield feature("distinct", column, by=by)
                    if "text" in USES[kind] or kind == "boolean":
                        yield feature("target_mean", feature("mode", column, by=by))
                        yield feature("target_mean", feature("label", column, by=by))

    def _times(self) -> Iterator[Feature]:
        yield from self._past_targets()
        for name in self.dates:
            for part in DATE_PARTS:
                yield feature(part, name)
            for part in ("hour", "weekday", "month"):
                yield feature("target_mean", feature(part, name))
            yield feature("count", name)
            yield feature("target_mean", feature("cross", feature("hour", name), feature("weekday", name)))
        for a, b in combinations(self.dates, 2):
            yield feature("days", a, b)
            yield feature("mod", feature("round", feature("days", a, b), 0), 7)

    def _past_targets(self) -> Iterator[Feature]:
        """What the target was in the same groups, far enough back to be known for every row of test."""
        if self.ahead is None or self.ahead[0] not in self.distinct or self.ahead[0] in self.forbidden:
            return
        time, horizon = self.ahead
        groups = [n for n in self.keys if n != time and self.distinct[n] <= max(FEW, self.frame.n // 20)][:5]
        keys = [by for size in range(len(groups), 0, -1) for by in combinations(groups, size)]
        for by in keys:
            for back in (horizon, 7.0 * -(-horizon // 7)):  # by whole weeks, so that weekdays meet
                for window in WINDOWS:
                    yield feature("target_lag", time, back, back + window, by=tuple(map(Column, by)))
            yield feature("target_lag", time, horizon, by=tuple(map(Column, by)))

    # combinations

    def _short_keys(self) -> list[Node]:
        """Keys with few enough values to be crossed, the most important first; numbers with many in bins."""
        found: list[tuple[float, Node]] = []
        for place, name in enumerate(self.distinct):
            importance = self.hints.importance.get(name, 0.0) - 1e-6 * place
            if name in self.keys and self.distinct[name] <= max(FEW, self.frame.n // 20):
                found.append((importance, Column(name)))
            elif name in self.fine:
                found.append((importance - 0.01, feature("bin", name, 16)))
            if name in self.dates:
                found += [(importance - 1e-7 * i, feature(p, name)) for i, p in enumerate(("hour", "weekday", "month"))]
            found += [(importance - 0.02, part) for part in self.parts.get(name, ())]
        return [node for _, node in sorted(found, key=lambda f: -f[0])][:MOST_KEYS]

    def _pairs(self) -> Iterator[Feature]:
        ranked = self.numbers[:MOST_NUMBERS]
        for a, b in [*self._hinted(ranked), *_by_rank(ranked)]:
            yield from self._arithmetic(Column(a), Column(b))
            if self.profiles[a].whole and self.profiles[b].whole:
                yield feature("equal", a, b)
        texts = [k for k in self.keys if k not in self.profiles]
        for a, b in combinations(texts[:12], 2):
            yield feature("equal", a, b)

    def _hinted(self, within: Sequence[str]) -> list[tuple[str, str]]:
        return [(a, b) for a, b in self.hints.pairs if a in within and b in within]

    def _arithmetic(self, a: Node, b: Node) -> Iterator[Feature]:
        yield feature("divide", a, b)
        yield feature("divide", b, a)
        yield feature("subtract", a, b)
        yield feature("add", a, b)
        yield feature("multiply", a, b)

    def _crosses(self) -> Iterator[Feature]:
        keys = self._short_keys()
        wide = [Column(n) for n in self.keys if Column(n) not in keys][:8]
        for a, b in _by_rank(keys):
            yield feature("target_mean", feature("cross", a, b))
            yield feature("count", feature("cross", a, b))
        for a, b in product(wide, keys[:8]):
            yield feature("target_mean", feature("cross", a, b))
            yield feature("count", feature("cross", a, b))
        for a, b in combinations(wide, 2):
            yield feature("target_mean", feature("cross", a, b))
            yield feature("count", feature("cross", a, b))

    def _triples(self) -> Iterator[Feature]:
        keys = self._short_keys()
        for most, size in ((5, 3), (5, 4), (10, 3), (7, 4)):
            for some in combinations(keys[:most], size):
                yield feature("target_mean", feature("cross", *some))
                yield feature("count", feature("cross", *some))

    def _within(self, number: Node, by: tuple[Node, ...]) -> Iterator[Feature]:
        mean = feature("mean", number, by=by)
        yield feature("subtract", number, mean)
        yield feature("divide", number, mean)
        yield feature("rank", number, by=by)
        for op in STATISTICS:
            yield feature(op, number, by=by)

    def _groups(self) -> Iterator[Feature]:
        keys: list[Node] = [k for k in self._short_keys() if not (isinstance(k, Feature) and k.op == "bin")]
        keys += [Column(n) for n in self.keys if Column(n) not in keys]
        for key, name in _product_by_rank(keys[:16], self.numbers[:30]):
            if key != Column(name):
                yield from self._within(Column(name), (key,))
        for a, b in _by_rank(keys[:16]):
            yield feature("distinct", a, by=(b,))
            yield feature("distinct", b, by=(a,))
        for name, date in product(self.numbers[:6], self.dates[:2]):
            yield from self._within(Column(name), (feature("dayofyear", date),))

    def _pair_groups(self) -> Iterator[Feature]:
        keys = [k for k in self._short_keys() if not (isinstance(k, Feature) and k.op == "bin")]
        for pair, name in _product_by_rank(list(combinations(keys[:6], 2)), self.numbers[:12]):
            if Column(name) not in pair:
                yield from self._within(Column(name), pair)

    def _sequences(self) -> Iterator[Feature]:
        """What came before, by key, where a column orders the rows."""
        keys = [n for n in self.keys if self.distinct[n] <= self.frame.n / 3][:8]
        for t in [*self.dates[:3], *self._numbered_rows()[:4]]:
            grouped: list[tuple[Node, ...]] = [(Column(k),) for k in keys if k != t and self._orders(t, k)]
            if t in self.dates or self.distinct[t] > UNTIED * self.frame.n:
                grouped.append(())
            for by in grouped:
                yield feature("since_previous", t, by=by)
                yield feature("until_next", t, by=by)
                if by:
                    yield feature("position", t, by=by)
                    since = feature("elapsed", t) if t in self.dates else Column(t)
                    yield feature("subtract", since, feature("min", since, by=by))
            for by, name in _product_by_rank(grouped, [n for n in self.numbers if n != t][:16]):
                before = feature("lag", name, t, 1, by=by)
                yield before
                yield feature("subtract", name, before)
                yield feature("lag", name, t, -1, by=by)
                for op, width in (("rolling_mean", 3), ("rolling_mean", 10), ("rolling_std", 10), ("rolling_max", 5)):
                    yield feature(op, name, t, width, by=by)
                yield feature("expanding_mean", name, t, by=by)
                yield feature("lag", name, t, 2, by=by)
                yield feature("divide", name, before)

    def _numbered_rows(self) -> list[str]:
        """Whole numbers that may say in which order rows came."""
        return [n for n in self.schema.columns if n in self.whole and n not in self.dates and self.distinct[n] >= 20]

    def _orders(self, t: str, key: str) -> bool:
        """Whether a date or a whole number has hardly a value twice within the groups of a key."""
        return t in self.dates or self.frame.keys((Column(t), Column(key))).size >= UNTIED * self.frame.n

    def _spaces(self) -> Iterator[Feature]:
        top = (self.fine or self.numbers)[:6]
        for a, b in [*self._hinted(top)[:3], *combinations(top, 2)]:
            yield feature("target_neighbours", a, b, 24)
        for k in (24, 100):
            for a, b in combinations(top[:4], 2):
                yield feature("target_mean", feature("kmeans", a, b, k))
        for triple in combinations(top[:4], 3):
            yield feature("target_neighbours", *triple, 24)
        if len(self.numbers) >= 4:
            yield feature("pca", *self.numbers[:30], min(6, len(self.numbers) - 1))


def _by_rank(items: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Pairs of items, those of low ranks together first."""
    for total in range(1, 2 * len(items)):
        for i in range(max(0, total - len(items) + 1), (total + 1) // 2):
            yield items[i], items[total - i]


def _product_by_rank(first: Sequence[Any], second: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    for total in range(len(first) + len(second) - 1):
        for i in range(max(0, total - len(second) + 1), min(len(first), total + 1)):
            yield first[i], second[total - i]
