import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medalist.competitions.errors import InputError
from medalist.leaderboard.boards.board import board_from_scores, placeholder
from medalist.leaderboard.boards.medals import MEDALS, medal_ranks

SCORES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400)
FEW_VALUES = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=400)  # many ties


@given(SCORES | FEW_VALUES, st.floats(-2e6, 2e6), st.floats(-2e6, 2e6), st.booleans())
def test_a_better_score_never_beats_fewer(scores: list[float], a: float, b: float, greater_is_better: bool) -> None:
    board = board_from_scores("any", scores, greater_is_better)
    worse, better = sorted((a, b), reverse=not greater_is_better)
    assert 0 <= board.percentile(worse) <= board.percentile(better) <= 1


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=100), st.data(), st.booleans())
def test_up_to_101_teams_the_percentile_is_exact(scores: list[float], data: st.DataObject, higher: bool) -> None:
    board = board_from_scores("any", scores, higher)
    mine = data.draw(st.sampled_from(scores) | st.floats(-2e6, 2e6))
    beaten_or_tied = sum(s <= mine if higher else s >= mine for s in scores)
    assert board.percentile(mine) == pytest.approx(beaten_or_tied / len(scores))


@given(st.integers(102, 5000), st.sampled_from([3, 30, 10**9]), st.integers(0, 99), st.booleans())
def test_beyond_that_it_is_within_two_percentiles(teams: int, values: int, seed: int, higher: bool) -> None:
    generator = random.Random(seed)
    scores = [float(generator.randrange(values)) for _ in range(teams)]
    board = board_from_scores("any", scores, higher)
    for mine in [*scores[:5], generator.uniform(-1, values)]:
        beaten_or_tied = sum(s <= mine if higher else s >= mine for s in scores) / teams
        assert board.percentile(mine) == pytest.approx(beaten_or_tied, abs=0.02)


@given(SCORES | FEW_VALUES, st.booleans())
def test_thresholds_are_the_scores_at_kaggles_ranks(scores: list[float], higher: bool) -> None:
    board = board_from_scores("any", scores, higher)
    ordered = sorted(scores, reverse=higher)
    for medal in MEDALS:
        rank = getattr(medal_ranks(len(scores)), medal)
        assert board.threshold(medal) == (ordered[rank - 1] if rank else None)


@given(SCORES, st.booleans())
def test_turning_the_scores_round_changes_no_percentile(scores: list[float], higher: bool) -> None:
    board = board_from_scores("any", scores, higher)
    mirror = board_from_scores("any", [-s for s in scores], not higher)
    for score in scores[:20]:
        assert mirror.percentile(-score) == board.percentile(score)


def test_ties_count_in_favour() -> None:
    board = board_from_scores("any", [3, 2, 2, 2, 1], True)
    assert board.percentile(2) == pytest.approx(4 / 5)
    assert board.percentile(3) == 1
    assert board.percentile(0.5) == 0
    assert board.percentile(2.5) == pytest.approx(4 / 5)
    assert board.percentile(math.nan) == 0
    assert board.percentile(math.inf) == 1
    assert board.percentile(-math.inf) == 0


def test_an_absurd_last_score_does_not_bend_the_others() -> None:
    scores = [k / 1000 for k in range(1000)] + [1e25]
    board = board_from_scores("any", scores, False)
    assert board.percentile(0.5) == pytest.approx(0.5, abs=0.01)
    assert board.percentile(2.0) == pytest.approx(1 / 1001, abs=0.01)


def test_teams_without_a_valid_score_do_not_lend_their_medal() -> None:
    scores = [0.1 + k / 1000 for k in range(30)] + [999999.0] * 70  # bronze would be rank 40
    board = board_from_scores("any", scores, False)
    assert board.teams == 100
    assert board.bronze == pytest.approx(0.129)
    assert board.median is None
    assert board.percentile(0.129) == pytest.approx(0.71)  # 70 teams without a score, and the tie
    assert board.percentile(5.0) == 0
    assert math.isnan(board.percentiles[100])


@pytest.mark.parametrize(
    ("percentiles", "expected"),
    [
        ([0.9, 0.8, 0.5, 0.5], None),  # many teams sent the benchmark
        ([0.1, 0.2, 999.0], None),  # one bad submission
        ([0.1, 0.2, 999.0, 999.0], 999.0),
        ([400.0, 500.0, 999.0, 999.0], None),  # in reach of the others
        ([0.1, 0.2, 1e20, 1e20], 1e20),
        ([0.9, -99999.0, -99999.0], -99999.0),
        ([7.0, 7.0], None),
    ],
)
def test_what_counts_as_a_placeholder(percentiles: list[float], expected: float | None) -> None:
    assert placeholder(percentiles) == expected


def test_scores_that_are_not_finite_are_left_out() -> None:
    assert board_from_scores("any", [1.0, math.nan, math.inf, 2.0], True).teams == 2
    with pytest.raises(InputError, match="holds no score"):
        board_from_scores("any", [math.nan], True)
