"""Offers: what the policy ranks. Each arm offers proposals with the gain to expect of them and the time they take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from medalist.agent.experiment import Proposal, Record

LEAST_SECONDS = 0.5  # that an experiment counts as taking


@dataclass(frozen=True)
class Situation:
    """What a proposal is made from.

    Attributes
    ----------
    history: finished experiments and placeholders for running ones, without those that the end of a search cut short.
    number: of the experiment that is proposed.
    seconds_left: for the search; infinite in a counted run.
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
        """Whether an experiment of the arm runs: the next one depends on its outcome."""
        return any(r.verdict == "running" and r.arm == arm for r in self.history)


@dataclass(frozen=True)
class Offer:
    """A proposal of an arm.

    arm: which arm offers it. gain: of the ensemble, to expect of it, in units of the standard error of the run's first
    score. seconds: wall-clock time that it is expected to take. make: makes the proposal; None where none can be made
    after all.
    """

    arm: str
    gain: float
    seconds: float
    make: Callable[[], Proposal | None]

    @property
    def value(self) -> float:
        """What the policy ranks by: the gain over the root of the seconds, which counts time less than in proportion,
        since expected seconds are rough."""
        return self.gain / float(max(self.seconds, LEAST_SECONDS) ** 0.5)
