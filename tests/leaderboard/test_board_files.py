import zipfile
from pathlib import Path

import pytest

from medalist.competitions.errors import InputError
from medalist.leaderboard.boards.files import DirectionError, read_leaderboard_file


def write(tmp_path: Path, text: str, name: str = "board.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8"))
    return path


def test_kaggles_download(tmp_path: Path) -> None:
    text = '\ufeff"Rank","TeamId","TeamName","LastSubmissionDate","Score","SubmissionCount"\r\n' + "".join(
        f'"{rank}","{rank + 100}","Team ""{rank}"", Inc\n","2024-01-01","{rank / 10}","3"\r\n' for rank in range(1, 21)
    )
    board = read_leaderboard_file(write(tmp_path, text), "mine")
    assert (board.teams, board.greater_is_better) == (20, False)
    assert (board.gold, board.silver, board.bronze, board.median) == (0.2, 0.4, 0.8, 1.05)


def test_the_best_of_several_rows_of_a_team_counts(tmp_path: Path) -> None:
    path = write(tmp_path, "TeamId,TeamName,SubmissionDate,Score\n1,a,d,0.5\n2,b,d,0.7\n1,a,d,0.9\n3,c,d,\n")
    board = read_leaderboard_file(path, "mine", greater_is_better=True)
    assert board.teams == 2
    assert board.percentiles[0] == 0.9
    assert board.percentiles[100] == 0.7
    assert read_leaderboard_file(path, "mine", greater_is_better=False).percentiles[0] == 0.5


@pytest.mark.parametrize("text", ["3\n2\n1\n", "score\n3\n2\n1\n", "Score;x\n3;a\n2;b\n1;c\n", "\n3\r\n2\r\n\r\n1\r\n"])
def test_lists_of_scores_that_are_sorted_tell_their_direction(tmp_path: Path, text: str) -> None:
    board = read_leaderboard_file(write(tmp_path, text, "scores.txt"), "mine")
    assert board.greater_is_better
    assert board.teams == 3


def test_a_zip_with_one_table(tmp_path: Path) -> None:
    path = tmp_path / "mine.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mine-publicleaderboard.csv", "Rank,Score\n1,0.9\n2,0.8\n")
    assert read_leaderboard_file(path, "mine").greater_is_better
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other.csv", "Rank,Score\n1,0.9\n2,0.8\n")
    with pytest.raises(InputError, match="zip with 2 CSV files"):
        read_leaderboard_file(path, "mine")


def test_team_names_that_are_not_utf8_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "board.csv"
    path.write_bytes(b"Rank,TeamName,Score\n1,caf\xe9,0.9\n2,b,0.8\n")
    assert read_leaderboard_file(path, "mine").teams == 2


def test_ranks_that_contradict_the_direction(tmp_path: Path) -> None:
    path = write(tmp_path, "Rank,Score\n1,0.1\n2,0.2\n")
    with pytest.raises(DirectionError, match="ranks lower scores first"):
        read_leaderboard_file(path, "mine", greater_is_better=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("Rank,Score\n", "holds no scores"),
        ("a,b\n1,2\n", "no column Score"),
        ("0.1\nabc\n", "'abc' where a number is expected"),
        ("Rank,Score\n1,none\n", "'none' where a number is expected"),
        ("1\n3\n2\n", "give --higher-is-better or --lower-is-better"),
        ("Rank,Score\n1,0.5\n2,0.5\n", "give --higher-is-better or --lower-is-better"),
        ("score\nnan\nnan\n", "holds no scores"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=message) as caught:
        read_leaderboard_file(path, "mine")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_leaderboard_file(tmp_path / "none.csv", "mine")
    with pytest.raises(InputError, match="cannot be read"):
        read_leaderboard_file(tmp_path, "mine")
