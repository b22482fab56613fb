"""The picture of a board's field."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from medalist.leaderboard.boards.board import board_from_scores
from medalist.leaderboard.boards.lookup import find_board, list_boards
from medalist.leaderboard.boards.picture import field_of, picture


@settings(deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=2, max_size=300),
    st.booleans(),
    st.none() | st.floats(-1e7, 1e7),
    st.none() | st.floats(0, 1e6),
    st.booleans(),
)
@example([0.0, 5e-324], False, None, None, False)  # a sixtieth of their difference is zero
@example([1e6, 1e6 + 2e-10], True, 1e6, 0.0, True)
def test_it_fits_a_terminal_whatever_the_scores(
    scores: list[float], higher: bool, score: float | None, error: float | None, plain: bool
) -> None:
    text = picture(board_from_scores("mine", scores, higher), score, error, plain)
    assert all(len(line) <= 78 for line in text.splitlines())
    assert not plain or text.isascii()


@settings(deadline=None)
@given(st.lists(st.integers(0, 1000), min_size=2, max_size=300), st.booleans(), st.integers(-100, 1100))
def test_every_team_is_somewhere(scores: list[int], higher: bool, score: int) -> None:
    field = field_of(board_from_scores("mine", map(float, scores), higher), 60, float(score))
    if field is None:
        return
    assert sum(field.teams) + field.worse == pytest.approx(len(scores), rel=0.02, abs=0.1)
    better = field.edges[-1] > field.edges[0]
    assert better == higher
    assert list(field.edges) == sorted(field.edges, reverse=not higher)


def test_teams_stand_where_their_scores_are() -> None:
    half = [0.2 + k * 1e-6 for k in range(500)] + [0.8 + k * 1e-6 for k in range(500)]
    field = field_of(board_from_scores("mine", half, True), 60)
    assert field is not None
    assert field.teams[-1] == pytest.approx(500, abs=20)
    assert sum(field.teams[10:50]) < 20


def test_the_score_and_the_medals_stand_in_order() -> None:
    board = board_from_scores("mine", [k / 1000 for k in range(1000)], True)
    *_, medals, place, _ = picture(board, 0.93, 0.03, ascii_only=True).splitlines()
    assert medals.index("M") < medals.index("B") < medals.index("S") < medals.index("G")
    assert medals.index("B") < place.index("^") < medals.index("G")
    assert place.strip() == place.strip("- ^") + place.strip()
    assert place.count("-") == 4  # one standard error to each side, 0.0125 a column
    assert picture(board, -9.0, ascii_only=True).splitlines()[-2].strip() == "<"
    assert picture(board, 9.0, ascii_only=True).splitlines()[-2].strip() == ">"


def test_a_board_of_equal_scores_has_no_picture() -> None:
    assert picture(board_from_scores("mine", [0.5] * 10, True)) == ""


def test_a_leaked_top_does_not_squeeze_the_field() -> None:
    board = find_board("titanic")
    assert board is not None
    field = field_of(board)
    assert field is not None
    assert field.edges[-1] < 0.82


def test_every_shipped_board_has_one() -> None:
    for board in list_boards():
        text = picture(board, board.median)
        assert text, board.name
        field = field_of(board)
        assert field is not None
        assert all(map(math.isfinite, (*field.edges, *field.teams, field.worse)))
