"""The arms `tune:FAMILY`: hyperparameters drawn by the sampler, for the features of the family's best model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from medalist.agent.experiment import Proposal, Record
from medalist.agent.history import best_of_families
from medalist.agent.proposals import sampler
from medalist.agent.proposals.expectations import Expectations
from medalist.agent.proposals.offers import Offer, Situation
from medalist.agent.proposals.planning import Planner
from medalist.pipelines.estimators.base import SHARED_PARAMS, Family
from medalist.pipelines.estimators.registry import FAMILIES

LEAST_NEARNESS = 0.05  # nearness (see `Expectations.nearness`) below which a family is not tuned
MOST_DRAWS = 4  # draws of the sampler for one proposal, where one does not fit into the time or was tried
DRAW_SEED = 1_000_003  # the sampler's seed is the run's times NUMBER_SEED, plus the experiment's number,
NUMBER_SEED = 100_003  # plus DRAW_SEED times the number of the draw
MOST_RATE_RATIO = 1.5  # most by which a drawn learning rate may be multiplied for a fit to end in time


def offers(planner: Planner, expectations: Expectations, situation: Situation) -> Iterator[Offer]:
    """An offer for each family that is not far behind the leading one. Parameters are drawn only when it is
    accepted."""
    leading = best_of_families(situation.history, planner.families)
    chosen = [fam for name, fam in FAMILIES.items() if name in planner.families]
    for fam in sorted(chosen, key=lambda fam: -fam.priors.tuning):
        best, nearness = leading.get(fam.name), expectations.nearness(fam.name, leading)
        if best is None or nearness < LEAST_NEARNESS or planner.keeps_failing(fam.name, situation.history):
            continue
        arm = f"tune:{fam.name}"
        gain = expectations.gain(arm, fam.priors.tuning * nearness, situation.history)
        yield Offer(arm, gain, planner.seconds(best.pipeline), partial(_draw, planner, situation, fam, best, arm))


def _draw(planner: Planner, situation: Situation, fam: Family, best: Record, arm: str) -> Proposal | None:
    """A proposal with drawn parameters that fit into the time and were not tried; None where there are none, or where
    no entry of the family's portfolio was tried yet."""
    history = situation.history
    if not any(r.arm == f"portfolio:{fam.name}" for r in history):
        return None
    incumbent, observations = best.pipeline, sampler.observations(best, history)
    kept = {key: incumbent.parameters[key] for key in SHARED_PARAMS if key in incumbent.parameters}
    for draw in range(MOST_DRAWS):
        seed = planner.seed * NUMBER_SEED + situation.number + draw * DRAW_SEED
        params = sampler.ask(fam, observations, seed=seed) | kept
        drawn = incumbent.changed(params=params, seed=planner.seed)
        pipeline = planner.within_time(drawn, situation)
        if (
            pipeline is not None
            and pipeline.hash not in situation.tried
            and not _rate_raised(pipeline.parameters, params)
        ):
            return Proposal(pipeline, f"parameters for {fam.title} from the sampler", best.number, arm)
    return None


def _rate_raised(fitted: Mapping[str, Any], drawn: Mapping[str, Any]) -> bool:
    """Whether the learning rate was raised so much to save time that the fit would not test the drawn parameters."""
    rate = drawn.get("learning_rate")
    return rate is not None and fitted["learning_rate"] > MOST_RATE_RATIO * rate
