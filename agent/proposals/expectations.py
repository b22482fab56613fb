"""The expected gain of a bandit arm: a prior, the experience of earlier competitions, and the gains of this run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from medalist.agent.experiment import Record
from medalist.agent.memory.experience import Experience

PRIOR_WEIGHT = 1.5  # experiments that the prior counts as
DECAY = 0.93  # factor on the weight of an experiment's gain for each later experiment of its arm
MOST_GAIN = 3.0  # limit of the gain of one experiment, in noise units


@dataclass(frozen=True)
class Expectations:
    """Estimates what a bandit arm's next experiment gains. Gains are decreases of the ensemble's loss in noise units.

    noise_unit: the standard error of the run's first score (`experiment.noise_unit`); 0 before there is one.
    """

    experience: Experience = field(default_factory=Experience)
    noise_unit: float = 0.0

    def gain(self, arm: str, prior: float, history: Sequence[Record], idea: str | None = None) -> float:
        """The expected gain of an arm's next experiment, in noise units; with `idea`, of that proposal of the arm.

        A weighted mean of the prior, which earlier competitions have corrected, and of the arm's gains so far, the
        latest of which weigh most. The more experiments an arm has had, the less its prior counts, so that arms which
        gain nothing take turns, and better ones come more often.
        """
        gains = [r.gain / self.noise_unit for r in history if r.arm == arm] if self.noise_unit else []
        before = self.experience.expected(arm, prior, idea)
        if not gains:
            return before
        recent = np.average(np.minimum(gains, MOST_GAIN), weights=DECAY ** np.arange(len(gains))[::-1])
        return float((PRIOR_WEIGHT * before + len(gains) * recent) / (PRIOR_WEIGHT + len(gains)))

    def nearness(self, family: str, leading: Mapping[str, Record]) -> float:
        """How near a family's best loss is to the leading family's, from 1 (equal) to 0 (many noise units behind):
        tuning rarely makes up for a large distance.

        leading: the best base model of each family.
        """
        best = leading.get(family)
        if best is None or best.score is None or not self.noise_unit:
            return 1.0
        least = min(r.score.loss for r in leading.values() if r.score is not None)
        return 1 / (1 + ((best.score.loss - least) / (2 * self.noise_unit)) ** 2)
