import csv
import io
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medalist.competitions.errors import InputError
from medalist.leaderboard.boards.board import board_from_scores
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


# Kaggle's downloads of all ages, and what spreadsheets make of them


def separated(rows: list[list[str]], delimiter: str, quoted: bool) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL).writerows(rows)
    return out.getvalue()


def every_improvement(scores: list[float]) -> list[list[str]]:
    rows = [["TeamId", "TeamName", "SubmissionDate", "Score"]]
    for k, score in enumerate(scores):
        rows.append([str(9000 + k), f"Team {k}; or, {k}", "1/2/2012 3:04:05 AM", repr(score - 1)])
        rows.append([str(9000 + k), f"Team {k}; or, {k}", "1/3/2012 3:04:05 PM", repr(score)])
    return rows


def last_state(scores: list[float]) -> list[list[str]]:
    header = ["TeamId", "TeamName", "LastSubmissionDate", "Score", "SubmissionCount"]
    rows = [[str(9000 + k), f'"{k}"', "2018-05-06 07:08:09", repr(s), str(k)] for k, s in enumerate(scores)]
    return [header, *rows, ["1", "has not entered", "", "", "0"]]


def with_ranks(scores: list[float]) -> list[list[str]]:
    header = ["Rank", "TeamId", "TeamName", "LastSubmissionDate", "Score", "SubmissionCount", "TeamMemberUserNames"]
    rows = []
    for k, score in enumerate(scores):
        rank = 1 + sum(other > score for other in scores)  # teams that tie share a rank
        rows.append([str(rank), str(9000 + k), f"Team\n{k}", "2024-05-06 07:08:09", repr(score), "3", "ann,bob"])
    return [header, *rows]


def scores_alone(scores: list[float]) -> list[list[str]]:
    return [[repr(score)] for score in scores]


SCORES = st.lists(st.integers(1, 9999).map(lambda k: k / 10000), min_size=2, max_size=40).map(
    lambda scores: sorted(scores, reverse=True)
)


@settings(deadline=None)
@given(
    SCORES,
    st.sampled_from([every_improvement, last_state, with_ranks, scores_alone]),
    st.sampled_from([",", ";", "\t"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.booleans(),
)
def test_a_leaderboard_is_the_same_in_every_form(
    scores: list[float], make: object, delimiter: str, comma: bool, header: bool, encoding: str, zipped: bool
) -> None:
    rows = make(scores)  # type: ignore[operator]
    if comma:
        rows = [[c.replace(".", ",") if c.replace(".", "").lstrip("-").isdecimal() else c for c in row] for row in rows]
    if not header and make is not scores_alone:
        rows = rows[1:]
    content = separated(rows, delimiter, quoted=make is not scores_alone).encode(encoding)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("mine.zip" if zipped else "mine.csv")
        if zipped:
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("mine-publicleaderboard.csv", content)
                archive.writestr("__MACOSX/._mine-publicleaderboard.csv", b"\0\0")
        else:
            path.write_bytes(content)
        board = read_leaderboard_file(path, "mine", greater_is_better=True)
    expected = board_from_scores("mine", scores, True, source=str(path))
    assert board == expected


@pytest.mark.parametrize(
    ("text", "scores"),
    [
        ("0,5\n0,25\n0,125\n", (0.5, 0.125)),
        ("1,5\n2,5\n4,5\n", (4.5, 1.5)),
        ("1,50\n2,40\n3,30\n", (50.0, 30.0)),  # ranks, and whole scores
        ("sep=;\r\nRank;Score\r\n1;1.234,5\r\n2;999,5\r\n", (1234.5, 999.5)),
        ('Rank,Score\n1,"1,234.5"\n2,"1,000"\n', (1234.5, 1000.0)),
        ("Score\n\u22120.5\n-1.5\n", (-0.5, -1.5)),
        ("#,Team,Score,Entries\n1,a,0.9,3\n2,b,0.8,4\n", (0.9, 0.8)),
        ("TeamName,PublicLeaderboardScore,PrivateLeaderboardScore\na,0.1,0.9\nb,0.2,0.8\n", (0.9, 0.8)),
        ("Score\n1e3\n2.5E2\n", (1000.0, 250.0)),
    ],
)
def test_numbers_as_people_write_them(tmp_path: Path, text: str, scores: tuple[float, float]) -> None:
    board = read_leaderboard_file(write(tmp_path, text), "mine", greater_is_better=True)
    assert (board.percentiles[0], board.percentiles[100]) == scores


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('Rank,Score\n1,"1,234"\n2,"1,000"\n', "thousands or for a decimal comma"),
        ("TeamName,Score\na,0,83\nb,0,82\n", "more cells than its header"),
        ("a,1,2\nb,3,4\n", "no column Score"),
        ("Rank,Score\n1,83 %\n", "'83 %' where a number is expected"),
    ],
)
def test_what_may_mean_two_things_is_not_guessed(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_leaderboard_file(write(tmp_path, text), "mine", greater_is_better=True)
