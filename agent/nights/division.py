"""The division of a night's time: which competition gets the next slice, and how long it is.

Half of the window is promised to the competitions by their shares; the rest goes, slice by slice, to the one whose draw
of gain per minute, times its share, is the largest (see `belief`). A slice is worth its start-up: it lasts many times
what starting and closing took, longer the longer a run has been worked on, and what would be left over is added to it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from medalist.agent.nights.belief import Belief

PROMISED = 0.5  # share of the window that is divided by shares alone
LEAST_SECONDS = 120.0  # shortest slice, unless a person gives another length
START_UPS = 10.0  # least length of a slice, in times that a run of the competition took to start
MOST_SECONDS = 3600.0  # longest slice
GROWTH = 0.5  # a slice's length as a share of the time that the run was worked on before
PARTS = 3.0  # least slices of the window for each competition, where they are long enough
SMALLEST = 12.0  # seconds: no slice is shorter, since a run needs 10 s


@dataclass(frozen=True)
class Candidate:
    """A competition that may get the next slice.

    Attributes
    ----------
    share: its weight.
    worked: seconds of work on its run so far, over all nights; 0 where it has none.
    tonight: seconds that it got in this night.
    ends: seconds until its own deadline, infinite without one.
    belief: what it may still gain.
    start_up: seconds that a run of it took to start.
    """

    name: str
    share: float = 1.0
    worked: float = 0.0
    tonight: float = 0.0
    ends: float = float("inf")
    belief: Belief = field(default_factory=lambda: Belief.of((), 0.0))
    start_up: float = 5.0


@dataclass(frozen=True)
class Slice:
    """A slice of the night: who works for how many seconds, and why."""

    name: str
    seconds: float
    why: str


def next_slice(
    candidates: Sequence[Candidate],
    left: float,
    window: float,
    shares: float,
    draw: random.Random,
    length: float | None = None,
) -> Slice | None:
    """The next slice, or None where no candidate can use the time left.

    left, window: seconds of the night, those left and all. shares: the sum over all competitions of the night, also
    those that cannot work now. length: seconds of a slice, where a person has said so.
    """
    able = [c for c in candidates if _usable(c, left) >= _least(c, window, length, 0.0)]
    if not able:
        return None
    owed = {c.name: max(0.0, _promise(c, window, shares) - c.tonight) for c in able}
    for c in sorted(able, key=lambda c: (c.ends, c.name)):  # what is owed before a deadline cannot wait for it
        seconds = _length(c, left, window, length, len(able))
        if (
            c.ends < left
            and owed[c.name]
            and c.ends - owed[c.name] < max(seconds, _next(able, c, left, window, length))
        ):
            return Slice(c.name, seconds, "its last day ends soon")
    new = [c for c in able if not c.worked and c.tonight < _least(c, window, length, 0.0)]
    if new:
        first = max(new, key=lambda c: c.share)  # the first of equal ones
        return Slice(first.name, _length(first, left, window, length, len(able)), "nothing was done on it yet")
    total = sum(owed.values())
    drawn = {}
    for c in able:
        seconds = min(_length(c, left, window, length, len(able)), left - (total - owed[c.name]))
        if seconds >= _least(c, window, length, 0.0):
            minutes = seconds / 60
            drawn[c.name] = (c.share * c.belief.drawn(minutes, draw) / (minutes + c.start_up / 60), seconds)
    if drawn:
        name = max(drawn, key=lambda n: drawn[n][0])
        gain = next(c for c in able if c.name == name).belief.expected(drawn[name][1] / 60)
        return Slice(name, drawn[name][1], f"it may gain most per minute ({gain:.2g} standard errors expected)")
    most = max(able, key=lambda c: owed[c.name])
    seconds = min(
        _length(most, left, window, length, len(able)), max(owed[most.name], _least(most, window, length, 0.0))
    )
    return Slice(most.name, _rounded(seconds, _usable(most, left), window, length, most), "its share is owed to it")


def expected_after(candidates: Sequence[Candidate], found: Slice) -> list[Candidate]:
    """The candidates after a slice that gains no more and no less than is expected."""
    after = []
    for c in candidates:
        got = found.seconds if c.name == found.name else 0.0
        belief = replace(c.belief, minutes=c.belief.minutes + got / 60)
        ends = c.ends - found.seconds
        after.append(replace(c, worked=c.worked + got, tonight=c.tonight + got, ends=ends, belief=belief))
    return after


def _promise(c: Candidate, window: float, shares: float) -> float:
    """Seconds of the night that a competition gets by its share alone, as far as its deadline allows."""
    return min(PROMISED * window * c.share / shares, c.tonight + c.ends)


def _usable(c: Candidate, left: float) -> float:
    """Seconds that it could work from now on."""
    return min(left, c.ends)


def _least(c: Candidate, window: float, length: float | None, grown: float) -> float:
    """The shortest slice that is worth its start-up."""
    if length is not None:
        return max(SMALLEST, min(length, 2 * c.start_up))
    return max(SMALLEST, min(LEAST_SECONDS, window / 4), min(START_UPS * c.start_up, window / 2), grown)


def _length(c: Candidate, left: float, window: float, length: float | None, count: int) -> float:
    """How long its next slice lasts: as long as the run was worked on suggests, at most what it can use."""
    if length is not None:
        wanted = max(SMALLEST, length)
    else:
        most = min(MOST_SECONDS, max(window / (PARTS * count), _least(c, window, length, 0.0)))
        wanted = min(_least(c, window, length, GROWTH * c.worked), most)
    return _rounded(wanted, _usable(c, left), window, length, c)


def _rounded(wanted: float, usable: float, window: float, length: float | None, c: Candidate) -> float:
    """The wanted seconds, or all that is usable where the rest would not be worth another slice."""
    return usable if usable - wanted < _least(c, window, length, 0.0) else wanted


def _next(able: Sequence[Candidate], c: Candidate, left: float, window: float, length: float | None) -> float:
    """The longest slice that another competition might get now."""
    return max((_length(o, left, window, length, len(able)) for o in able if o is not c), default=0.0)
