"""The division of a night by expected gain against equal shares, by replaying recorded runs: gain per hour, with error.

    python benchmarks/night_division.py runs1 runs2 … --hours 0.5 --nights 200

Each folder of runs gives its longest run of each competition: gains of the ensemble (in standard errors of the first
score) by seconds of work. A night of the given window works on these competitions from their beginning, in slices that
each lose `--start-up` seconds; what a slice gains is what the run gained in those seconds of work. A recorded run is
good for as long as it lasted: with a window of up to that, nothing is made up. Nights differ by their draws, and by
competitions drawn with replacement; the error is that over the nights.
"""

from __future__ import annotations

import argparse
import bisect
import random
import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from medalist.agent.nights.belief import LARGEST_JUMP, Belief, Gain, Prior
from medalist.agent.nights.continuing import History
from medalist.agent.nights.division import Candidate, next_slice
from medalist.leaderboard.ledger.ledger import Ledger


def recorded(folders: Sequence[Path]) -> dict[str, History]:
    """The history of the longest run of each competition in the ledgers of these folders."""
    longest: dict[str, History] = {}
    for folder in folders:
        with Ledger(folder / "ledger.sqlite") as ledger:
            for row in ledger.runs():
                history = History.of(row, ledger)
                if history.seconds > longest.get(row.competition, History()).seconds:
                    longest[row.competition] = history
    return longest


def gained(history: History, seconds: float) -> float:
    """Gain of a recorded run in its first seconds of work, each as large as the division counts it."""
    return sum(min(max(g.size, 0.0), LARGEST_JUMP) for g in history.gains if g.minutes * 60 <= seconds)


def known(history: History, seconds: float) -> Belief:
    """The belief after so many seconds of work on a recorded run."""
    minutes = seconds / 60
    end = bisect.bisect_right([g.minutes for g in history.gains], minutes)
    gains: Sequence[Gain] = history.gains[:end]
    return Belief.of(gains, minutes, Prior(), history.noise)


def by_gain(runs: Sequence[History], window: float, start_up: float, seed: int) -> float:
    """The gain of a night that is divided by expected gain."""
    now = [Candidate(str(i), start_up=start_up) for i in range(len(runs))]
    left, draw = window, random.Random(seed)
    while (found := next_slice(now, left, window, float(len(runs)), draw)) is not None:
        i = int(found.name)
        worked = now[i].worked + max(0.0, found.seconds - start_up)
        belief = known(runs[i], worked)
        now[i] = replace(now[i], worked=worked, tonight=now[i].tonight + found.seconds, belief=belief)
        left -= found.seconds
    return sum(gained(run, c.worked) for run, c in zip(runs, now, strict=True))


def by_shares(runs: Sequence[History], window: float, start_up: float) -> float:
    """The gain of a night with one equal slice for each competition, which starts up only once."""
    return sum(gained(run, window / len(runs) - start_up) for run in runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--hours", type=float, default=0.5)
    parser.add_argument("--nights", type=int, default=200)
    parser.add_argument("--start-up", type=float, default=5.0)
    given = parser.parse_args()
    runs = recorded(given.runs)
    window = given.hours * 3600
    for name, history in sorted(runs.items()):
        print(f"{name}: {history.seconds:.0f} s, {gained(history, history.seconds):.2f} standard errors")
    draw = random.Random(0)
    pairs = []
    for night in range(given.nights):
        chosen = draw.choices(list(runs.values()), k=len(runs))
        pairs.append((by_gain(chosen, window, given.start_up, night), by_shares(chosen, window, given.start_up)))
    differences = [(a - b) / given.hours for a, b in pairs]
    for title, values in (("by expected gain", [a for a, _ in pairs]), ("equal shares", [b for _, b in pairs])):
        print(f"{title}: {statistics.mean(values) / given.hours:.3f} standard errors per hour")
    error = statistics.stdev(differences) / len(differences) ** 0.5
    print(f"difference: {statistics.mean(differences):+.3f} ± {error:.3f} per hour over {given.nights} nights")


if __name__ == "__main__":
    main()
