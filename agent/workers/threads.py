"""Throughput of layouts: many single-threaded workers, or fewer with several threads each.

Which is faster depends on the machine (shared or not), on the number of rows and on the family. `measuring` measures it
on the run's data, and the run's fits correct it. Several threads are chosen only where they are clearly faster.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

BETTER = 1.1  # least throughput of another layout in each pass, as a multiple of single-threaded workers'
HELPS = 1.25  # least speed-up of a fit for a job to get idle cores as further threads
PROBE_WEIGHT = 3  # number of observed fits that the measurement counts as
MOST_FITS = 12  # latest fits of a family and number of threads that count


@dataclass(frozen=True, order=True)
class Layout:
    """A number of workers that run at the same time, and the threads of each."""

    children: int
    threads: int


def layouts(cores: int) -> tuple[Layout, ...]:
    """The layouts that use all cores: single-threaded workers first, each next one with at least twice the threads."""
    threads = [1]
    for t in range(2, cores + 1):
        if cores % t == 0 and (t >= 2 * threads[-1] or t == cores):
            threads.append(t)
    return tuple(Layout(cores // t, t) for t in threads)


@dataclass
class Calibration:
    """Measured and observed speed-ups of several threads.

    rates: by layout, the boosting rounds per second of all its workers together, one number for each pass of the
    measurement; where it is empty, nothing was measured and one thread is always best. speedups: by family and number
    of threads, the logarithm of the speed-up over one thread of each fit of this run.
    """

    cores: int
    rates: Mapping[Layout, Sequence[float]] = field(default_factory=dict)
    speedups: dict[tuple[str, int], list[float]] = field(default_factory=dict)

    @property
    def _single(self) -> Layout:
        return Layout(self.cores, 1)

    def best(self) -> Layout:
        """The layout of the highest throughput; single-threaded workers unless another is clearly faster."""
        chosen, highest = self._single, BETTER
        for layout in sorted(self.rates, key=lambda one: one.threads):
            gain = min(self._gains(layout), default=0.0)
            if layout.threads > 1 and gain > highest:
                chosen, highest = layout, gain
        return chosen

    def _gains(self, layout: Layout) -> list[float]:
        """A layout's throughput divided by that of single-threaded workers, in each pass."""
        pairs = zip(self.rates.get(layout, ()), self.rates.get(self._single, ()), strict=False)
        return [rate / single for rate, single in pairs if single > 0]

    def speed(self, threads: int, family: str | None = None) -> float:
        """The speed-up of a fit over one thread; 1 before anything was measured.

        With `family` the observed fits of that family count, too, with more weight the more there are.
        """
        if threads <= 1:
            return 1.0
        measured = max((one for one in self.rates if one.threads <= threads), key=lambda one: one.threads, default=None)
        logs = [] if family is None else self.speedups.get((family, threads), [])[-MOST_FITS:]
        prior = 0.0
        if measured is not None and measured.threads > 1:
            gains = [math.log(max(g, 1e-3) * self.cores / measured.children) for g in self._gains(measured)]
            prior = median(gains) if gains else 0.0
        if not logs:
            return math.exp(prior)
        return math.exp((PROBE_WEIGHT * prior + len(logs) * median(logs)) / (PROBE_WEIGHT + len(logs)))

    def useful_threads(self, threads: int, family: str | None = None) -> int:
        """The largest number of measured threads, at most `threads`, for which each increase makes a fit clearly faster
        (see HELPS); at least 1."""
        chosen = 1
        for one in sorted({layout.threads for layout in self.rates if layout.threads <= threads}):
            if one > chosen and self.speed(one, family) > HELPS * self.speed(chosen, family):
                chosen = one
        return chosen

    def learn(self, family: str, threads: int, single: float, seconds: float) -> None:
        """Update with a fit of several threads that took `seconds` and was expected to take `single` with one."""
        if threads > 1 and single > 0 and seconds > 0:
            self.speedups.setdefault((family, threads), []).append(math.log(single / seconds))
