"""What one night knows of one of its competitions: its run, what it may gain, and whether it can be worked on now."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from medalist.agent.nights.belief import PLATEAU, Belief, Prior
from medalist.agent.nights.continuing import History
from medalist.agent.nights.division import Candidate
from medalist.agent.nights.schema import Entry
from medalist.competitions.clock import awake
from medalist.leaderboard.boards.medals import MEDALS

RETRY_SECONDS = (60.0, 600.0, 2700.0)  # until another attempt, after so many failures one after another
RETRY_SHARE = 0.1  # most of the window until the first attempt after a failure; each later one waits twice as long
USED = 0.5  # share of its time that a run must use not to count as having nothing left to try
START_UP = 5.0  # seconds that a run takes to start, until that was seen
RECENT = 0.5  # weight of the last start in the moving average of start-ups


@dataclass
class Tonight:
    """One competition in one night.

    Attributes
    ----------
    run: the run that its next slice goes on with; None for a new one. anew: whether a new one is needed.
    history: of that run.
    seconds: that it was worked on in this night. gained: by its ensemble in this night, in standard errors.
    failures: slices that failed, one after another; the last one for `reason`.
    retry_at: the instant, on the clock of `awake()`, before which it is not tried again.
    exhausted: whether its run ended before its time, for want of anything to try.
    medal: the best medal-equivalent so far, over all nights.
    """

    entry: Entry
    run: str | None = None
    anew: bool = False
    history: History = field(default_factory=History)
    seconds: float = 0.0
    gained: float = 0.0
    slices: int = 0
    failures: int = 0
    reason: str = ""
    retry_at: float = 0.0
    start_up: float = START_UP
    exhausted: bool = False
    medal: str | None = None

    @property
    def name(self) -> str:
        return str(self.entry.name)

    @property
    def ends(self) -> float:
        """Seconds until its last day is over; infinite where it has none."""
        return float("inf") if self.entry.ends is None else self.entry.ends - time.time()

    @property
    def given_up(self) -> bool:
        """Whether it has failed so often that this night does not try it again."""
        return self.failures > len(RETRY_SECONDS)

    def belief(self, prior: Prior) -> Belief:
        """What its run may still gain."""
        return self.history.belief(prior)

    def plateau(self, prior: Prior) -> str:
        """That it has stopped gaining, in a sentence with the chance; "" where it has not."""
        if self.run is None or not self.history.seconds:
            return ""
        if self.exhausted:
            return "Its run has nothing left to try."
        belief = self.belief(prior)
        if not belief.flat:
            return ""
        return (
            f"It has stopped gaining: the chance that another hour gains more than the noise ({belief.noise:.2g} "
            f"standard errors) is {belief.chance():.1%}, below {PLATEAU:.0%}."
        )

    def candidate(self, prior: Prior) -> Candidate:
        """It as the division of time sees it."""
        return Candidate(
            self.name,
            self.entry.share,
            self.history.seconds,
            self.seconds,
            self.ends,
            self.belief(prior),
            self.start_up,
        )

    def worked(self, seconds: float, start_up: float | None, exhausted: bool) -> None:
        """Take in a slice that came to its end."""
        self.failures, self.reason, self.exhausted = 0, "", exhausted
        self.seconds += seconds
        self.slices += 1
        if start_up is not None:
            first = self.start_up == START_UP
            self.start_up = start_up if first else (1 - RECENT) * self.start_up + RECENT * start_up

    def failed(self, seconds: float, reason: str, window: float) -> None:
        """Take in a slice that failed: it is tried again later, but not for ever."""
        self.seconds += seconds
        self.slices += 1
        self.failures += 1
        self.reason = reason
        if not self.given_up:
            wait = min(RETRY_SECONDS[self.failures - 1], RETRY_SHARE * window * 2 ** (self.failures - 1))
            self.retry_at = awake() + wait


def better_medal(new: str | None, old: str | None) -> bool:
    """Whether a medal is better than another one, or than none."""
    order = [None, *reversed(MEDALS)]
    return order.index(new) > order.index(old) if new in order and old in order else False
