"""The search: propose, run, judge, record, until the time for closing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from agent.budget import Budget
from agent.costs import Costs
from agent.feature_groups import ARM, step_of
from agent.feature_search import in_words
from agent.judge import Comparison
from agent.policy import LARGEST_SHARE, Policy, noise_of, width_of
from agent.record import Proposal, Record
from agent.session import Session
from agent.worker import Job, Outcome
from agent.workers import Workers
from competitions.errors import MetricError
from pipelines.ensemble import smooth_loss
from pipelines.estimators.families import family
from pipelines.evaluate import FoldResult, combine
from pipelines.features.expression import parse
from pipelines.features.operators import is_supervised
from pipelines.features.search import ScreenResult
from pipelines.postprocess import plain_decision

POLL_SECONDS = 0.2
LEAST_FOLD_SECONDS = 3.0
FIT_SHARE = 0.7  # of a fold's time for boosting; the rest is for predicting
SCREEN_KEY = -1  # of the job that screens candidates for features
HARD_GRACE = 10.0  # seconds that a screening may take beyond twice its time
SHORT_SECONDS = 0.5  # folds that take less are handed out ahead
PRUNE_AFTER = 2  # folds
PRUNE_SHARE = 0.4  # of the folds, for features: fits are cheap, and their gains small
PRUNE_MARGIN = 0.5  # of the standard error of the mean of the best pipeline's fold losses


@dataclass
class Active:
    """An experiment under way: jobs that wait, folds that are done with their losses, and the record to beat."""

    number: int
    proposal: Proposal
    waiting: list[Job]
    rival: Record | None
    began: float = field(default_factory=time.monotonic)
    results: dict[int, FoldResult] = field(default_factory=dict)
    losses: dict[int, float] = field(default_factory=dict)
    ended: Outcome | None = None
    pruned: str | None = None
    early_loss: float | None = None
    busy_seconds: float = 0.0
    change: Comparison | None = None


def _turn(active: Active) -> tuple[bool, int]:
    """Whose jobs go first: tests of features, which others wait for, then the earliest."""
    return active.proposal.arm != ARM, active.number


@dataclass
class Search:
    """Runs experiments in child processes and records them in the order in which they were proposed.

    With `ordered` (a budget of experiments) each proposal sees exactly the records that every repetition of the run
    would have by then, and nothing depends on the clock.
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

    def run(self, tick: Callable[[], None]) -> None:
        """Search until the time, the count or the ideas end; `tick` is called several times a second."""
        while not self.stopped() and self.seconds_left > 0:
            self._feed()
            if not self.active and not self.finished and not self.screening and not self._wants_screening():
                break
            for outcome in self.workers.poll(min(POLL_SECONDS, max(0.01, self.seconds_left))):
                self.take(outcome)
            self._record_finished()
            tick()
        self._abandon()

    # proposing

    def _feed(self) -> None:
        """Hand out jobs, the earliest experiment's first, while there is room for them."""
        while True:
            if self._screen() or (self.ordered and self.screening):
                return
            active = min((a for a in self.active if a.waiting), key=_turn, default=None)
            if active is None:
                if self.ordered and self._wants_screening():
                    return  # what runs comes to its end first
                if not self.workers.has_room(short=True) or not self._propose():
                    return
            elif self.workers.has_room(short=active.waiting[0].short):
                self.workers.submit(active.waiting.pop(0))
            else:
                return

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
        if self.exhausted or under_way > self.lag:
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

    def _begin(self, number: int, proposal: Proposal) -> None:
        pipeline = proposal.pipeline
        missing = [f for f in pipeline.features if not self._ready(f)]
        kind = "prepare" if missing else "fold"
        rival = self._rival(number, proposal) if proposal.arm.startswith(("tune", "features")) else None
        active = Active(number, proposal, [], rival)
        active.waiting = [self._job(active, "prepare")] if kind == "prepare" else self._fold_jobs(active)
        self.active.append(active)
        self.session.emit({"event": "begin", "number": number, "family": pipeline.family, "reason": proposal.reason})

    def _ready(self, feature: str) -> bool:
        return is_supervised(parse(feature)) or self.session.ground.store.has(feature)

    def _rival(self, number: int, proposal: Proposal) -> Record | None:
        """The family's best record that this experiment's proposal could see, to be pruned against."""
        seen = self.session.records[: max(1, number - self.lag)] if self.ordered else self.session.records
        parent = next((r for r in seen if r.number == proposal.parent), None)
        if proposal.arm == ARM:  # whatever is tuned by now, this one changes its parent alone
            return parent if parent is not None and parent.fold_losses else None
        rivals = [
            r for r in seen if r.score is not None and r.fold_losses and r.pipeline.family == proposal.pipeline.family
        ]
        return min(rivals, key=lambda r: sum(r.fold_losses), default=None)

    def _loss(self, predictions: np.ndarray, fold: int) -> float:
        ground, folds = self.session.ground, self.session.folds
        try:
            return smooth_loss(ground.metric, ground.problem, folds.y[folds.slots[fold]], predictions)
        except MetricError:  # one class only in this fold
            return 0.0

    def _fold_jobs(self, active: Active) -> list[Job]:
        order = list(range(self.session.folds.count))
        if active.proposal.arm == ARM and self.session.features is not None and active.proposal.idea is not None:
            first = self.session.features.judges(step_of(active.proposal.idea))
            order.sort(key=lambda k: k not in first)
        return [self._job(active, "fold", k) for k in order]

    def _job(self, active: Active, kind: str, fold: int = 0) -> Job:
        pipeline = active.proposal.pipeline
        soft = hard = float("inf")
        if not self.ordered and self.budget.limited:
            rounds_of_work = -(-self.session.folds.count // self.workers.count)
            soft = max(LEAST_FOLD_SECONDS, LARGEST_SHARE * self.seconds_left / rounds_of_work)
            hard = 2 * soft + 5
        return Job(
            key=active.number,
            kind=kind,  # type: ignore[arg-type]
            pipeline=pipeline,
            fold=fold,
            folds=self.session.folds.path,
            threads=self.workers.threads,
            soft_seconds=FIT_SHARE * soft,
            hard_seconds=hard,
            short=kind == "fold" and self._guess(active) < SHORT_SECONDS,
        )

    def _guess(self, active: Active) -> float:
        pipeline = active.proposal.pipeline
        return self.costs.guess(family(pipeline.family), self._width(active), pipeline.parameters)

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
        if outcome.status != "ok":
            active.ended = outcome
            self._settle(active)
        elif outcome.result is None:
            active.waiting = self._fold_jobs(active)
        else:
            self._take_fold(active, outcome)

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
            self.costs.learn(active.proposal.pipeline, self._width(active), result.fit_seconds)
        if active.number == 0 and self.session.champion is None and len(active.results) == 1:
            self._first_model(result)
        active.losses[fold] = self._loss(result.valid, fold)
        if active.rival is not None:
            active.pruned = self._hopeless(active, active.rival)
        if active.pruned or len(active.results) == self.session.folds.count:
            self._settle(active)

    def _width(self, active: Active) -> int:
        return width_of(active.proposal.pipeline.features, self.costs.outputs)

    def _first_model(self, result: FoldResult) -> None:
        """The first fold of the first model makes a submission at once; its other folds renew it."""
        ground = self.session.ground
        decision = plain_decision(ground.metric, ground.problem, ground.y)
        made_from = "the first fold of experiment 0"
        self.session.put(result.test, decision, None, {"experiment": 0, "folds": 1}, made_from)
        self.session.emit({"event": "submission", "made_from": made_from, "score": None})

    def _hopeless(self, active: Active, rival: Record) -> str | None:
        """Why to stop early: the folds so far, taken in order, are all worse and clearly so."""
        if active.proposal.arm == ARM and (told := self._refuted(active, rival)) is not None:
            return told
        bar = np.asarray(rival.fold_losses)
        margin = PRUNE_MARGIN * bar.std(ddof=1) / np.sqrt(len(bar)) if len(bar) > 1 else np.inf
        after = (
            max(PRUNE_AFTER, int(PRUNE_SHARE * self.session.folds.count)) if active.proposal.arm == ARM else PRUNE_AFTER
        )
        for done in range(after, self.session.folds.count):
            if any(k not in active.losses for k in range(done)):
                return None
            worse = np.array([active.losses[k] for k in range(done)]) - bar[:done]
            if np.all(worse > 0) and worse.mean() > margin:
                assert rival.score is not None
                active.early_loss = float(rival.score.loss + worse.mean())
                return f"behind the best of its family after {done} folds"
        return None

    def _refuted(self, active: Active, parent: Record) -> str | None:
        """Why a group of features need not be fitted on further folds: those that judge it are done, and it failed."""
        search, idea = self.session.features, active.proposal.idea
        if search is None or idea is None or active.change is not None:
            return None
        active.change = search.early(idea, parent, {k: r.valid for k, r in active.results.items()})
        if active.change is None:
            return None
        fewer = set(active.proposal.pipeline.features) < set(parent.pipeline.features)
        if search.enough(active.change, idea, fewer=fewer):
            return None
        assert parent.score is not None
        active.early_loss = parent.score.loss - active.change.gain
        return in_words(active.change, taken=False)

    def _settle(self, active: Active) -> None:
        active.waiting.clear()
        self.workers.cancel([active.number])
        self.active.remove(active)
        self.finished[active.number] = active

    # recording

    def _record_finished(self) -> None:
        while (number := len(self.session.records)) in self.finished:
            self._record(self.finished.pop(number))

    def _record(self, active: Active) -> None:
        number, seconds = active.number, active.busy_seconds
        if active.ended is not None:
            reason = (active.ended.error or "").strip().splitlines()[-1:] or ["no reason was given"]
            error = active.ended.error
            self.session.keep(
                Record(number, active.proposal, active.ended.status, reason[0], seconds=seconds, error=error)
            )
        elif active.pruned:
            early = active.early_loss
            record = Record(number, active.proposal, "pruned", active.pruned, seconds=seconds, early_loss=early)
            self.session.dropped(record, active.change)
            self.session.keep(record)
        else:
            folds = self.session.folds
            results = [active.results[k] for k in range(folds.count)]
            evaluation = combine(results, folds.slots, last_only=self.session.ground.refit)
            losses = tuple(active.losses[k] for k in range(folds.count))
            self.session.judge(number, active.proposal, evaluation, seconds, losses)

    def _abandon(self) -> None:
        """End what still runs. It is recorded, as what had finished is: nothing that was tried is forgotten."""
        self.workers.cancel_all()
        reason = "interrupted" if self.stopped() else "the search ended before its folds did"
        ended = {a.number: a for a in self.active}
        for number in sorted([*ended, *self.finished]):
            if number in self.finished:
                self._record(self.finished.pop(number))
            else:
                active = ended[number]
                self.session.keep(Record(number, active.proposal, "timeout", reason, seconds=active.busy_seconds))
        self.active = []
