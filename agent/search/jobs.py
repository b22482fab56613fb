"""An experiment under way, and the jobs that it is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from medalist.agent.budget import Budget
from medalist.agent.experiment import Proposal, Record
from medalist.agent.proposals.feature_groups import ARM, step_of
from medalist.agent.proposals.policy import LARGEST_SHARE
from medalist.agent.score import Comparison
from medalist.agent.search.session import Session
from medalist.agent.workers.costs import Costs
from medalist.agent.workers.jobs import Job, Outcome
from medalist.agent.workers.local import Workers
from medalist.agent.workers.widths import pipeline_width
from medalist.pipelines.estimators.registry import FAMILIES
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.registry import is_supervised
from medalist.pipelines.fitting.fold import FoldResult

LEAST_FOLD_SECONDS = 3.0
FIT_SHARE = 0.7  # of a fold's time for boosting; the rest is for predicting
FIRST_LONGEST = 0.25  # of the budget, for boosting in a fold of the first experiment: nothing else is proposed before
LONGER = 1.5  # times its guess, that boosting may take at least, where there is so much time
SHORT_SECONDS = 0.5  # folds that take less are handed out ahead
TWINS, TWINS_SHARE = (101, 202), 0.02  # seeds of two models that differ in nothing else; their share of the budget


@dataclass
class Active:
    """An experiment under way: jobs that wait, folds that are done with their losses, and the record to beat."""

    number: int
    proposal: Proposal
    waiting: list[Job]
    rival: Record | None
    results: dict[int, FoldResult] = field(default_factory=dict)
    losses: dict[int, float] = field(default_factory=dict)
    ended: Outcome | None = None
    pruned: str | None = None
    early_loss: float | None = None
    busy_seconds: float = 0.0
    change: Comparison | None = None
    twins: dict[int, np.ndarray | None] = field(default_factory=dict)  # what fits that differ in their seeds predict


def turn(active: Active) -> tuple[bool, int]:
    """Whose jobs go first: tests of features, which others wait for, then the earliest."""
    return active.proposal.arm != ARM, active.number


@dataclass(frozen=True)
class Jobs:
    """Makes the jobs of experiments; without `by_clock` none has a limit, so that equal runs have equal jobs.

    `seconds_left` tells what is left for searching.
    """

    session: Session
    workers: Workers
    costs: Costs
    budget: Budget
    by_clock: bool
    seconds_left: Callable[[], float]

    def begin(self, active: Active) -> None:
        """Give an experiment its first jobs: its features, where they have to be made, else its folds."""
        if active.number == 0 and self._cheap(active):
            active.twins = dict.fromkeys(TWINS)
        missing = [f for f in active.proposal.pipeline.features if not self._ready(f)]
        active.waiting = [self._job(active, "prepare")] if missing else self.folds(active)

    def folds(self, active: Active) -> list[Job]:
        """A job for each fold, those first that may end the experiment early."""
        order = list(range(self.session.folds.count))
        if active.proposal.arm == ARM and self.session.features is not None and active.proposal.idea is not None:
            first = self.session.features.judges(step_of(active.proposal.idea))
            order.sort(key=lambda k: k not in first)
        return [self._job(active, "fold", k) for k in order] + [self._twin(active, k) for k in active.twins]

    def _twin(self, active: Active, number: int) -> Job:
        """The first fold of a model that differs from its twin in its seed alone."""
        pipeline = active.proposal.pipeline
        stochastic = FAMILIES[pipeline.family].stochastic  # with nothing drawn at random a seed would change nothing
        if stochastic:
            pipeline = pipeline.changed(params=pipeline.parameters | dict(stochastic))
        return replace(self._job(active, "fold"), pipeline=pipeline.changed(seed=pipeline.seed + number), twin=number)

    def _cheap(self, active: Active) -> bool:
        """Whether two more fits are a small part of the budget."""
        return not self.by_clock or len(TWINS) * self.guess(active) < TWINS_SHARE * self.budget.seconds

    def _job(self, active: Active, kind: str, fold: int = 0) -> Job:
        pipeline = active.proposal.pipeline
        soft = hard = boosting = float("inf")
        if self.by_clock:
            share = self.seconds_left() / -(-self.session.folds.count // self.workers.count)
            soft = max(LEAST_FOLD_SECONDS, LARGEST_SHARE * share)
            boosting = max(FIT_SHARE * soft, min(LONGER * self.guess(active), FIT_SHARE * share))
            if active.number == 0:
                boosting = min(boosting, FIRST_LONGEST * self.budget.seconds)
                soft = min(soft, boosting / FIT_SHARE)
            hard = max(2 * soft, boosting / FIT_SHARE) + 5
        return Job(
            key=active.number,
            kind=kind,  # type: ignore[arg-type]
            pipeline=pipeline,
            fold=fold,
            folds=self.session.folds.path,
            threads=self.workers.threads,
            soft_seconds=boosting,
            hard_seconds=hard,
            short=kind == "fold" and self.guess(active) < SHORT_SECONDS,
            sources=self.session.sources(pipeline) if pipeline.bases else None,
        )

    def guess(self, active: Active) -> float:
        """Seconds that one fold is guessed to take."""
        pipeline = active.proposal.pipeline
        return self.costs.guess_of(pipeline, self.width(active))

    def width(self, active: Active) -> int:
        """Columns that it is fitted on."""
        return pipeline_width(active.proposal.pipeline, self.costs.outputs)

    def _ready(self, feature: str) -> bool:
        return is_supervised(parse(feature)) or self.session.ground.store.has(feature)
