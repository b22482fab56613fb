import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medalist.leaderboard.boards.board import Board, board_from_scores
from medalist.leaderboard.boards.comparing import NoStanding
from medalist.leaderboard.boards.lookup import find_board
from medalist.leaderboard.boards.medals import MEDALS
from medalist.leaderboard.boards.standing import Basis, Standing, sentence, whole_percent
from medalist.leaderboard.boards.standing import standing_on_board as place


def stand(score: float, board: Board | NoStanding, basis: Basis, standard_error: float | None = None) -> Standing:
    """The standing of a score that has one."""
    found = place(score, board, basis, standard_error)
    assert isinstance(found, Standing)
    return found


HUNDRED = board_from_scores("mine", [float(k) for k in range(1, 101)], True)  # gold 91, silver 81, bronze 61


@pytest.mark.parametrize(
    ("score", "medal", "next_medal", "to_next"),
    [
        (100, "gold", None, None),
        (91, "gold", None, None),  # a tie with the last gold is gold
        (90.5, "silver", "gold", 0.5),
        (81, "silver", "gold", 10),
        (61, "bronze", "silver", 20),
        (60, None, "bronze", 1),
        (-5, None, "bronze", 66),
    ],
)
def test_medal_and_distance(score: float, medal: str | None, next_medal: str | None, to_next: float | None) -> None:
    standing = stand(score, HUNDRED, "holdout")
    assert (standing.medal, standing.next_medal, standing.to_next) == (medal, next_medal, to_next)
    assert standing.probabilities is None


def test_distance_where_lower_is_better() -> None:
    board = board_from_scores("mine", [float(k) for k in range(1, 101)], False)
    standing = stand(41.0, board, "holdout")
    assert (standing.medal, standing.next_medal, standing.to_next) == (None, "bronze", 1.0)


@given(st.floats(-50, 150), st.floats(0, 50), st.booleans())
def test_probabilities_fall_with_the_worth_of_the_medal(score: float, error: float, higher: bool) -> None:
    board = board_from_scores("mine", [float(k) for k in range(1, 101)], higher)
    probabilities = stand(score, board, "cross-validation", error).probabilities
    assert probabilities is not None
    assert 0 <= probabilities["gold"] <= probabilities["silver"] <= probabilities["bronze"] <= 1


@given(st.floats(-50, 150), st.floats(-50, 150), st.floats(0, 50))
def test_a_better_score_is_never_less_likely_to_earn(a: float, b: float, error: float) -> None:
    worse = stand(min(a, b), HUNDRED, "cross-validation", error).probabilities
    better = stand(max(a, b), HUNDRED, "cross-validation", error).probabilities
    assert worse is not None
    assert better is not None
    assert all(worse[medal] <= better[medal] for medal in MEDALS)


def test_probabilities_are_the_normal_ones() -> None:
    probabilities = stand(81.0, HUNDRED, "given", 10.0).probabilities
    assert probabilities is not None
    assert probabilities["silver"] == 0.5
    assert probabilities["gold"] == pytest.approx(0.158655, abs=1e-6)
    assert probabilities["bronze"] == pytest.approx(0.977250, abs=1e-6)


def test_an_estimate_is_never_certain() -> None:
    for score in (-1e6, 1e6):
        text = sentence(stand(score, HUNDRED, "cross-validation", 1.0))
        assert ("<0.1 % gold" if score < 0 else ">99.9 % gold") in text


def test_without_error_the_probability_is_certain() -> None:
    assert stand(81.0, HUNDRED, "holdout", 0.0).probabilities == {"gold": 0.0, "silver": 1.0, "bronze": 1.0}


@pytest.mark.parametrize("error", [math.nan, math.inf, -1.0])
def test_an_error_that_is_none_gives_no_probabilities(error: float) -> None:
    standing = stand(81.0, HUNDRED, "holdout", error)
    assert standing.probabilities is None
    assert standing.standard_error is None


def test_medals_that_nobody_earns_are_passed_over() -> None:
    few = board_from_scores("few", [3.0, 2.0, 1.0], True)  # three teams: bronze for the first, nothing above
    first = stand(3.0, few, "holdout", 0.1)
    assert (first.medal, first.next_medal, first.to_next) == ("bronze", None, None)
    assert first.probabilities == {"gold": 0.0, "silver": 0.0, "bronze": 0.5}


def test_thresholds_out_of_order_keep_the_probabilities_in_order() -> None:
    odd = Board("odd", 100, True, gold=0.5, silver=0.9, bronze=0.1, median=None, percentiles=(1.0,) * 101)
    probabilities = stand(0.7, odd, "holdout", 0.2).probabilities
    assert probabilities is not None
    assert probabilities["gold"] <= probabilities["silver"] <= probabilities["bronze"]


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_has_no_standing_and_a_reason(score: float) -> None:
    """Defect: a metric of one's own that returns inf ended the run."""
    found = place(score, HUNDRED, "holdout", 0.1)
    assert isinstance(found, NoStanding)
    assert sentence(found) == f"A score of {score} has no place on the leaderboard mine: check the predictions."


def test_a_reason_goes_through_instead_of_a_board() -> None:
    reason = NoStanding("Nobody knows it.")
    assert place(1.0, reason, "holdout") is reason


@given(st.floats(-50, 150), st.sampled_from(["cross-validation", "holdout"]), st.none() | st.floats(0, 10))
def test_the_sentence_always_says_which(score: float, basis: str, error: float | None) -> None:
    words = {
        "cross-validation": "medal-equivalent (estimated by cross-validation)",
        "holdout": "medal-equivalent (on a holdout)",
    }
    text = sentence(stand(score, HUNDRED, basis, error))  # type: ignore[arg-type]
    assert text.count("medal-equivalent") == 1
    assert words[basis] in text
    assert "\n" not in text


def test_the_sentence_on_a_shipped_board() -> None:
    board = find_board("playground-series-s3e1", greater_is_better=False)
    assert board is not None
    text = sentence(stand(0.56, board, "cross-validation", 0.003))
    assert text.startswith(
        "0.56 beats or ties 70.4 % (within one standard error 62 to 80 %) of 689 human teams on playground-series-s3e1"
    )
    assert "0.00402 short of bronze" in text


def test_reference_models_are_never_called_human() -> None:
    board = board_from_scores("demo", [1.0, 2.0, 3.0], True, who="reference models")
    text = sentence(stand(2.0, board, "holdout"))
    assert "of 3 reference models" in text
    assert "human" not in text


@given(st.floats(-50, 150), st.floats(0, 50), st.booleans())
def test_a_percentile_lies_within_its_ranges_and_the_wider_holds_the_narrower(
    score: float, error: float, higher: bool
) -> None:
    board = board_from_scores("mine", [float(k) for k in range(1, 101)], higher)
    standing = stand(score, board, "given", error)
    within, wide, half = standing.percentile_within, standing.percentile_interval, standing.upper_half
    assert within is not None
    assert wide is not None
    assert half is not None
    assert within[0] <= standing.percentile <= within[1]
    assert wide[0] <= standing.percentile <= wide[1]
    if score - 2 * error > 1 and score + 2 * error < 100:  # else one side of the wider range is left to the other
        assert wide[0] <= within[0]
        assert within[1] <= wide[1]
    assert 0 <= half <= 1


def test_the_ranges_are_those_of_a_normal_error() -> None:
    standing = stand(60.0, HUNDRED, "given", 10.0)
    assert standing.percentile_within == (0.5, 0.7)  # those who have at most 50, and at most 70
    assert standing.percentile_interval == pytest.approx((0.47, 0.73), abs=0.011)
    assert standing.upper_half == pytest.approx(0.828944, abs=1e-6)  # of 0.95 standard errors above the median
    assert "60 beats or ties 60 % (within one standard error 50 to 70 %) of 100" in sentence(standing)


def test_without_an_error_there_are_no_ranges() -> None:
    standing = stand(60.0, HUNDRED, "holdout")
    assert (standing.percentile_within, standing.percentile_interval, standing.upper_half) == (None, None, None)
    assert "within" not in sentence(standing)


def test_a_range_never_rounds_to_a_certainty() -> None:
    assert whole_percent((0.0004, 0.9996)) == "<1 to >99 %"
    assert whole_percent((0.0, 1.0)) == "0 to 100 %"
    assert whole_percent(None) == ""


def test_what_is_wrong_with_a_board_is_said_with_every_standing() -> None:
    board = find_board("titanic")
    assert board is not None
    standing = stand(0.79, board, "holdout")
    assert standing.caution is not None
    assert "The top is leaked" in sentence(standing)
    assert (standing.medal, standing.next_medal) == (None, "bronze")
    assert stand(0.81, board, "holdout").next_medal is None  # silver asks for copied answers
    assert stand(0.57, HUNDRED, "holdout").caution is None
