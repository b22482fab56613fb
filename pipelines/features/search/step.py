"""One step of the search for features, as a child process does it: candidates, screening, and what trees would use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from medalist.pipelines.features.search.column_sorts import Hints
from medalist.pipelines.features.search.scoring import Found
from medalist.pipelines.features.search.screening import Screen, Screening
from medalist.pipelines.features.search.tree_screening import Trees
from medalist.pipelines.features.store import FeatureStore

MOST_USED = 24
FEW_ROWS = 1000  # that tell whether a target has two values
TREES_SHARE = 0.3  # of the time, for trees


@dataclass(frozen=True)
class ScreenRequest:
    """What a step of the search starts from.

    material: .npz with rows (s,) of train that may be looked at, residual (s, T) and target (s, T) of them, on the
    fitted scale. base: features of the model whose residual it is. importance: of columns in that model. add: features
    that a person asked for, looked at first. forbidden: columns that no candidate is made from. not_again: features
    that were tested in vain. forbid: what a person rules out. shapes: how often features of a shape were kept and
    tested in earlier competitions. limit: most candidates. ahead: the time column, and how far test lies ahead of
    train where it lies after it.
    """

    step: int
    material: Path
    base: tuple[str, ...]
    schema: Schema
    classes: int
    importance: Mapping[str, float] = field(default_factory=dict)
    add: tuple[str, ...] = ()
    forbidden: frozenset[str] = frozenset()
    not_again: frozenset[str] = frozenset()
    forbid: tuple[str, ...] = ()
    shapes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    seed: int = 0
    limit: int = 20_000
    ahead: tuple[str, float] | None = None


@dataclass(frozen=True)
class ScreenResult:
    """What a step found: picks (each explains what the model leaves), what trees would use besides, and columns of the
    model that are idle."""

    step: int
    picks: tuple[Found, ...]
    used: tuple[Found, ...]
    redundant: tuple[Found, ...]
    idle: tuple[str, ...]
    screened: int
    threshold: float
    best: Found | None
    seconds: float

    @classmethod
    def empty(cls, step: int, seconds: float) -> ScreenResult:
        """The result of a step that found nothing."""
        return cls(step, (), (), (), (), 0, 0.0, None, round(seconds, 3))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, to be kept as JSON."""
        lists = {n: [vars(f) for f in getattr(self, n)] for n in ("picks", "used", "redundant")}
        best = None if self.best is None else vars(self.best)
        rest = {n: getattr(self, n) for n in ("step", "screened", "threshold", "seconds")}
        return {**lists, **rest, "best": best, "idle": list(self.idle)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> ScreenResult:
        found = {n: tuple(Found(**f) for f in document[n]) for n in ("picks", "used", "redundant")}
        return cls(
            step=document["step"],
            picks=found["picks"],
            used=found["used"],
            redundant=found["redundant"],
            idle=tuple(document["idle"]),
            screened=document["screened"],
            threshold=document["threshold"],
            best=None if document["best"] is None else Found(**document["best"]),
            seconds=document["seconds"],
        )


def screen(store: FeatureStore, request: ScreenRequest, began: float, deadline: float) -> ScreenResult:
    """Do a step; `began` and `deadline` are on the clock of `time.monotonic()`, the deadline infinite where nothing
    may depend on the clock."""
    with np.load(request.material) as material:
        rows, residual, target = material["rows"], material["residual"], material["target"]
    view = Screen(
        store,
        rows,
        residual,
        target,
        seed=request.seed,
        by_time=request.ahead is not None,
        deadline=began + (1 - TREES_SHARE) * (deadline - began),
    )
    trees = Trees(view, request.base, request.classes, request.seed)
    together = trees.together()
    candidates = Candidates(
        request.schema,
        view.frame,
        Hints(request.importance, request.shapes, together[2], together[3]),
        request.forbidden,
        request.ahead,
        valued=request.classes == 0 and len(np.unique(target[:FEW_ROWS])) > 2,
    )
    asked = [parse(text) for text in request.add]

    steering = Steering(forbid=request.forbid)

    def allowed(made: Iterable[Feature]) -> Iterator[Feature]:
        return (f for f in made if str(f) not in request.not_again and not steering.forbids(f))

    def first_asked() -> Iterator[Feature]:
        yield from asked
        yield from allowed(candidates.all())

    def further(best: Sequence[Feature]) -> Iterator[Feature]:
        return allowed(candidates.further(best))

    found: Screening = view.run(first_asked(), request.base, further, request.limit)
    view.deadline = deadline
    by_text = {f.text: f for f in found.promising}
    known = tuple(p.text for p in found.picks)
    likely = sorted(by_text, key=lambda t: -candidates.prior(parse(t)))
    if found.picks:  # what else trees would use, with the picks at hand
        trees = Trees(view, (*request.base, *known), request.classes, request.seed)
    # what is made with the target is used before all else: what is not would never be seen beside it
    supervised = [t for t in likely if is_supervised(parse(t))]
    plain = trees.used([t for t in likely if t not in set(supervised)], MOST_USED // 2)
    used = [t for pair in zip_longest(plain, trees.used(supervised, MOST_USED // 2)) for t in pair if t is not None]
    return ScreenResult(
        request.step,
        found.picks,
        tuple(by_text[t] for t in used if t not in known),
        (*found.redundant, *(_alike(by_text[t]) for t in dict.fromkeys(trees.alike))),
        tuple(t for t in trees.idle() if t in request.base) if not view.over else (),
        found.screened,
        found.threshold,
        found.best,
        found.seconds,
    )


def _alike(found: Found) -> Found:
    return replace(found, status="redundant", reason="ranks the rows as a column of the model or a better one does")


def columns_of(importance: Mapping[str, float]) -> dict[str, float]:
    """Importance by column of the table, from importance by feature (`text` or `text[i]`)."""
    total: dict[str, float] = {}
    for name, value in importance.items():
        columns = parse(feature_of(name)).columns
        for column in columns:
            total[column] = total.get(column, 0.0) + value / len(columns)
    return total


def feature_of(name: str) -> str:
    """The feature that a column of a matrix belongs to: the name less the number of the column."""
    head, bracket, tail = name.rpartition("[")
    return head if bracket and tail.endswith("]") and tail[:-1].isdigit() else name
