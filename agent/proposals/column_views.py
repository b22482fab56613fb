"""Arms of boosted trees that see the columns otherwise: target means and frequencies of their values, frequencies
alone, or whole numbers as categories."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from medalist.agent.experiment import Proposal, Record
from medalist.agent.history import best_base_model
from medalist.pipelines.estimators.registry import FAMILIES
from medalist.pipelines.features.base_sets import Encoding
from medalist.pipelines.features.search.step import columns_of

ENCODING_ARMS = {"view:beside": "beside its features", "view:alone": "in place of its features"}
COUNTS_ARM = "view:counts"  # the arm that adds the frequencies of the values of all columns
CODES_ARM = "view:codes"  # the arm that takes whole numbers that may be names for categories
PRIORS = {"view:beside": 0.2, "view:alone": 0.2, COUNTS_ARM: 0.1, CODES_ARM: 0.05}  # as in `variations.PRIORS`


@dataclass(frozen=True)
class ColumnViews:
    """What the columns can be seen as.

    encodings: the target mean and the frequency of each column, the more promising first. room: of how many columns a
    model has them. counts: the frequencies of all columns, where a model has no room for all encodings; () elsewhere.
    codes: the first features of trees, whole numbers that may be names being categories; () where there are none.
    codes_prior: prior gain of a family on these; above that of PRIORS where they look like codes. forced: features that
    a person wants in every set.
    """

    encodings: tuple[Encoding, ...] = ()
    room: int = 0
    counts: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    codes_prior: float = PRIORS[CODES_ARM]
    forced: tuple[str, ...] = ()

    def proposals(self, history: Sequence[Record], families: Sequence[str]) -> Iterator[Proposal]:
        """For each arm and each family of boosted trees that the arm has not tried, its best model on the view."""
        for arm in ENCODING_ARMS if self.encodings else ():
            yield from self._encoded(history, families, arm)
        if self.counts:
            yield from self._counted(history, families)
        if self.codes:
            yield from self._coded(history, families)

    def _encoded(self, history: Sequence[Record], families: Sequence[str], arm: str) -> Iterator[Proposal]:
        """The arms ENCODING_ARMS."""
        plain = [r for r in history if not self._holds_encodings(r)]
        for best in _to_be_tried(history, plain, families, arm):
            kept = best.pipeline.features if arm == "view:beside" else self.forced
            pipeline = best.pipeline.changed(features=tuple(dict.fromkeys((*kept, *self._chosen(best)))))
            if all(r.pipeline != pipeline for r in history):
                reason = f"{_title(best)} on target means and frequencies of all values, {ENCODING_ARMS[arm]}"
                yield Proposal(pipeline, reason, best.number, arm)

    def _counted(self, history: Sequence[Record], families: Sequence[str]) -> Iterator[Proposal]:
        """The arm COUNTS_ARM."""
        plain = [r for r in history if not set(self.counts) <= set(r.pipeline.features)]
        for best in _to_be_tried(history, plain, families, COUNTS_ARM):
            features = tuple(dict.fromkeys((*best.pipeline.features, *self.counts)))
            pipeline = best.pipeline.changed(features=features)
            if all(r.pipeline != pipeline for r in history):
                reason = f"{_title(best)} with the frequencies of all values"
                yield Proposal(pipeline, reason, best.number, COUNTS_ARM)

    def _coded(self, history: Sequence[Record], families: Sequence[str]) -> Iterator[Proposal]:
        """The arm CODES_ARM: the best parameters of each family."""
        for best in _to_be_tried(history, history, families, CODES_ARM):
            pipeline = best.pipeline.changed(features=self.codes)
            if all(r.pipeline != pipeline for r in history):
                reason = f"{_title(best)} on whole numbers as categories, which they may be"
                yield Proposal(pipeline, reason, best.number, CODES_ARM)

    def _chosen(self, best: Record) -> tuple[str, ...]:
        """The encodings of as many columns as there is room for: where it is not for all, of those that the model makes
        most of, categories first."""
        encodings = self.encodings
        if len(encodings) > self.room:
            used = columns_of(best.evaluation.importance) if best.evaluation is not None else {}
            encodings = tuple(sorted(encodings, key=lambda e: (e.numeric, -used.get(e.column, 0.0))))[: self.room]
        return tuple(text for encoding in encodings for text in encoding.features)

    def _holds_encodings(self, record: Record) -> bool:
        """Whether a pipeline has the encodings of as many columns as a view has."""
        features = set(record.pipeline.features)
        held = sum(features.issuperset(encoding.features) for encoding in self.encodings)
        return held >= min(self.room, len(self.encodings))


def _to_be_tried(
    history: Sequence[Record], usable: Sequence[Record], families: Sequence[str], arm: str
) -> Iterator[Record]:
    """The best of the `usable` models of each family of boosted trees that the arm has not tried."""
    tried = {r.pipeline.family for r in history if r.arm == arm}
    for name in families:
        best = best_base_model(usable, family=name, boosted=True)
        if name not in tried and best is not None and best.arm != "start":
            yield best


def _title(record: Record) -> str:
    return FAMILIES[record.pipeline.family].title
