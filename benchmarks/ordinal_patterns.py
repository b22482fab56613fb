"""Patterns of whole-number targets: few values with an order, whose chances follow from columns that a model sees.

What decides is which value answers best: cut-points, a median that jumps, the mean of a logarithm. As of the patterns
of categories, a raw model learns a part of them: what is measured is the rest. `mean` of a draft is the best answer
there is, since the chances of all values are known.
"""

from __future__ import annotations

import numpy as np
from patterns import ROWS, Draft, Generator
from scipy.stats import poisson

from medalist.competitions.metrics.registry import get_metric
from medalist.pipelines.decisions.thresholds import cut_points

LARGEST = 40  # value of a count, at most


def _columns(rng: np.random.Generator) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """(ROWS, 8) standard normal causes, and the columns that show them: some rounded, some skewed, one in halves."""
    causes = rng.normal(0, 1, (ROWS, 8))
    shown = {f"fact{j}": np.round(causes[:, j], 3) for j in range(4)}
    shown |= {"share": np.round(np.exp(causes[:, 4]), 3), "score": np.round(50 + 12 * causes[:, 5])}
    shown |= {"level": np.digitize(causes[:, 6], (-1.2, -0.3, 0.4, 1.3)), "group": (causes[:, 7] > 0.3).astype(int)}
    return causes, shown


def _signal(rng: np.random.Generator, causes: np.ndarray) -> np.ndarray:
    """(ROWS,) a standardised sum of bent causes and of two products."""
    total = causes @ rng.normal(0, 1, 8) + np.tanh(2 * causes[:, 1]) - 0.6 * np.abs(causes[:, 2])
    total += 0.7 * causes[:, 3] * (causes[:, 7] > 0.3) + 0.6 * causes[:, 0] * causes[:, 5]
    return np.asarray((total - total.mean()) / total.std())


def _drawn(rng: np.random.Generator, chances: np.ndarray) -> np.ndarray:
    """(ROWS,) values from 0 on, drawn by their chances (ROWS, K)."""
    above = np.cumsum(chances, axis=1)
    return np.asarray((rng.random((ROWS, 1)) > above[:, :-1]).sum(axis=1))


def _median(chances: np.ndarray) -> np.ndarray:
    return np.asarray((np.cumsum(chances, axis=1) < 0.5).sum(axis=1))


def grades(rng: np.random.Generator) -> Draft:
    """Six grades, the outer ones rare, judged by quadratic weighted kappa."""
    causes, shown = _columns(rng)
    limits = np.array([-2.2, -1.5, 0.1, 0.9, 2.0])
    above = 1 / (1 + np.exp(-(_signal(rng, causes)[:, None] - limits) / 0.45))
    above = np.column_stack([np.ones(ROWS), above, np.zeros(ROWS)])
    chances = above[:, :-1] - above[:, 1:]
    target, expected = _drawn(rng, chances), chances @ np.arange(6)
    cuts = cut_points(get_metric("qwk"), target.astype(float), expected, 6)
    return Draft("qwk", np.searchsorted(cuts, expected), expected, named=shown, target=target)


def none_or_many(rng: np.random.Generator) -> Draft:
    """Counts, most of them none where one cause is low, judged by absolute errors: the best answer jumps."""
    causes, shown = _columns(rng)
    none = 1 / (1 + np.exp(2.0 * _signal(rng, causes)))
    many = poisson.pmf(np.arange(LARGEST), np.exp(1.2 + 0.5 * _signal(rng, causes))[:, None])
    chances = (1 - none[:, None]) * many / many.sum(axis=1, keepdims=True)
    chances[:, 0] += none
    return Draft("mae", _median(chances), none, named=shown, target=_drawn(rng, chances))


def divided_opinions(rng: np.random.Generator) -> Draft:
    """Marks from 0 to 6, at either end or in the middle, judged by absolute errors."""
    causes, shown = _columns(rng)
    lean, heat = _signal(rng, causes), 1 / (1 + np.exp(-2 * _signal(rng, causes)))
    middle = np.exp(-((np.arange(7) - (3 + 1.2 * lean[:, None])) ** 2))
    ends = np.zeros((ROWS, 7))
    ends[:, 6] = 1 / (1 + np.exp(-2 * lean))
    ends[:, 0] = 1 - ends[:, 6]
    chances = heat[:, None] * ends + (1 - heat[:, None]) * middle / middle.sum(axis=1, keepdims=True)
    return Draft("mae", _median(chances), lean, named=shown, target=_drawn(rng, chances))


def small_counts(rng: np.random.Generator) -> Draft:
    """Overdispersed counts, judged by the errors of logarithms."""
    causes, shown = _columns(rng)
    rates = np.exp(0.4 + 0.8 * _signal(rng, causes))[:, None] * np.array([0.3, 1.0, 2.2])
    chances = np.mean([poisson.pmf(np.arange(LARGEST), rate[:, None]) for rate in rates.T], axis=0)
    chances /= chances.sum(axis=1, keepdims=True)
    best = np.expm1(chances @ np.log1p(np.arange(LARGEST)))
    return Draft("rmsle", best, best, named=shown, target=_drawn(rng, chances))


ORDINAL: dict[str, Generator] = {
    "grades": grades,
    "none_or_many": none_or_many,
    "divided_opinions": divided_opinions,
    "small_counts": small_counts,
}
