"""Paired differences of scores: their intervals are those of the textbook, clustered where rows hang together."""

import numpy as np
import pytest
from scipy import stats

from medalist.agent.comparing.paired import MANY_ROWS, Predicted, paired_differences
from medalist.competitions.metrics.registry import get_metric


def values(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """y (n, 1), and two predictions of it whose errors are correlated; the second is worse."""
    rng = np.random.default_rng(seed)
    y, shared = rng.normal(size=(rows, 1)), rng.normal(size=(rows, 1))
    return y, y + shared, y + shared + 0.3 + 0.2 * rng.normal(size=(rows, 1))


def both(y: np.ndarray, one: np.ndarray, other: np.ndarray) -> list[Predicted]:
    return [Predicted(y, one), Predicted(y, other)]


def test_a_mean_of_row_losses_has_the_interval_of_the_paired_t_test() -> None:
    y, one, other = values(80)
    found = paired_differences(get_metric("mae"), both(y, one, other))
    losses = np.abs(y - one)[:, 0], np.abs(y - other)[:, 0]
    expected = stats.ttest_rel(losses[1], losses[0]).confidence_interval(0.95)
    (difference,) = found.differences
    assert found.method == "row losses"
    assert difference.value == pytest.approx(losses[1].mean() - losses[0].mean())  # positive: the first is better
    assert difference.interval == pytest.approx((expected.low, expected.high))
    assert found.scores[0].standard_error == pytest.approx(losses[0].std(ddof=1) / np.sqrt(80))


def test_greater_is_better_turns_the_sign() -> None:
    y = np.array([[0.0], [1.0]] * 20)
    right, wrong = y.copy(), y.copy()
    wrong[:12] = 1 - wrong[:12]
    (difference,) = paired_differences(get_metric("accuracy"), both(y, right, wrong)).differences
    assert (difference.value, difference.verdict) == (pytest.approx(0.3), "better")
    (turned,) = paired_differences(get_metric("accuracy"), both(y, wrong, right)).differences
    assert (turned.value, turned.verdict) == (pytest.approx(-0.3), "worse")


def test_the_delta_method_of_a_root_agrees_with_the_bootstrap() -> None:
    y, one, other = values(300)
    (difference,) = paired_differences(get_metric("rmse"), both(y, one, other)).differences
    rng = np.random.default_rng(1)
    draws = []
    for rows in (rng.integers(0, 300, 300) for _ in range(2000)):
        draws.append(np.sqrt(((y - other)[rows] ** 2).mean()) - np.sqrt(((y - one)[rows] ** 2).mean()))
    assert difference.standard_error == pytest.approx(np.std(draws), rel=0.1)


def test_a_bootstrap_is_paired_and_named_by_its_seed() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random((200, 1)) < 0.4).astype(float)
    one = np.clip(0.25 + 0.35 * y + 0.25 * rng.random((200, 1)), 0, 1) + 0.3 * rng.random((200, 1))
    other = one + 0.02 * rng.random((200, 1))
    metric, predicted = get_metric("auc"), both(y, one, other)
    found, again, another = (paired_differences(metric, predicted, seed=seed) for seed in (0, 0, 1))
    assert found.method == "bootstrap"
    assert found == again
    assert found.differences != another.differences
    errors = [s.standard_error for s in found.scores]
    assert found.differences[0].standard_error < 0.5 * min(errors)


def test_rows_of_a_group_count_once() -> None:
    y, one, other = values(40)
    alone = paired_differences(get_metric("mae"), both(y, one, other))
    repeated = both(*(np.repeat(part, 4, axis=0) for part in (y, one, other)))
    grouped = paired_differences(get_metric("mae"), repeated, groups=np.repeat(np.arange(40), 4))
    assert grouped.units == 40
    assert grouped.differences[0].interval == pytest.approx(alone.differences[0].interval)
    as_rows = paired_differences(get_metric("mae"), repeated).differences[0]
    assert as_rows.standard_error == pytest.approx(alone.differences[0].standard_error / 2, rel=0.03)


def test_whole_groups_are_drawn() -> None:
    """R² of groups whose rows are copies: the bootstrap must be as wide as that of the groups."""
    y, one, other = values(60)
    repeated = both(*(np.repeat(part, 5, axis=0) for part in (y, one, other)))
    metric, groups = get_metric("r2"), np.repeat(np.arange(60), 5)
    alone = paired_differences(metric, both(y, one, other)).differences[0]
    grouped = paired_differences(metric, repeated, groups=groups).differences[0]
    as_rows = paired_differences(metric, repeated).differences[0]
    assert grouped.standard_error == pytest.approx(alone.standard_error, rel=0.1)
    assert as_rows.standard_error < 0.6 * grouped.standard_error


def test_what_is_undefined_has_a_reason_and_leaves_the_others() -> None:
    y, one, other = values(50)
    predicted = [*both(y, one, other), Predicted(y, np.full_like(y, np.inf))]
    found = paired_differences(get_metric("r2"), predicted)
    assert found.scores[2].value is None
    assert found.scores[2].reason
    assert [(d.first, d.second) for d in found.differences] == [(0, 1)]


def test_equal_predictions_differ_by_nothing() -> None:
    y, one, _ = values(30)
    for name in ("rmse", "r2"):
        (difference,) = paired_differences(get_metric(name), both(y, one, one)).differences
        assert (difference.value, difference.standard_error, difference.verdict) == (0.0, pytest.approx(0.0), "open")


def test_few_groups_have_no_interval() -> None:
    y, one, other = values(40)
    found = paired_differences(get_metric("mae"), both(y, one, other), groups=np.arange(40) % 3)
    assert found.differences[0].interval is None
    assert found.differences[0].verdict == "open"


def test_many_rows_are_compared_in_blocks() -> None:
    y, one, other = values(MANY_ROWS)
    found = paired_differences(get_metric("r2"), both(y, one, other))
    assert found.method == "blocks"
    assert found.differences[0].verdict == "better"


def test_weights_count_where_the_metric_has_them() -> None:
    y, one, other = values(50)
    weights = np.repeat([1.0, 0.0], 25)
    metric = get_metric("wmae")
    found = paired_differences(metric, both(y, one, other), weights=weights)
    assert found.differences[0].value == pytest.approx(
        metric.score(y[:25], other[:25], np.ones(25)) - metric.score(y[:25], one[:25], np.ones(25))
    )
