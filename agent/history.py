"""Queries on the finished experiments of a run: the best of all and of each family, and the incumbent feature set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from medalist.agent.experiment import Record
from medalist.agent.feature_ideas import ARM
from medalist.pipelines.estimators.registry import FAMILIES, baseline


def by_loss(record: Record) -> tuple[float, int]:
    """Sorting key of scored experiments: the smaller loss first, of equal losses the earlier experiment."""
    assert record.score is not None
    return record.score.loss, record.number


def scored(history: Iterable[Record]) -> list[Record]:
    """Experiments with a score whose predictions may take part in an ensemble (`Record.usable`)."""
    return [r for r in history if r.score is not None and r.usable]


def base_models(history: Iterable[Record]) -> list[Record]:
    """Scored experiments that are fitted on the data alone: neither stacked models nor ones with pseudo-labels."""
    return [r for r in scored(history) if not r.pipeline.bases]


def best_of(records: Iterable[Record | None]) -> Record | None:
    """The experiment with the smallest loss; None where none of them has a score."""
    return min((r for r in records if r is not None and r.score is not None), key=by_loss, default=None)


def best_of_families(history: Iterable[Record], families: Sequence[str]) -> dict[str, Record]:
    """The best base model of each of these families that has one, in the order of `families`."""
    leading: dict[str, Record] = {}
    for record in sorted(base_models(history), key=by_loss):
        leading.setdefault(record.pipeline.family, record)
    return {name: leading[name] for name in families if name in leading}


def best_base_model(
    history: Iterable[Record], *, boosted: bool = False, plain_target: bool = False, family: str | None = None
) -> Record | None:
    """The base model with the smallest loss, tests of features left out; None where there is none.

    boosted: of families that boost only. plain_target: only of those whose target is not transformed. family: of one
    family only.
    """
    return best_of(
        r
        for r in base_models(history)
        if r.arm != ARM
        and (not boosted or FAMILIES[r.pipeline.family].boosted)
        and (not plain_target or not r.pipeline.target)
        and (family is None or r.pipeline.family == family)
    )


def leads_boosting(record: Record, history: Iterable[Record]) -> bool:
    """Whether an experiment is a boosted base model, no test of features, with a smaller loss than all such models
    before it: whether `best_base_model(boosted=True)` is this one from now on."""
    return best_base_model([*history, record], boosted=True) is record


def incumbent_features(history: Sequence[Record]) -> Record | None:
    """The experiment with the incumbent feature set: the last one whose features were adopted, else the first model.

    None where no model has a score yet.
    """
    adopted = [r for r in history if r.adopted]
    if adopted:
        return adopted[-1]
    models = [r for r in history if r.score is not None and not r.pipeline.bases]
    first = next((r for r in models if r.arm == "start"), None)
    return first or next((r for r in models if r.pipeline.family == baseline().name and r.arm != ARM), None)


def features_added(history: Sequence[Record]) -> list[str]:
    """Features of the incumbent feature set that the first model did not have; [] before the first model."""
    first = next((r for r in history if r.arm == "start"), None)
    incumbent = incumbent_features(history)
    if first is None or incumbent is None:
        return []
    return [f for f in incumbent.pipeline.features if f not in first.pipeline.features]


def by_hash(history: Iterable[Record]) -> Mapping[str, Record]:
    """Evaluated experiments by the hash of their pipeline; of equal pipelines the earliest."""
    evaluated: dict[str, Record] = {}
    for record in history:
        if record.evaluation is not None:
            evaluated.setdefault(record.pipeline.hash, record)
    return evaluated
