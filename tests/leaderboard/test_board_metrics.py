"""Standings only among scores of one metric."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medalist.competitions.errors import LedgerError, MetricError
from medalist.competitions.known import competitions
from medalist.competitions.metrics.metric import Metric
from medalist.competitions.metrics.registry import get_metric
from medalist.leaderboard.boards.board import Board, board_from_scores
from medalist.leaderboard.boards.comparing import NoStanding, board_metric, comparable, in_metric, same_metric, title
from medalist.leaderboard.boards.lookup import board_for, find_board, list_boards, named_board
from medalist.leaderboard.boards.own import add_board

DATA = Path(competitions.__file__).with_name("competitions.csv")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "boards"
    monkeypatch.setenv("MEDALIST_LEADERBOARDS", str(folder))
    return folder


def metric_rows() -> list[dict[str, str]]:
    with DATA.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def metric_of(name: str) -> Metric | None:
    """The metric of a canonical name; None for a title of one that medalist does not have."""
    try:
        return get_metric(name, 2 if name.startswith("mean_") else 1)
    except MetricError:
        return None


def reason_of(found: Board | NoStanding) -> str:
    assert isinstance(found, NoStanding)
    return found.reason


def test_the_metrics_are_of_boards_that_ship_and_agree_with_their_directions() -> None:
    boards = {board.name: board for board in list_boards()}
    rows = metric_rows()
    assert len({row["competition"] for row in rows}) == len(rows)
    assert sum(row["competition"] in boards for row in rows) > 200
    for row in rows:
        board, metric = boards.get(row["competition"]), metric_of(row["metric"])
        if board is not None:
            assert row["better"] == ("higher" if board.greater_is_better else "lower"), row
            assert board.metric == row["metric"]
        if metric is not None:
            assert metric.name == row["metric"], row
            assert metric.greater_is_better == (row["better"] == "higher"), row
        else:
            assert row["metric"][0].isupper(), row  # a title, which no name of a metric is mistaken for


def test_the_metrics_bound_the_scores_of_their_boards() -> None:
    for board in list_boards():
        metric = metric_of(board.metric) if board.metric else None
        if metric is not None:
            low, high = metric.bounds
            valid = [p for p in board.percentiles if math.isfinite(p)]
            assert low - 1e-9 <= min(valid[:50]), board.name
            assert max(valid[:50]) <= high + 1e-9, board.name


@pytest.mark.parametrize(
    ("name", "metric", "assumed", "fits"),
    [
        ("titanic", "accuracy", False, True),
        ("titanic (1)", "accuracy", False, True),
        ("s4e2", "accuracy", False, True),
        ("titanic", "micro_f1", False, True),
        ("titanic", "auc", False, False),
        ("titanic", "f1", False, False),
        ("nlp-getting-started", "f1", False, False),  # whose figures are accuracies
        ("forest-cover-type", "accuracy", False, True),  # by the board of its kernels-only namesake
        ("otto-group-product-classification-challenge", "mlogloss", False, True),
        ("ventilator-pressure-prediction", "mae", False, False),  # it counts a part of the rows
        ("DontGetKicked", "gini", False, False),  # it is not normalised
    ],
)
def test_a_board_is_compared_with_scores_of_its_own_metric(name: str, metric: str, assumed: bool, fits: bool) -> None:
    better = get_metric(metric).greater_is_better
    found = board_for(name, metric, better, assumed)
    if fits:
        assert isinstance(found, Board)
        assert named_board(name, better, metric, assumed) == found
    else:
        assert "counts another metric" in reason_of(found)
        with pytest.raises(LedgerError, match="counts another metric"):
            named_board(name, better, metric, assumed)


def test_the_reason_names_both_metrics() -> None:
    assert reason_of(board_for("titanic", "auc", True)) == (
        "The leaderboard titanic counts another metric (Accuracy) than this score (Area under the ROC curve), so no "
        "standing is given."
    )
    assert "No human leaderboard named no-such-thing is known" in reason_of(board_for("no-such-thing", "auc", True))


def test_a_score_by_an_assumed_metric_has_no_place() -> None:
    board = board_from_scores("mine", [0.1, 0.2, 0.3], True)
    assert comparable(board, "auc", True) == board
    assert "higher scores are better" in reason_of(comparable(board, "rmse", False))
    for counted in (board, find_board("titanic")):  # also where the assumption agrees with what is known
        assert counted is not None
        reason = reason_of(comparable(counted, "accuracy", True, assumed=True))
        assert "(Accuracy) is assumed" in reason
        assert "name the metric with --metric" in reason
    with pytest.raises(LedgerError, match="is assumed"):
        named_board("titanic", True, "accuracy", assumed=True)


def test_a_general_name_has_no_board_of_another_competition() -> None:
    assert find_board("bike-sharing") is None  # of how many competitions?
    assert board_metric("bike-sharing") == ""
    assert board_metric("bike-sharing-demand (2)") == "rmsle"


def test_a_function_of_ones_own_stands_for_a_metric_that_medalist_does_not_have() -> None:
    own = "/home/me/ams.py:ams"
    assert isinstance(board_for("higgs-boson", own, True), Board)
    assert "Approximate median significance" in reason_of(board_for("higgs-boson", "auc", True))
    assert "lower" not in reason_of(board_for("titanic", own, True))
    assert "counts another metric" in reason_of(board_for("titanic", own, True))
    assert "higher scores are better" in reason_of(board_for("higgs-boson", own, False))


@given(st.floats(0.501, 0.9))
@settings(deadline=None)
def test_auc_stands_on_a_board_of_gini_as_its_gini_does(auc: float) -> None:
    name = "porto-seguro-safe-driver-prediction"
    board, converted = find_board(name), board_for(name, "auc", True)
    assert board is not None
    assert isinstance(converted, Board)
    assert converted.percentile(auc) == pytest.approx(board.percentile(2 * auc - 1), abs=1e-3)
    assert converted.gold == pytest.approx((0.29154 + 1) / 2)


@pytest.mark.parametrize(
    ("one", "other"), [("rmse", "mse"), ("rmsle", "msle"), ("accuracy", "error_rate"), ("auc", "gini")]
)
def test_conversions_lead_back_and_keep_the_order(one: str, other: str) -> None:
    better = get_metric(one).greater_is_better
    board = board_from_scores("b", [0.51 + k / 250 for k in range(120)], better, metric=one)
    there = in_metric(board, other)
    assert there is not None
    assert there.greater_is_better == get_metric(other).greater_is_better
    assert list(there.percentiles) == sorted(there.percentiles, reverse=there.greater_is_better)
    back = in_metric(there, one)
    assert back is not None
    assert back.percentiles == pytest.approx(board.percentiles)
    assert (back.gold, back.median) == (pytest.approx(board.gold), pytest.approx(board.median))
    assert same_metric(one, other)
    assert same_metric(other, one)


def test_teams_without_a_score_stay_without_one() -> None:
    board = board_from_scores("b", [0.1] * 5 + [0.2] * 5 + [99999] * 10, False, metric="rmse")
    converted = in_metric(board, "mse")
    assert converted is not None
    assert math.isnan(converted.percentiles[-1])
    assert converted.median is None
    assert converted.percentile(0.04) == board.percentile(0.2)


def test_boards_of_ones_own_have_the_metric_that_is_given_or_known(tmp_path: Path, own_folder: Path) -> None:
    scores = tmp_path / "scores.txt"
    scores.write_text("0.9\n0.8\n0.7\n")
    assert add_board(scores, "titanic").metric == "accuracy"
    assert add_board(scores, "mine", metric="auc").metric == "auc"
    assert isinstance(board_for("mine", "auc", True), Board)
    assert "counts another metric" in reason_of(board_for("mine", "accuracy", True))
    (own_folder / "spaceship-titanic.txt").write_text("0.9\n0.8\n")
    assert "counts another metric" in reason_of(board_for("spaceship-titanic", "auc", True))
    scores.write_text("0.1\n0.2\n0.3\n")  # errors, which are no accuracies: nothing is known of them
    assert add_board(scores, "titanic", greater_is_better=False).metric == ""


def test_titles() -> None:
    assert title("mean_auc") == "Area under the ROC curve, mean over targets"
    assert title("Dice coefficient") == "Dice coefficient"
    assert (board_metric("TITANIC"), board_metric("titanic", False), board_metric("nothing")) == ("accuracy", "", "")
