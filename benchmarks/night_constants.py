"""The constants of a night's belief, chosen by recorded runs, and judged on competitions that did not choose them.

    python benchmarks/night_constants.py --minutes 8 12 --nights 100

For each point of a grid (GRID) and each recorded run (`night_curves.py`): at some times the belief predicts the next
two and four minutes; the loss is the squared error of the root of the expected gain, and the Brier score of the chance
that more than the noise is gained, summed. It prints the best points, what each competition would choose if it were
left out, and what nights gain over equal shares (see `night_division.py`) with the constants of
`agent/nights/belief.py`, and with those that the competitions which take no part in the night choose.
"""

from __future__ import annotations

import argparse
import itertools
import math
import statistics
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from night_curves import RESULTS, recorded
from night_division import Night, Run, constants, differences, drawn, jackknife, others

from medalist.agent.nights.belief import Prior

GRID = {
    "START": (10.0, 15.0, 20.0),
    "DECLINE": (1.0, 1.5, 2.0, 2.5, 3.0),
    "FORGETTING": (2.0, 3.0, 5.0),
    "PRIOR_WEIGHT": (0.3, 1.0, 2.0),
    "PRIOR_SIZES": (1.0, 2.0),
}
TIMES = (60.0, 120.0, 180.0, 240.0, 360.0, 480.0)  # seconds of work at which the belief predicts

Losses = Mapping[str, float]  # by competition
Table = list[tuple[dict[str, float], Losses]]  # of each point of the grid


def loss(run: Run, prior: Prior) -> float | None:
    """The loss of a run's predictions; None where it was too short for any."""
    found = []
    for at, minutes in itertools.product(TIMES, (2.0, 4.0)):
        if at + 60 * minutes <= run.searched and run.made(at):
            belief = run.believed(at, at, prior)
            came = run.gained(at + 60 * minutes, at)
            off = math.sqrt(belief.expected(minutes)) - math.sqrt(came)
            found.append(off**2 + (belief.chance(minutes) - (came > belief.noise)) ** 2)
    return statistics.mean(found) if found else None


def losses(runs: Sequence[Run]) -> Losses:
    """The mean loss of each competition's runs."""
    prior, of = others(runs), dict[str, list[float]]()
    for run in runs:
        if (value := loss(run, prior(run))) is not None:
            of.setdefault(run.competition, []).append(value)
    return {name: statistics.mean(values) for name, values in of.items()}


def total(of: Losses, without: Collection[str] = ()) -> float:
    """The mean over competitions, but for some."""
    return statistics.mean(value for name, value in of.items() if name not in without)


def best(table: Table, without: Collection[str] = ()) -> dict[str, float]:
    """The point of the grid with the smallest loss over competitions, but for some."""
    return min(table, key=lambda row: total(row[1], without))[0]


def judged(table: Table, runs: Sequence[Run], nights: Sequence[Night]) -> list[float]:
    """What each night gains over equal shares with the constants that other competitions than its own choose."""
    prior, found = others(runs), []
    for night in nights:
        with constants(best(table, {run.competition for run in night.runs})):
            found += differences([night], prior)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--curves", type=Path, default=RESULTS)
    parser.add_argument("--minutes", nargs="+", type=float, default=[8, 12])
    parser.add_argument("--earlier", nargs="+", type=float, default=[0])
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--nights", type=int, default=100)
    given = parser.parse_args()
    runs = [Run.of(row) for row in recorded(given.curves)]
    table: Table = []
    for values in itertools.product(*GRID.values()):
        point: dict[str, Any] = dict(zip(GRID, values, strict=True))
        with constants(point):
            table.append((point, losses(runs)))
    for point, of in sorted(table, key=lambda row: total(row[1]))[:5]:
        print(f"{total(of):.4f}  {point}")
    print(f"{total(losses(runs)):.4f}  the constants of agent/nights/belief.py")
    left_out = []
    for name in table[0][1]:
        point = best(table, {name})
        left_out.append(next(of[name] for p, of in table if p == point))
        print(f"without {name}: {point}, loss there {left_out[-1]:.3f}")
    print(f"{statistics.mean(left_out):.4f}  each competition with what the others choose")
    for minutes in given.minutes:
        nights = list(drawn(runs, given.count, minutes, given.earlier, given.nights))
        for what, values in (("fixed", differences(nights, others(runs))), ("chosen", judged(table, runs, nights))):
            error = statistics.stdev(values) / len(values) ** 0.5
            over = f"{statistics.mean(values):+.3f} ± {error:.3f} (± {jackknife(nights, values):.3f})"
            print(f"{minutes:g} min, constants {what}: {over} standard errors per hour over equal shares")


if __name__ == "__main__":
    main()
