"""Candidates: which expressions are worth a look, from what the columns mean and what the model already uses.

The order is the judgment: what costs little and often decides comes first, then combinations in the order of the
columns' importance, pairs that the model splits on together before others. What a column is called plays no part, but
that `s1`, `s2` … are numbered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.language.expression import Feature
from medalist.pipelines.features.language.shapes import shape_of
from medalist.pipelines.features.schema import Schema
from medalist.pipelines.features.search import combinations, templates
from medalist.pipelines.features.search.column_sorts import Columns, Hints
from medalist.pipelines.features.typing import check

REMEMBERED = 3000  # candidates among which those of proven shapes are looked for


@dataclass
class Candidates:
    """Makes candidates for a competition's columns. `frame` gives their values, `schema` their types."""

    schema: Schema
    frame: Frame
    hints: Hints = field(default_factory=Hints)
    forbidden: frozenset[str] = frozenset()  # columns that no candidate is made from
    ahead: tuple[str, float] | None = None  # the time column and how far test lies ahead of train, where it does
    valued: bool = False  # whether the target has more than two values that are no classes

    def __post_init__(self) -> None:
        self.columns = Columns(self.schema, self.frame, self.hints, self.forbidden, self.valued)

    def all(self) -> Iterator[Feature]:
        """Every candidate, well-typed and each once, the most promising first.

        What is of a shape that earlier competitions kept more often than not goes before the rest.
        """
        made = self._typed(self._ordered())
        if not self.hints.shapes:
            yield from made
            return
        ahead = list(islice(made, REMEMBERED))
        proven = [f for f in ahead if self.prior(f) > 0.5]
        yield from proven
        known = set(proven)
        yield from (f for f in ahead if f not in known)
        yield from made

    def further(self, best: Sequence[Feature]) -> Iterator[Feature]:
        """Compositions of the best candidates so far with columns and with each other."""
        return self._typed(combinations.further(self.columns, best))

    def prior(self, made: Feature) -> float:
        """How likely a feature of this shape is kept, by earlier competitions: 0.5 where there were none."""
        kept, tested = self.hints.shapes.get(shape_of(made, self.schema.kinds), (0, 0)) if self.hints.shapes else (0, 0)
        return (kept + 1) / (tested + 2)

    def _typed(self, candidates: Iterable[Feature]) -> Iterator[Feature]:
        """Those that are well-typed and made from columns that are allowed, each once."""
        seen: set[Feature] = set()
        for made in candidates:
            if made not in seen:
                seen.add(made)
                if self._allowed(made):
                    yield made

    def _allowed(self, made: Feature) -> bool:
        try:
            check(made, self.schema)
        except PipelineError:
            return False
        return not self.forbidden & set(made.columns)

    def _ordered(self) -> Iterator[Feature]:
        yield from templates.single(self.columns)
        yield from templates.rows(self.columns)
        yield from templates.tables(self.columns)
        yield from templates.times(self.columns, self.ahead)
        combined = [
            combinations.pairs(self.columns),
            combinations.crosses(self.columns),
            combinations.groups(self.columns),
            combinations.sequences(self.columns, past_only=self.ahead is not None),
            combinations.triples(self.columns),
            combinations.pair_groups(self.columns),
            combinations.spaces(self.columns),
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
