"""The champion: the ensemble that the submission is made from, and the experiments that it is selected from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from medalist.agent.experiment import Record
from medalist.agent.history import by_loss, scored
from medalist.agent.score import Score
from medalist.pipelines.decisions.decision import Decision
from medalist.pipelines.ensembling.selection import Ensemble

BEST = 60  # experiments with the smallest losses that are candidates for the ensemble
BEST_OF_FAMILY = 5  # experiments of each estimator family that are candidates in any case


@dataclass(frozen=True)
class Champion:
    """An ensemble with its out-of-fold score on the folds of the search, and the decision (thresholds and the like)
    that turns its predictions into what the metric scores."""

    ensemble: Ensemble
    score: Score
    decision: Decision


@dataclass(frozen=True)
class Leaders:
    """The incumbents of a run.

    best: the number of the experiment with the smallest loss. champion: the ensemble that the submission is made from.
    noise_floor: by how much the loss of one pipeline differs between seeds; a smaller gain counts as noise. Each is
    None until there is one.
    """

    best: int | None = None
    champion: Champion | None = None
    noise_floor: float | None = None


def candidates(history: Sequence[Record], members: Collection[int] = (), *more: Record) -> dict[int, Record]:
    """Experiments to select an ensemble from, by number: the BEST with the smallest losses, the BEST_OF_FAMILY best of
    each family, those numbered `members`, and `more`. A long run has thousands of experiments, of which few matter."""
    of_family: dict[str, int] = {}
    chosen = list(more)
    evaluated = (r for r in scored(history) if r.evaluation is not None)
    for place, record in enumerate(sorted(evaluated, key=by_loss)):
        family = record.pipeline.family
        of_family[family] = of_family.get(family, 0) + 1
        if place < BEST or of_family[family] <= BEST_OF_FAMILY or record.number in members:
            chosen.append(record)
    return {r.number: r for r in sorted(chosen, key=lambda r: r.number)}
