"""Recorder: judges experiments whose jobs have ended, records them, and writes the submission of a better ensemble."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from medalist.agent.experiment import Record
from medalist.agent.feature_ideas import ARM
from medalist.agent.history import incumbent_features, leads_boosting
from medalist.agent.judging.champion import Leaders
from medalist.agent.judging.feature_trials import FeatureTrial
from medalist.agent.judging.referee import Referee
from medalist.agent.records.eviction import evict
from medalist.agent.records.journal import Journal
from medalist.agent.records.submissions import Submissions
from medalist.agent.search.jobs import REPLICATE_SEEDS, Active, last_line
from medalist.competitions.clock import awake
from medalist.competitions.errors import DiskFull
from medalist.pipelines.fitting.evaluation import combine

WRITING_SHARE = 0.05  # most of the time for submissions that are not written at once
RECENT = 0.2  # weight of the latest experiment in the moving average of the seconds that judging takes


@dataclass
class Recorder:
    """Judges and records experiments, one after another.

    leaders: the incumbents so far. judge_seconds: moving average of the seconds that judging an experiment takes. owed:
    whether the champion has no submission yet, as where the disk is full. noted: whether that was said. clock: returns
    the seconds since some instant.
    """

    referee: Referee
    journal: Journal
    submissions: Submissions
    leaders: Leaders = field(default_factory=Leaders)
    judge_seconds: float = 0.0
    owed: bool = False
    noted: bool = False
    clock: Callable[[], float] = awake
    _tried_at: float = float("-inf")

    def record(self, active: Active) -> None:
        """Record an experiment whose jobs have ended, as failed, as pruned, or with a verdict by all of its folds."""
        number, proposal, seconds = len(self.journal.records), active.proposal, active.busy_seconds
        if active.failure is not None:
            status, error = active.failure.status, active.failure.error
            self.journal.add(Record(number, proposal, status, last_line(error), seconds=seconds, error=error))
        elif active.pruned:
            record = Record(number, proposal, "pruned", active.pruned, seconds=seconds, early_loss=active.early_loss)
            self.journal.add(record, self._pruned_trial(active))
        else:
            self._judge(number, active)
        if active.nodes:
            self.journal.emit({"event": "nodes", "number": number, "nodes": sorted(active.nodes)})

    def cut_short(self, active: Active, reason: str) -> None:
        """Record an experiment that the end of the search has cut short, so that it may be proposed again. reason: in
        words."""
        number = len(self.journal.records)
        self.journal.add(Record(number, active.proposal, "timeout", reason, seconds=active.busy_seconds))

    def _pruned_trial(self, active: Active) -> FeatureTrial | None:
        """The outcome of a test of features that was pruned; None for other experiments."""
        if active.proposal.arm != ARM:
            return None
        comparison = None if active.trial is None else active.trial.comparison
        return FeatureTrial(False, comparison, active.pruned or "", incumbent_features(self.journal.records))

    def _judge(self, number: int, active: Active) -> None:
        """Judge an experiment by all of its folds, and record it."""
        folds, refit, records = self.referee.folds, self.referee.data.refit, self.journal.records
        results = [active.results[k] for k in range(folds.count)]
        evaluation = combine(results, folds.positions, last_only=refit)
        losses = tuple(active.losses[k] for k in range(folds.count))
        one, other = (active.replicates.get(t) for t in REPLICATE_SEEDS)
        if one is not None and other is not None:
            self._measure_noise_floor(one, other)
        began = awake()
        judgement = self.referee.judge(
            number, active.proposal, evaluation, active.busy_seconds, losses, records, self.leaders
        )
        took = awake() - began
        self.judge_seconds += RECENT * (took - self.judge_seconds) if self.judge_seconds else took
        leads = leads_boosting(judgement.record, records)  # its test predictions may become pseudo-labels
        tests = [r.test for r in results] if leads and not refit else []
        renewed = judgement.leaders.champion is not self.leaders.champion
        self.journal.add(judgement.record, judgement.trial, tests)
        self.leaders = judgement.leaders
        self.owed = self.owed or renewed
        champion = self.leaders.champion
        evict(self.journal, () if champion is None else champion.ensemble.weights)

    def renew_submission(self, *, at_once: bool) -> None:
        """Write the submission of the champion, where it is not written yet; where not `at_once`, only if no more than
        WRITING_SHARE of the time goes into it, since with many workers champions follow each other quickly. Where the
        disk is full the last one stays, and this one is written once there is room; where the run is killed before,
        `resume` writes it."""
        champion, now = self.leaders.champion, self.clock()
        pause = 0.0 if at_once else self.submissions.write_seconds / WRITING_SHARE
        if not self.owed or champion is None or now - self._tried_at < pause:
            return
        self._tried_at = now
        try:
            self.submissions.submit_champion(champion, self.journal.records)
        except DiskFull as error:
            if not self.noted:
                self.journal.note(str(error))
            self.noted = True
            return
        self.owed = self.noted = False

    def _measure_noise_floor(self, one: np.ndarray, other: np.ndarray) -> None:
        """Measure and store the noise floor, from the validation predictions (v, W) of two seed replicates of the first
        fold."""
        floor = self.referee.noise_floor(one, other, fold=0)
        if floor is not None:
            self.leaders = replace(self.leaders, noise_floor=floor)
            self.journal.set_noise_floor(floor)
