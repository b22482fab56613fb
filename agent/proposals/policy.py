"""Policy: which experiment comes next. The first model, then tests of features, then the offer with the highest
value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from medalist.agent.experiment import Proposal, Record
from medalist.agent.feature_ideas import ARM, was_screened
from medalist.agent.memory.experience import Experience
from medalist.agent.proposals import late, portfolio, transfer, tuning
from medalist.agent.proposals.expectations import Expectations
from medalist.agent.proposals.offers import Offer, Situation
from medalist.agent.proposals.planning import Planner
from medalist.agent.proposals.variations import Variations
from medalist.pipelines.estimators.registry import FAMILIES, baseline
from medalist.pipelines.pipeline import Pipeline

CHEAP = 0.1  # share of the time left that a test of unscreened features may take once the feature search is over


@dataclass
class Policy(Planner):
    """Proposes experiments: equal histories, noise units, costs, seeds and seconds left give equal proposals.

    Attributes
    ----------
    variations: the arms that vary good models; None for none.
    experience: gains of the arms in earlier competitions.
    noise_unit: the standard error of the run's first score, the unit of gains; 0 until it is known.
    """

    variations: Variations | None = None
    experience: Experience = field(default_factory=Experience)
    noise_unit: float = 0.0

    def first(self) -> Proposal:
        """The first experiment: quick parameters of the baseline family, or of the first family that is allowed."""
        name = baseline().name if baseline().name in self.families else self.families[0]
        fast = FAMILIES[name].fast
        params = FAMILIES[name].portfolio[0] if fast is None else fast(self.costs.outputs)
        return Proposal(
            Pipeline.of(self.first_features(name), name, params, self.seed),
            "a fast first model on every column",
            None,
            "start",
        )

    def propose(self, history: Sequence[Record], number: int, seconds_left: float) -> Proposal | None:
        """The next experiment, or None where nothing fits into the time left or nothing is left to try.

        history: finished experiments and placeholders for running ones; number: of the experiment; seconds_left: for
        the search, infinite where the budget is a number of experiments.
        """
        history = [r for r in history if not r.cut_short]
        if self.features is not None:
            self.features.reserve = self._reserve()
        searching = self.features is not None and self.features.searching(history, seconds_left)
        situation = Situation(history, number, seconds_left, searching)
        if (test := self._test_of_features(situation)) is not None:
            return test
        proposal = self._best_offer(situation)
        if proposal is None and np.isfinite(seconds_left) and not any(r.verdict == "running" for r in history):
            proposal = self._best_offer(replace(situation, last=True))
        return proposal

    def _reserve(self) -> float:
        """Expected seconds of the first portfolio entry of each boosted family: they profit from new features, and the
        search for these must leave time for them."""
        names = [n for n in self.families if FAMILIES[n].boosted]
        firsts = [Pipeline.of(self.first_features(n), n, FAMILIES[n].portfolio[0], self.seed) for n in names]
        return sum(map(self.seconds, firsts))

    def _best_offer(self, situation: Situation) -> Proposal | None:
        """The proposal of the offer with the highest value, of those that can be made; None where none can."""
        for offer in sorted(self._offers(situation), key=lambda offer: -offer.value):
            if (proposal := offer.make()) is not None:
                return proposal
        return None

    def _offers(self, situation: Situation) -> Iterator[Offer]:
        """The offers of all arms; of equal values the first one is taken."""
        expectations = Expectations(self.experience, self.noise_unit)
        for arm in (portfolio, transfer, tuning):
            yield from arm.offers(self, expectations, situation)
        if self.variations is not None:
            yield from self.variations.offers(self, expectations, situation)
            if self.variations.stackable and self.variations.stacking:
                yield from late.offers(self, expectations, situation)

    def _test_of_features(self, situation: Situation) -> Proposal | None:
        """The next test of a change of the feature set, with the parameters of the incumbent; it comes before all
        offers. None where there is none to make."""
        if self.features is None:
            return None
        clock = bool(np.isfinite(situation.seconds_left))
        over = clock and self.features.closed(situation.history, situation.seconds_left)
        while (following := self.features.next_group(situation.history)) is not None:
            group, incumbent = following
            pipeline = incumbent.pipeline
            changed = pipeline.changed(features=group.apply(pipeline.features))
            if over and (was_screened(group.name) or self.seconds(changed) > CHEAP * situation.seconds_left):
                return None
            fitted = self.within_time(changed.changed(seed=self.seed, target=""), situation)
            comparable = fitted is not None and fitted.parameters == pipeline.parameters
            if fitted is not None and comparable and fitted.hash not in situation.tried:
                return Proposal(fitted, group.reason, incumbent.number, ARM, idea=group.name)
            self.features.skipped.add(group.name)  # not comparable, tried, or it does not fit into the time
        return None
