"""Metrics of several quantiles: equal to their definitions, best constants, the levels that suit them, their names."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_pinball_loss

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics.metric import Metric
from medalist.competitions.metrics.quantiles import at_levels
from medalist.competitions.metrics.reading.text import read_metric
from medalist.competitions.metrics.registry import get_metric

SEEDS = st.integers(0, 2**32 - 1)
NAMES = ("winkler", "quantile_score", "wis", "crps")


def bound(name: str, *levels: float) -> Metric:
    return at_levels(get_metric(name), levels)


def example(seed: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Targets (50,) and unordered quantiles (50, width), some of which are hit exactly."""
    rng = np.random.default_rng(seed)
    y, p = rng.normal(size=50).round(1), rng.normal(size=(50, width)).round(1)
    return y, p


@settings(deadline=None)
@given(SEEDS, st.floats(0.01, 0.9))
def test_the_interval_score_is_width_and_penalties_also_where_the_ends_cross(seed: int, alpha: float) -> None:
    y, p = example(seed, 2)
    lower, upper = p.T
    expected = (upper - lower) + 2 / alpha * np.maximum(lower - y, 0) + 2 / alpha * np.maximum(y - upper, 0)
    metric = bound("winkler", alpha / 2, 1 - alpha / 2)
    assert metric.score(y, p) == pytest.approx(expected.mean())
    losses = metric.losses(y, p)
    assert losses is not None
    assert losses == pytest.approx(expected)


@settings(deadline=None)
@given(SEEDS)
def test_the_weighted_interval_score_weighs_intervals_by_half_their_alpha(seed: int) -> None:
    y, p = example(seed, 5)
    p.sort(axis=1)
    total = 0.5 * np.abs(y - p[:, 2])
    for alpha, (i, j) in {0.1: (0, 4), 0.5: (1, 3)}.items():
        lower, upper = p[:, i], p[:, j]
        score = upper - lower + 2 / alpha * (np.maximum(lower - y, 0) + np.maximum(y - upper, 0))
        total += alpha / 2 * score
    metric = bound("wis", 0.05, 0.25, 0.5, 0.75, 0.95)
    assert metric.score(y, p) == pytest.approx((total / 2.5).mean())


@settings(deadline=None)
@given(SEEDS)
def test_quantiles_are_scored_by_their_mean_pinball_loss_and_crps_by_twice_that(seed: int) -> None:
    y, p = example(seed, 3)
    levels = (0.1, 0.4, 0.8)
    expected = np.mean([mean_pinball_loss(y, p[:, j], alpha=q) for j, q in enumerate(levels)])
    assert bound("quantile_score", *levels).score(y, p) == pytest.approx(expected)
    assert bound("crps", *levels).score(y, p) == pytest.approx(2 * expected)


@pytest.mark.parametrize("name", NAMES)
def test_no_other_constants_score_better(name: str) -> None:
    y = np.random.default_rng(0).gamma(2.0, size=101)
    metric = bound(name, 0.05, 0.5, 0.95)
    best = metric.best_constant(y)
    assert best.shape == (3,)
    least = metric.score(y, np.tile(best, (101, 1)))
    for step in (-0.3, -0.01, 0.01, 0.3):
        for j in range(3):
            other = best + step * np.eye(3)[j]
            assert metric.score(y, np.tile(other, (101, 1))) >= least - 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_it_travels_between_processes_with_its_levels(name: str) -> None:
    y, p = example(1, 2)
    metric = bound(name, 0.1, 0.9)
    assert pickle.loads(pickle.dumps(metric)).score(y, p) == metric.score(y, p)


def test_several_intervals_count_alike_and_a_median_between_them_not_at_all() -> None:
    y, p = example(2, 5)
    pairs = [bound("winkler", 0.05, 0.95).score(y, p[:, [0, 4]]), bound("winkler", 0.25, 0.75).score(y, p[:, [1, 3]])]
    assert bound("winkler", 0.05, 0.25, 0.5, 0.75, 0.95).score(y, p) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("levels", [(0.9, 0.1), (0.1, 0.1), (0.0, 0.9), ()])
def test_levels_ascend_between_0_and_1(levels: tuple[float, ...]) -> None:
    with pytest.raises(MetricError, match="ascend"):
        at_levels(get_metric("quantile_score"), levels)


def test_levels_that_are_no_ends_of_intervals_are_refused_and_the_metric_that_is_named_takes_them() -> None:
    for name in ("winkler", "wis"):
        with pytest.raises(MetricError, match="quantile_score"):
            bound(name, 0.05, 0.9)
    assert bound("quantile_score", 0.05, 0.9).levels == (0.05, 0.9)


def test_what_scores_single_values_has_no_levels_and_the_other_way_round() -> None:
    with pytest.raises(MetricError, match="--metric winkler"):
        bound("rmse", 0.05, 0.95)
    with pytest.raises(MetricError, match="--levels"):
        get_metric("winkler").score(np.zeros(3), np.zeros(3))
    with pytest.raises(MetricError, match="one target"):
        get_metric("winkler", 2)
    with pytest.raises(MetricError, match="give one for each"):
        bound("winkler", 0.05, 0.95).score(np.zeros(3), np.zeros((3, 3)))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Submissions are evaluated by the mean Winkler interval score at coverage 0.9 (alpha = 0.1).", "winkler"),
        ("The metric is the interval score, averaged over all rows.", "winkler"),
        ("Forecasts are scored by the Weighted Interval Score (WIS).", "wis"),
        ("The evaluation metric is the Continuous Ranked Probability Score (CRPS) of your quantiles.", "crps"),
        ("Submissions are scored by the average pinball loss over the quantiles 0.1, 0.5 and 0.9.", "quantile_score"),
        ("Submissions are evaluated on the mean quantile loss.", "quantile_score"),
        ("The metric is the pinball loss at the 0.9 quantile.", "pinball@0.9"),
    ],
)
def test_it_is_read_from_a_description(text: str, name: str) -> None:
    assert (read_metric(text) or ("",))[0] == name
    assert get_metric(name.replace("_", " ")).name == name


def test_a_persons_function_gets_all_quantiles_at_once(tmp_path) -> None:
    file = tmp_path / "own.py"
    file.write_text("greater_is_better = False\ndef width(y, p):\n    return (p[:, 1] - p[:, 0]).mean()\n")
    metric = at_levels(get_metric(f"{file}:width"), (0.25, 0.75))
    assert metric.score(np.zeros(4), np.tile([1.0, 3.0], (4, 1))) == pytest.approx(2.0)
    assert metric.best_constant(np.arange(100.0)) == pytest.approx([24.0, 74.0])
