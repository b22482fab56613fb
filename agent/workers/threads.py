"""How many threads a child process is worth: measured on the run's own data, corrected by its fits.

Several single-threaded children, or fewer of several threads each, share the cores. Which is faster depends on the
machine (shared or not), on the number of rows and on the family, so it is measured: for a part of a second each, all
children of a layout boost at once. What is not clearly better than single-threaded children is not chosen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

BETTER = 1.1  # times the throughput of single-threaded children, in each pass, to take their place
HELPS = 1.25  # times as fast as one thread, for a job to get cores that would idle
PROBE_WEIGHT = 3  # fits that the measurement counts as, when real ones correct it
MOST_SEEN = 12  # fits of a family and number of threads that count


@dataclass(frozen=True, order=True)
class Layout:
    """So many child processes at once, of so many threads each."""

    children: int
    threads: int


def layouts(cores: int) -> tuple[Layout, ...]:
    """Ways to share all cores, single-threaded children first, with at least twice as many threads each time."""
    threads = [1]
    for t in range(2, cores + 1):
        if cores % t == 0 and (t >= 2 * threads[-1] or t == cores):
            threads.append(t)
    return tuple(Layout(cores // t, t) for t in threads)


@dataclass
class Calibration:
    """What was measured: `rates` holds, for each pass, the boosting rounds a second of all children of a layout.

    `seen` holds, by family and number of threads, the logarithm of how many times as fast as with one thread real
    fits were. With no rates every answer is single-threaded children.
    """

    cores: int
    rates: Mapping[Layout, Sequence[float]] = field(default_factory=dict)
    seen: dict[tuple[str, int], list[float]] = field(default_factory=dict)

    @property
    def _single(self) -> Layout:
        return Layout(self.cores, 1)

    def best(self) -> Layout:
        """The layout of the highest throughput; single-threaded children unless another is clearly better."""
        chosen, highest = self._single, BETTER
        for layout in sorted(self.rates, key=lambda one: one.threads):
            gain = min(self._gains(layout), default=0.0)
            if layout.threads > 1 and gain > highest:
                chosen, highest = layout, gain
        return chosen

    def _gains(self, layout: Layout) -> list[float]:
        """Throughput against single-threaded children, pass by pass."""
        pairs = zip(self.rates.get(layout, ()), self.rates.get(self._single, ()), strict=False)
        return [rate / single for rate, single in pairs if single > 0]

    def speed(self, threads: int, family: str | None = None) -> float:
        """How many times as fast as with one thread a fit is; 1 where that is not known.

        With `family` its own fits count too, with more weight the more of them there were.
        """
        if threads <= 1:
            return 1.0
        measured = max((one for one in self.rates if one.threads <= threads), key=lambda one: one.threads, default=None)
        logs = [] if family is None else self.seen.get((family, threads), [])[-MOST_SEEN:]
        prior = 0.0
        if measured is not None and measured.threads > 1:
            gains = [math.log(max(g, 1e-3) * self.cores / measured.children) for g in self._gains(measured)]
            prior = median(gains) if gains else 0.0
        if not logs:
            return math.exp(prior)
        return math.exp((PROBE_WEIGHT * prior + len(logs) * median(logs)) / (PROBE_WEIGHT + len(logs)))

    def worth(self, threads: int, family: str | None = None) -> int:
        """The most threads, of so many that are free, that make a fit clearly faster than fewer do; at least 1."""
        chosen = 1
        for one in sorted({layout.threads for layout in self.rates if layout.threads <= threads}):
            if one > chosen and self.speed(one, family) > HELPS * self.speed(chosen, family):
                chosen = one
        return chosen

    def learn(self, family: str, threads: int, alone: float, seconds: float) -> None:
        """Take in a fit of several threads that took `seconds`, and would take `alone` with one thread."""
        if threads > 1 and alone > 0 and seconds > 0:
            self.seen.setdefault((family, threads), []).append(math.log(alone / seconds))
