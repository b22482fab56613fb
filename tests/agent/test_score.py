"""Scores, their standard errors, paired comparisons and verdicts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medalist.agent import score as scoring
from medalist.agent.score import Comparison
from medalist.competitions.errors import MetricError
from medalist.competitions.metrics.registry import get_metric
from medalist.pipelines.problem import Problem

REGRESSION = Problem("regression", 1, 0, "l2", False)
BINARY = Problem("binary", 1, 2, "logloss", False)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_blocks_are_balanced_over_the_target(seed):
    y = np.random.default_rng(seed).integers(0, 2, (2000, 1)).astype(float)
    blocks = scoring.block_of_rows(y, seed)
    assert np.bincount(blocks).min() >= 2000 // 20 - 1
    shares = [y[blocks == b].mean() for b in range(20)]
    assert np.std(shares) < 0.02


def test_the_standard_error_is_that_of_repeated_draws():
    rng = np.random.default_rng(0)
    metric = get_metric("rmse")
    values, errors = [], []
    for _ in range(200):
        y = rng.normal(size=(1000, 1))
        p = y + rng.normal(size=(1000, 1))
        score = scoring.score(metric, REGRESSION, y, p, p, scoring.block_of_rows(y))
        values.append(score.value)
        errors.append(score.standard_error)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.25)


def test_comparison_is_paired_and_knows_the_direction():
    rng = np.random.default_rng(1)
    y = rng.normal(size=(2000, 1))
    noise = rng.normal(size=(2000, 1))
    blocks, metric = scoring.block_of_rows(y), get_metric("rmse")
    worse, better = (
        scoring.score(metric, REGRESSION, y, y + scale * noise, y + scale * noise, blocks) for scale in (1.0, 0.97)
    )
    comparison = scoring.compare(better, worse)
    assert comparison.gain > 0
    assert comparison.z > 5  # though either score alone is uncertain by more than the gain
    assert better.standard_error > comparison.standard_error


def test_verdicts():
    assert scoring.verdict(None, None)[0] == "keep"
    assert scoring.verdict(Comparison(0.1, 0.05), None)[0] == "keep"
    assert scoring.verdict(Comparison(0.01, 0.05), None)[0] == "discard"
    assert scoring.verdict(Comparison(-0.1, 0.05), None)[0] == "discard"
    assert scoring.verdict(Comparison(-0.1, 0.05), Comparison(0.01, 0.001))[0] == "keep"
    assert scoring.replaces_incumbent(Comparison(0.01, 0.01))
    assert not scoring.replaces_incumbent(Comparison(0.01, 0.1))
    assert not scoring.replaces_incumbent(Comparison(-0.01, 0.001))


def test_a_block_without_positives_is_left_out_of_the_noise():
    y = np.zeros((400, 1))
    y[:3] = 1
    p = np.random.default_rng(0).random((400, 1))
    score = scoring.score(get_metric("auc"), BINARY, y, p, p, scoring.block_of_rows(y))
    assert np.isfinite(score.standard_error)


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(2, 60))
def test_rows_of_a_group_stay_in_one_block(seed, count):
    rng = np.random.default_rng(seed)
    groups, y = rng.integers(0, count, 3000), rng.normal(size=(3000, 1))
    blocks = scoring.block_of_rows(y, seed, groups)
    assert all(len(np.unique(blocks[groups == g])) == 1 for g in np.unique(groups))
    assert len(np.unique(blocks)) == min(20, len(np.unique(groups)))


def test_errors_that_groups_share_are_not_taken_for_many():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 100)
    y = rng.normal(size=(4000, 1))
    p = y + rng.normal(size=40)[groups, None]  # each group is off by its own
    metric = get_metric("rmse")
    by_rows, by_groups = (
        scoring.score(metric, REGRESSION, y, p, p, scoring.block_of_rows(y, groups=g)).standard_error
        for g in (None, groups)
    )
    assert by_groups > 3 * by_rows


def test_the_wrong_level_of_a_year_is_one_error_and_not_thousands():
    metric, years = get_metric("rmse"), np.repeat(np.arange(3), 700)
    spans, clear, scores, errors, plain = years * 10 + np.tile(np.arange(700) // 70, 3), [0, 0], [], [], []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        y = rng.normal(0, 5, (2100, 1))
        blocks = scoring.block_of_rows(y, groups=spans)
        forecasts = [y + rng.normal(0, 1, y.shape) + rng.normal(0, 3, 3)[years][:, None] for _ in range(2)]
        one, other = (scoring.score(metric, REGRESSION, y, p, p, blocks, clusters=years) for p in forecasts)
        change = scoring.compare(one, other)
        clear[0] += abs(change.z) > 3
        clear[1] += abs(change.z) > 3 and (change if change.gain > 0 else scoring.compare(other, one)).in_every_fold
        scores.append(one.value)
        errors.append(one.standard_error)
        plain.append(scoring.score(metric, REGRESSION, y, *[forecasts[0]] * 2, blocks).standard_error)
    assert clear[1] < 0.6 * clear[0]  # of forecasts that are equally good
    assert 2 * np.mean(plain) < np.mean(errors) > 0.5 * np.std(scores)


def test_a_gain_is_in_every_fold_where_each_fold_of_enough_rows_has_it():
    metric, folds = get_metric("rmse"), np.repeat(np.arange(3), [12, 300, 1500])
    noise, y = np.random.default_rng(0).normal(size=(2, len(folds), 1))
    blocks = scoring.block_of_rows(y)

    def change(*scales):
        p = y + noise * np.array(scales)[folds][:, None]
        candidate, incumbent = (
            scoring.score(metric, REGRESSION, y, q, q, blocks, clusters=folds) for q in (p, y + noise)
        )
        return scoring.compare(candidate, incumbent)

    assert change(0.9, 0.9, 0.9).in_every_fold
    assert change(1.5, 0.9, 0.9).in_every_fold  # twelve rows say nothing
    assert not change(0.9, 1.01, 0.9).in_every_fold
    assert not change(0.9, 0.5, 1.01).in_every_fold
    assert not change(1.0, 1.0, 1.0).in_every_fold


def test_the_wrong_level_of_a_group_counts_in_its_block():
    """A block of one group may hold a narrow range of values: what lies outside of it, but not outside of all training
    values, is the error that folds by group are there to show."""
    group = np.repeat(np.arange(20), 30)
    y = (group + np.random.default_rng(0).uniform(0, 0.5, len(group)))[:, None]
    problem = Problem("regression", 1, 0, "l2", False, observed=((0.0,), (20.0,)))
    off = y + 5.0
    blocks = scoring.block_of_rows(y, groups=group)
    score = scoring.score(get_metric("mae"), problem, y, off, None, blocks)
    inside = np.clip(off, 0, 20)
    assert score.blocks == pytest.approx([np.abs(inside - y)[blocks == b].mean() for b in range(blocks.max() + 1)])


def test_a_mean_over_targets_is_that_of_those_that_the_rows_tell():
    """A target that no evaluated row has is no reason to end the run."""
    rng = np.random.default_rng(0)
    y = np.column_stack([rng.integers(0, 2, 900), np.zeros(900)]).astype(float)
    p = np.clip(0.3 * y + rng.random((900, 2)), 0, 1)
    two = Problem("binary", 2, 2, "logloss", False)
    score = scoring.score(get_metric("mean_auc"), two, y, p, p, scoring.block_of_rows(y))
    assert score.value == pytest.approx(get_metric("auc").score(y[:, :1], p[:, :1]))
    with pytest.raises(MetricError):
        scoring.score(get_metric("mean_auc"), two, 0 * y, p, p, scoring.block_of_rows(y))
