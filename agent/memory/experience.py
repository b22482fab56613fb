"""What earlier runs say of each kind of experiment: the gains to expect of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

MOST_GAIN = 3.0  # of one experiment, in units of the noise of a run's first score
PRIOR_RUNS = 4.0  # runs that what is assumed without experience counts for


@dataclass(frozen=True)
class Experience:
    """Mean gains by arm, and by arm and idea, over the runs that tried them: (sum of the runs' means, runs)."""

    gains: Mapping[tuple[str, str | None], tuple[float, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, told: Iterable[tuple[str, str, str | None, float]]) -> Experience:
        """From (run, arm, idea, gain) of single experiments; each run counts once, however often it tried an arm."""
        found: dict[tuple[str, str | None], dict[str, list[float]]] = {}
        for run, arm, idea, gain in told:
            for key in {(arm, None), (arm, idea)}:
                found.setdefault(key, {}).setdefault(run, []).append(min(max(gain, 0.0), MOST_GAIN))
        return cls({k: (sum(sum(g) / len(g) for g in runs.values()), len(runs)) for k, runs in found.items()})

    def expected(self, arm: str, prior: float, idea: str | None = None) -> float:
        """The gain to expect of an arm, or of one of its ideas; `prior` where nothing is known of it."""
        total, runs = self.gains.get((arm, idea), (0.0, 0))
        return (PRIOR_RUNS * prior + total) / (PRIOR_RUNS + runs)
