"""Dispatch: hands waiting jobs to workers, holds some back, and says whether enough wait ready.

With more workers than an experiment has folds, several experiments run side by side. Where all folds of one began at
once, all would be done when the first two show that it falls behind, and pruning would save nothing. So the others are
held back until then while there is something else to do; and since a proposal takes the head longer than a worker
should wait, some jobs wait ready.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from medalist.agent.feature_ideas import ARM
from medalist.agent.search.jobs import Active
from medalist.agent.search.pruning import PRUNE_AFTER
from medalist.agent.workers.pool import WorkerPool

MANY_WORKERS = 8  # least workers with which jobs are held back and made ready
WORKERS_PER_READY_JOB = 8  # one job waits ready for so many workers


@dataclass(frozen=True)
class Dispatch:
    """Hands jobs to the workers of a pool. folds: of each experiment. counted: whether the budget is a number of
    experiments; then nothing is held back and nothing waits ready."""

    workers: WorkerPool
    folds: int
    counted: bool

    @property
    def wide(self) -> bool:
        """Whether several experiments run side by side however many folds of each do."""
        return not self.counted and self.workers.count >= max(MANY_WORKERS, self.folds + 1)

    def hand_out(self, experiments: Sequence[Active]) -> Active | None:
        """Hand out jobs that are not held back, while there is room for them; the first experiment that is left with
        one, for which there is none."""
        while (active := _first(a for a in experiments if a.waiting and not self.held(a))) is not None:
            job = active.waiting[0]
            if not self.workers.has_room(short=job.short, needed=job.memory):
                return active
            self.workers.submit(active.waiting.pop(0))
        return None

    def hand_out_held(self, experiments: Sequence[Active]) -> bool:
        """Hand out a job that was held back, where a worker is idle and has room for it; whether there was one."""
        active = _first(a for a in experiments if a.waiting and self.held(a)) if self.workers.idle else None
        if active is None or not self.workers.has_room(short=False, needed=active.waiting[0].memory):
            return False
        self.workers.submit(active.waiting.pop(0))
        return True

    def held(self, active: Active) -> bool:
        """Whether the waiting folds of an experiment are held back until the first ones have shown that it is not to be
        pruned. Tests of features are not: others wait for them."""
        if not self.wide or active.reference is None or active.proposal.arm == ARM:
            return False
        folds_left = sum(job.kind == "fold" for job in active.waiting)
        return 0 < folds_left <= self.folds - PRUNE_AFTER and len(active.results) < PRUNE_AFTER

    def wants_more(self, experiments: Sequence[Active]) -> bool:
        """Whether too few jobs wait ready."""
        if not self.wide:
            return False
        ready = sum(len(a.waiting) for a in experiments if not self.held(a))
        return ready < self.workers.count / WORKERS_PER_READY_JOB


def _first(experiments: Iterable[Active]) -> Active | None:
    """The experiment whose jobs workers get first: a test of features, which others wait for, or else the earliest."""
    return min(experiments, key=lambda active: (active.proposal.arm != ARM, active.number), default=None)
