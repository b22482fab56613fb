"""A running experiment, and the jobs for child processes that it is divided into."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from medalist.agent.budget import Budget
from medalist.agent.experiment import Proposal, Record
from medalist.agent.feature_ideas import ARM, step_of
from medalist.agent.history import by_hash
from medalist.agent.judging.feature_trials import FeatureTrial
from medalist.agent.judging.referee import Referee
from medalist.agent.proposals.planning import LARGEST_SHARE
from medalist.agent.records.journal import Journal
from medalist.agent.workers.costs import Costs
from medalist.agent.workers.footprints import Footprints
from medalist.agent.workers.jobs import Job, Outcome, Sources
from medalist.agent.workers.pool import WorkerPool
from medalist.agent.workers.widths import pipeline_width
from medalist.pipelines.estimators.registry import FAMILIES
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.registry import is_supervised
from medalist.pipelines.fitting.fold import FoldResult
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.row_recipe import ADDITIONAL, row_step

LEAST_FOLD_SECONDS = 3.0  # least time limit of a fold's job, whatever the budget
FIT_SHARE = 0.7  # share of a fold's time limit for boosting; the rest is for features and predictions
FIRST_LONGEST = 0.25  # most of the budget for boosting in a fold of the first experiment, which others wait for
LONGER = 1.5  # boosting may take this multiple of the expected seconds at least, where so much time is left
SHORT_SECONDS = 0.5  # expected seconds below which a fold may be queued at a worker that is still busy
REPLICATE_SEEDS = (101, 202)  # added to the seed for two fits that differ in nothing else, for the noise floor
REPLICATES_SHARE = 0.02  # most of the budget that they may take together


@dataclass
class Active:
    """A running experiment.

    Attributes
    ----------
    waiting: jobs that were not given to a worker yet.
    reference: the finished experiment that it is pruned against; None where it is not pruned.
    results, losses: of the finished folds, by fold.
    failure: the outcome of a job that failed, which ends the experiment; None while none has.
    pruned: why it was pruned, in words; None while it was not.
    early_loss: the loss of a pruned experiment, extrapolated from its finished folds.
    busy_seconds: of work on its jobs so far.
    trial: the outcome of a test of features by its held-out folds, once these are done (see `Pruner`).
    order: the folds that were not looked at yet, in the order in which workers get them.
    nodes: names of the cluster's nodes that have worked on it; none where this machine has.
    early: outcomes of folds that ended before an earlier one in `order`, by fold; only where the budget is a number of
        experiments, so that nothing may depend on the clock.
    replicates: validation predictions of the seed replicates for the noise floor, by REPLICATE_SEEDS; None until they
        are done. Empty where there are no replicates.
    """

    number: int
    proposal: Proposal
    waiting: list[Job]
    reference: Record | None
    results: dict[int, FoldResult] = field(default_factory=dict)
    losses: dict[int, float] = field(default_factory=dict)
    failure: Outcome | None = None
    pruned: str | None = None
    early_loss: float | None = None
    busy_seconds: float = 0.0
    trial: FeatureTrial | None = None
    replicates: dict[int, np.ndarray | None] = field(default_factory=dict)
    order: list[int] = field(default_factory=list)
    early: dict[int, Outcome] = field(default_factory=dict)
    nodes: set[str] = field(default_factory=set)

    def in_order(self, outcome: Outcome) -> list[Outcome]:
        """The outcomes that may be looked at now that this fold has ended, in `order`: all up to the first fold that
        has not ended. Removes them from `order` and `early`."""
        self.early[outcome.job.fold] = outcome
        ready = []
        while self.order and self.order[0] in self.early:
            ready.append(self.early.pop(self.order.pop(0)))
        return ready


def last_line(error: str | None) -> str:
    """The last line of a traceback, with the exception's message."""
    return ((error or "").strip().splitlines() or ["no reason was given"])[-1]


def sources_of(
    pipeline: Pipeline, journal: Journal, predicted: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None
) -> Sources:
    """The predictions of other pipelines that a stacked or pseudo-labelled pipeline is fitted on.

    predicted: for a fold other than the search's, (validation (v, W), test (m, W)) predictions on that fold, by the
    hash of the pipeline; None for the folds of the search, whose predictions are on disk.
    """
    numbers = {h: r.number for h, r in by_hash(journal.records).items()}
    labels: Path | np.ndarray | None = None
    if pipeline.pseudo:
        if predicted is not None:
            labels = predicted[pipeline.pseudo][1]
        else:
            labels = journal.predictions.fold_tests_path(numbers[pipeline.pseudo]).resolve()
    return Sources(
        stacked=tuple(
            (oof.resolve(), test.resolve())
            for oof, test in (journal.predictions.arrays(numbers[base]) for base in pipeline.stacked)
        ),
        fold_predictions=() if predicted is None else tuple(predicted[base] for base in pipeline.stacked),
        labels=labels,
    )


@dataclass(frozen=True)
class Jobs:
    """Makes the jobs of experiments.

    by_clock: whether jobs have time limits; not where the budget is a number of experiments, so that equal runs have
    equal jobs. seconds_left: returns the seconds left for the search. footprints: the model of the jobs' memory; None
    where it is not looked after.
    """

    referee: Referee
    journal: Journal
    workers: WorkerPool
    costs: Costs
    budget: Budget
    by_clock: bool
    seconds_left: Callable[[], float]
    footprints: Footprints | None = None

    def begin(self, active: Active) -> None:
        """Set the first jobs of an experiment (`waiting`): one that computes its features, where any is missing in the
        store, else its folds."""
        if active.number == 0 and self._replicates_are_cheap(active):
            active.replicates = dict.fromkeys(REPLICATE_SEEDS)
        missing = [f for f in active.proposal.pipeline.features if not self._computed(f, active.proposal.pipeline)]
        active.waiting = [self._job(active, "prepare")] if missing else self.folds(active)

    def folds(self, active: Active) -> list[Job]:
        """A job for each fold, in the order in which workers get them: those first that may end the experiment early.
        Sets `order`."""
        active.order = self.fold_order(active)
        return [self._job(active, "fold", k) for k in active.order] + [
            self._replicate(active, seed) for seed in active.replicates
        ]

    def fold_order(self, active: Active) -> list[int]:
        """Numbers of the folds in the order in which workers get them: of a test of features the held-out folds
        first."""
        order = list(range(self.referee.folds.count))
        if active.proposal.arm == ARM and active.proposal.idea is not None:
            judging = self.referee.features.held_out_folds(step_of(active.proposal.idea))
            order.sort(key=lambda k: k not in judging)
        return order

    def _replicate(self, active: Active, seed: int) -> Job:
        """A seed replicate: the first fold of the experiment's pipeline with another seed."""
        pipeline = active.proposal.pipeline
        stochastic = FAMILIES[pipeline.family].stochastic  # with nothing drawn at random a seed would change nothing
        if stochastic:
            pipeline = pipeline.changed(params=pipeline.parameters | dict(stochastic))
        return replace(self._job(active, "fold"), pipeline=pipeline.changed(seed=pipeline.seed + seed), replicate=seed)

    def _replicates_are_cheap(self, active: Active) -> bool:
        """Whether the seed replicates fit into REPLICATES_SHARE; always where nothing depends on the clock."""
        return (
            not self.by_clock
            or len(REPLICATE_SEEDS) * self.expected_seconds(active) < REPLICATES_SHARE * self.budget.seconds
        )

    def _job(self, active: Active, kind: str, fold: int = 0) -> Job:
        """A job of this kind for one fold, with its limits on boosting ("soft") and on the whole job ("hard")."""
        pipeline, folds = active.proposal.pipeline, self.referee.folds
        soft = hard = boosting = float("inf")
        if self.by_clock:
            share = self.seconds_left() / -(-folds.count // self.workers.count)
            soft = max(LEAST_FOLD_SECONDS, LARGEST_SHARE * share)
            boosting = max(FIT_SHARE * soft, min(LONGER * self.expected_seconds(active), FIT_SHARE * share))
            if active.number == 0:
                boosting = min(boosting, FIRST_LONGEST * self.budget.seconds)
                soft = min(soft, boosting / FIT_SHARE)
            hard = max(2 * soft, boosting / FIT_SHARE) + 5
        return Job(
            key=active.number,
            kind=kind,  # type: ignore[arg-type]
            pipeline=pipeline,
            fold=fold,
            folds=folds.path,
            threads=self.workers.threads,
            soft_seconds=boosting,
            hard_seconds=hard,
            short=kind == "fold" and self.expected_seconds(active) < SHORT_SECONDS,
            sources=sources_of(pipeline, self.journal) if pipeline.bases else None,
            memory=self.expected_bytes(active, kind),
        )

    def expected_bytes(self, active: Active, kind: str = "fold") -> int:
        """Bytes that a job of this kind is expected to take at its peak; 0 where that is not looked after."""
        if self.footprints is None or kind == "fold":
            return self.expected_bytes_of(active.proposal.pipeline)
        return self.footprints.expected_of_preparing()

    def expected_bytes_of(self, pipeline: Pipeline, whole: bool = False) -> int:
        """Bytes that a fit is expected to take at its peak, on the rows of a fold or on all; 0 where that is not looked
        after."""
        if self.footprints is None:
            return 0
        rows = self.footprints.rows + self.footprints.valid_rows if whole else None
        return self.footprints.expected(pipeline, pipeline_width(pipeline, self.costs.outputs), rows)

    def expected_seconds(self, active: Active) -> float:
        """Expected seconds of one fold."""
        pipeline = active.proposal.pipeline
        return self.costs.expected_fold_seconds(pipeline, self.width(active))

    def width(self, active: Active) -> int:
        """Estimated number of matrix columns that the experiment's pipeline is fitted on."""
        return pipeline_width(active.proposal.pipeline, self.costs.outputs)

    def _computed(self, feature: str, pipeline: Pipeline) -> bool:
        """Whether a feature needs no preparation for a pipeline: it is in the store, or computed within each fold."""
        data = self.referee.data
        additional = data.additional if row_step(pipeline.rows, ADDITIONAL) else None
        return is_supervised(parse(feature)) or (data.store if additional is None else additional.store).has(feature)
