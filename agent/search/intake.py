"""Intake: updates running experiments by the outcomes of their jobs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from medalist.agent.proposals.features import FeatureSearch
from medalist.agent.search.admission import TOO_LARGE
from medalist.agent.search.jobs import Active, Jobs, last_line
from medalist.agent.search.pruning import Pruner
from medalist.agent.search.recording import Recorder
from medalist.agent.workers.costs import Costs
from medalist.agent.workers.jobs import Outcome
from medalist.agent.workers.pool import WorkerPool
from medalist.competitions.errors import DiskFull
from medalist.pipelines.features.search.step import ScreenResult
from medalist.pipelines.fitting.fold import FoldResult

TIME_LIMITED = 0.95  # share of the time limit from which on it counts as what ended boosting


@dataclass
class UnderWay:
    """The experiments that are not recorded yet.

    active: those with waiting or running jobs. finished: those whose jobs have ended, by number. screening: whether a
    screening for features runs.
    """

    active: list[Active] = field(default_factory=list)
    finished: dict[int, Active] = field(default_factory=dict)
    screening: bool = False

    def __len__(self) -> int:
        return len(self.active) + len(self.finished)

    def settle(self, active: Active) -> None:
        """Move an experiment to the finished ones."""
        self.active.remove(active)
        self.finished[active.number] = active


@dataclass
class Intake:
    """Processes outcomes: of folds, which may prune an experiment, of preparations, of seed replicates and of
    screenings.

    `counted`: whether the budget is a number of experiments, so that nothing may depend on the order of outcomes.
    """

    recorder: Recorder
    features: FeatureSearch
    workers: WorkerPool
    costs: Costs
    jobs: Jobs
    pruner: Pruner
    under_way: UnderWay
    counted: bool

    def take(self, outcome: Outcome) -> None:
        """Process the outcome of a job; nothing where its experiment has ended already."""
        if outcome.job.kind == "screen":
            self._take_screening(outcome)
            return
        active = next((a for a in self.under_way.active if a.number == outcome.job.key), None)
        if active is None:
            return
        active.busy_seconds += outcome.seconds
        active.nodes |= {outcome.node} - {""}
        self._learn_memory(active, outcome)
        if outcome.job.replicate:
            self._take_replicate(active, outcome)
        elif outcome.job.kind == "fold" and self.counted:  # what is pruned may not depend on which fold ends first
            for earlier in active.in_order(outcome):
                if active in self.under_way.active:
                    self._take_outcome(active, earlier)
        else:
            self._take_outcome(active, outcome)

    def _take_outcome(self, active: Active, outcome: Outcome) -> None:
        if outcome.status != "ok":
            if outcome.status == "timeout" and not self.counted:
                self._learn_least(active, outcome)
            active.failure = outcome
            self._settle(active)
        elif outcome.result is None:
            active.waiting = self.jobs.folds(active)
        else:
            self._take_fold(active, outcome)

    def _learn_least(self, active: Active, outcome: Outcome) -> None:
        """Teach the cost model a killed fold: it takes at least as long as it ran, where less was expected."""
        job = outcome.job
        if job.kind == "fold" and outcome.seconds > self.jobs.expected_seconds(active):
            self.costs.learn(job.pipeline, self.jobs.width(active), outcome.seconds, threads=job.threads)

    def _learn_memory(self, active: Active, outcome: Outcome) -> None:
        """Teach the model of memory what a job has taken; in a counted run only where a job was ended for it, since
        nothing else may depend on what is measured."""
        footprints, job = self.jobs.footprints, outcome.job
        killed = outcome.status == TOO_LARGE
        if (
            footprints is None
            or not outcome.peak
            or (outcome.status != "ok" and not killed)
            or (self.counted and not killed)
        ):
            return
        if job.kind == "fold":
            footprints.learn(job.pipeline, self.jobs.width(active), outcome.peak, killed=killed)
        else:
            footprints.learn_preparing(outcome.peak)

    def _take_replicate(self, active: Active, outcome: Outcome) -> None:
        if isinstance(outcome.result, FoldResult):
            active.replicates[outcome.job.replicate] = outcome.result.valid
        else:
            active.replicates = {}  # the run goes on without a noise floor
        self._settle_if_done(active)

    def _take_screening(self, outcome: Outcome) -> None:
        self.under_way.screening = False
        if self.jobs.footprints is not None and not self.counted:
            self.jobs.footprints.learn_preparing(outcome.peak)
        assert outcome.job.screen is not None
        result = outcome.result
        if not isinstance(result, ScreenResult):
            self.recorder.journal.note(f"The screening for features failed: {last_line(outcome.error)}", outcome.error)
            result = ScreenResult.empty(outcome.job.screen.step, outcome.seconds)
        step = self.features.add_step(result, self.recorder.journal.records)
        self.recorder.journal.add_screening(result, step.parent)

    def _take_fold(self, active: Active, outcome: Outcome) -> None:
        result, fold = outcome.result, outcome.job.fold
        assert isinstance(result, FoldResult)
        active.results[fold] = result
        if not self.counted:
            job = outcome.job
            self.costs.learn(
                active.proposal.pipeline,
                self.jobs.width(active),
                result.fit_seconds,
                rounds=result.rounds_run / len(result.rounds),
                time_limited=result.feature_seconds + result.fit_seconds > TIME_LIMITED * job.soft_seconds,
                threads=job.threads,
            )
        first = active.number == 0 and self.recorder.leaders.champion is None and len(active.results) == 1
        if first and np.isfinite(result.test).all():
            with suppress(DiskFull):  # the constant stays
                self.recorder.submissions.submit_first_fold(result, outcome.job)  # at once; the other folds renew it
        active.losses[fold] = self.pruner.loss(result.valid, fold)
        active.pruned = self.pruner.verdict(active)
        self._settle_if_done(active)

    def _settle_if_done(self, active: Active) -> None:
        folds = len(active.results) == self.recorder.referee.folds.count
        if active.pruned or (folds and all(p is not None for p in active.replicates.values())):
            self._settle(active)

    def _settle(self, active: Active) -> None:
        active.waiting.clear()
        self.workers.cancel([active.number])
        self.under_way.settle(active)
