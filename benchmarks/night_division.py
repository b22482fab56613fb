"""A night divided by expected gain against equal shares, by replaying recorded runs: gain per hour, with error.

    python benchmarks/night_division.py --minutes 8 16 --count 4 --nights 400
    python benchmarks/night_division.py --calibration

A night works on `--count` competitions that were recorded by `night_curves.py`, each drawn with one of its runs and
with the work that it had got before (`--earlier`, seconds). What a slice gains is what the recorded run gained in as
much work: a slice of s seconds loses its start-up and the close of its run (as long as they took in the recorded one,
the close at most a fifth of the slice). Both divisions pay that for each slice; equal shares have one slice for each
competition, the longest that there can be. Where a night would need more of a run than was recorded, the run gains no
more, and the night is not counted in `within`.

The best division in hindsight, with one slice each, says how much there is to win. Errors: of the mean over the drawn
nights, and, since they share the recorded runs, the jackknife over competitions (Efron and Tibshirani, An Introduction
to the Bootstrap, 1993, chapter 11).
"""

from __future__ import annotations

import argparse
import bisect
import math
import random
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from night_curves import RESULTS, recorded

from medalist.agent.nights import belief as beliefs
from medalist.agent.nights import division
from medalist.agent.nights.belief import LARGEST_JUMP, Belief, Gain, Prior
from medalist.agent.nights.division import SMALLEST, Candidate, next_slice

CLOSE_SHARE = 0.2  # most of a slice that its close takes
GRID = 20.0  # seconds between two lengths that the best division in hindsight tries


@dataclass(frozen=True)
class Run:
    """A recorded run; times in seconds of work."""

    competition: str
    seed: int
    start_up: float
    close: float
    searched: float
    noise: float | None
    experiments: Sequence[float]
    gains: Sequence[tuple[float, float]]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Run:
        gains = [(at, min(size, LARGEST_JUMP)) for at, size in row["gains"]]
        names = ("competition", "seed", "start_up", "close", "searched", "noise")
        return cls(*(row[name] for name in names), sorted(row["experiments"]), gains)

    def gained(self, until: float, since: float = 0.0) -> float:
        """The gain between two amounts of search, in standard errors of the first score."""
        return sum(size for at, size in self.gains if since < at <= until)

    def after(self, searched: float, seconds: float) -> float:
        """The search that it has come to by a slice of so many seconds. The first start counts as search, as in the
        recorded run; a later one is lost, and so is the close of each slice."""
        lost = (self.start_up if searched else 0.0) + min(self.close, CLOSE_SHARE * seconds)
        return searched + max(0.0, seconds - lost)

    def believed(self, searched: float, worked: float, prior: Prior) -> Belief:
        """The belief after so much search, when `worked` seconds were spent on it with starts and closes."""
        known = [g for g, (at, _) in zip(self.known(), self.gains, strict=True) if at <= searched]
        return Belief.of(known, self.made(searched), worked / 60, prior, self.noise)

    def made(self, searched: float) -> int:
        """Experiments that had ended after so much search."""
        return bisect.bisect_right(self.experiments, searched)

    def known(self) -> list[Gain]:
        """Its gains as the belief takes them."""
        return [Gain(self.made(at), size) for at, size in self.gains]


@dataclass(frozen=True)
class Night:
    """What is drawn of a night: its runs, the search that each had got before, and its window in seconds."""

    runs: Sequence[Run]
    earlier: Sequence[float]
    window: float
    seed: int


@dataclass(frozen=True)
class Result:
    """What each run gained, and the search that it had come to."""

    gains: Sequence[float]
    searched: Sequence[float]


def by_gain(night: Night, prior: Callable[[Run], Prior]) -> Result:
    """A night that is divided by expected gain."""
    searched, now = list(night.earlier), []
    for i, run in enumerate(night.runs):
        belief = run.believed(searched[i], searched[i], prior(run))
        now.append(Candidate(str(i), worked=searched[i], start_up=run.start_up, belief=belief))
    left, draw = night.window, random.Random(night.seed)
    while (found := next_slice(now, left, night.window, float(len(now)), draw)) is not None:
        i = int(found.name)
        run, c = night.runs[i], now[i]
        searched[i] = run.after(searched[i], found.seconds)
        worked = c.worked + found.seconds
        belief = run.believed(searched[i], worked, prior(run))
        now[i] = replace(c, worked=worked, tonight=c.tonight + found.seconds, belief=belief)
        left -= found.seconds
    return _result(night, searched)


def by_shares(night: Night) -> Result:
    """A night with one equal slice for each competition."""
    each = night.window / len(night.runs)
    return _result(night, [r.after(e, each) for r, e in zip(night.runs, night.earlier, strict=True)])


def in_hindsight(night: Night) -> Result:
    """The best division with one slice for each, of a multiple of GRID, by dynamic programming."""
    steps = int(night.window // GRID)
    best: list[tuple[float, tuple[float, ...]]] = [(0.0, ())] * (steps + 1)
    for run, earlier in zip(night.runs, night.earlier, strict=True):
        ends = [run.after(earlier, k * GRID) if k * GRID >= SMALLEST else earlier for k in range(steps + 1)]
        values = [run.gained(end, earlier) for end in ends]
        best = [
            max((best[k - j][0] + values[j], (*best[k - j][1], ends[j])) for j in range(k + 1))
            for k in range(steps + 1)
        ]
    return _result(night, best[steps][1])


def _result(night: Night, searched: Sequence[float]) -> Result:
    gains = [r.gained(s, e) for r, s, e in zip(night.runs, searched, night.earlier, strict=True)]
    return Result(gains, searched)


def drawn(runs: Sequence[Run], count: int, minutes: float, earlier: Sequence[float], nights: int) -> Iterator[Night]:
    """Nights with so many different competitions each."""
    draw = random.Random(0)
    of: dict[str, list[Run]] = {}
    for run in runs:
        of.setdefault(run.competition, []).append(run)
    for seed in range(nights):
        chosen = [draw.choice(of[name]) for name in draw.sample(sorted(of), count)]
        yield Night(chosen, [draw.choice(earlier) for _ in chosen], 60 * minutes, seed)


def others(runs: Sequence[Run]) -> Callable[[Run], Prior]:
    """The prior of each competition as a ledger of all the others would give it."""
    names = {run.competition for run in runs}

    def of(name: str) -> Prior:
        first = {r.competition: r for r in reversed(runs) if r.competition != name}
        return Prior.of((r.known(), len(r.experiments)) for r in first.values())

    priors = {name: of(name) for name in names}
    return lambda run: priors[run.competition]


@contextmanager
def constants(values: Mapping[str, float]) -> Iterator[None]:
    """Within it, these constants of the belief and the division are others."""
    with ExitStack() as stack:
        for name, value in values.items():
            module = beliefs if hasattr(beliefs, name) else division
            stack.enter_context(patch.object(module, name, value))
        yield


def differences(nights: Sequence[Night], prior: Callable[[Run], Prior]) -> list[float]:
    """Gain per hour by expected gain less that by equal shares, of each night."""
    return [
        (sum(by_gain(night, prior).gains) - sum(by_shares(night).gains)) / (night.window / 3600) for night in nights
    ]


def jackknife(nights: Sequence[Night], values: Sequence[float]) -> float:
    """The standard error of the mean of `values` over competitions: each in turn is left out with its nights."""
    names = sorted({run.competition for night in nights for run in night.runs})
    means = []
    for name in names:
        kept = [v for night, v in zip(nights, values, strict=True) if name not in {r.competition for r in night.runs}]
        if not kept:
            return math.nan
        means.append(statistics.mean(kept))
    centre = statistics.mean(means)
    return math.sqrt((len(names) - 1) / len(names) * sum((m - centre) ** 2 for m in means))


def report(nights: Sequence[Night], prior: Callable[[Run], Prior]) -> str:
    """A line of the table."""
    hours = nights[0].window / 3600
    results = [(by_gain(n, prior), by_shares(n), in_hindsight(n)) for n in nights]
    rates = [[sum(r.gains) / hours for r in kind] for kind in zip(*results, strict=True)]
    within = statistics.mean(
        all(s <= r.searched for r, s in zip(n.runs, by.searched, strict=True))
        for n, (by, _, _) in zip(nights, results, strict=True)
    )
    more = [a - b for a, b in zip(rates[0], rates[1], strict=True)]
    error = statistics.stdev(more) / len(more) ** 0.5
    bandit, equal, best = (statistics.mean(r) for r in rates)
    return (
        f"{60 * hours:5.0f} min  {bandit:8.2f}  {equal:8.2f}  {best:8.2f}   {statistics.mean(more):+7.3f} ± {error:.3f}"
        f"  (± {jackknife(nights, more):.3f})  {within:6.0%}"
    )


def calibration(runs: Sequence[Run], prior: Callable[[Run], Prior]) -> list[str]:
    """Expected gains and chances of the next minutes at some times of each run, against what came."""
    lines, told = [], []
    for minutes in (2.0, 4.0):
        for run in runs:
            for at in (60.0, 120.0, 180.0, 240.0, 360.0, 480.0):
                if at + 60 * minutes <= run.searched:
                    belief = run.believed(at, at, prior(run))
                    came = run.gained(at + 60 * minutes, at)
                    told.append((at, minutes, belief.expected(minutes), belief.chance(minutes), came, belief.noise))
    for at in sorted({t[0] for t in told}):
        for minutes in (2.0, 4.0):
            some = [t for t in told if t[:2] == (at, minutes)]
            if some:
                hits = [came > noise for *_, came, noise in some]
                chance = statistics.mean(t[3] for t in some)
                expected, came = statistics.mean(t[2] for t in some), statistics.mean(t[4] for t in some)
                name = f"{at / 60:3.0f} min  next {minutes:.0f} min  {len(some):3d}"
                lines.append(
                    f"{name}  expected {expected:6.3f}  came {came:6.3f}"
                    f"  chance {chance:4.0%}  came {statistics.mean(hits):4.0%}"
                )
    brier = statistics.mean((chance - (came > noise)) ** 2 for *_, chance, came, noise in told)
    error = statistics.mean((expected - came) ** 2 for _, _, expected, _, came, _ in told) ** 0.5
    return [*lines, f"Brier score of the chances: {brier:.4f}; root mean squared error of the gains: {error:.4f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--curves", type=Path, default=RESULTS)
    parser.add_argument("--only", nargs="+", help="competitions to use")
    parser.add_argument("--minutes", nargs="+", type=float, default=[4, 8, 12, 16])
    parser.add_argument("--count", type=int, default=4, help="competitions of a night")
    parser.add_argument("--earlier", nargs="+", type=float, default=[0], help="seconds of work before the night")
    parser.add_argument("--nights", type=int, default=400)
    parser.add_argument("--prior", choices=["built-in", "others"], default="others")
    parser.add_argument("--calibration", action="store_true")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="constants of belief and division")
    given = parser.parse_args()
    runs = [Run.of(row) for row in recorded(given.curves)]
    runs = [run for run in runs if not given.only or run.competition in given.only]
    prior = others(runs) if given.prior == "others" else lambda _: Prior()
    with constants({name: float(value) for name, _, value in (s.partition("=") for s in given.set)}):
        if given.calibration:
            print("\n".join(calibration(runs, prior)))
            return
        for run in runs:
            print(f"{run.competition}, seed {run.seed}: {run.gained(math.inf):.2f} in {run.searched:.0f} s of search")
        print("\nstandard errors per hour; difference with its error over nights (and over competitions)")
        print("   window    bandit     equal      best   bandit - equal                   within")
        for minutes in given.minutes:
            nights = list(drawn(runs, given.count, minutes, given.earlier, given.nights))
            print(report(nights, prior))


if __name__ == "__main__":
    main()
