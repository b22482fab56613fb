"""Screenings: when a screening of candidates for features begins, and its job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from medalist.agent.budget import Budget
from medalist.agent.experiment import Record
from medalist.agent.history import incumbent_features
from medalist.agent.proposals.features import FeatureSearch
from medalist.agent.records.journal import Journal
from medalist.agent.search.intake import UnderWay
from medalist.agent.search.room import Room
from medalist.agent.workers.footprints import Footprints
from medalist.agent.workers.jobs import Job
from medalist.agent.workers.pool import WorkerPool

KEY = -1  # key of the job that screens candidates for features
HARD_GRACE = 10.0  # seconds that a screening may take beyond twice its time


@dataclass
class Screenings:
    """Begins screenings.

    counted: whether the budget is a number of experiments, so that nothing may depend on the clock. footprints: the
    model of the jobs' memory; None where it is not looked after. history: returns what the next experiment is proposed
    from, finished experiments and placeholders for running ones; None where there is to be none, or it is too early for
    it. seconds_left: returns the seconds left for the search.
    """

    features: FeatureSearch
    room: Room
    journal: Journal
    workers: WorkerPool
    budget: Budget
    under_way: UnderWay
    counted: bool
    footprints: Footprints | None
    history: Callable[[], list[Record] | None]
    seconds_left: Callable[[], float]
    _due: tuple[object, bool] = (None, False)

    @property
    def due(self) -> bool:
        """Whether it is time for a screening. Only what was begun or has ended since can change that, and the time: it
        is looked at anew after these alone, since it takes longer the more experiments there are."""
        left = float("inf") if self.counted else self.seconds_left()
        if self.under_way.screening or left < 0 or not self.features.enabled:
            return False
        records = len(self.journal.records)
        over = self.features.over(left)
        now = records, records + len(self.under_way), len(self.features.steps), len(self.features.skipped), over
        if self._due[0] != now:
            history = self.history()
            self._due = now, history is not None and self.features.ready(history, left)
        return self._due[1] and self.room.ready

    def begin(self) -> bool:
        """Hand out a screening where it is time for one. Returns whether nothing else may be handed out before it."""
        if not self.due:
            return False
        if not self.workers.idle or (self.counted and len(self.under_way)):
            return not self.counted  # a child comes free soon; counted runs start it from equal records
        records = self.journal.records
        incumbent = incumbent_features(records)
        assert incumbent is not None
        soft = hard = float("inf")
        if self.budget.limited:
            soft = float("inf") if self.counted else self.features.screen_seconds
            hard = max(1.0, self.seconds_left()) if self.counted else 2 * soft + HARD_GRACE
        request = self.features.request(records, self.journal.folder / "work", counted=self.counted)
        memory = 0 if self.footprints is None else self.footprints.expected_of_preparing()
        self.workers.submit(
            Job(KEY, "screen", incumbent.pipeline, soft_seconds=soft, hard_seconds=hard, screen=request, memory=memory)
        )
        self.under_way.screening = True
        return False
