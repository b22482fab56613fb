"""The arm `transfer`: a family's best parameters on the incumbent feature set, or on the set that it started with."""

from __future__ import annotations

from collections.abc import Iterator

from medalist.agent.experiment import Proposal
from medalist.agent.feature_ideas import ARM as FEATURES
from medalist.agent.proposals.expectations import Expectations
from medalist.agent.proposals.offers import Offer, Situation
from medalist.agent.proposals.planning import Planner
from medalist.pipelines.estimators.registry import FAMILIES

ARM = "transfer"
PRIOR = 0.06  # prior gain, in units of the standard error of the run's first score


def offers(planner: Planner, expectations: Expectations, situation: Situation) -> Iterator[Offer]:
    """At most one offer: for the first tree family that has no experiment on one of the two feature sets."""
    proposal = _proposal(planner, situation)
    if proposal is not None and not planner.should_wait(proposal.pipeline, situation):
        gain = expectations.gain(ARM, PRIOR, situation.history, proposal.idea)
        yield Offer(ARM, gain, planner.seconds(proposal.pipeline), lambda: proposal)


def _proposal(planner: Planner, situation: Situation) -> Proposal | None:
    """The proposal of the offer; None where each family has tried both sets, or none fits into the time."""
    history = situation.history
    incumbent = planner.incumbent(history)
    if incumbent is None:
        return None
    for name in planner.families:
        best = planner.best([r for r in history if r.arm not in ("start", FEATURES)], name)
        if best is None or FAMILIES[name].feature_set != "trees":
            continue
        tried = {r.pipeline.features for r in history if r.pipeline.family == name and r.arm != "start"}
        sets = ((incumbent.pipeline.features, "the found features"), (planner.first_features(name), "no found feature"))
        for features, description in sets:
            if features in tried:
                continue
            moved = best.pipeline.changed(features=features, seed=planner.seed)
            pipeline = planner.within_time(moved, situation)
            if pipeline is not None and pipeline.hash not in situation.tried:
                return Proposal(pipeline, f"{FAMILIES[name].title} on {description}", best.number, ARM)
    return None
