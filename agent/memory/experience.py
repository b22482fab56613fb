"""What earlier competitions teach: the gain to expect of each bandit arm, and of each idea of an arm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

#: Largest gain that one experiment counts for, in standard errors of its run's first score: one stroke of luck must not
#: decide what is proposed for years.
MOST_GAIN = 3.0

#: Competitions that the prior of an arm counts for.
PRIOR_COMPETITIONS = 4.0


@dataclass(frozen=True)
class Experience:
    """Mean gains over the competitions that tried an arm.

    gains: (arm, idea), or (arm, None) for all ideas of an arm → (sum of the competitions' mean gains, competitions);
    gains in standard errors of a run's first score.
    """

    gains: Mapping[tuple[str, str | None], tuple[float, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, gains: Iterable[tuple[str, str, str | None, float]]) -> Experience:
        """From (competition, arm, idea, gain) of single experiments, as `Ledger.gains` returns them.

        A competition counts once, by its mean, however often it was run and tried an arm. A gain below zero counts as
        zero, since a worse ensemble is not taken, and one above MOST_GAIN as that.
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
        """The gain to expect of an arm, or of one of its ideas, in standard errors of the run's first score.

        The mean of the competitions' gains and of `prior`, which counts as PRIOR_COMPETITIONS of them.
        """
        total, competitions = self.gains.get((arm, idea), (0.0, 0))
        return (PRIOR_COMPETITIONS * prior + total) / (PRIOR_COMPETITIONS + competitions)
