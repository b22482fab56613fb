"""The search: propose, run, judge, record, until the time for closing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from medalist.agent.budget import Budget
from medalist.agent.experiment import Proposal, Record, noise_of
from medalist.agent.proposals.policy import Policy
from medalist.agent.records import submissions as submitting
from medalist.agent.search.jobs import TWINS, Active, Jobs, turn
from medalist.agent.search.pruning import Race
from medalist.agent.search.session import Session
from medalist.agent.workers.costs import Costs
from medalist.agent.workers.jobs import Job, Outcome
from medalist.agent.workers.local import Workers
from medalist.agent.workers.measuring import allowance, arrange, calibrate
from medalist.pipelines.decisions.decision import plain_decision
from medalist.pipelines.estimators.registry import family
from medalist.pipelines.features.search.step import ScreenResult
from medalist.pipelines.fitting.evaluation import combine
from medalist.pipelines.fitting.fold import FoldResult

POLL_SECONDS = 0.2
SCREEN_KEY = -1  # of the job that screens candidates for features
CUT = 0.95  # of the time for boosting: a fit that took so much was ended by it
HARD_GRACE = 10.0  # seconds that a screening may take beyond twice its time


@dataclass
class Search:
    """Runs experiments in child processes and records them as they end.

    With `ordered` (a budget of experiments) they are recorded in the order in which they were proposed, each proposal
    sees exactly the records that every repetition of the run would have by then, and nothing depends on the clock.
    """

    session: Session
    workers: Workers
    policy: Policy
    costs: Costs
    budget: Budget
    max_experiments: int | None
    stopped: Callable[[], bool]
    closing_seconds: Callable[[], float]
    active: list[Active] = field(default_factory=list)
    finished: dict[int, Active] = field(default_factory=dict)
    exhausted: bool = False
    screening: bool = False
    jobs: Jobs = field(init=False)
    race: Race = field(init=False)

    def __post_init__(self) -> None:
        by_clock = self.budget.limited and not self.ordered
        args = (self.session, self.workers, self.costs, self.budget, by_clock)
        self.jobs = Jobs(*args, seconds_left=lambda: self.seconds_left)
        self.race = Race(self.session)

    @property
    def ordered(self) -> bool:
        return self.max_experiments is not None

    @property
    def lag(self) -> int:
        """How many earlier experiments may be unfinished when one is proposed."""
        return 1 + self.workers.count // max(1, self.session.folds.count)

    @property
    def seconds_left(self) -> float:
        """Seconds left for searching, the time for closing taken off."""
        return self.budget.left - self.closing_seconds()

    @property
    def next_number(self) -> int:
        return len(self.session.records) + len(self.active) + len(self.finished)

    def calibrate(self) -> None:
        """Measure on the first model's folds what threads are worth; by the clock only, before anything runs."""
        proposal = self.policy.first()
        fam, active = family(proposal.pipeline.family), Active(0, proposal, [], None)
        if self.ordered or not fam.boosted:
            return
        usual = self.costs.guess(fam, self.jobs.width(active), fam.portfolio[0])
        seconds = allowance(self.budget.seconds, self.workers.cores, usual)
        folds = [job for job in self.jobs.folds(active) if not job.twin]
        arrange(self.workers, self.costs, calibrate(self.workers, lambda k: folds[k % len(folds)], seconds))
        self.policy.workers = self.workers.count

    def run(self, tick: Callable[[], None]) -> None:
        """Search until the time, the count or the ideas end; `tick` is called several times a second."""
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
            if self._screen() or (self.ordered and self.screening):
                return
            active = min((a for a in self.active if a.waiting), key=turn, default=None)
            if active is None:
                if self.ordered and self._wants_screening():
                    return  # what runs comes to its end first
                if not self.workers.has_room(short=True) or not self._propose():
                    return
            elif self.workers.has_room(short=active.waiting[0].short):
                self.workers.submit(active.waiting.pop(0))
            else:
                return

    def _hand_out(self) -> None:
        """Hand out jobs that wait already, as far as there is room for them."""
        while (active := min((a for a in self.active if a.waiting), key=turn, default=None)) is not None:
            if (self.ordered and self.screening) or not self.workers.has_room(short=active.waiting[0].short):
                return
            self.workers.submit(active.waiting.pop(0))

    def _known(self, number: int) -> tuple[list[Record], list[Record]] | None:
        """Records that decide about an experiment, and those that stand for what runs; None where it is too early.

        With `ordered` what has ended since those counts as running too, so that nothing depends on the clock.
        """
        records = self.session.records
        history = records[: max(1, number - self.lag)] if self.ordered else records
        if not history or (self.ordered and len(records) < max(1, number - self.lag)):
            return None
        running = [r.proposal for r in records[len(history) :]]
        running += [a.proposal for a in [*self.active, *self.finished.values()]]
        return history, list(map(Record.under_way, running))

    def _wants_screening(self) -> bool:
        search, known = self.session.features, self._known(self.next_number)
        if search is None or self.screening or known is None:
            return False
        if self.max_experiments is not None and self.next_number >= self.max_experiments:
            return False
        history, running = known
        return search.ready([*history, *running], float("inf") if self.ordered else self.seconds_left)

    def _screen(self) -> bool:
        """Hand out a screening for features where it is time for one; whether nothing else may be handed out before."""
        if not self._wants_screening():
            return False
        if not self.workers.idle or (self.ordered and (self.active or self.finished)):
            return not self.ordered  # a child comes free sooner; equal runs start it from equal records
        search, history = self.session.features, self.session.records
        assert search is not None
        incumbent = search.incumbent(history)
        assert incumbent is not None
        soft = hard = float("inf")
        if self.budget.limited:
            soft = float("inf") if self.ordered else search.screen_seconds
            hard = max(1.0, self.seconds_left) if self.ordered else 2 * soft + HARD_GRACE
        request = search.request(history, ordered=self.ordered)
        self.workers.submit(
            Job(SCREEN_KEY, "screen", incumbent.pipeline, soft_seconds=soft, hard_seconds=hard, screen=request)
        )
        self.screening = True
        return False

    def _propose(self) -> bool:
        number = self.next_number
        under_way = len(self.active) + (len(self.finished) if self.ordered else 0)
        if self.exhausted or (under_way > self.lag and (self.ordered or not self.workers.idle)):
            return False
        if not self.session.outputs.has_room():
            self._end_for_want_of_room()
            return False
        if self.max_experiments is not None and number >= self.max_experiments:
            return False
        if number == 0:
            proposal: Proposal | None = self.policy.first()
        else:
            known = self._known(number)
            if known is None:
                return False
            history, running = known
            self.policy.noise_unit = noise_of(history)
            left = float("inf") if self.ordered else self.seconds_left
            proposal = self.policy.propose([*history, *running], number, left)
        if proposal is None:
            self.exhausted = not (self.active or self.finished or self.screening or self._wants_screening())
            return False
        self._begin(number, proposal)
        return True

    def _end_for_want_of_room(self) -> None:
        """Try nothing more, while there is room for the close."""
        self.exhausted = True
        text = (
            f"The disk of {self.session.outputs.folder} is nearly full: nothing more is tried, and the run is closed."
        )
        self.session.emit({"event": "note", "text": text})

    def _begin(self, number: int, proposal: Proposal) -> None:
        seen = self.session.records[: max(1, number - self.lag)] if self.ordered else self.session.records
        active = Active(number, proposal, [], self.race.rival(proposal, seen))
        self.jobs.begin(active)
        self.active.append(active)
        told = {"family": proposal.pipeline.family, "reason": proposal.reason}  # numbers are given at the end
        self.session.emit({"event": "begin", **told})

    # taking in

    def take(self, outcome: Outcome) -> None:
        """Take in the end of a job."""
        if outcome.job.kind == "screen":
            self._take_screening(outcome)
            return
        active = next((a for a in self.active if a.number == outcome.job.key), None)
        if active is None:
            return
        active.busy_seconds += outcome.seconds
        if outcome.job.twin:
            self._take_twin(active, outcome)
        elif outcome.status != "ok":
            if outcome.status == "timeout" and not self.ordered:
                self._learn_least(active, outcome)
            active.ended = outcome
            self._settle(active)
        elif outcome.result is None:
            active.waiting = self.jobs.folds(active)
        else:
            self._take_fold(active, outcome)

    def _learn_least(self, active: Active, outcome: Outcome) -> None:
        """What was killed costs more than its seconds, which counts where it was guessed to cost less."""
        job = outcome.job
        if job.kind == "fold" and outcome.seconds > self.jobs.guess(active):
            self.costs.learn(job.pipeline, self.jobs.width(active), outcome.seconds, threads=job.threads)

    def _take_twin(self, active: Active, outcome: Outcome) -> None:
        if isinstance(outcome.result, FoldResult):
            active.twins[outcome.job.twin] = outcome.result.valid
        else:
            active.twins = {}  # the run goes on without
        self._settle_if_done(active)

    def _take_screening(self, outcome: Outcome) -> None:
        self.screening = False
        assert outcome.job.screen is not None
        result = outcome.result
        if not isinstance(result, ScreenResult):
            last = (outcome.error or "").strip().splitlines()[-1:] or ["no reason was given"]
            self.session.emit({"event": "note", "text": f"The screening for features failed: {last[0]}"})
            result = ScreenResult.empty(outcome.job.screen.step, outcome.seconds)
        self.session.screened(result)

    def _take_fold(self, active: Active, outcome: Outcome) -> None:
        result, fold = outcome.result, outcome.job.fold
        assert isinstance(result, FoldResult)
        active.results[fold] = result
        if not self.ordered:
            job = outcome.job
            self.costs.learn(
                active.proposal.pipeline,
                self.jobs.width(active),
                result.fit_seconds,
                rounds=result.rounds_run / self.session.ground.problem.n_targets,
                cut=result.feature_seconds + result.fit_seconds > CUT * job.soft_seconds,
                threads=job.threads,
            )
        if active.number == 0 and self.session.champion is None and len(active.results) == 1:
            self._first_model(result)
        active.losses[fold] = self.race.loss(result.valid, fold)
        if active.rival is not None:
            active.pruned = self.race.hopeless(active, active.rival)
        self._settle_if_done(active)

    def _settle_if_done(self, active: Active) -> None:
        folds = len(active.results) == self.session.folds.count
        if active.pruned or (folds and all(p is not None for p in active.twins.values())):
            self._settle(active)

    def _first_model(self, result: FoldResult) -> None:
        """The first fold of the first model makes a submission at once; its other folds renew it."""
        ground = self.session.ground
        decision = plain_decision(ground.metric, ground.problem, ground.y)
        made_from = "the first fold of experiment 0"
        submitting.put(self.session, result.test, decision, None, {"experiment": 0, "folds": 1}, made_from)
        self.session.emit({"event": "submission", "made_from": made_from, "score": None})

    def _settle(self, active: Active) -> None:
        active.waiting.clear()
        self.workers.cancel([active.number])
        self.active.remove(active)
        self.finished[active.number] = active

    # recording

    def _record_finished(self) -> None:
        """Record what has finished: at once, or with `ordered` in the order of proposal. What others could learn from
        an experiment does not wait for a slow one."""
        while self.finished:
            number = len(self.session.records) if self.ordered else min(self.finished)
            if number not in self.finished:
                return
            self._record(self.finished.pop(number))

    def _record(self, active: Active) -> None:
        number, seconds = len(self.session.records), active.busy_seconds
        if active.ended is not None:
            reason = (active.ended.error or "").strip().splitlines()[-1:] or ["no reason was given"]
            error = active.ended.error
            self.session.keep(
                Record(number, active.proposal, active.ended.status, reason[0], seconds=seconds, error=error)
            )
        elif active.pruned:
            early = active.early_loss
            record = Record(number, active.proposal, "pruned", active.pruned, seconds=seconds, early_loss=early)
            self.session.keep(record, self.session.dropped(record, active.change))
        else:
            folds = self.session.folds
            results = [active.results[k] for k in range(folds.count)]
            evaluation = combine(results, folds.slots, last_only=self.session.ground.refit)
            losses = tuple(active.losses[k] for k in range(folds.count))
            one, other = (active.twins.get(t) for t in TWINS)
            if one is not None and other is not None:
                self.session.measure_floor(one, other, fold=0)
            tests = [] if self.session.ground.refit else [r.test for r in results]
            self.session.judge(number, active.proposal, evaluation, seconds, losses, tests)

    def _abandon(self) -> None:
        """End what still runs. It is recorded, as what had finished is: nothing that was tried is forgotten."""
        self.workers.cancel_all()
        reason = "interrupted" if self.stopped() else "the search ended before its folds did"
        ended = {a.number: a for a in self.active}
        for number in sorted([*ended, *self.finished]):
            if number in self.finished:
                self._record(self.finished.pop(number))
            else:
                active, place = ended[number], len(self.session.records)
                self.session.keep(Record(place, active.proposal, "timeout", reason, seconds=active.busy_seconds))
        self.active = []
