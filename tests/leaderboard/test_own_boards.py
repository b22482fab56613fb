"""Leaderboards of the user: renamed, removed, suggested, and standings that were recorded on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from medalist.competitions.errors import InputError, LedgerError
from medalist.leaderboard.boards.lookup import find_board, list_boards, named_board, recorded_range, similar_names
from medalist.leaderboard.boards.own import add_board, own_board, own_names, remove_board, rename_board


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDALIST_LEADERBOARDS", str(tmp_path / "boards"))
    return tmp_path / "boards"


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    path = tmp_path / "scores.txt"
    path.write_text("".join(f"{k / 100}\n" for k in range(100)))
    return path


def test_renaming_keeps_the_figures(scores: Path, own_folder: Path) -> None:
    before = add_board(scores, "mine", metric="auc")
    after = rename_board("MINE", "yours")
    assert own_names() == ["yours"]
    found = own_board("yours")
    assert found is not None
    assert (after.metric, found.percentiles, found.metric) == ("auc", before.percentiles, "auc")
    assert [path.name for path in own_folder.iterdir()] == ["yours.csv"]


def test_renaming_changes_letter_case_too(scores: Path) -> None:
    add_board(scores, "mine")
    rename_board("mine", "Mine")
    assert own_names() == ["Mine"]


def test_renaming_never_takes_the_place_of_another(scores: Path) -> None:
    add_board(scores, "mine")
    add_board(scores, "yours", greater_is_better=False)
    with pytest.raises(LedgerError, match="have a leaderboard named yours already"):
        rename_board("mine", "yours")
    with pytest.raises(LedgerError, match="no leaderboard named titanic that could be renamed"):
        rename_board("titanic", "sunk")
    with pytest.raises(InputError, match="cannot name a leaderboard"):
        rename_board("mine", "../yours")
    assert own_names() == ["mine", "yours"]


def test_ranks_go_before_what_is_known_and_that_before_the_order_of_rows(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("0.1\n0.2\n0.3\n")
    assert add_board(path, "titanic").greater_is_better
    assert not add_board(path, "mine").greater_is_better
    path.write_text("Rank,Score\n1,0.1\n2,0.2\n")
    assert not add_board(path, "titanic").greater_is_better


def test_removing_brings_the_shipped_one_back(scores: Path) -> None:
    add_board(scores, "Titanic")
    assert [board.teams for board in list_boards() if board.name.casefold() == "titanic"] == [100, 4549]
    assert [path.name for path in remove_board("titanic")] == ["Titanic.csv"]
    found = find_board("titanic")
    assert found is not None
    assert found.teams == 4549
    assert remove_board("titanic") == []


def test_adding_in_another_letter_case_replaces(scores: Path) -> None:
    add_board(scores, "Mine")
    add_board(scores, "mine")
    assert len(own_names()) == 1


def test_the_direction_of_a_known_competition_need_not_be_given(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("TeamId,TeamName,SubmissionDate,Score\n1,a,d,0.5\n2,b,d,0.7\n1,a,d,0.4\n")
    assert add_board(path, "bike-sharing-demand").percentiles[0] == 0.4
    with pytest.raises(InputError, match="--higher-is-better"):
        add_board(path, "mine")


@pytest.mark.parametrize("name", [".hidden", "..", "a\\b", "c:d", "new\nline", "x" * 200])
def test_names_that_no_file_can_have(scores: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot name a leaderboard") as caught:
        add_board(scores, name)
    assert "\n" not in str(caught.value)


def test_names_that_are_misspelt_are_suggested(scores: Path) -> None:
    add_board(scores, "my-contest")
    assert similar_names("my-contst") == ["my-contest"]
    assert similar_names("Titnic") == ["titanic"]
    assert similar_names("playground-serie-s3e5") == ["playground-series-s3e5"]  # and not another episode
    assert similar_names("nothing like it") == []
    with pytest.raises(LedgerError, match=r"did you mean titanic\?"):
        named_board("titnic", True)
    with pytest.raises(LedgerError, match="digit-recognizer is shipped: add it with"):
        named_board("digit-recognizer", True)


def test_one_that_cannot_be_read_does_not_hide_the_others(scores: Path, own_folder: Path) -> None:
    add_board(scores, "mine")
    (own_folder / "bad.csv").write_text("x,y\n1,2\n")
    told: list[str] = []
    assert len(list_boards(told)) == 211
    assert len(told) == 1
    assert "bad.csv has no column Score" in told[0]
    with pytest.raises(InputError, match="no column Score"):
        list_boards()


def test_the_range_of_a_standing_that_was_recorded(scores: Path) -> None:
    add_board(scores, "mine", True, metric="auc")
    assert recorded_range("mine", "auc", True, 100, 0.5, 0.1) == pytest.approx((0.41, 0.61), abs=0.011)
    assert recorded_range("mine", "auc", True, 100, 0.5, None) is None
    assert recorded_range("mine", "auc", True, 99, 0.5, 0.1) is None  # another board by now
    assert recorded_range("mine", "rmse", False, 100, 0.5, 0.1) is None
    assert recorded_range("gone", "auc", True, 100, 0.5, 0.1) is None
    assert recorded_range(None, "auc", True, None, 0.5, 0.1) is None
