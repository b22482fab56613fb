"""What the columns are: the sorts that candidates are made from, the most important columns of each first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.language.expression import Column, Feature, Node, feature
from medalist.pipelines.features.schema import USES, Schema
from medalist.pipelines.features.search.like_columns import Profile, profile_of

FEW = 64  # a number with no more values is a key as it is
MOST_KEYS = 30  # that are crossed with each other
UNTIED = 0.95  # of the rows with an order of their own, for a number to be a time
SAMPLE = 20_000  # rows on which columns are looked at
LOOKED_AT = 1000  # texts whose length is measured


@dataclass(frozen=True)
class Hints:
    """What is known of the columns beyond their values: importance in the model (by column), how often features of a
    shape have been kept in earlier competitions, and pairs and triples of columns that the model splits on together
    (best first)."""

    importance: Mapping[str, float] = field(default_factory=dict)
    shapes: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # kept, tested
    pairs: Sequence[tuple[str, ...]] = ()
    triples: Sequence[tuple[str, ...]] = ()


@dataclass
class Columns:
    """The columns that candidates may be made from. `frame` gives their values, `schema` their types.

    A column is of several sorts where it may be used in several ways, and of none where it has one value only.
    distinct: how many values a column has. profiles: of what can be a number. numbers: those with more than two values;
    whole, fine: those of them without decimals, with many values. parts: by text, what groups rows anew.
    """

    schema: Schema
    frame: Frame
    hints: Hints = field(default_factory=Hints)
    forbidden: frozenset[str] = frozenset()  # columns that are left out
    valued: bool = False  # whether the target has more than two values that are no classes

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

    def short_keys(self) -> list[Node]:
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

    def length_of(self, name: str) -> float:
        """Mean number of characters of a column of text, on some rows that have one."""
        values = self.frame.column(name).dropna()
        some = values.iloc[:: max(1, len(values) // LOOKED_AT)]
        return float(np.mean([len(str(v)) for v in some])) if len(some) else 0.0

    def as_key(self, name: str) -> Node | None:
        """A column as a key that may be crossed with others: in bins where it is a number of many values."""
        if name in self.keys:
            return Column(name)
        return feature("bin", name, 16) if name in self.fine else None

    def numbered_rows(self) -> list[str]:
        """Whole numbers that may say in which order rows came."""
        return [n for n in self.schema.columns if n in self.whole and n not in self.dates and self.distinct[n] >= 20]

    def orders(self, t: str, *keys: str, surely: bool = False) -> bool:
        """Whether a date or a whole number has hardly a value twice within the groups of keys; of a date that is taken
        for granted, unless `surely`."""
        if t in self.dates and not surely:
            return True
        return self.frame.keys((Column(t), *map(Column, keys))).size >= UNTIED * self.frame.n
