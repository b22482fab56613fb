"""What the submission is made from, and the records that it is selected from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from medalist.agent.experiment import Record
from medalist.agent.score import Score
from medalist.pipelines.decisions.decision import Decision
from medalist.pipelines.ensembling.selection import Ensemble

BEST, OF_FAMILY = 60, 5  # records that an ensemble is selected from: the best of all, and of each family


@dataclass(frozen=True)
class Champion:
    """The ensemble that the submission is made from, its search score and its decision."""

    ensemble: Ensemble
    score: Score
    decision: Decision


def pool_of(records: Sequence[Record], members: Collection[int] = (), *more: Record) -> dict[int, Record]:
    """Records to select an ensemble from, by number: the best by their loss on all rows, the best of each family, those
    numbered `members`, and `more`. A night makes thousands, of which few matter."""
    found = [(r.score.loss, r.number, r) for r in records if r.evaluation is not None and r.usable and r.score]
    of_family: dict[str, int] = {}
    chosen = list(more)
    for place, (_, number, record) in enumerate(sorted(found, key=lambda f: f[:2])):
        family = record.pipeline.family
        of_family[family] = of_family.get(family, 0) + 1
        if place < BEST or of_family[family] <= OF_FAMILY or number in members:
            chosen.append(record)
    return {r.number: r for r in sorted(chosen, key=lambda r: r.number)}
