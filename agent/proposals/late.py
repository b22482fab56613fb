"""What a long run tries once its usual proposals bring nothing: stacks of more models. The other part is in
`late_features.py`: a search for features in what the best models together leave unexplained.

Both wait (see `exhaustion.py`), and stacks take their turns among the other arms by what they gain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from medalist.agent.experiment import Proposal, Record
from medalist.agent.history import base_models, by_loss
from medalist.agent.proposals.exhaustion import MANY, is_late
from medalist.agent.proposals.expectations import Expectations
from medalist.agent.proposals.offers import Offer, Situation
from medalist.agent.proposals.planning import Planner
from medalist.agent.proposals.stacking import MOST_BASES
from medalist.pipelines.estimators.registry import FAMILIES, stackers
from medalist.pipelines.pipeline import Pipeline

PRIOR = 0.05  # prior gain of a stack of many, in units of the standard error of the run's first score
OF_FAMILY, MANY_BASES = 3, 12  # base models of a stack of many: of one family, and of all
RENEWED = 24  # scored experiments between two rounds of such stacks


def offers(planner: Planner, expectations: Expectations, situation: Situation) -> Iterator[Offer]:
    """An offer of a stack of many models; none before the run is late."""
    by_clock = bool(np.isfinite(situation.seconds_left))
    if situation.running(MANY) or not is_late(situation.history, planner.workers, by_clock=by_clock):
        return
    proposal = stack_of_many(situation.finished, planner.families, planner.seed)
    if proposal is not None and proposal.pipeline.hash not in situation.tried:
        gain = expectations.gain(MANY, PRIOR, situation.history)
        yield Offer(MANY, gain, planner.seconds(proposal.pipeline), lambda: proposal)


def stack_of_many(history: Sequence[Record], families: Sequence[str], seed: int) -> Proposal | None:
    """A stack on the best models of each family, up to twice as many as other stacks have, by each family that stacks
    in turn. None with no more models than other stacks have, or before RENEWED experiments since the last round."""
    names = [fam.name for fam in stackers() if fam.name in families]
    below = many_bases(history)
    if not names or len(below) <= MOST_BASES:
        return None
    made = [r.number for r in history if r.arm == MANY]
    turn = len(made) % len(names)
    if turn == 0 and made and sum(r.number > made[-1] and r.score is not None for r in history) < RENEWED:
        return None
    name, stacked = names[turn], [r.pipeline.hash for r in below]
    pipeline = Pipeline.of((), name, FAMILIES[name].stacker or {}, seed, stacked=stacked)
    numbers = ", ".join(f"#{r.number}" for r in below)
    return Proposal(pipeline, f"{FAMILIES[name].title} on the predictions of {numbers}", below[0].number, MANY)


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
