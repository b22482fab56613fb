"""The gain to expect of an arm: a prior, the experience of earlier competitions, and the gains of this run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from medalist.agent.experiment import Record
from medalist.agent.memory.experience import Experience

PRIOR_WEIGHT = 1.5  # experiments that the prior counts for
DECAY = 0.93  # weight of an experiment's gain for each later one of its arm: what gained nothing of late gives way
MOST_GAIN = 3.0  # of one experiment that counts


@dataclass(frozen=True)
class Expectations:
    """What the arms may gain. All gains are of the ensemble's loss, in units of the standard error of the run's first
    score, `noise_unit`; 0 where that is not known yet."""

    experience: Experience = field(default_factory=Experience)
    noise_unit: float = 0.0

    def gain(self, arm: str, prior: float, history: Sequence[Record], idea: str | None = None) -> float:
        """The gain to expect of an arm's next experiment, or of one of its ideas.

        The prior, corrected by earlier competitions, and the mean of the arm's gains so far, of late above all: the
        more was tried, the less the prior counts. So arms that gain nothing take turns, better ones more often.
        """
        gains = [r.gain / self.noise_unit for r in history if r.arm == arm] if self.noise_unit else []
        before = self.experience.expected(arm, prior, idea)
        if not gains:
            return before
        recent = np.average(np.minimum(gains, MOST_GAIN), weights=DECAY ** np.arange(len(gains))[::-1])
        return float((PRIOR_WEIGHT * before + len(gains) * recent) / (PRIOR_WEIGHT + len(gains)))

    def nearness(self, family: str, leading: Mapping[str, Record]) -> float:
        """From 1 for the leading family to 0 for one far behind it, which tuning rarely mends.

        leading: the best base model of each family.
        """
        best = leading.get(family)
        if best is None or best.score is None or not self.noise_unit:
            return 1.0
        least = min(r.score.loss for r in leading.values() if r.score is not None)
        return 1 / (1 + ((best.score.loss - least) / (2 * self.noise_unit)) ** 2)
