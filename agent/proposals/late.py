"""What a long run tries once its usual proposals bring nothing: random draws on parts of the features, stacks of more
models, and a second level of stacking. The last part is in `late_features.py`: a search for features in what the best
models together leave unexplained.

All of it waits (see `exhaustion.py`), and takes its turns among the other arms by what it gains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from medalist.agent.experiment import Proposal, Record
from medalist.agent.history import base_models, best_of_families, by_loss, scored
from medalist.agent.proposals import sampler
from medalist.agent.proposals.exhaustion import DRAW, MANY, OVER, is_late
from medalist.agent.proposals.expectations import Expectations
from medalist.agent.proposals.offers import Offer, Situation
from medalist.agent.proposals.planning import Planner
from medalist.agent.proposals.stacking import MOST_BASES, bases_of
from medalist.pipelines.estimators.base import SEEDS, SHARED_PARAMS
from medalist.pipelines.estimators.registry import FAMILIES, stackers
from medalist.pipelines.pipeline import Pipeline

DRAW_PRIOR = 0.01  # prior gain of a draw, in units of the standard error of the run's first score,
STACK_PRIORS = {MANY: 0.05, OVER: 0.01}  # and of a stack
DRAW_SEED = 7_368_787  # added to the sampler's seed for each family's draws
LEAST_NEARNESS = 0.05  # nearness (see `Expectations.nearness`) below which a family is not drawn from
SUBSPACE = (0.5, 0.9)  # bounds of the share of the features of a random subspace,
LEAST_FEATURES = 6  # and the features from which on one is drawn
OF_FAMILY, MANY_BASES = 3, 12  # base models of a stack of many: of one family, and of all
MOST_STACKS = 3  # stacks that another one is fitted on, at most
RENEWED = 24  # scored experiments between two rounds of such stacks


def offers(
    planner: Planner, expectations: Expectations, situation: Situation, *, stacking: bool = True
) -> Iterator[Offer]:
    """An offer of a random draw for each family that is not far behind, and those of `late_stacks`; none before the run
    is late. stacking: whether models may be fitted on others' predictions."""
    if not is_late(situation.history, planner.workers, by_clock=bool(np.isfinite(situation.seconds_left))):
        return
    leading = best_of_families(situation.history, planner.families)
    for name, best in leading.items():
        nearness = expectations.nearness(name, leading)
        if nearness < LEAST_NEARNESS or planner.keeps_failing(name, situation.history):
            continue
        gain = expectations.gain(DRAW + name, DRAW_PRIOR * nearness, situation.history)
        yield Offer(DRAW + name, gain, planner.seconds(best.pipeline), partial(_draw, planner, situation, best))
    for proposal in late_stacks(situation.finished, planner.families, planner.seed) if stacking else ():
        if proposal.pipeline.hash not in situation.tried and not situation.running(proposal.arm):
            gain = expectations.gain(proposal.arm, STACK_PRIORS[proposal.arm], situation.history)
            seconds = planner.seconds(proposal.pipeline)
            yield Offer(proposal.arm, gain, seconds, lambda proposal=proposal: proposal)  # type: ignore[misc]


def _draw(planner: Planner, situation: Situation, best: Record) -> Proposal | None:
    """Random parameters of a family's whole space, on a random part of its best model's features (Ho, 1998): models
    that differ from those which the sampler draws near the best. None where it does not fit into the time."""
    name, features = best.pipeline.family, best.pipeline.features
    seed = (planner.seed * 100_003 + situation.number + DRAW_SEED) % SEEDS
    params = sampler.ask(FAMILIES[name], (), seed=seed)
    params |= {key: value for key, value in best.pipeline.parameters.items() if key in SHARED_PARAMS}
    if len(features) >= LEAST_FEATURES:
        rng = np.random.default_rng(seed)
        kept = rng.permutation(len(features))[: max(1, round(rng.uniform(*SUBSPACE) * len(features)))]
        features = tuple(features[i] for i in sorted(kept))
    drawn = best.pipeline.changed(params=params, features=features, seed=seed)
    pipeline = planner.within_time(drawn, situation)
    if pipeline is None or pipeline.hash in situation.tried:
        return None
    reason = f"{FAMILIES[name].title} with random parameters on {len(features)} of its features"
    return Proposal(pipeline, reason, best.number, DRAW + name)


def late_stacks(history: Sequence[Record], families: Sequence[str], seed: int) -> Iterator[Proposal]:
    """Arm `stack:many`: a stack on the best models of each family, twice as many as other stacks have. Arm
    `stack:over`: one on the best stacks and the models below. Both by each family that stacks in turn; neither with
    too few to stand on, or too soon after its last one."""
    names = [fam.name for fam in stackers() if fam.name in families]
    if not names:
        return
    many = many_bases(history)
    if len(many) > MOST_BASES and (name := _next_stacker(MANY, history, names)) is not None:
        yield _stack(MANY, name, many, seed)
    usable = [r for r in scored(history) if r.evaluation is not None and r.pipeline.stacked and r.arm != OVER]
    stacks = sorted(usable, key=by_loss)[:MOST_STACKS]
    if len(stacks) > 1 and (name := _next_stacker(OVER, history, names)) is not None:
        yield _stack(OVER, name, [*stacks, *bases_of(history)], seed)


def many_bases(history: Sequence[Record]) -> list[Record]:
    """At most MANY_BASES base models, best first: the best OF_FAMILY of each family, of which the worst are left out
    where these are too many."""
    of_family: Counter[str] = Counter()
    chosen = []
    for record in sorted((r for r in base_models(history) if r.evaluation is not None), key=by_loss):
        of_family[record.pipeline.family] += 1
        if of_family[record.pipeline.family] <= OF_FAMILY and record.arm != "start":
            chosen.append(record)
    return chosen[:MANY_BASES]


def _next_stacker(arm: str, history: Sequence[Record], names: Sequence[str]) -> str | None:
    """The family of the arm's next stack, in turn; None before RENEWED experiments since the last round of them."""
    made = [r.number for r in history if r.arm == arm]
    turn = len(made) % len(names)
    if turn == 0 and made and sum(r.number > made[-1] and r.score is not None for r in history) < RENEWED:
        return None
    return names[turn]


def _stack(arm: str, name: str, below: Sequence[Record], seed: int) -> Proposal:
    stacked = [r.pipeline.hash for r in below]
    numbers = ", ".join(f"#{r.number}" for r in below)
    pipeline = Pipeline.of((), name, FAMILIES[name].stacker or {}, seed, stacked=stacked)
    return Proposal(pipeline, f"{FAMILIES[name].title} on the predictions of {numbers}", below[0].number, arm)
