"""Draws docs/calibration.svg: how often stated intervals and chances came true, now and before."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from calibration_cases import Case
from score_rows import standard_error

from medalist.leaderboard.boards.places import ScoreNoise

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
BINS = (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0)
NOW, BEFORE, PAPER = "#1f6fb4", "#c2571a", "#ffffff"
Noise = Callable[[Case], ScoreNoise]


def draw(cases: Sequence[Case], noise: Noise, before: Noise, path: Path) -> None:
    """Write the picture: intervals of the score at six levels, and medal chances in seven bins. Each point is the mean
    over competitions, with one standard error over them."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams |= {"svg.hashsalt": "calibration", "svg.fonttype": "none", "font.family": "sans-serif"}
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.8), facecolor=PAPER)
    for label, stated, ink in (("before", before, BEFORE), ("now", noise, NOW)):
        _points(axes[0], label, ink, [(level, _held(cases, stated, level)) for level in LEVELS])
        _points(axes[1], label, ink, _reliability(cases, stated))
    axes[0].set(title="Intervals of the score among teams", xlabel="stated chance", ylabel="share that held")
    axes[1].set(title="Chances of gold, silver and bronze", xlabel="stated chance", ylabel="share that came true")
    for one in axes:
        one.plot([0, 1], [0, 1], color="#777777", linewidth=1, linestyle="--", zorder=0)
        one.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        one.legend(loc="upper left", frameon=False)
        one.spines[["top", "right"]].set_visible(False)
    axes[0].set_xlim(0.4, 1)
    axes[0].set_aspect("auto")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None}, facecolor=PAPER)
    plt.close(figure)


def _points(axes: Any, label: str, ink: str, points: list[tuple[float, list[float]]]) -> None:
    """Means of shares by competition, with their standard errors."""
    kept = [(x, shares) for x, shares in points if shares]
    means = [statistics.fmean(shares) for _, shares in kept]
    errors = [standard_error(shares) if len(shares) > 1 else 0.0 for _, shares in kept]
    axes.errorbar([x for x, _ in kept], means, errors, color=ink, marker="o", markersize=5, linewidth=1.6, label=label)


def _held(cases: Sequence[Case], noise: Noise, level: float) -> list[float]:
    """For each competition the share of its cases whose true score lies in the interval of that level."""
    shares: dict[str, list[float]] = {}
    for case in cases:
        if case.after is not None:  # thresholds move, too: the score alone has no interval there
            continue
        low, high = noise(case).interval(level)
        shares.setdefault(case.competition, []).append(low <= case.sign * (case.truth - case.score) <= high)
    return [statistics.fmean(s) for s in shares.values()]


def _reliability(cases: Sequence[Case], noise: Noise) -> list[tuple[float, list[float]]]:
    """For each bin the mean stated chance, and for each competition with cases in it the share that came true."""
    stated: list[list[float]] = [[] for _ in BINS[1:]]
    came: list[dict[str, list[float]]] = [{} for _ in BINS[1:]]
    for case in cases:
        spread = noise(case)
        for margin, reached in zip(case.margins[:3], case.reached[:3], strict=True):
            chance = 0.0 if margin is None else spread.at_least(margin)
            place = next(k for k, end in enumerate(BINS[1:]) if chance <= end)
            stated[place].append(chance)
            came[place].setdefault(case.competition, []).append(float(reached))
    found = zip(stated, came, strict=True)
    return [(statistics.fmean(s), [statistics.fmean(v) for v in c.values()]) for s, c in found if s]
