"""The search: propose, run, judge, record, until the time for closing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from medalist.agent.budget import Budget
from medalist.agent.experiment import Proposal, Record, noise_unit
from medalist.agent.judging.champion import Leaders
from medalist.agent.proposals.features import FeatureSearch
from medalist.agent.proposals.policy import Policy
from medalist.agent.search.admission import TOO_LARGE, Admission
from medalist.agent.search.dispatch import Dispatch
from medalist.agent.search.intake import Intake, UnderWay
from medalist.agent.search.jobs import Active, Jobs
from medalist.agent.search.pruning import Pruner
from medalist.agent.search.recording import Recorder
from medalist.agent.search.room import Room
from medalist.agent.search.screenings import Screenings
from medalist.agent.workers.costs import Costs
from medalist.agent.workers.footprints import Footprints
from medalist.agent.workers.jobs import Job, Outcome
from medalist.agent.workers.measuring import apply_calibration, calibrate, seconds_per_layout
from medalist.agent.workers.pool import WorkerPool
from medalist.pipelines.estimators.registry import family

POLL_SECONDS = 0.2
NEXT_SECONDS = 3600.0  # seconds that `would_try_next` takes to be left


@dataclass
class Search:
    """Runs experiments in child processes, and judges and records them as they end.

    With `counted` (a budget of experiments) they are recorded in the order in which they were proposed, each proposal
    sees exactly the records that every repetition of the run would have by then, and nothing depends on the clock.

    Attributes
    ----------
    stopped: returns whether a person has asked for an early close.
    closing_seconds: returns the seconds to keep for the close.
    footprints: the model of the jobs' memory; None where it is not looked after.
    under_way: the experiments that run or are not recorded yet.
    exhausted: whether nothing is left to try.
    """

    recorder: Recorder
    features: FeatureSearch
    policy: Policy
    workers: WorkerPool
    costs: Costs
    budget: Budget
    max_experiments: int | None
    stopped: Callable[[], bool]
    closing_seconds: Callable[[Search], float]
    footprints: Footprints | None = None
    under_way: UnderWay = field(default_factory=UnderWay)
    exhausted: bool = False
    jobs: Jobs = field(init=False)
    room: Room = field(init=False)
    pruner: Pruner = field(init=False)
    intake: Intake = field(init=False)
    dispatch: Dispatch = field(init=False)
    screenings: Screenings = field(init=False)
    _closing: tuple[object, float] = (None, 0.0)
    _nothing_to_propose: object = None

    def __post_init__(self) -> None:
        by_clock = self.budget.limited and not self.counted
        args = (self.recorder.referee, self.recorder.journal, self.workers, self.costs, self.budget, by_clock)
        self.jobs = Jobs(*args, seconds_left=lambda: self.seconds_left, footprints=self.footprints)
        journal = self.recorder.journal
        self.room = Room.of(journal.predictions, journal.note, self.budget, counted=self.counted)
        self.pruner = Pruner(self.recorder.referee)
        self.dispatch = Dispatch(self.workers, self.recorder.referee.folds.count, self.counted)
        self.screenings = Screenings(
            self.features,
            self.room,
            self.recorder.journal,
            self.workers,
            self.budget,
            self.under_way,
            self.counted,
            self.footprints,
            history=self._proposed_from,
            seconds_left=lambda: self.seconds_left,
        )
        self.intake = Intake(
            self.recorder,
            self.features,
            self.workers,
            self.costs,
            self.jobs,
            self.pruner,
            self.under_way,
            self.counted,
        )

    @property
    def leaders(self) -> Leaders:
        """What leads so far."""
        return self.recorder.leaders

    @property
    def records(self) -> list[Record]:
        """The finished experiments."""
        return self.recorder.journal.records

    @property
    def counted(self) -> bool:
        """Whether the budget is a number of experiments."""
        return self.max_experiments is not None

    @property
    def lag(self) -> int:
        """How many earlier experiments may be unfinished when one is proposed."""
        return 1 + self.workers.count // max(1, self.recorder.referee.folds.count)

    @property
    def seconds_left(self) -> float:
        """Seconds left for the search, those for the close taken off; these change with the finished experiments."""
        if self._closing[0] != len(self.records):
            self._closing = len(self.records), self.closing_seconds(self)
        return self.budget.left - self._closing[1]

    @property
    def next_number(self) -> int:
        """The number of the next experiment."""
        return len(self.records) + len(self.under_way)

    def calibrate(self) -> None:
        """Measure on the first model's folds how much threads speed a fit up; by the clock only, before anything else
        runs."""
        proposal = self.policy.first()
        fam, active = family(proposal.pipeline.family), Active(0, proposal, [], None)
        if self.counted or not fam.boosted or not self.workers.one_machine:
            return
        expected = self.costs.expected_fit_seconds(fam, self.jobs.width(active), fam.portfolio[0])
        seconds = seconds_per_layout(self.budget.seconds, self.workers.cores, expected)
        folds = [job for job in self.jobs.folds(active) if not job.replicate]
        apply_calibration(self.workers, self.costs, calibrate(self.workers, lambda k: folds[k % len(folds)], seconds))
        self.policy.workers = self.features.workers = self.workers.count

    def run(self, tick: Callable[[], None]) -> None:
        """Search until the time, the count or the proposals end; `tick` is called several times a second."""
        while not self.stopped() and self.seconds_left > 0:
            proposed = self._feed()
            if (
                not self.under_way.active
                and not self.under_way.finished
                and not self.under_way.screening
                and not self.screenings.due
            ):
                if not self.room.awaited:
                    break
                time.sleep(POLL_SECONDS)
            waits = not proposed and not (self.under_way.finished and self.dispatch.wide)
            for outcome in self.workers.poll(min(POLL_SECONDS, max(0.01, self.seconds_left)) if waits else 0.0):
                self.intake.take(outcome)
            if not (self.counted and self.under_way.screening):
                self.dispatch.hand_out(self.under_way.active)  # before what has finished is judged
            self._record_finished()
            if self.dispatch.wide:
                self.recorder.renew_submission(at_once=False)
            tick()
        self._abandon()

    # proposing

    def _feed(self) -> bool:
        """Hand out jobs, the earliest experiment's first, while there is room for them, and propose experiments while
        there is too little to hand out. Returns whether it ended after a proposal, since with many workers it would
        take too long to make all of them before outcomes are looked at."""
        while True:
            if self.screenings.begin() or (self.counted and self.under_way.screening):
                return False
            left = self.dispatch.hand_out(self.under_way.active)
            if left is not None and not self.dispatch.wants_more(self.under_way.active):
                return False
            if left is None and self.counted and self.screenings.due:
                return False  # what runs comes to its end first
            if left is None and not self.dispatch.wide and not self.workers.has_room(short=True):
                return False
            if self._propose():
                if self.dispatch.wide:
                    self.dispatch.hand_out(self.under_way.active)
                    return True
            elif not self.dispatch.hand_out_held(self.under_way.active):
                return False

    def _history(self, number: int) -> tuple[list[Record], list[Record]] | None:
        """The records that a proposal of this number is made from, and placeholders for the experiments that count as
        running; None where it is too early for it.

        In a counted run experiments that have ended since count as running too, so that nothing depends on the clock.
        """
        history = self.records[: max(1, number - self.lag)] if self.counted else self.records
        if not history or (self.counted and len(self.records) < max(1, number - self.lag)):
            return None
        running = [r.proposal for r in self.records[len(history) :]]
        running += [a.proposal for a in [*self.under_way.active, *self.under_way.finished.values()]]
        return history, list(map(Record.placeholder, running))

    def _proposed_from(self) -> list[Record] | None:
        """What the next experiment is proposed from; None where there is to be none, or it is too early for it."""
        number = self.next_number
        histories = self._history(number)
        if histories is None or (self.max_experiments is not None and number >= self.max_experiments):
            return None
        return [*histories[0], *histories[1]]

    def _propose(self) -> bool:
        """Begin another experiment; whether there was one to begin."""
        number = self.next_number
        state = len(self.records), number, self.under_way.screening, len(self.features.steps)
        count = len(self.under_way.active) + (len(self.under_way.finished) if self.counted else 0)
        enough = not self.workers.idle and not self.dispatch.wants_more(self.under_way.active)
        if self.exhausted or (count > self.lag and (self.counted or enough)):
            return False
        if self._nothing_to_propose == state and self.under_way.active:  # nothing has begun or ended since
            return False
        if not self.room.ready:
            self.exhausted = self.room.given_up
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
            self.policy.noise_unit = noise_unit(history)
            left = float("inf") if self.counted else self.seconds_left
            proposal = self.policy.propose([*history, *running], number, left)
        if proposal is None:
            self._nothing_to_propose = state
            self.exhausted = not (
                self.under_way.active or self.under_way.finished or self.under_way.screening or self.screenings.due
            )
            return False
        if self.footprints is not None:
            admitted = Admission(self.workers, self.footprints).admitted(proposal)
            if isinstance(admitted, str):
                self._refuse(number, proposal, admitted)
                return False  # it is recorded before the next one is proposed
            proposal = admitted
        self._begin(number, proposal)
        return True

    def _refuse(self, number: int, proposal: Proposal, reason: str) -> None:
        """Let an experiment fail before it starts."""
        job = Job(number, "fold", proposal.pipeline)
        self.under_way.finished[number] = Active(
            number, proposal, [], None, failure=Outcome(job, TOO_LARGE, error=reason)
        )

    def would_try_next(self) -> str | None:
        """What would be tried next if the run went on for an hour, in words, once the search has ended; None where
        nothing is left to try, or there is no model yet. It changes what later proposals would be."""
        if not any(r.score is not None for r in self.records):
            return None
        proposal = self.policy.propose(self.records, len(self.records), NEXT_SECONDS)
        return None if proposal is None else f"{proposal.pipeline.family}: {proposal.reason}"

    def _begin(self, number: int, proposal: Proposal) -> None:
        history = self.records[: max(1, number - self.lag)] if self.counted else self.records
        active = Active(number, proposal, [], self.pruner.reference(proposal, history))
        self.jobs.begin(active)
        self.under_way.active.append(active)
        begun = {"family": proposal.pipeline.family, "reason": proposal.reason}  # numbers are given at the end
        self.recorder.journal.emit({"event": "begin", **begun})

    # recording

    def _record_finished(self) -> None:
        """Record what has finished: at once, or in a counted run in the order of proposal. What others could learn from
        an experiment does not wait for a slow one. With many workers one at a time, so that none waits for a job
        meanwhile."""
        finished = self.under_way.finished
        while finished:
            number = len(self.records) if self.counted else min(finished)
            if number not in finished:
                return
            self.recorder.record(finished.pop(number))
            self.recorder.renew_submission(at_once=not self.dispatch.wide)
            if self.dispatch.wide:
                return

    def _abandon(self) -> None:
        """End what still runs. It is recorded, as what had finished is: nothing that was tried is forgotten.

        Not so in a counted run, where it would count: when that is resumed, it is tried again in its turn.
        """
        self.workers.cancel_all()
        running, finished = {a.number: a for a in self.under_way.active}, self.under_way.finished
        if self.counted:
            self._record_finished()
            finished.clear()
        else:
            reason = "interrupted" if self.stopped() else "the search ended before its folds did"
            for number in sorted([*running, *finished]):
                if number in finished:
                    self.recorder.record(finished.pop(number))
                else:
                    self.recorder.cut_short(running[number], reason)
        self.recorder.renew_submission(at_once=True)
        self.under_way.active.clear()
