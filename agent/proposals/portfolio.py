"""The arms `portfolio:FAMILY`: a fixed list of hyperparameters of each family, tried one after another."""

from __future__ import annotations

from collections.abc import Iterator

from medalist.agent.experiment import Proposal
from medalist.agent.proposals.expectations import Expectations
from medalist.agent.proposals.offers import Offer, Situation
from medalist.agent.proposals.planning import Planner
from medalist.competitions.columns.cards import Kind
from medalist.pipelines.estimators.base import Family
from medalist.pipelines.estimators.registry import FAMILIES
from medalist.pipelines.pipeline import Pipeline

LATER_ENTRY = 0.3  # prior gain of a portfolio entry as a share of that of the entry before it


def offers(planner: Planner, expectations: Expectations, situation: Situation) -> Iterator[Offer]:
    """An offer of the next portfolio entry of each family, where one fits into the time; families with the highest
    prior first."""
    text = any(c.kind is Kind.TEXT for c in planner.cards)
    chosen = [fam for name, fam in FAMILIES.items() if name in planner.families]
    for fam in sorted(chosen, key=lambda fam: -fam.priors.portfolio):
        arm = f"portfolio:{fam.name}"
        if planner.keeps_failing(fam.name, situation.history):
            continue
        proposal = _next_entry(fam, arm, planner, expectations, situation)
        if proposal is None or planner.should_wait(proposal.pipeline, situation):
            continue
        entry = fam.portfolio_ids.index(str(proposal.idea))
        prior = fam.priors.portfolio * (fam.priors.text if text else 1.0) * LATER_ENTRY**entry
        first = fam.portfolio_ids[0]  # that a family was new is no evidence for its next entry
        evidence = [r for r in situation.history if not (entry and r.arm == arm and r.idea == first)]
        gain = expectations.gain(arm, prior, evidence, proposal.idea)
        yield Offer(arm, gain, planner.seconds(proposal.pipeline), lambda proposal=proposal: proposal)  # type: ignore[misc]


def _next_entry(
    fam: Family, arm: str, planner: Planner, expectations: Expectations, situation: Situation
) -> Proposal | None:
    """The untried entry of a family's portfolio with the highest expected gain, of those that fit into the time."""
    history, ids = situation.history, fam.portfolio_ids
    used = {r.idea for r in history if r.arm == arm}
    left = [i for i, identity in enumerate(ids) if identity not in used]
    if not left:
        return None
    experience = expectations.experience
    worth = {i: experience.expected(arm, fam.priors.portfolio * LATER_ENTRY**i, ids[i]) for i in left}
    features = planner.best_features(fam.name, history) or planner.first_features(fam.name)
    if fam.waits_for_features and len(used) == 1:  # the second on its first features may differ enough to help
        features = planner.first_features(fam.name)
    elif fam.waits_for_features or (fam.feature_set == "linear" and used):
        features = planner.with_adopted(features, history)
    for entry in sorted(left, key=lambda i: (-worth[i], i)):
        proven = Pipeline.of(features, fam.name, dict(fam.portfolio[entry]), planner.seed)
        pipeline = planner.within_time(proven, situation)
        if pipeline is not None and pipeline.hash not in situation.tried:
            return Proposal(pipeline, f"{fam.title} with proven parameters {entry + 1}", None, arm, idea=ids[entry])
    return None
