"""Arms that vary good models: another seed, a lower learning rate, a transformed target, another loss, encoded columns.

Each method of `Variations` proposes the next experiment of one bandit arm, from finished experiments alone. Equal
histories give equal proposals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from medalist.agent.experiment import Proposal, Record
from medalist.agent.history import best_base_model, best_of
from medalist.agent.proposals import class_views, column_views, row_arms
from medalist.agent.proposals.class_views import class_proposals
from medalist.agent.proposals.column_views import CODES_ARM, ColumnViews
from medalist.agent.proposals.expectations import Expectations
from medalist.agent.proposals.offers import Offer, Situation
from medalist.agent.proposals.planning import LARGEST_SHARE, Planner
from medalist.agent.proposals.row_arms import RowArm, gained, row_proposals
from medalist.agent.proposals.stacking import RENEWED, pseudo_labels, stack, stack_arms
from medalist.pipelines.estimators.registry import FAMILIES
from medalist.pipelines.problem import Problem

PRIORS = {  # prior gain of each arm, in units of the standard error of the run's first score
    "seed": 0.04,
    "slow": 0.03,
    "target": 0.06,
    "loss": 0.04,
    "targets": 0.1,
    "stack:wide": 0.02,
    "pseudo": 0.04,
}
NEXT_SEED = 7919  # added to a pipeline's seed for the arm "seed"
SLOWER = 0.4  # factor on the learning rate for the arm "slow"
SLOWEST = 0.015  # least learning rate of the arm "slow"


def prior_of(arm: str) -> float:
    """The prior gain of an arm (see PRIORS); of `stack:FAMILY` by the family."""
    for priors in (row_arms.PRIORS, class_views.PRIORS, column_views.PRIORS):
        if arm in priors:
            return priors[arm]
    kind, _, name = arm.partition(":")
    return FAMILIES[name].priors.stacking if kind == "stack" and name in FAMILIES else PRIORS[arm]


@dataclass(frozen=True)
class Variations:
    """The arms that vary good models, with what may be varied in a run.

    Attributes
    ----------
    transformations: (name, reason) of each transformation of the target to be tried, the most promising first.
    losses: training losses to be tried other than the problem's, the most promising first.
    multi_target: whether several target columns can be fitted together.
    pseudo: whether the test rows may be fitted with predictions as their labels.
    stackable: whether every training row has an out-of-fold prediction, and test is predicted by the models of the
    folds.
    stacking: whether a person allows stacked models.
    test_share: number of test rows for each training row.
    rows: the arms that weigh and choose training rows.
    views: (name, reason) of the class views of the target that are to be tried.
    columns: what else the columns can be seen as.
    """

    seed: int
    families: Sequence[str]
    transformations: Sequence[tuple[str, str]] = ()
    losses: Sequence[str] = ()
    multi_target: bool = False
    pseudo: bool = True
    stackable: bool = True
    stacking: bool = True
    test_share: float = 1.0
    rows: tuple[RowArm, ...] = ()
    views: tuple[tuple[str, str], ...] = ()
    columns: ColumnViews = field(default_factory=ColumnViews)

    def offers(self, planner: Planner, expectations: Expectations, situation: Situation) -> Iterator[Offer]:
        """An offer for each proposal that fits into the time; of the arms that change what is seen also with a raised
        learning rate."""
        offered: set[str] = set()
        for proposal in self.proposals(situation.finished):
            arm = proposal.arm
            if arm.startswith("view:"):
                fitted = planner.within_time(proposal.pipeline, situation)
                if fitted is None:
                    continue
                proposal = replace(proposal, pipeline=fitted)
            pipeline, seconds = proposal.pipeline, planner.seconds(proposal.pipeline)
            fits = pipeline.hash not in situation.tried and seconds <= LARGEST_SHARE * situation.seconds_left
            if not fits or situation.running(arm) or (arm == "targets" and arm in offered):
                continue  # of several targets the second way only where the first does not fit into the time
            offered.add(arm)
            if not planner.should_wait(pipeline, situation):
                prior = self.columns.codes_prior if arm == CODES_ARM else prior_of(arm)
                gain = expectations.gain(arm, prior, situation.history)
                yield Offer(arm, gain, seconds, lambda proposal=proposal: proposal)  # type: ignore[misc]

    def proposals(self, history: Sequence[Record]) -> Iterator[Proposal]:
        """The next proposal of each arm that has one; of those of `columns` one for each family, and of `targets` one
        for each way that is left, the more promising first."""
        arms: list[Callable[[Sequence[Record]], Proposal | None]] = [
            self._other_seed,
            self._slower,
            self._target,
            self._loss,
        ]
        yield from (proposal for arm in arms if (proposal := arm(history)) is not None)
        if self.stackable and self.pseudo and (proposal := pseudo_labels(history, self.test_share)) is not None:
            yield proposal
        if self.stackable and self.stacking:
            stacks = (stack(arm, history, self.families, self.seed) for arm in stack_arms())
            yield from (proposal for proposal in stacks if proposal is not None)
        yield from self._several_targets(history)
        yield from row_proposals(history, self.families, self.rows)
        yield from class_proposals(history, self.families, self.views)
        yield from self.columns.proposals(history, self.families)

    def _other_seed(self, history: Sequence[Record]) -> Proposal | None:
        """Arm `seed`: the best model of the families that use a seed, with another seed."""
        best = best_base_model([r for r in history if FAMILIES[r.pipeline.family].uses_seed])
        used = sum(r.arm == "seed" for r in history)
        if best is None or best.arm == "start" or used > len(history) // RENEWED:
            return None
        tried = {r.pipeline for r in history}
        pipeline = best.pipeline
        while pipeline in tried:
            pipeline = pipeline.changed(seed=pipeline.seed + NEXT_SEED)
        return Proposal(pipeline, f"the best so far (#{best.number}) with another seed", best.number, "seed")

    def _slower(self, history: Sequence[Record]) -> Proposal | None:
        """Arm `slow`: the best boosted model at a lower learning rate with more rounds."""
        best = best_base_model(history, boosted=True)
        if best is None or best.arm in ("start", "slow"):
            return None
        params = best.pipeline.parameters
        rate = round(params["learning_rate"] * SLOWER, 4)
        if rate < SLOWEST or any(r.arm == "slow" and r.proposal.parent == best.number for r in history):
            return None
        slower = params | {"learning_rate": rate, "rounds": int(params["rounds"] / SLOWER)}
        reason = f"the best so far (#{best.number}) at a slower learning rate"
        return Proposal(best.pipeline.changed(params=slower), reason, best.number, "slow")

    def _target(self, history: Sequence[Record]) -> Proposal | None:
        """Arm `target`: the next transformation of the target, for the best boosted family that has not tried it. One
        that was no gain for a family is not tried with further ones."""
        by_number = {r.number: r for r in history}
        for name, reason in self.transformations:
            tried = [r for r in history if r.arm == "target" and r.pipeline.target == name]
            if tried and not any(gained(r, by_number) for r in tried):
                continue
            families = {r.pipeline.family for r in tried}
            left = [f for f in self.families if f not in families and FAMILIES[f].boosted]
            best = best_of(best_base_model(history, family=f, plain_target=True) for f in left)
            if best is not None and best.arm != "start":
                params = {k: v for k, v in best.pipeline.parameters.items() if k != "loss"}
                return Proposal(best.pipeline.changed(target=name, params=params), reason, best.number, "target")
        return None

    def _loss(self, history: Sequence[Record]) -> Proposal | None:
        """Arm `loss`: the best boosted model, fitted by the next of `losses`."""
        tried = {r.pipeline.parameters.get("loss") for r in history}
        best = best_base_model(history, boosted=True, plain_target=True)
        if best is None or best.arm == "start":
            return None
        for loss in self.losses:
            if loss not in tried:
                params = best.pipeline.parameters | {"loss": loss}
                return Proposal(best.pipeline.changed(params=params), f"fitted by the {loss} loss", best.number, "loss")
        return None

    def _several_targets(self, history: Sequence[Record]) -> Iterator[Proposal]:
        """Arm `targets`: the best boosted model with several targets fitted in a chain (each target with the
        predictions of those before it), and by one model for all, where a family can."""
        if not self.multi_target:
            return
        for way, reason in (("chained", "each target after the others'"), ("native", "all targets by one model")):
            names = [n for n in self.families if way == "chained" or FAMILIES[n].native_targets]
            names = [n for n in names if FAMILIES[n].boosted]  # others fit all targets together as it is
            if any(r.pipeline.parameters.get("targets") == way for r in history):
                continue
            best = best_of(best_base_model(history, family=n) for n in names)
            if best is not None and best.arm != "start":
                pipeline = best.pipeline.changed(params=best.pipeline.parameters | {"targets": way})
                yield Proposal(pipeline, reason, best.number, "targets")


def other_losses(problem: Problem, y: np.ndarray) -> tuple[str, ...]:
    """Training losses to try for a regression beside the metric's, the most promising first; () for classification.

    Tweedie and Poisson for targets (n, T) from 0 on that are not fitted on a log scale; absolute errors under a metric
    of squares, which few values dominate; squares under a metric of absolute errors, which has many equal optima.
    """
    if problem.problem_type != "regression" or problem.objective not in ("l2", "l1"):
        return ()
    counts = ("tweedie", "poisson") if not problem.log and np.nanmin(y) >= 0 and np.nanmax(y) > 0 else ()
    return (*counts, "l1" if problem.objective == "l2" else "l2")
