"""Metrics of several quantiles of one target: interval scores, mean pinball losses, CRPS in its quantile form.

All are sums of the pinball losses of the levels (Gneiting and Raftery, 2007), with weights that the levels give: the
Winkler score of an interval of coverage 1 - a is 2/a times the pinball losses of its ends, whatever lies between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics import best_constants as best
from medalist.competitions.metrics.metric import Metric, Wording

Levels = tuple[float, ...]
SAME = 1e-6  # difference up to which two levels are the same


def pinball_by_level(y: np.ndarray, p: np.ndarray, levels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(..., W) weighted pinball losses of quantiles p (..., W) at W levels for targets y (..., 1)."""
    error = y - p
    return np.asarray(weights * np.maximum(levels * error, (levels - 1.0) * error))


def at_levels(metric: Metric, levels: Sequence[float]) -> Metric:
    """The metric for predictions (n, W) of the quantiles at these ascending levels of a single target.

    A custom metric gets y (n,) and all W columns. Raises MetricError where the levels do not suit the metric, as where
    they are not the ends of intervals, and for a metric that scores no quantiles.
    """
    levels = tuple(float(level) for level in levels)
    if not levels or any(not 0 < level < 1 for level in levels) or any(np.diff(levels) <= SAME):
        listed = ", ".join(f"{level:g}" for level in levels)
        raise MetricError(f"Quantile levels must ascend between 0 and 1, unlike {listed or 'none'}.")
    constant = partial(_quantiles, levels=levels)
    if metric.whole:
        return replace(metric, levels=levels, constant=constant)
    if metric.level_weights is None:
        raise MetricError(
            f"The metric {metric.name} scores single values, and {len(levels)} quantiles are predicted: give --metric "
            f"{' or '.join(m.name for m in METRICS)}."
        )
    weights = metric.level_weights(levels)
    return replace(metric, levels=levels, constant=constant, function=partial(_loss, levels=levels, weights=weights))


def _loss(y: np.ndarray, p: np.ndarray, *, levels: Levels, weights: Levels) -> np.ndarray:
    """(n,) row losses of quantiles p (n, W), or (n,) at a single level, for targets y (n,)."""
    return pinball_by_level(y[:, None], p.reshape(len(y), -1), np.array(levels), np.array(weights)).sum(axis=1)


def _quantiles(y: np.ndarray, weights: np.ndarray | None, n_classes: int | None, *, levels: Levels) -> np.ndarray:
    """(W,) the quantiles of y (n,) at the levels."""
    return np.concatenate([best.quantile(y, weights, n_classes, q=level) for level in levels])


def intervals(levels: Levels) -> tuple[tuple[int, int], ...]:
    """Positions (lower, upper) of the central intervals that the levels are the ends of, the widest first; the median
    belongs to none.

    Raises MetricError where a level has no counterpart.
    """
    pairs = [(i, len(levels) - 1 - i) for i in range(len(levels) // 2)]
    middle = levels[len(levels) // 2] if len(levels) % 2 else 0.5
    if any(abs(levels[i] + levels[j] - 1) > SAME for i, j in pairs) or abs(middle - 0.5) > SAME:
        listed = ", ".join(f"{level:g}" for level in levels)
        raise MetricError(
            f"The quantile levels {listed} are not the ends of central intervals, such as 0.05 and 0.95: correct the "
            f"levels, or use quantile_score."
        )
    return tuple(pairs)


def _of_intervals(levels: Levels) -> Levels:
    """The weights of the mean interval score (Winkler, 1972) over the intervals; that of a median is 0."""
    pairs = intervals(levels)
    if not pairs:
        raise MetricError("An interval score needs a lower and an upper level, such as 0.05 and 0.95.")
    of_level = {j: 1 / levels[pair[0]] / len(pairs) for pair in pairs for j in pair}  # 2/a, a/2 being the lower level
    return tuple(of_level.get(j, 0.0) for j in range(len(levels)))


def _equal(levels: Levels, *, total: float) -> Levels:
    return (total / len(levels),) * len(levels)


def _weighted_intervals(levels: Levels) -> Levels:
    """The weights of the weighted interval score (Bracher et al., 2021), which is twice the mean pinball loss."""
    intervals(levels)
    return _equal(levels, total=2.0)


def _unbound(*_: Any) -> Any:
    raise MetricError(
        "This metric scores several quantiles of a target: name their levels with --levels, such as 0.05,0.95."
    )


def _metric(name: str, title: str, level_weights: Any, wording: Wording) -> Metric:
    return Metric(
        name, title, greater_is_better=False, needs="value", objective="quantile:0.5", problem_types=("regression",),
        bounds=(0.0, float("inf")), function=_unbound, constant=_unbound, shape="absolute", mean="plain",
        level_weights=level_weights, wording=wording,
    )  # fmt: skip


METRICS = (
    _metric("winkler", "Interval score of Winkler", _of_intervals, Wording(
        aliases=("winkler_score", "winkler_interval_score", "interval_score", "mean_interval_score", "winkler_loss",
                 "mean_winkler_score", "mean_winkler_interval_score", "mwis", "average_interval_score"),
        phrases=(
            r"\b(?:mean |average )?winkler(?:'?s)?(?: interval)?(?: scores?| loss(?:es)?)?",
            r"\b(?:mean |average )?interval scores?(?: loss)?",
        ),
        columns=False,
    )),
    _metric("quantile_score", "Mean pinball loss of several quantiles", partial(_equal, total=1.0), Wording(
        aliases=("mean_pinball", "mean_pinball_loss", "mean_quantile_loss", "multi_quantile_loss",
                 "average_pinball_loss", "average_quantile_loss", "mean_quantile_score", "multi_pinball"),
        phrases=(r"\b(?:mean|average|total|multi) (?:pinball|quantile)(?: loss(?:es)?| scores?)",
                 r"\bpinball scores\b|\bquantile scores\b"),
        columns=False,
    )),
    _metric("wis", "Weighted interval score", _weighted_intervals, Wording(
        aliases=("weighted_interval_score", "mean_weighted_interval_score"),
        phrases=(r"\bwis\b", r"\b(?:mean |average )?weighted interval scores?(?: \(wis\))?"),
        columns=False,
    )),
    _metric("crps", "Continuous ranked probability score of quantiles", partial(_equal, total=2.0), Wording(
        aliases=("continuous_ranked_probability_score", "mean_crps"),
        phrases=(r"\bcrps\b", r"\bcontinuous(?:ly)? ranked probability(?: scores?)?(?: \(crps\))?"),
        columns=False,
    )),
)  # fmt: skip
