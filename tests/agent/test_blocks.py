"""What blocks contribute to a loss, and the test by random signs: level and power on few rows."""

from __future__ import annotations

import numpy as np
import pytest

from medalist.agent import score as scoring
from medalist.agent.blocks import FEW_ROWS, SMALL_BLOCKS, block_of_rows, contributions, sign_flip_p_value
from medalist.agent.score import Comparison, Score, paired
from medalist.competitions.metrics.registry import get_metric
from medalist.pipelines.problem import Problem

REGRESSION = Problem("regression", 1, 0, "l2", False)
BINARY = Problem("binary", 1, 2, "logloss", False)


def classes(n: int, gain: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, 1) classes, one positive in twelve, and what two models predict: the second sees more by `gain`."""
    signal = 1.5 * rng.normal(size=n)
    y = (rng.random(n) < 1 / (1 + np.exp(2.4 - signal))).astype(float)
    one, other = (0.5 * signal + more * signal + 0.6 * rng.normal(size=n) for more in (0.0, gain))
    return y[:, None], 1 / (1 + np.exp(2.4 - one))[:, None], 1 / (1 + np.exp(2.4 - other))[:, None]


@pytest.mark.parametrize("weighted", [False, True])
def test_of_a_mean_over_rows_a_block_left_out_contributes_its_mean(weighted: bool) -> None:
    rng = np.random.default_rng(0)
    losses, codes = rng.normal(size=200), np.arange(200) % 20
    weights = rng.random(200) if weighted else np.ones(200)

    def of(rows: np.ndarray) -> tuple[float]:
        return (float(np.average(losses[rows], weights=weights[rows])),)

    whole = of(np.arange(200))
    (left_out,) = contributions(codes, of, whole, weights if weighted else None, leave_out=True)
    (alone,) = contributions(codes, of, whole)
    assert left_out.mean() == pytest.approx(whole[0])
    if not weighted:
        assert left_out == pytest.approx(alone)


def test_the_standard_error_of_an_area_of_few_positives_is_that_of_repeated_draws() -> None:
    rng = np.random.default_rng(0)
    metric, values, errors = get_metric("auc"), [], []
    for _ in range(80):
        y, p, _ = classes(120, 0.0, rng)
        if not 0 < y.mean() < 1:
            continue
        score = scoring.score(metric, BINARY, y, p, p, block_of_rows(y))
        values.append(score.value)
        errors.append(score.standard_error)
        assert np.isfinite(score.blocks).sum() == SMALL_BLOCKS  # although most blocks have no positive
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.25)


def test_random_signs_keep_the_level_and_see_more_than_a_t_test_where_tails_are_long() -> None:
    rng = np.random.default_rng(0)
    found, by_t, level = 0, 0, 0
    for _ in range(300):
        noise = rng.normal(size=SMALL_BLOCKS) * np.exp(1.2 * rng.normal(size=SMALL_BLOCKS))
        level += sign_flip_p_value(noise, float(noise.mean())) < 0.0125
        gains = noise + 1.1
        gain, error = float(gains.mean()), float(gains.std(ddof=1) / np.sqrt(len(gains)))
        found += sign_flip_p_value(gains, gain) < 0.0125
        by_t += Comparison(gain, error, len(gains)).p_value < 0.0125
    assert level <= 9
    assert found > by_t + 15


def test_of_equally_good_models_of_few_rows_as_many_pass_as_the_level_allows() -> None:
    rng = np.random.default_rng(1)
    metric, passed = get_metric("auc"), {"level": 0, "power": 0}
    for _ in range(60):
        for what, gain in (("level", 0.0), ("power", 1.5)):
            y, one, other = classes(160, gain, rng)
            passed[what] += paired(metric, BINARY, y, one, other, np.ones(160, dtype=bool)).p_value < 0.0125
    assert passed["level"] <= 4
    assert passed["power"] >= 8


def test_one_large_error_counts_as_much_for_either_model_in_the_root_of_a_mean() -> None:
    """Exchanging two models turns the gain around; what blocks contribute turns around with it."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=(90, 1))
    one, other = y + rng.standard_t(2, size=(90, 1)), y + rng.standard_t(2, size=(90, 1))
    every = np.ones(90, dtype=bool)
    there, back = (paired(get_metric("rmse"), REGRESSION, y, *pair, every) for pair in ((one, other), (other, one)))
    assert there.gain == pytest.approx(-back.gain)
    assert there.standard_error == pytest.approx(back.standard_error)
    assert there.p_value == pytest.approx(1 - back.p_value, abs=0.03)


def test_many_rows_have_twenty_blocks_and_their_own_losses() -> None:
    y = np.random.default_rng(0).normal(size=(FEW_ROWS, 1))
    blocks = block_of_rows(y)
    assert blocks.max() == 19
    score = scoring.score(get_metric("rmse"), REGRESSION, y, 0 * y, 0 * y, blocks)
    assert score.blocks[3] == pytest.approx(np.sqrt(np.mean(y[blocks == 3] ** 2)))
    change = scoring.compare(score, score)
    assert (change.blocks, change.by_signs) == (20, None)


def test_scores_by_other_blocks_are_not_compared() -> None:
    change = scoring.compare(Score(1.0, 0.1, 1.0, np.ones(40)), Score(2.0, 0.1, 2.0, np.ones(10)))
    assert (change.gain, change.z, change.p_value) == (1.0, 0.0, 1.0)
