"""The window of a night: how long it still lasts, whatever the clock does."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from medalist.competitions.clock import awake


@dataclass(frozen=True)
class Window:
    """A window of so many seconds from now, that also ends at an hour of the clock (`ends`, in seconds since the epoch)
    where one was given.

    The seconds are those of `awake()`, in which a machine that sleeps or processes that are stopped do not age, and
    which nobody sets; so a clock that jumps back does not lengthen a night, and one that was asleep until its hour has
    passed is over.
    """

    seconds: float
    ends: float | None = None
    began: float = field(default_factory=awake)

    @property
    def left(self) -> float:
        """Seconds left; negative when it is over."""
        left = self.began + self.seconds - awake()
        return left if self.ends is None else min(left, self.ends - time.time())
