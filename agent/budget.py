"""A run's time budget: read from text, and kept as a deadline on the clock of working time, or on the wall's."""

from __future__ import annotations

import datetime as dt
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from medalist.competitions.clock import awake
from medalist.competitions.errors import BudgetError

CLOSE_SECONDS = 20.0  # for the close of a run whose hour has passed at once: the machine slept, or its clock was set
REPORT_SECONDS = (
    2.0  # for the report on the run, of budgets of at least LEAST_FOR_REPORT; shorter runs have it where time is left
)
LEAST_FOR_REPORT = 120.0
SMALLEST = 10.0  # seconds: the shortest budget, in which a constant and one model can be made
_NUMBER = r"(\d+(?:\.\d+)?)"
_DURATION = re.compile(rf"(?:{_NUMBER}h)?(?:{_NUMBER}m(?:in)?)?(?:{_NUMBER}s)?|{_NUMBER}", re.IGNORECASE)


def parse_duration(text: str) -> float:
    """Seconds of a duration such as `90s`, `10m`, `8h`, `1h30m` or a bare number of seconds.

    Raises BudgetError where the text is no duration, or one of no length.
    """
    match = _DURATION.fullmatch(text.strip().replace(" ", ""))
    parts = [float(p) if p else 0.0 for p in match.groups()] if match else []
    seconds = parts[0] * 3600 + parts[1] * 60 + parts[2] + parts[3] if parts else 0.0
    if not seconds:
        raise BudgetError(f"Cannot read the budget {text!r}: write 90s, 10m, 8h or 1h30m.")
    return seconds


def seconds_until(text: str, now: dt.datetime | None = None) -> float:
    """Seconds from now until the clock next shows `HH:MM`, in local time; BudgetError where the text is no time."""
    now = now or dt.datetime.now()
    try:
        clock = dt.datetime.strptime(text.strip(), "%H:%M").time()
    except ValueError:
        raise BudgetError(f"Cannot read the time {text!r}: write it as HH:MM, for example 07:00.") from None
    then = now.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    if then <= now:
        then += dt.timedelta(days=1)
    return then.timestamp() - now.timestamp()  # a night in which clocks change is an hour shorter or longer


def process_began() -> float:
    """The instant, on the clock of `awake()`, at which this process began.

    Exact to 0.01 s on Linux; elsewhere estimated by the processor time that the process has used.
    """
    try:
        ticks = int(Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError):
        age = time.process_time()
    return awake() - max(age, 0.0)


@dataclass
class Hour:
    """The end of work that shall go on until an instant on the wall's clock, which sleep does not move and a person may
    set: it is read anew each time. A clock that is set back does not lengthen the work. Where the instant has passed at
    once, CLOSE_SECONDS are left to close in.

    until: seconds since the epoch. latest, ends: on the clock of `awake()`: the end as it was expected when the work
    began, and as it is now.
    """

    until: float
    latest: float
    ends: float

    @classmethod
    def of(cls, until: float, began: float, seconds: float) -> Hour:
        """That of a run which began at an instant on the clock of `awake()`, so many seconds before it."""
        return cls(until, began + seconds, began + seconds)

    @property
    def instant(self) -> float:
        """The end, on the clock of `awake()`, as the wall's clock has it now."""
        now = awake()
        named = min(now + self.until - time.time(), self.latest)
        self.ends = max(named, min(self.ends, now + CLOSE_SECONDS))
        return self.ends


@dataclass(frozen=True)
class Budget:
    """The seconds of a run from the instant `began`, on the clock of `awake()`: time asleep does not count.

    `seconds` is infinite without a time limit. hour: where the run works until an hour of the wall's clock, which then
    is its end; `seconds` are those that were left when it began. The last `reserve` seconds are not for work.
    """

    began: float
    seconds: float
    hour: Hour | None = None

    @classmethod
    def of(cls, seconds: float, began: float | None = None, until: float | None = None) -> Budget:
        """A budget of so many seconds from `began`, else from now, or of those that are left until an instant in
        seconds since the epoch; BudgetError where it is less than SMALLEST."""
        if seconds < SMALLEST:
            raise BudgetError(f"A budget of {seconds:.0f} s is too small: give at least {SMALLEST:.0f} s.")
        began = awake() if began is None else began
        return cls(began, seconds, None if until is None else Hour.of(until, began, seconds))

    @property
    def limited(self) -> bool:
        """Whether there is a deadline."""
        return self.seconds != float("inf")

    @property
    def deadline(self) -> float:
        """The instant at which the run must have ended, infinite where there is none."""
        return self.began + self.seconds if self.hour is None else self.hour.instant

    @property
    def reserve(self) -> float:
        """Seconds reserved for the last submission, the summary, the report and the end of all processes."""
        if not self.limited:
            return 0.0
        return min(20.0, 1.5 + 0.01 * self.seconds) + (REPORT_SECONDS if self.seconds >= LEAST_FOR_REPORT else 0.0)

    @property
    def used(self) -> float:
        """Seconds since the run began."""
        return awake() - self.began

    @property
    def left(self) -> float:
        """Seconds left for work before the reserve begins; negative within the reserve."""
        return self.deadline - self.reserve - awake()
