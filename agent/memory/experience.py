"""Gains of the bandit arms in earlier competitions, from which a new run's expected gains start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

#: Limit of an experiment's gain, in standard errors of its run's first score: one lucky experiment must not decide what
#: is proposed for years.
MOST_GAIN = 3.0

#: Number of competitions that the prior of an arm counts as.
PRIOR_COMPETITIONS = 4.0


@dataclass(frozen=True)
class Experience:
    """Mean gains of each arm over the competitions that tried it. Gains are in standard errors of a run's first score.

    gains: by (arm, idea), and by (arm, None) for all ideas of an arm: (sum of the competitions' mean gains, number of
    competitions). For ideas see `experiment.Proposal`.
    """

    gains: Mapping[tuple[str, str | None], tuple[float, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, gains: Iterable[tuple[str, str, str | None, float]]) -> Experience:
        """From (competition, arm, idea, gain) of each experiment, as `Ledger.gains` returns them.

        A competition counts once, by its mean gain, however many experiments it had. Gains are clipped to 0 …
        MOST_GAIN: an ensemble that would be worse is not taken.
        """
        by_competition: dict[tuple[str, str | None], dict[str, list[float]]] = {}
        for competition, arm, idea, gain in gains:
            for key in {(arm, None), (arm, idea)}:
                limited = min(max(gain, 0.0), MOST_GAIN)
                by_competition.setdefault(key, {}).setdefault(competition, []).append(limited)
        return cls(
            {key: (sum(sum(g) / len(g) for g in each.values()), len(each)) for key, each in by_competition.items()}
        )

    def expected(self, arm: str, prior: float, idea: str | None = None) -> float:
        """The expected gain of an arm, or of one of its ideas: the mean over the competitions that tried it and
        `prior`, which counts as PRIOR_COMPETITIONS of them.
        """
        total, competitions = self.gains.get((arm, idea), (0.0, 0))
        return (PRIOR_COMPETITIONS * prior + total) / (PRIOR_COMPETITIONS + competitions)
