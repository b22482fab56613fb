import pytest
from hypothesis import given
from hypothesis import strategies as st

from medalist.leaderboard.boards.medals import MedalRanks, medal_ranks


@pytest.mark.parametrize(
    ("teams", "gold", "silver", "bronze"),
    [
        (0, 0, 0, 0),
        (2, 0, 0, 0),
        (9, 0, 1, 3),  # Kaggle's own example: nine teams earn no gold
        (10, 1, 2, 4),
        (99, 9, 19, 39),
        (100, 10, 20, 40),
        (249, 10, 49, 99),
        (250, 10, 50, 100),
        (499, 10, 50, 100),
        (500, 11, 50, 100),  # Kaggle's own example
        (999, 11, 50, 100),
        (1000, 12, 50, 100),
        (1019, 12, 50, 101),
        (5000, 20, 250, 500),  # Kaggle's own example
        (7190, 24, 359, 719),
    ],
)
def test_ranks_follow_kaggles_table(teams: int, gold: int, silver: int, bronze: int) -> None:
    assert medal_ranks(teams) == MedalRanks(gold, silver, bronze)


@given(st.integers(0, 100_000))
def test_better_medals_are_rarer_and_never_more_than_the_teams(teams: int) -> None:
    ranks = medal_ranks(teams)
    assert 0 <= ranks.gold <= ranks.silver <= ranks.bronze <= teams


@given(st.integers(0, 100_000))
def test_one_more_team_never_takes_a_medal_away(teams: int) -> None:
    fewer, more = medal_ranks(teams), medal_ranks(teams + 1)
    assert fewer.gold <= more.gold
    assert fewer.silver <= more.silver
    assert fewer.bronze <= more.bronze


def test_negative_teams_are_refused() -> None:
    with pytest.raises(ValueError, match="-1 teams"):
        medal_ranks(-1)
