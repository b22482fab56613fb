"""The division of a night's time: which competition gets the next slice, and how long it is.

A part of the window is promised to the competitions by their shares; the rest goes, slice by slice, to the one whose
draw of gain per minute, times its share, is the largest (see `belief`). A slice is worth its start-up: it lasts several
times what starting took, and several experiments, longer the longer a run has been worked on. What would be left over
is added to a slice. A window that is too short for such slices of competitions that are all new is divided by shares.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from medalist.agent.nights.belief import Belief

PROMISED = 0.25  # share of the window that is divided by shares alone
LEAST_SECONDS = 120.0  # shortest slice, unless a person gives another length
START_UPS = 5.0  # least length of a slice, in times that a run of the competition took to start
MOST_SECONDS = 3600.0  # longest slice
EXPERIMENTS = 3.0  # least length of a slice, in times that an experiment of the run takes
GROWTH = 0.5  # a slice's length as a share of the time that the run was worked on before
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
    belief: Belief = field(default_factory=lambda: Belief.of((), 0, 0.0))
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
    able = [c for c in candidates if _usable(c, left) >= _least(c, window, shares, length)]
    if not able:
        return None
    least = {c.name: _least(c, window, shares, length) for c in able}
    lengths = {c.name: _length(c, left, window, shares, length) for c in able}
    owed = {c.name: max(0.0, _promise(c, window, shares) - c.tonight) for c in able}
    for c in sorted(able, key=lambda c: (c.ends, c.name)):  # what is owed before a deadline cannot wait for it
        if c.ends < left and owed[c.name] and c.ends - owed[c.name] < max(lengths.values()):
            return Slice(c.name, lengths[c.name], "its last day ends soon")
    new = [c for c in able if not c.worked and c.tonight < least[c.name]]
    if new:
        first = max(new, key=lambda c: c.share)  # the first of equal ones
        return Slice(first.name, lengths[first.name], "nothing was done on it yet")
    total = sum(owed.values())
    drawn = {}
    for c in able:
        seconds = min(lengths[c.name], left - (total - owed[c.name]))
        if seconds >= least[c.name]:
            working = max(0.0, seconds - c.start_up) / 60
            drawn[c.name] = (c.share * c.belief.drawn(working, draw) / seconds, seconds)
    if drawn:
        name = max(drawn, key=lambda n: drawn[n][0])
        gain = next(c for c in able if c.name == name).belief.expected(drawn[name][1] / 60)
        return Slice(name, drawn[name][1], f"it may gain most per minute ({gain:.2g} standard errors expected)")
    most = max(able, key=lambda c: owed[c.name])
    seconds = min(lengths[most.name], max(owed[most.name], least[most.name]))
    return Slice(most.name, _rounded(seconds, _usable(most, left), least[most.name]), "its share is owed to it")


def expected_after(candidates: Sequence[Candidate], found: Slice) -> list[Candidate]:
    """The candidates after a slice that gains no more and no less than is expected."""
    after = []
    for c in candidates:
        got = found.seconds if c.name == found.name else 0.0
        ends = c.ends - found.seconds
        after.append(
            replace(c, worked=c.worked + got, tonight=c.tonight + got, ends=ends, belief=c.belief.after(got / 60))
        )
    return after


def _promise(c: Candidate, window: float, shares: float) -> float:
    """Seconds of the night that a competition gets by its share alone, as far as its deadline allows."""
    return min(PROMISED * window * c.share / shares, c.tonight + c.ends)


def _usable(c: Candidate, left: float) -> float:
    """Seconds that it could work from now on."""
    return min(left, c.ends)


def _least(c: Candidate, window: float, shares: float, length: float | None) -> float:
    """The shortest slice that is worth its start-up. In a short window a competition that was never worked on begins
    with no more than its share, so that all begin, and others may get half of it."""
    if length is not None:
        return max(SMALLEST, min(length, 2 * c.start_up))
    fair = window * c.share / shares
    worth = max(LEAST_SECONDS, START_UPS * c.start_up, EXPERIMENTS * 60 * c.belief.pace)
    return max(SMALLEST, min(worth, max(fair, window / 2) if c.worked else fair))


def _length(c: Candidate, left: float, window: float, shares: float, length: float | None) -> float:
    """How long its next slice lasts: as long as the run was worked on suggests, at most what it can use."""
    least = _least(c, window, shares, length)
    if length is not None:
        wanted = max(SMALLEST, length)
    else:
        most = max(least, min(window * c.share / shares, MOST_SECONDS))
        wanted = min(max(least, GROWTH * c.worked), most)
    return _rounded(wanted, _usable(c, left), least)


def _rounded(wanted: float, usable: float, least: float) -> float:
    """The wanted seconds, or all that is usable where the rest would not be worth another slice."""
    return usable if usable - wanted < least else wanted
