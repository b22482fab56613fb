"""The noise of a score among teams, and what it makes of places and chances."""

import math
import statistics
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medalist.agent.records.standings import Standings
from medalist.agent.score import Score
from medalist.leaderboard.boards.board import Board, board_from_scores
from medalist.leaderboard.boards.medals import MEDALS
from medalist.leaderboard.boards.places import FITTED, Basis, ranking_rows, score_noise
from medalist.leaderboard.boards.standing import Standing, sentence, standing_on_board, whole_percent

HUNDRED = board_from_scores("mine", [float(k) for k in range(1, 101)], True)  # gold 91, silver 81, bronze 61
MIRRORED = board_from_scores("mirrored", [-float(k) for k in range(1, 101)], False)
BASES: tuple[Basis, ...] = ("cross-validation", "holdout", "given")
scores = st.floats(-50, 150)
errors = st.floats(0, 50)
rows = st.none() | st.integers(1, 100_000)


def stand(
    score: float, error: float, basis: Basis = "cross-validation", board: Board = HUNDRED, **more: int
) -> Standing:
    found = standing_on_board(score, board, basis, error, **more)  # type: ignore[arg-type]
    assert isinstance(found, Standing)
    return found


def interval(standing: Standing) -> tuple[float, float]:
    assert standing.percentile_interval is not None
    return standing.percentile_interval


@given(scores, errors, st.sampled_from(BASES), rows, rows)
def test_the_interval_holds_the_percentile_and_the_range_within_an_error(
    score: float, error: float, basis: Basis, on: int | None, asked: int | None
) -> None:
    standing = standing_on_board(score, HUNDRED, basis, error, rows=on, test_rows=asked)
    assert isinstance(standing, Standing)
    low, high = interval(standing)
    assert 0 <= low <= standing.percentile <= high <= 1
    assert standing.score_interval is not None
    assert standing.score_interval[0] <= score <= standing.score_interval[1]


@given(scores, errors, errors, st.sampled_from(BASES))
def test_more_noise_never_narrows_the_interval(score: float, a: float, b: float, basis: Basis) -> None:
    narrow, wide = interval(stand(score, min(a, b), basis)), interval(stand(score, max(a, b), basis))
    assert wide[0] <= narrow[0] + 1e-9
    assert narrow[1] <= wide[1] + 1e-9


@given(scores, st.floats(0.1, 50), st.integers(1, 10_000), st.integers(1, 10_000))
def test_fewer_test_rows_never_narrow_the_interval(score: float, error: float, a: int, b: int) -> None:
    many, few = (interval(stand(score, error, rows=1_000, test_rows=m)) for m in (max(a, b), min(a, b)))
    assert few[0] <= many[0] + 1e-9
    assert many[1] <= few[1] + 1e-9


@given(scores, scores, errors, st.sampled_from(BASES))
def test_a_better_score_has_no_worse_interval_and_no_smaller_chances(
    a: float, b: float, error: float, basis: Basis
) -> None:
    worse, better = stand(min(a, b), error, basis), stand(max(a, b), error, basis)
    assert interval(worse)[0] <= interval(better)[0]
    assert interval(worse)[1] <= interval(better)[1]
    assert worse.probabilities is not None
    assert better.probabilities is not None
    assert all(worse.probabilities[m] <= better.probabilities[m] for m in MEDALS)
    assert worse.upper_half is not None
    assert better.upper_half is not None
    assert worse.upper_half <= better.upper_half


@given(scores, errors, st.sampled_from(BASES), rows, rows)
def test_the_direction_of_the_metric_makes_no_difference(
    score: float, error: float, basis: Basis, on: int | None, asked: int | None
) -> None:
    up = standing_on_board(score, HUNDRED, basis, error, rows=on, test_rows=asked)
    down = standing_on_board(-score, MIRRORED, basis, error, rows=on, test_rows=asked)
    assert isinstance(up, Standing)
    assert isinstance(down, Standing)
    assert interval(up) == pytest.approx(interval(down), abs=1e-9)
    assert up.probabilities == down.probabilities
    assert up.upper_half == down.upper_half


@pytest.mark.parametrize("basis", BASES)
def test_without_noise_the_place_is_known(basis: Basis) -> None:
    standing = stand(81.0, 0.0, basis)
    assert standing.percentile_interval == (standing.percentile, standing.percentile)
    assert standing.probabilities == {"gold": 0.0, "silver": 1.0, "bronze": 1.0}
    assert standing.upper_half == 1.0


@given(st.floats(0.01, 100), rows, rows)
def test_the_interval_of_the_score_has_the_chance_that_it_states(
    error: float, on: int | None, asked: int | None
) -> None:
    noise = score_noise("cross-validation", error, on, asked)
    half = noise.half_width(0.8)
    inside = noise.at_least(noise.shift - half) - noise.at_least(noise.shift + half)
    assert inside == pytest.approx(0.8, abs=1e-6)


def test_the_parts_of_the_noise() -> None:
    """An estimate on 4,000 rows of a score on 1,000 others: its own error, and twice that for the test set."""
    noise = score_noise("cross-validation", 1.0, 4_000, 1_000)
    assert noise.core == pytest.approx(math.hypot(FITTED.core, 2.0))
    assert noise.core < noise.wide
    assert score_noise("holdout", 1.0, 500, 500).core == pytest.approx(math.sqrt(2))
    assert score_noise("holdout", 1.0, 500, 500, same_rows=True).core < score_noise("holdout", 1.0, 500, 500).core
    assert score_noise("given", 1.0, 500, 500).core == 1.0


def test_only_private_rows_rank_teams_at_the_end() -> None:
    assert ranking_rows(10_000, 10_000, 0.2) == 8_000
    assert ranking_rows(1_000, 10_000, 0.2) == 1_000  # a holdout that was cut from train
    assert ranking_rows(None, 10_000, 0.2) == 8_000
    assert ranking_rows(10_000, 10_000, None) == 10_000
    assert ranking_rows(10_000, None, None) == 10_000
    assert ranking_rows(None, None, 0.2) is None


def test_few_test_rows_make_a_medal_mean_nothing() -> None:
    """Bronze is 10.5 from the middle: the error of 2 on 4,000 rows is more than 14 on 80."""
    few, many = stand(70.0, 2.0, rows=4_000, test_rows=80), stand(70.0, 2.0, rows=4_000, test_rows=4_000)
    assert many.caution is None
    assert few.caution is not None
    assert f"on 80 test rows is known to ± {few.noise:.2g} only" in few.caution
    assert few.caution in sentence(few)
    assert stand(99.0, 2.0, rows=4_000, test_rows=80).caution is None  # bronze is as good as sure
    holdout = standing_on_board(62.0, HUNDRED, "holdout", 10.0, rows=173)
    assert isinstance(holdout, Standing)
    assert "on 173 rows of a holdout is known to ± 14 only" in (holdout.caution or "")


def test_a_sentence_with_a_percentile_has_its_interval() -> None:
    standing = stand(60.0, 2.0, rows=1_000, test_rows=1_000)
    text = sentence(standing)
    assert "within one standard error 58 to 62 %" in text
    assert f"80 % interval of the percentile: {whole_percent(standing.percentile_interval)}" in text
    assert "of the upper half: " in text


def test_the_stated_chance_is_that_of_drawn_scores() -> None:
    """Against the definition: draws of the mixture by its quantiles, not by its density."""
    noise = score_noise("cross-validation", 2.0, 900, 300)
    normal = statistics.NormalDist()
    grid = [(k + 0.5) / 4_000 for k in range(4_000)]
    for margin in (-6.0, -1.0, 0.0, 2.5, 9.0):
        parts = [
            statistics.fmean(noise.shift + deviation * normal.inv_cdf(q) >= margin for q in grid)
            for deviation in (noise.core, noise.wide)
        ]
        expected = (1 - noise.wide_share) * parts[0] + noise.wide_share * parts[1]
        assert noise.at_least(margin) == pytest.approx(expected, abs=5e-4)


def test_the_noise_counts_the_rows_that_a_score_is_on() -> None:
    """Defect: a score on fresh folds, of which time allowed one in five, was taken for one on all rows, and the noise
    of the test set for twice what it is."""
    few, unknown = Score(60.0, 2.0, 0.0, np.zeros(2), rows=1_000), Score(60.0, 2.0, 0.0, np.zeros(2))
    standings = Standings(HUNDRED, rows=5_000, test_rows=1_000)
    noises = [s.noise for score in (few, unknown) if isinstance(s := standings.of(score), Standing)]
    assert noises[0] == score_noise("cross-validation", 2.0, 1_000, 1_000).core
    assert noises[1] == score_noise("cross-validation", 2.0, 5_000, 1_000).core


@given(scores, st.floats(0.1, 50), st.floats(0.05, 0.9))
def test_a_public_board_is_never_surer_than_the_final_one_of_its_private_rows(
    score: float, error: float, share: float
) -> None:
    board = replace(HUNDRED, public_share=share)
    kwargs = {"rows": 4_000, "test_rows": 1_000}
    public = standing_on_board(score, board, "cross-validation", error, **kwargs, public=True)
    final = standing_on_board(score, board, "cross-validation", error, **kwargs)
    assert isinstance(public, Standing)
    assert isinstance(final, Standing)
    assert public.test_rows == max(1, round(1_000 * (1 - share)))
    expected = 4_000 / (1_000 * share) + FITTED.paired**2 * 4_000 / (1_000 * (1 - share))
    assert public.noise == pytest.approx(error * math.sqrt(FITTED.core**2 + expected), rel=0.02)
    if share <= 0.5:  # then the thresholds that are seen move by more than the test set would
        assert interval(public)[0] <= interval(final)[0] + 1e-9


def test_a_public_board_of_unknown_size_is_taken_for_a_fifth() -> None:
    public = standing_on_board(60.0, HUNDRED, "cross-validation", 1.0, public=True)
    assert isinstance(public, Standing)
    assert public.noise is not None
    assert public.noise > stand(60.0, 1.0).noise  # type: ignore[operator]
