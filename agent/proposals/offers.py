"""Offers: what the policy ranks. Each bandit arm offers proposals with their expected gain and time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from medalist.agent.experiment import Proposal, Record

LEAST_SECONDS = 0.5  # lower bound of the expected seconds that an offer is ranked by


@dataclass(frozen=True)
class Situation:
    """The state of the search when an experiment is proposed.

    Attributes
    ----------
    history: finished experiments and placeholders for running ones, without those that the end of a search cut short.
    number: of the experiment that is to be proposed.
    seconds_left: for the search; infinite in a run whose budget is a number of experiments.
    searching: whether features may still be adopted, so that long experiments had better wait.
    last: whether nothing comes after this experiment, so that it may take all the time that is left.
    """

    history: Sequence[Record]
    number: int
    seconds_left: float
    searching: bool = False
    last: bool = False

    @cached_property
    def finished(self) -> list[Record]:
        """The finished experiments."""
        return [r for r in self.history if r.verdict != "running"]

    @cached_property
    def tried(self) -> set[str]:
        """Hashes of the pipelines that were tried, or run now."""
        return {r.pipeline.hash for r in self.history}

    def running(self, arm: str) -> bool:
        """Whether an experiment of the arm runs now, on whose outcome the next one would depend."""
        return any(r.verdict == "running" and r.arm == arm for r in self.history)


@dataclass(frozen=True)
class Offer:
    """A possible proposal of a bandit arm.

    gain: expected decrease of the ensemble's loss, in units of the standard error of the run's first score. seconds:
    expected wall-clock time. make: returns the proposal; None where none can be made after all.
    """

    arm: str
    gain: float
    seconds: float
    make: Callable[[], Proposal | None]

    @property
    def value(self) -> float:
        """What the policy ranks offers by: the gain divided by the square root of the seconds. The root counts time
        less than in proportion, since expected seconds are rough."""
        return self.gain / float(max(self.seconds, LEAST_SECONDS) ** 0.5)
