"""The search: propose, run, judge, record, until the time for closing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from medalist.agent.budget import Budget
from medalist.agent.experiment import Proposal, Record, noise_of
from medalist.agent.feature_ideas import ARM
from medalist.agent.history import incumbent_features, leads_boosting
from medalist.agent.judging.champion import Leaders
from medalist.agent.judging.feature_trials import FeatureTrial
from medalist.agent.judging.referee import Referee
from medalist.agent.proposals.features import FeatureSearch
from medalist.agent.proposals.policy import Policy
from medalist.agent.records.journal import Journal
from medalist.agent.records.submissions import Submissions
from medalist.agent.search.jobs import TWINS, Active, Jobs, last_line, priority
from medalist.agent.search.pruning import Pruner
from medalist.agent.workers.costs import Costs
from medalist.agent.workers.jobs import Job, Outcome
from medalist.agent.workers.local import Workers
from medalist.agent.workers.measuring import allowance, arrange, calibrate
from medalist.pipelines.estimators.registry import family
from medalist.pipelines.features.search.step import ScreenResult
from medalist.pipelines.fitting.evaluation import combine
from medalist.pipelines.fitting.fold import FoldResult

POLL_SECONDS = 0.2
SCREEN_KEY = -1  # key of the job that screens candidates for features
CUT = 0.95  # share of its time for boosting, from which on a fit counts as ended by it
HARD_GRACE = 10.0  # seconds that a screening may take beyond twice its time
RECENT = 0.2  # weight of the latest experiment in the moving average of the seconds that judging takes


@dataclass
class Search:
    """Runs experiments in child processes, and judges and records them as they end.

    With `counted` (a budget of experiments) they are recorded in the order in which they were proposed, each proposal
    sees exactly the records that every repetition of the run would have by then, and nothing depends on the clock.

    Attributes
    ----------
    leaders: what leads so far.
    stopped: returns whether a person has asked for an early close.
    closing_seconds: returns the seconds to keep for the close.
    active, finished: experiments under way, and those whose jobs have ended and that are not recorded yet, by number.
    exhausted: whether nothing is left to try.
    screening: whether a screening for features is under way.
    judge_seconds: that judging one experiment takes, a moving average.
    """

    referee: Referee
    journal: Journal
    submissions: Submissions
    features: FeatureSearch
    policy: Policy
    workers: Workers
    costs: Costs
    budget: Budget
    max_experiments: int | None
    stopped: Callable[[], bool]
    closing_seconds: Callable[[Search], float]
    leaders: Leaders = field(default_factory=Leaders)
    active: list[Active] = field(default_factory=list)
    finished: dict[int, Active] = field(default_factory=dict)
    exhausted: bool = False
    screening: bool = False
    judge_seconds: float = 0.0
    jobs: Jobs = field(init=False)
    pruner: Pruner = field(init=False)

    def __post_init__(self) -> None:
        by_clock = self.budget.limited and not self.counted
        args = (self.referee, self.journal, self.workers, self.costs, self.budget, by_clock)
        self.jobs = Jobs(*args, seconds_left=lambda: self.seconds_left)
        self.pruner = Pruner(self.referee)

    @property
    def records(self) -> list[Record]:
        """The finished experiments."""
        return self.journal.records

    @property
    def counted(self) -> bool:
        """Whether the budget is a number of experiments."""
        return self.max_experiments is not None

    @property
    def lag(self) -> int:
        """How many earlier experiments may be unfinished when one is proposed."""
        return 1 + self.workers.count // max(1, self.referee.folds.count)

    @property
    def seconds_left(self) -> float:
        """Seconds left for the search, those for the close taken off."""
        return self.budget.left - self.closing_seconds(self)

    @property
    def next_number(self) -> int:
        """The number of the next experiment."""
        return len(self.records) + len(self.active) + len(self.finished)

    def calibrate(self) -> None:
        """Measure on the first model's folds how much threads speed a fit up; by the clock only, before anything else
        runs."""
        proposal = self.policy.first()
        fam, active = family(proposal.pipeline.family), Active(0, proposal, [], None)
        if self.counted or not fam.boosted:
            return
        expected = self.costs.guess(fam, self.jobs.width(active), fam.portfolio[0])
        seconds = allowance(self.budget.seconds, self.workers.cores, expected)
        folds = [job for job in self.jobs.folds(active) if not job.twin]
        arrange(self.workers, self.costs, calibrate(self.workers, lambda k: folds[k % len(folds)], seconds))
        self.policy.workers = self.workers.count

    def run(self, tick: Callable[[], None]) -> None:
        """Search until the time, the count or the proposals end; `tick` is called several times a second."""
        while not self.stopped() and self.seconds_left > 0:
            self._feed()
            if not self.active and not self.finished and not self.screening and not self._wants_screening():
                break
            for outcome in self.workers.poll(min(POLL_SECONDS, max(0.01, self.seconds_left))):
                self.take(outcome)
            self._hand_out()  # before what has finished is judged
            self._record_finished()
            tick()
        self._abandon()

    # proposing

    def _feed(self) -> None:
        """Hand out jobs, the earliest experiment's first, while there is room for them."""
        while True:
            if self._screen() or (self.counted and self.screening):
                return
            active = min((a for a in self.active if a.waiting), key=priority, default=None)
            if active is None:
                if self.counted and self._wants_screening():
                    return  # what runs comes to its end first
                if not self.workers.has_room(short=True) or not self._propose():
                    return
            elif self.workers.has_room(short=active.waiting[0].short):
                self.workers.submit(active.waiting.pop(0))
            else:
                return

    def _hand_out(self) -> None:
        """Hand out jobs that wait already, as far as there is room for them."""
        while (active := min((a for a in self.active if a.waiting), key=priority, default=None)) is not None:
            if (self.counted and self.screening) or not self.workers.has_room(short=active.waiting[0].short):
                return
            self.workers.submit(active.waiting.pop(0))

    def _history(self, number: int) -> tuple[list[Record], list[Record]] | None:
        """The records that a proposal of this number is made from, and placeholders for the experiments that count as
        running; None where it is too early for it.

        In a counted run experiments that have ended since count as running too, so that nothing depends on the clock.
        """
        history = self.records[: max(1, number - self.lag)] if self.counted else self.records
        if not history or (self.counted and len(self.records) < max(1, number - self.lag)):
            return None
        running = [r.proposal for r in self.records[len(history) :]]
        running += [a.proposal for a in [*self.active, *self.finished.values()]]
        return history, list(map(Record.under_way, running))

    def _wants_screening(self) -> bool:
        histories = self._history(self.next_number)
        if self.screening or histories is None:
            return False
        if self.max_experiments is not None and self.next_number >= self.max_experiments:
            return False
        history, running = histories
        return self.features.ready([*history, *running], float("inf") if self.counted else self.seconds_left)

    def _screen(self) -> bool:
        """Hand out a screening for features where it is time for one. Returns whether nothing else may be handed out
        before it."""
        if not self._wants_screening():
            return False
        if not self.workers.idle or (self.counted and (self.active or self.finished)):
            return not self.counted  # a child comes free soon; counted runs start it from equal records
        incumbent = incumbent_features(self.records)
        assert incumbent is not None
        soft = hard = float("inf")
        if self.budget.limited:
            soft = float("inf") if self.counted else self.features.screen_seconds
            hard = max(1.0, self.seconds_left) if self.counted else 2 * soft + HARD_GRACE
        request = self.features.request(self.records, self.journal.folder / "work", counted=self.counted)
        self.workers.submit(
            Job(SCREEN_KEY, "screen", incumbent.pipeline, soft_seconds=soft, hard_seconds=hard, screen=request)
        )
        self.screening = True
        return False

    def _propose(self) -> bool:
        """Begin another experiment; whether there was one to begin."""
        number = self.next_number
        under_way = len(self.active) + (len(self.finished) if self.counted else 0)
        if self.exhausted or (under_way > self.lag and (self.counted or not self.workers.idle)):
            return False
        if not self.journal.predictions.has_room():
            self._end_for_want_of_room()
            return False
        if self.max_experiments is not None and number >= self.max_experiments:
            return False
        if number == 0:
            proposal: Proposal | None = self.policy.first()
        else:
            histories = self._history(number)
            if histories is None:
                return False
            history, running = histories
            self.policy.noise_unit = noise_of(history)
            left = float("inf") if self.counted else self.seconds_left
            proposal = self.policy.propose([*history, *running], number, left)
        if proposal is None:
            self.exhausted = not (self.active or self.finished or self.screening or self._wants_screening())
            return False
        self._begin(number, proposal)
        return True

    def _end_for_want_of_room(self) -> None:
        """Try nothing more, while there is room on the disk for the close."""
        self.exhausted = True
        self.journal.note(
            f"The disk of {self.journal.folder} is nearly full: nothing more is tried, and the run is closed."
        )

    def _begin(self, number: int, proposal: Proposal) -> None:
        history = self.records[: max(1, number - self.lag)] if self.counted else self.records
        active = Active(number, proposal, [], self.pruner.rival(proposal, history))
        self.jobs.begin(active)
        self.active.append(active)
        begun = {"family": proposal.pipeline.family, "reason": proposal.reason}  # numbers are given at the end
        self.journal.emit({"event": "begin", **begun})

    # outcomes of jobs

    def take(self, outcome: Outcome) -> None:
        """Take in the outcome of a job."""
        if outcome.job.kind == "screen":
            self._take_screening(outcome)
            return
        active = next((a for a in self.active if a.number == outcome.job.key), None)
        if active is None:
            return
        active.busy_seconds += outcome.seconds
        if outcome.job.twin:
            self._take_twin(active, outcome)
        elif outcome.job.kind == "fold" and self.counted:  # what is pruned may not depend on which fold ends first
            for earlier in active.in_order(outcome):
                if active in self.active:
                    self._take_outcome(active, earlier)
        else:
            self._take_outcome(active, outcome)

    def _take_outcome(self, active: Active, outcome: Outcome) -> None:
        if outcome.status != "ok":
            if outcome.status == "timeout" and not self.counted:
                self._learn_least(active, outcome)
            active.ended = outcome
            self._settle(active)
        elif outcome.result is None:
            active.waiting = self.jobs.folds(active)
        else:
            self._take_fold(active, outcome)

    def _learn_least(self, active: Active, outcome: Outcome) -> None:
        """What was killed costs more than its seconds, which counts where it was expected to cost less."""
        job = outcome.job
        if job.kind == "fold" and outcome.seconds > self.jobs.expected_seconds(active):
            self.costs.learn(job.pipeline, self.jobs.width(active), outcome.seconds, threads=job.threads)

    def _take_twin(self, active: Active, outcome: Outcome) -> None:
        if isinstance(outcome.result, FoldResult):
            active.twins[outcome.job.twin] = outcome.result.valid
        else:
            active.twins = {}  # the run goes on without a noise floor
        self._settle_if_done(active)

    def _take_screening(self, outcome: Outcome) -> None:
        self.screening = False
        assert outcome.job.screen is not None
        result = outcome.result
        if not isinstance(result, ScreenResult):
            self.journal.note(f"The screening for features failed: {last_line(outcome.error)}", outcome.error)
            result = ScreenResult.empty(outcome.job.screen.step, outcome.seconds)
        step = self.features.add_step(result, self.records)
        self.journal.add_screening(result, step.parent)

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
                rounds=result.rounds_run / self.referee.data.problem.n_targets,
                cut=result.feature_seconds + result.fit_seconds > CUT * job.soft_seconds,
                threads=job.threads,
            )
        first = active.number == 0 and self.leaders.champion is None and len(active.results) == 1
        if first and np.isfinite(result.test).all():
            self.submissions.submit_first_fold(result.test)  # at once; the other folds renew it
        active.losses[fold] = self.pruner.loss(result.valid, fold)
        active.pruned = self.pruner.verdict(active)
        self._settle_if_done(active)

    def _settle_if_done(self, active: Active) -> None:
        folds = len(active.results) == self.referee.folds.count
        if active.pruned or (folds and all(p is not None for p in active.twins.values())):
            self._settle(active)

    def _settle(self, active: Active) -> None:
        active.waiting.clear()
        self.workers.cancel([active.number])
        self.active.remove(active)
        self.finished[active.number] = active

    # recording

    def _record_finished(self) -> None:
        """Record what has finished: at once, or in a counted run in the order of proposal. What others could learn from
        an experiment does not wait for a slow one."""
        while self.finished:
            number = len(self.records) if self.counted else min(self.finished)
            if number not in self.finished:
                return
            self._record(self.finished.pop(number))

    def _record(self, active: Active) -> None:
        number, proposal, seconds = len(self.records), active.proposal, active.busy_seconds
        if active.ended is not None:
            error = active.ended.error
            reason = last_line(error)
            self.journal.add(Record(number, proposal, active.ended.status, reason, seconds=seconds, error=error))
        elif active.pruned:
            record = Record(number, proposal, "pruned", active.pruned, seconds=seconds, early_loss=active.early_loss)
            self.journal.add(record, self._pruned_trial(active))
        else:
            self._judge(number, active)

    def _pruned_trial(self, active: Active) -> FeatureTrial | None:
        """The outcome of a test of features that was ended early; None of other experiments."""
        if active.proposal.arm != ARM:
            return None
        change = None if active.trial is None else active.trial.change
        return FeatureTrial(False, change, active.pruned or "", incumbent_features(self.records))

    def _judge(self, number: int, active: Active) -> None:
        """Judge and record an experiment all of whose folds are done, and renew the submission where it helps."""
        folds, refit = self.referee.folds, self.referee.data.refit
        results = [active.results[k] for k in range(folds.count)]
        evaluation = combine(results, folds.positions, last_only=refit)
        losses = tuple(active.losses[k] for k in range(folds.count))
        one, other = (active.twins.get(t) for t in TWINS)
        if one is not None and other is not None:
            self._measure_noise_floor(one, other)
        began = time.monotonic()
        judgement = self.referee.judge(
            number, active.proposal, evaluation, active.busy_seconds, losses, self.records, self.leaders
        )
        took = time.monotonic() - began
        self.judge_seconds += RECENT * (took - self.judge_seconds) if self.judge_seconds else took
        leads = leads_boosting(judgement.record, self.records)  # what may become pseudo-labels
        tests = [r.test for r in results] if leads and not refit else []
        renewed = judgement.leaders.champion is not self.leaders.champion
        self.journal.add(judgement.record, judgement.trial, tests)
        self.leaders = judgement.leaders
        if renewed and self.leaders.champion is not None:
            self.submissions.submit_champion(self.leaders.champion, self.records)

    def _measure_noise_floor(self, one: np.ndarray, other: np.ndarray) -> None:
        floor = self.referee.noise_floor(one, other, fold=0)
        if floor is not None:
            self.leaders = replace(self.leaders, noise_floor=floor)
            self.journal.set_noise_floor(floor)

    def _abandon(self) -> None:
        """End what still runs. It is recorded, as what had finished is: nothing that was tried is forgotten.

        Not so in a counted run, where it would count: when that is resumed, it is tried again in its turn.
        """
        self.workers.cancel_all()
        if self.counted:
            self._record_finished()
            self.active, self.finished = [], {}
            return
        reason = "interrupted" if self.stopped() else "the search ended before its folds did"
        under_way = {a.number: a for a in self.active}
        for number in sorted([*under_way, *self.finished]):
            if number in self.finished:
                self._record(self.finished.pop(number))
            else:
                active, place = under_way[number], len(self.records)
                self.journal.add(Record(place, active.proposal, "timeout", reason, seconds=active.busy_seconds))
        self.active = []
