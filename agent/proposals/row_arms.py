"""The arms `rows:…`: a good model on other training rows, or with other weights of them.

Each begins only where a cheap look at the data says that it may help, and goes on only while it gains.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from medalist.agent.experiment import Proposal, Record
from medalist.agent.history import best_base_model, best_of
from medalist.pipelines.estimators.registry import FAMILIES
from medalist.pipelines.features.language.expression import Column, nodes
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.row_recipe import ADDITIONAL, Step, in_words, row_step, with_step

PREFIX = "rows:"
PRIORS = {  # prior gain of each arm, in units of the standard error of the run's first score
    "rows:additional": 0.3,
    "rows:time": 0.05,
    "rows:test": 0.03,
    "rows:repeated": 0.03,
    "rows:outliers": 0.03,
    "rows:classes": 0.03,
}
MOST_FAILURES = 2  # steps of an arm without a gain, after which it ends


@dataclass(frozen=True)
class RowArm:
    """An arm with the steps that it tries, the most promising first. beside: names of further tables that are made of
    the additional rows, whose columns these rows cannot use."""

    name: str
    steps: tuple[Step, ...]
    beside: frozenset[str] = frozenset()


def row_proposals(history: Sequence[Record], families: Sequence[str], arms: Sequence[RowArm]) -> Iterator[Proposal]:
    """The next proposal of each arm: its next step for the best model of the families that take weights of rows.

    A step that gained for a family is tried with the other families before the next step is.
    """
    weighable = [name for name in families if FAMILIES[name].weighs_rows]
    by_number = {r.number: r for r in history}
    for arm in arms:
        failures = 0
        for step in arm.steps:
            tried = [r for r in history if r.arm == arm.name and row_step(r.pipeline.rows, step[0]) == step]
            if tried and not any(gained(r, by_number) for r in tried):
                failures += 1
                if failures >= MOST_FAILURES:
                    break
                continue
            proposal = _with_step(history, weighable, arm, step, {r.pipeline.family for r in tried})
            if proposal is not None:
                yield proposal
                break


def _with_step(
    history: Sequence[Record], families: Sequence[str], arm: RowArm, step: Step, done: set[str]
) -> Proposal | None:
    """The best model of the families that have not tried the step, with it; None where there is none yet.

    The fast first model is for additional rows alone.
    """
    models = history if step[0] == ADDITIONAL else [r for r in history if r.arm != "start"]  # more rows help any model
    best = best_of(best_base_model(models, family=name) for name in families if name not in done)
    if best is None:
        return None
    pipeline = _without_tables(best.pipeline, arm.beside) if step[0] == ADDITIONAL else best.pipeline
    pipeline = pipeline.changed(rows=with_step(pipeline.rows, step))
    if any(r.pipeline == pipeline for r in history):
        return None
    return Proposal(pipeline, f"#{best.number} {in_words([step])[0]}", best.number, arm.name)


def _without_tables(pipeline: Pipeline, tables: frozenset[str]) -> Pipeline:
    """The pipeline without features of these further tables."""
    kept = tuple(
        f for f in pipeline.features if not any(isinstance(n, Column) and n.table in tables for n in nodes(parse(f)))
    )
    return pipeline if len(kept) == len(pipeline.features) else pipeline.changed(features=kept)


def gained(record: Record, by_number: dict[int, Record]) -> bool:
    """Whether an experiment has a smaller loss than the one that it changes."""
    parent = by_number.get(-1 if record.proposal.parent is None else record.proposal.parent)
    if record.score is None or parent is None or parent.score is None:
        return False
    return record.score.loss < parent.score.loss
