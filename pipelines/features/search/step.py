"""One step of the search for features, as a child process runs it: candidates, screening, and a test by trees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from medalist.pipelines.features.language.expression import Feature
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.registry import is_supervised
from medalist.pipelines.features.language.steering import Steering
from medalist.pipelines.features.schema import Schema
from medalist.pipelines.features.search.candidates import Candidates
from medalist.pipelines.features.search.columns import Hints
from medalist.pipelines.features.search.sampling import Sample
from medalist.pipelines.features.search.scoring import ScoredFeature
from medalist.pipelines.features.search.screening import Screener
from medalist.pipelines.features.search.tree_screening import Trees
from medalist.pipelines.features.store import FeatureStore

MOST_USED = 24  # further candidates that trees may select, at most
FEW_ROWS = 1000  # rows on which it is checked whether the target has more than two values
TREES_SHARE = 0.3  # share of a step's time for trees


@dataclass(frozen=True)
class ScreenRequest:
    """The input of a step of the search.

    step: number of the step. data_file: an .npz file with `rows` (s,), `residual` (s, T) and `target` (s, T), and where
    rows are not independent `units` (s,), as in `Sample`. base: features of the model whose residual it is. schema:
    types of the columns. classes: number of classes of a multiclass target, else 0. importance: of each column in that
    model, by name. add: features that a user wants tested, scored first. forbidden_columns: columns that no candidate
    may use, but for `join_keys` in joining further tables. tested: features that were tested before.
    forbidden_features: texts of features or columns that a user forbids. shapes: as in `Hints`. limit: number of scored
    candidates, at most. ahead: the time column and test's horizon in it, where test lies after train.
    """

    step: int
    data_file: Path
    base: tuple[str, ...]
    schema: Schema
    classes: int
    importance: Mapping[str, float] = field(default_factory=dict)
    add: tuple[str, ...] = ()
    forbidden_columns: frozenset[str] = frozenset()
    join_keys: frozenset[str] = frozenset()
    tested: frozenset[str] = frozenset()
    forbidden_features: tuple[str, ...] = ()
    shapes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    seed: int = 0
    limit: int = 20_000
    ahead: tuple[str, float] | None = None


@dataclass(frozen=True)
class ScreenResult:
    """The outcome of a step.

    picks, redundant, screened, threshold, best: as in `Screening`. used: further candidates that trees select. idle:
    features of the model that trees do not use (see `Trees.idle`). seconds: the time of the screening.
    """

    step: int
    picks: tuple[ScoredFeature, ...]
    used: tuple[ScoredFeature, ...]
    redundant: tuple[ScoredFeature, ...]
    idle: tuple[str, ...]
    screened: int
    threshold: float
    best: ScoredFeature | None
    seconds: float

    @classmethod
    def empty(cls, step: int, seconds: float) -> ScreenResult:
        """The result of a step that scored nothing."""
        return cls(step, (), (), (), (), 0, 0.0, None, round(seconds, 3))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` is the inverse."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> ScreenResult:
        """The result from what `as_dict` returned. pydantic's ValidationError for anything else."""
        from pydantic import TypeAdapter

        return TypeAdapter(cls).validate_python(document)


def screen(store: FeatureStore, request: ScreenRequest, began: float, deadline: float) -> ScreenResult:
    """Run a step of the search on the features of a store.

    began, deadline: in seconds of `awake()`; an infinite deadline makes the result independent of speed.
    """
    with np.load(request.data_file) as data:
        rows, residual, target = data["rows"], data["residual"], data["target"]
        units = data.get("units")
    sample = Sample(store, rows, residual, target, request.seed, units, request.schema)
    screener = Screener(sample, began + (1 - TREES_SHARE) * (deadline - began), test_is_later=request.ahead is not None)
    trees = Trees(screener, request.base, request.classes, request.seed)
    interactions = trees.interactions()
    candidates = Candidates(
        request.schema,
        sample.frame,
        Hints(request.importance, request.shapes, interactions[2], interactions[3]),
        request.forbidden_columns,
        request.ahead,
        join_keys=request.join_keys,
        numeric_target=request.classes == 0 and len(np.unique(target[:FEW_ROWS])) > 2,
    )
    steering = Steering(forbid=request.forbidden_features)

    def allowed(features: Iterable[Feature]) -> Iterator[Feature]:
        return (f for f in features if str(f) not in request.tested and not steering.forbids(f))

    def in_order() -> Iterator[Feature]:
        yield from map(parse, request.add)
        yield from allowed(candidates.all())

    def compositions(best: Sequence[Feature]) -> Iterator[Feature]:
        return allowed(candidates.compositions(best))

    screening = screener.run(in_order(), request.base, compositions, request.limit)
    screener.deadline = deadline
    by_text = {f.text: f for f in screening.promising}
    picked = tuple(p.text for p in screening.picks)
    likely = sorted(by_text, key=lambda t: -candidates.prior(parse(t)))
    if screening.picks:  # what trees would use in addition to the picks
        trees = Trees(screener, (*request.base, *picked), request.classes, request.seed)
    # trees favour supervised features over all others, so the two are not compared with each other
    supervised = [t for t in likely if is_supervised(parse(t))]
    plain = trees.used([t for t in likely if t not in set(supervised)], MOST_USED // 2)
    used = [t for pair in zip_longest(plain, trees.used(supervised, MOST_USED // 2)) for t in pair if t is not None]
    return ScreenResult(
        request.step,
        screening.picks,
        tuple(by_text[t] for t in used if t not in picked),
        (*screening.redundant, *(_as_duplicate(by_text[t]) for t in dict.fromkeys(trees.duplicates))),
        tuple(t for t in trees.idle() if t in request.base) if not screener.is_over else (),
        screening.screened,
        screening.threshold,
        screening.best,
        screening.seconds,
    )


def _as_duplicate(scored: ScoredFeature) -> ScoredFeature:
    return replace(scored, status="redundant", reason="ranks the rows as a column of the model or a better one does")


def columns_of(importance: Mapping[str, float]) -> dict[str, float]:
    """Importance by column of the table, from importance by column of a matrix (`text` or `text[i]` of a feature).

    A feature's importance is divided equally among the columns that it is made from.
    """
    total: dict[str, float] = {}
    for name, value in importance.items():
        columns = parse(feature_of(name)).columns
        for column in columns:
            total[column] = total.get(column, 0.0) + value / len(columns)
    return total


def feature_of(name: str) -> str:
    """The text of the feature that a column of a matrix belongs to: its name without an index in brackets."""
    head, bracket, tail = name.rpartition("[")
    return head if bracket and tail.endswith("]") and tail[:-1].isdigit() else name
