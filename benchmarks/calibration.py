"""How far stated intervals and chances of places hold: the table and picture of docs/calibration.md, made again.

    python benchmarks/calibration.py                                  # from the lines that are recorded
    python benchmarks/calibration.py ../shared/competitions UNSEEN    # runs what is missing first (hours)
    python benchmarks/calibration.py --fit                            # the constants of leaderboard.boards.places

UNSEEN is a folder made by unseen_competitions.py. All that is stated about a competition is by constants fitted to the
other ones; a competition counts once, however many cuts and holdouts there are of it.
"""

from __future__ import annotations

import argparse
import math
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from calibration_cases import KINDS, RESULTS, Case, cases, longer_runs, read_lines, shake_up
from score_rows import markdown, standard_error

from medalist.leaderboard.boards.places import FITTED, Constants, ScoreNoise, places, score_noise

PAGE = Path(__file__).parents[1] / "docs" / "calibration.md"
BEGIN, END = "<!-- table: made by benchmarks/calibration.py -->", "<!-- end of the table -->"
GOALS = ("gold", "silver", "bronze", "upper half")
#: Means and standard deviations of shift, log core, log (wide - core) and the logit of twice the wide part's share.
PRIOR = np.array([[0.0, 0.0, 1.5, -2.0], [1.0, 0.7, 0.7, 1.0]])
Noise = Callable[[Case], ScoreNoise]


def fit(seen: Sequence[Case]) -> Constants:
    """The constants under which the gaps of the agent's estimates are most likely; each competition counts once, and in
    it each size of holdouts. A wide prior (PRIOR) keeps what a few competitions do not tell within reason."""
    from scipy.optimize import minimize

    own = [c for c in seen if c.kind in ("agent, humans", "agent, models")]
    unique = {(c.competition, c.size, c.score, c.truth): c for c in own}.values()
    counts: dict[tuple[str, str], int] = {}
    for c in unique:
        counts[c.competition, c.size] = counts.get((c.competition, c.size), 0) + 1
    sizes = {name: len({s for n, s in counts if n == name}) for name, _ in counts}
    gaps = np.array([c.gap for c in unique])
    ratio = np.array([c.rows / c.test_rows for c in unique])
    weight = np.array([1 / counts[c.competition, c.size] / sizes[c.competition] for c in unique])

    def cost(p: np.ndarray) -> float:
        shift, core, wide, share = natural(p)
        densities = [
            np.exp(-0.5 * (gaps - shift) ** 2 / (s**2 + ratio)) / np.sqrt(2 * np.pi * (s**2 + ratio))
            for s in (core, wide)
        ]
        likely = (1 - share) * densities[0] + share * densities[1]
        return float(-(weight * np.log(likely + 1e-300)).sum() + 0.5 * (((p - PRIOR[0]) / PRIOR[1]) ** 2).sum())

    starts = [PRIOR[0], PRIOR[0] + [0.0, 0.5, 1.0, -1.0]]
    found = min(
        (minimize(cost, s, method="Nelder-Mead", options={"maxiter": 4000}) for s in starts), key=lambda r: r.fun
    )
    shift, core, wide, share = (float(v) for v in natural(found.x))
    return Constants(round(shift, 2), round(core, 2), round(wide, 2), round(share, 3), FITTED.paired)


def natural(p: np.ndarray) -> tuple[float, float, float, float]:
    """Shift, core, wide and its share from numbers without bounds."""
    core = np.exp(p[1])
    return p[0], core, core + np.exp(p[2]), 0.5 / (1 + np.exp(-p[3]))


def paired(moved: dict[str, float], without: str = "") -> float:
    """The median over competitions of the share that `shake_up` measures, as one of standard deviations."""
    return round(math.sqrt(statistics.median(share for name, share in moved.items() if name != without)), 2)


def before(case: Case) -> ScoreNoise:
    """What was stated until now: a normal error of the known score alone."""
    return ScoreNoise(0.0, case.error, case.error, 0.0)


def stated(constants: dict[str, Constants]) -> Noise:
    """What is stated with constants fitted to the other competitions."""

    def noise(c: Case) -> ScoreNoise:
        fitted, anew = constants[c.competition], c.kind == "ranked anew"
        return score_noise(c.basis, c.error, c.rows, c.test_rows, anew, c.public_share, fitted)

    return noise


@dataclass(frozen=True)
class Held:
    """Of cases of one kind: shares of 80 % intervals of score and percentile that held, the latter's mean width, and
    Brier scores of the four goals; means over competitions."""

    competitions: int
    cases: int
    score: float
    percentile: float
    error: float
    width: float
    brier: tuple[float, ...]


def of_places(case: Case, noise: ScoreNoise) -> tuple[float, float]:
    """The ends of the interval that a standing states; what was stated until now was central."""
    if noise.core == case.error:
        return noise.interval()
    best, last = (case.sign * (value - case.score) for _, value in (case.board.ranked()[0], case.board.ranked()[-1]))
    return noise.interval_of_places(best, last)


def by_competition(chosen: Sequence[Case], values: Sequence[float]) -> dict[str, float]:
    """The mean of the values of each competition's cases."""
    groups: dict[str, list[float]] = {}
    for case, value in zip(chosen, values, strict=True):
        groups.setdefault(case.competition, []).append(value)
    return {name: statistics.fmean(group) for name, group in groups.items()}


def held(chosen: Sequence[Case], noise: Noise) -> Held:
    """How far what is stated with `noise` holds in these cases."""
    score, percentile, width, brier = [], [], [], []
    for case in chosen:
        n = noise(case)
        ends = n.interval()
        low, high = places(case.board.percentile, case.score, case.board.greater_is_better, of_places(case, n))
        score.append(float(ends[0] <= case.sign * (case.truth - case.score) <= ends[1]))
        percentile.append(float(low <= case.place <= high))
        width.append(high - low)
        chances = [0.0 if m is None else n.at_least(m) for m in case.margins]
        brier.append([(p - r) ** 2 for p, r in zip(chances, case.reached, strict=True)])
    mean = [statistics.fmean(by_competition(chosen, v).values()) for v in (score, percentile, width)]
    spread = standard_error(list(by_competition(chosen, percentile).values()))
    goals = tuple(statistics.fmean(by_competition(chosen, [b[k] for b in brier]).values()) for k in range(4))
    names = len({c.competition for c in chosen})
    return Held(names, len(chosen), mean[0], mean[1], spread, mean[2], goals)


def base_rates(chosen: Sequence[Case]) -> tuple[float, ...]:
    """Brier scores of the share of the other competitions' cases that reach each goal."""
    out = []
    for k in range(4):
        rates = by_competition(chosen, [float(c.reached[k]) for c in chosen])
        total, count = sum(rates.values()), len(rates)
        guess = {name: (total - rate) / (count - 1) if count > 1 else 0.5 for name, rate in rates.items()}
        errors = [(guess[c.competition] - c.reached[k]) ** 2 for c in chosen]
        out.append(statistics.fmean(by_competition(chosen, errors).values()))
    return tuple(out)


def tables(all_cases: Sequence[Case], noise: Noise) -> str:
    """The two tables in Markdown: intervals, and Brier scores of chances."""
    intervals, chances = [], []
    for kind in KINDS:
        for size in ("", "all", "half", "small"):
            chosen = [c for c in all_cases if c.kind == kind and size in ("", c.size)]
            if not chosen:
                continue
            now, was = held(chosen, noise), held(chosen, before)
            intervals.append([
                kind if not size else "", size or "every size", str(now.competitions), f"{now.cases:,}",
                f"{now.score:.0%}" if chosen[0].after is None else "",
                f"{now.percentile:.0%} ± {100 * now.error:.0f}", f"{100 * now.width:.0f}",
                f"{was.score:.0%}" if chosen[0].after is None else "", f"{was.percentile:.0%}",
            ])  # fmt: skip
            if size:
                continue
            for k, goal in enumerate(GOALS):
                base = base_rates(chosen)[k]
                marks = [f"{now.brier[k]:.3f}", f"{was.brier[k]:.3f}", f"{base:.3f}"]
                rate = statistics.fmean(by_competition(chosen, [float(c.reached[k]) for c in chosen]).values())
                chances.append([kind if not k else "", goal, f"{rate:.0%}", *marks])
    head = ["statement", "holdout", "competitions", "cases", "score in its interval", "percentile in its interval"]
    head += ["mean width (points)", "score, before", "percentile, before"]
    chances_head = ["statement", "at least", "happened", "Brier score", "before", "base rate of the others"]
    return markdown(head, intervals) + "\n\n" + markdown(chances_head, chances)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*", help="of competitions: runs what is missing of them first")
    parser.add_argument("--cuts", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--budget", default="45s", help="of each run")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--fit", action="store_true", help="print the constants, and those without each competition")
    parser.add_argument("--print", action="store_true", help="print the tables, and leave the page as it is")
    options = parser.parse_args()
    if options.folders:
        script = Path(__file__).with_name("calibration_runs.py")
        more = ["--cuts", *map(str, options.cuts), "--budget", options.budget, "--results", str(options.results)]
        subprocess.run([sys.executable, str(script), *map(str, options.folders), *more], check=True)
    if not options.results.is_file():
        print(f"Skipped: there is no file {options.results}.")
        return
    lines = read_lines(options.results)
    every = [*cases(lines), *longer_runs()]
    names = sorted({c.competition for c in every})
    moved = shake_up(lines)
    if options.fit:
        print(asdict(replace(fit(every), paired=paired(moved))))
    constants = {n: replace(fit([c for c in every if c.competition != n]), paired=paired(moved, n)) for n in names}
    if options.fit:
        for name in names:
            print(f"without {name}: {constants[name]}")
        return
    noise = stated(constants)
    text = tables(every, noise)
    print(text)
    if options.print:
        return
    from calibration_picture import draw

    page = PAGE.read_text(encoding="utf-8")
    start, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    PAGE.write_text(page[:start] + "\n" + text + "\n" + page[end:], encoding="utf-8")
    draw(every, noise, before, PAGE.with_suffix(".svg"))


if __name__ == "__main__":
    main()
