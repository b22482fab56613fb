"""Candidates: which expressions the search tries, and in which order.

Some combinations of the columns that interact most in the model come first, then features of single columns, then
further combinations in the order of the columns' importance, with pairs that interact before others. Names of columns
are not used, except that `s1`, `s2` … are a family.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.language.expression import Feature, input_columns
from medalist.pipelines.features.language.shapes import shape_of
from medalist.pipelines.features.schema import Schema
from medalist.pipelines.features.search import combinations, relations, templates
from medalist.pipelines.features.search.columns import Columns, Hints
from medalist.pipelines.features.search.table_profiles import Joined
from medalist.pipelines.features.typing import check

MAX_REORDERED = 3000  # candidates among which those of proven shapes are moved to the front
TURN_SIZES = (
    120,
    240,
    60,
    60,
    90,
    40,
    15,
    30,
    2,
)  # candidates of each kind of combination in one round of taking turns
FIRST_OF_TABLES = 400  # candidates of further tables that come before combinations, at most
FIRST_PAIRED = 30  # combinations of the columns that interact most in the model, which come first
FIRST_CROSSED = 6  # the same of categories


@dataclass
class Candidates:
    """Generates candidates from a competition's columns, with values in `frame` and types in `schema`."""

    schema: Schema
    frame: Frame
    hints: Hints = field(default_factory=Hints)
    forbidden: frozenset[str] = frozenset()  # names of columns that no candidate may use
    ahead: tuple[str, float] | None = None  # the time column and test's horizon in it, where test lies after train
    numeric_target: bool = False  # whether the target is a number with more than two values
    join_keys: frozenset[str] = frozenset()  # forbidden columns that may be keys of further tables all the same

    def __post_init__(self) -> None:
        self.columns = Columns(self.schema, self.frame, self.hints, self.forbidden, self.numeric_target, self.join_keys)

    def all(self) -> Iterator[Feature]:
        """Every candidate, well-typed and each once, the most promising first.

        Among the first MAX_REORDERED, those whose `prior` exceeds one half come before the others.
        """
        candidates = self._typed(self._ordered())
        first = list(islice(candidates, MAX_REORDERED)) if self.hints.shapes else []
        proven = {f: None for f in first if self.prior(f) > 0.5}
        yield from proven
        yield from (f for f in first if f not in proven)
        yield from candidates

    def compositions(self, best: Sequence[Feature]) -> Iterator[Feature]:
        """Compositions of the best candidates so far with columns and with each other."""
        of_tables = relations.refined(self._joined, best)
        return self._typed(relations.in_turns([of_tables, combinations.compositions(self.columns, best)], size=60))

    @cached_property
    def _joined(self) -> list[Joined]:
        return relations.joined_tables(self.columns)

    def prior(self, candidate: Feature) -> float:
        """The Laplace-smoothed share of features of this shape that were kept in earlier competitions; 0.5 without
        any."""
        kept, tested = (
            self.hints.shapes.get(shape_of(candidate, self.schema.kinds), (0, 0)) if self.hints.shapes else (0, 0)
        )
        return (kept + 1) / (tested + 2)

    def _typed(self, candidates: Iterable[Feature]) -> Iterator[Feature]:
        """The candidates that are well-typed and use no forbidden column, each once."""
        seen: set[Feature] = set()
        for candidate in candidates:
            if candidate not in seen:
                seen.add(candidate)
                if self._allowed(candidate):
                    yield candidate

    def _allowed(self, candidate: Feature) -> bool:
        try:
            check(candidate, self.schema)
        except PipelineError:
            return False
        inputs = set(candidate.columns) - self.join_keys | set(input_columns(candidate))
        return not self.forbidden & inputs

    def _ordered(self) -> Iterator[Feature]:
        yield from templates.holidays(self.columns)
        if self.hints.pairs:  # before all else, since of large tables a short screening sees little more
            yield from islice(combinations.pairs(self.columns), FIRST_PAIRED)
            yield from islice(combinations.crosses(self.columns), FIRST_CROSSED)
        if self.ahead is not None:  # where test lies after train, calendar and past are likelier to count
            yield from templates.seasons(self.columns, self.ahead[0])
            yield from combinations.recent(self.columns, self.ahead[0])
        yield from templates.single(self.columns)
        yield from templates.rows(self.columns)
        plain = relations.plain(self.columns, self._joined)
        yield from islice(plain, FIRST_OF_TABLES)
        yield from templates.times(self.columns, self.ahead)
        combined = [
            plain,
            relations.conditional(self.columns, self._joined),
            combinations.pairs(self.columns),
            combinations.crosses(self.columns),
            combinations.groups(self.columns),
            combinations.sequences(self.columns, past_only=self.ahead is not None),
            combinations.triples(self.columns),
            combinations.pair_groups(self.columns),
            combinations.spaces(self.columns),
        ]
        # the kinds of combinations take turns, so that a short screening has seen some of each
        sources = list(zip(combined, TURN_SIZES, strict=True))
        while sources:
            unfinished = []
            for source, size in sources:
                turn = list(islice(source, size))
                yield from turn
                if len(turn) == size:
                    unfinished.append((source, size))
            sources = unfinished
