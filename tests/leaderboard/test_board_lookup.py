import csv
import math
from pathlib import Path

import pytest

from medalist.competitions.errors import InputError
from medalist.leaderboard.boards import lookup, table
from medalist.leaderboard.boards.board import board_from_scores, position
from medalist.leaderboard.boards.lookup import find_board, list_boards
from medalist.leaderboard.boards.medals import MEDALS, medal_ranks
from medalist.leaderboard.boards.own import add_board


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "boards"
    monkeypatch.setenv("MEDALIST_LEADERBOARDS", str(folder))
    return folder


def shipped_rows() -> list[dict[str, str]]:
    with (Path(lookup.__file__).parent / "data" / "human_baselines.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_all_210_ship() -> None:
    boards = list_boards()
    assert len(boards) == 210
    assert len({board.name for board in boards}) == 210
    for board in boards:
        valid = [p for p in board.percentiles if math.isfinite(p)]
        assert len(board.percentiles) == 101
        assert valid == sorted(valid, reverse=board.greater_is_better)
        assert board.percentile(valid[0]) == 1
        assert None not in (board.gold, board.silver, board.bronze)


@pytest.mark.parametrize("medal", MEDALS)
def test_shipped_thresholds_lie_at_the_ranks_that_the_rules_give(medal: str) -> None:
    exact = 0
    for row in shipped_rows():
        teams, sign = int(row["teams"]), 1 if row["better"] == "higher" else -1
        place = getattr(medal_ranks(teams), medal) - 1
        at = {position(k, teams): sign * float(row[f"p{k}"]) for k in range(101)}
        best = at[max(p for p in at if p <= place)]
        worst = at[min(p for p in at if p >= place)]
        assert best >= sign * float(row[medal]) >= worst, row["competition"]
        exact += place in at
    assert exact > 20  # boards whose percentiles hold the very rank


def test_a_threshold_stands_at_its_own_rank() -> None:
    for board in list_boards():
        for medal in MEDALS:
            threshold = board.threshold(medal)
            assert threshold is not None
            rank = getattr(medal_ranks(board.teams), medal)
            # ties in favour: at least those from this rank downwards are beaten or tied
            assert board.percentile(threshold) >= 1 - (rank - 1) / board.teams - 1e-12, (board.name, medal)


def test_name_then_kernels_only_then_nothing() -> None:
    found = find_board("titanic")
    assert found is not None
    assert found.name == "titanic"
    assert found.source == "shipped with medalist"
    kernels = find_board("forest-cover-type")
    assert kernels is not None
    assert kernels.name == "forest-cover-type-kernels-only"
    assert find_board("no-such-competition") is None
    any_case = find_board("givemesomecredit")
    assert any_case is not None
    assert any_case.name == "GiveMeSomeCredit"


def test_a_board_of_another_direction_does_not_fit() -> None:
    assert find_board("bike-sharing-demand", greater_is_better=False) is not None
    assert find_board("bike-sharing-demand", greater_is_better=True) is None


def test_the_placeholder_of_a_shipped_board_is_no_threshold() -> None:
    board = find_board("multi-modal-gesture-recognition")
    assert board is not None
    assert board.median is None
    assert board.bronze is not None
    assert board.bronze < 2
    assert board.percentile(5.0) == 0


def test_own_boards_come_first_and_keep_no_names(tmp_path: Path, own_folder: Path) -> None:
    download = tmp_path / "download.csv"
    download.write_text("Rank,TeamId,TeamName,Score\n1,7,Secret,0.9\n2,8,Other,0.8\n3,9,Third,0.7\n")
    added = add_board(download, "titanic")
    found = find_board("titanic", greater_is_better=True)
    assert found is not None
    assert found.teams == added.teams == 3
    assert found.percentiles == added.percentiles
    assert found.gold is None  # three teams earn no gold
    assert found.source == str(own_folder / "titanic.csv")
    assert "Secret" not in (own_folder / "titanic.csv").read_text()
    assert [path.name for path in own_folder.iterdir()] == ["titanic.csv"]
    assert next(board for board in list_boards() if board.name == "titanic").teams == 3
    # the own board has another direction: the shipped one is not hidden
    download.write_text("Rank,Score\n1,0.1\n2,0.2\n")
    add_board(download, "titanic")
    shipped = find_board("titanic", greater_is_better=True)
    assert shipped is not None
    assert shipped.teams == 4549


def test_placeholders_survive_being_kept(tmp_path: Path) -> None:
    path = tmp_path / "scores.txt"
    path.write_text("\n".join(["0.1"] * 5 + ["0.2"] * 5 + ["99999"] * 10))
    kept = add_board(path, "mine", greater_is_better=False)
    found = find_board("mine")
    assert found is not None
    assert (found.gold, found.silver, found.bronze, found.median) == (kept.gold, kept.silver, kept.bronze, None)
    assert found.percentile(0.2) == 0.75
    assert found.percentile(1.0) == 0


def test_files_put_into_the_folder_by_hand_are_read(own_folder: Path) -> None:
    own_folder.mkdir()
    (own_folder / "mine.csv").write_text("TeamId,TeamName,LastSubmissionDate,Score\n1,a,x,3\n2,b,x,2\n3,c,x,1\n")
    (own_folder / "list.txt").write_text("3\n1\n2\n")
    (own_folder / "notes.md").write_text("not a board")
    mine = find_board("mine")
    assert mine is not None
    assert mine.greater_is_better
    assert find_board("list") is None  # tells no direction
    assert find_board("list", greater_is_better=False) is not None
    assert len(list_boards()) == 211


def test_missing_thresholds_come_from_the_percentiles(own_folder: Path) -> None:
    own_folder.mkdir()
    whole = board_from_scores("mine", [float(k) for k in range(1000)], True)
    row = ["mine", "1000", "higher", "", "", "", "", *(str(p) for p in whole.percentiles)]
    (own_folder / "mine.csv").write_text(",".join(table.COLUMNS) + "\n" + ",".join(row) + "\n")
    found = find_board("mine")
    assert found is not None
    for medal in MEDALS:
        mine, true = found.threshold(medal), whole.threshold(medal)
        assert mine is not None
        assert true is not None
        assert true <= mine <= true + 10  # never easier than the truth, within a percentile
    assert found.median is None


@pytest.mark.parametrize("name", ["", "../titanic", "a/b"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "scores.txt"
    path.write_text("1\n2\n")
    with pytest.raises(InputError, match="cannot name a leaderboard"):
        add_board(path, name, greater_is_better=True)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MEDALIST_LEADERBOARDS", str(tmp_path / "file" / "boards"))
    path = tmp_path / "scores.txt"
    path.write_text("1\n2\n")
    with pytest.raises(InputError, match="set MEDALIST_LEADERBOARDS"):
        add_board(path, "mine", greater_is_better=True)


def test_a_damaged_own_board_is_one_sentence(own_folder: Path) -> None:
    own_folder.mkdir()
    row = ["mine", "many", "higher", *[""] * (len(table.COLUMNS) - 3)]
    (own_folder / "mine.csv").write_text(",".join(table.COLUMNS) + "\n" + ",".join(row) + "\n")
    with pytest.raises(InputError, match=r"mine\.csv is damaged"):
        find_board("mine")
