"""The columns that candidates are made from, listed by their uses, the most important first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.language.expression import Column, Feature, Node, feature
from medalist.pipelines.features.schema import USES, Schema
from medalist.pipelines.features.search.column_families import Profile, profile_of

FEW_LEVELS = 64  # distinct values up to which a number or a key is crossed without bins
KEY_BINS = 16  # bins of a number that is used as a key
MOST_KEYS = 30  # keys that are crossed with each other, at most
MIN_ROWS_PER_LEVEL = 20  # mean rows per value of a key that is crossed, at least
MIN_DISTINCT_SHARE = 0.95  # distinct values per row, from which on a column is taken to order the rows
PROFILE_ROWS = 20_000  # rows on which profiles are computed
LENGTH_ROWS = 1000  # texts by which the mean length of a column is estimated


@dataclass(frozen=True)
class Hints:
    """Evidence of a model and of earlier competitions on which columns and features are promising.

    importance: of each column in the model, by name. shapes: (kept, tested) features in earlier competitions, by shape.
    pairs, triples: columns that interact in the model (see `Trees.interactions`), the strongest first.
    """

    importance: Mapping[str, float] = field(default_factory=dict)
    shapes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    pairs: Sequence[tuple[str, ...]] = ()
    triples: Sequence[tuple[str, ...]] = ()


@dataclass
class Columns:
    """The columns that candidates may be made from, with values in `frame` and types in `schema`.

    A column may be in several lists, each with the most important column first; constant columns are in none:

    distinct: number of distinct values (counting missing) of every column, by name. profiles: of numeric columns, by
    name. numbers: numeric columns with more than two values; of these, whole: integers, and continuous: with more than
    FEW_LEVELS values. dates: dates. texts: columns usable as text with more than two values. keys: columns that may
    group rows, except dates and those with more values than half the rows. parts: features of parts of a text, by
    column.
    """

    schema: Schema
    frame: Frame
    hints: Hints = field(default_factory=Hints)
    forbidden: frozenset[str] = frozenset()  # names of columns that are not used
    numeric_target: bool = False  # whether the target is a number with more than two values
    join_keys: frozenset[str] = frozenset()  # forbidden columns that may be keys of further tables all the same

    def __post_init__(self) -> None:
        rows = np.linspace(0, self.frame.n - 1, min(PROFILE_ROWS, self.frame.n)).astype(int)
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
        self.continuous = [n for n in self.numbers if self.profiles[n].distinct > FEW_LEVELS]

    def joins_by(self, name: str) -> bool:
        """Whether a column may be the key of a further table."""
        return name not in self.forbidden or name in self.join_keys

    def _parts(self, name: str) -> tuple[Feature, ...]:
        """Features of the first part of a text and the first word of its second field, where they have clearly fewer
        values."""
        parts = (feature("part", name, 0), feature("field_word", name, 1, 0))
        return tuple(f for f in parts if 2 < self.frame.key(f).size < 0.8 * self.distinct[name])

    def short_keys(self) -> list[Node]:
        """Keys to be crossed: those with few enough values, binned numbers, parts of dates and texts; the most
        important first, at most MOST_KEYS."""
        keys: list[tuple[float, Node]] = []
        for place, name in enumerate(self.distinct):
            importance = self.hints.importance.get(name, 0.0) - 1e-6 * place
            if name in self.keys and self.distinct[name] <= max(FEW_LEVELS, self.frame.n // MIN_ROWS_PER_LEVEL):
                keys.append((importance, Column(name)))
            elif name in self.continuous:
                keys.append((importance - 0.01, feature("bin", name, KEY_BINS)))
            if name in self.dates:
                keys += [(importance - 1e-7 * i, feature(p, name)) for i, p in enumerate(("hour", "weekday", "month"))]
            keys += [(importance - 0.02, part) for part in self.parts.get(name, ())]
        return [node for _, node in sorted(keys, key=lambda k: -k[0])][:MOST_KEYS]

    def length_of(self, name: str) -> float:
        """Mean number of characters of a column of text, estimated on a sample; 0 where all are missing."""
        values = self.frame.column(name).dropna()
        sample = values.iloc[:: max(1, len(values) // LENGTH_ROWS)]
        return float(np.mean([len(str(v)) for v in sample])) if len(sample) else 0.0

    def as_key(self, name: str) -> Node | None:
        """A column as a key that may be crossed: itself, or in bins for a continuous number; None for any other."""
        if name in self.keys:
            return Column(name)
        return feature("bin", name, KEY_BINS) if name in self.continuous else None

    def numbered_rows(self) -> list[str]:
        """Names of integer columns with 20 or more distinct values, which may be a running number of the rows in
        time."""
        return [n for n in self.schema.columns if n in self.whole and n not in self.dates and self.distinct[n] >= 20]

    def orders(self, t: str, *keys: str, check_dates: bool = False) -> bool:
        """Whether the column `t` has almost no ties within the groups of `keys`, so that it orders their rows.

        Taken for granted of a date, unless `check_dates`.
        """
        if t in self.dates and not check_dates:
            return True
        return self.frame.keys((Column(t), *map(Column, keys))).size >= MIN_DISTINCT_SHARE * self.frame.n
