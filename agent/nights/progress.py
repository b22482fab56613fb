"""The state of a night, as a display shows it several times a second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from medalist.agent.nights.belief import Prior
from medalist.agent.nights.division import SMALLEST
from medalist.agent.nights.tonight import Tonight
from medalist.competitions.clock import awake

WORKING, WAITING, NEXT, HELD = "working", "waiting", "next", "held"


@dataclass(frozen=True)
class NightProgress:
    """A night at one instant.

    left, window: its seconds, those left and all. working: the competition that is worked on, for `worked` of
    `slice_seconds`; None between two slices. next: the name of the competition that gets the next slice if this one
    gains what is expected; "" where that is not known. keep_going: whether those that have stopped gaining are worked
    on all the same.
    """

    night: str
    left: float
    window: float
    tonight: Sequence[Tonight]
    working: Tonight | None = None
    slice_seconds: float = 0.0
    worked: float = 0.0
    next: str = ""
    keep_going: bool = False
    prior: Prior = field(default_factory=Prior)

    def state(self, t: Tonight) -> tuple[str, str]:
        """What becomes of a competition now: working, next, waiting (its turn has not come) or held (it is not worked
        on), and that in words."""
        if t is self.working:
            return WORKING, f"{clock(self.worked)} of {clock(self.slice_seconds)}"
        if t.ends < SMALLEST:
            return HELD, "its last day is over"
        if t.given_up:
            return HELD, f"left alone tonight: {t.reason}"
        if (wait := t.retry_at - awake()) > 0:
            return HELD, f"failed, again in {clock(wait)}: {t.reason}"
        if not self.keep_going and t.plateau(self.prior):
            return HELD, "has nothing left to try" if t.exhausted else "has stopped gaining"
        return (NEXT, "next") if t.name == self.next else (WAITING, "")

    def seconds(self, t: Tonight) -> tuple[float, float]:
        """The seconds that a competition was worked on, in this night and in all."""
        now = self.worked if t is self.working else 0.0
        return t.seconds + now, t.history.seconds + now


def clock(seconds: float) -> str:
    """Seconds as 0:35, 12:05 or 1:02:05."""
    whole = max(0, round(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
