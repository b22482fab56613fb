"""What is wrong with a leaderboard, from its figures and from what is known."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from medalist.competitions.known.competitions import FAULTS, KINDS, find_known
from medalist.leaderboard.boards.board import Board, board_from_scores
from medalist.leaderboard.boards.comparing import in_metric
from medalist.leaderboard.boards.faults import find_faults, thresholds_without_top, void_medals
from medalist.leaderboard.boards.lookup import find_board, list_boards
from medalist.leaderboard.boards.own import add_board


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDALIST_LEADERBOARDS", str(tmp_path / "boards"))
    return tmp_path / "boards"


def board(scores: list[float], higher: bool = True, metric: str = "accuracy") -> Board:
    """A board with its faults, of a competition of which nothing is known."""
    made = board_from_scores("mine", scores, higher, metric=metric)
    return find_faults(made, None, is_own=True)


FIELD = [0.5 + k * 0.0003 for k in range(1000)]  # evenly up to 0.8


def test_a_sound_board_has_no_faults() -> None:
    sound = board(FIELD)
    assert (sound.faults, sound.caution, sound.leaked_from, thresholds_without_top(sound)) == ((), None, None, {})


def test_perfect_scores_far_above_the_field_are_a_leaked_top() -> None:
    leaked = board([*FIELD, *[1.0] * 60])
    assert leaked.caution is not None
    assert "top is leaked" in leaked.caution
    assert "gold and silver mean nothing here" in leaked.caution
    assert void_medals(leaked) == ("gold", "silver")
    assert leaked.leaked(1.0)
    assert not leaked.leaked(0.8)
    without, field = thresholds_without_top(leaked), board(FIELD)
    for medal in ("silver", "bronze"):
        mine, true = without[medal], field.threshold(medal)
        assert mine is not None
        assert true is not None
        assert true <= mine <= true + 0.01  # never easier than the truth, within the percentiles that are known


def test_a_leaked_top_stays_one_in_another_unit() -> None:
    converted = in_metric(board([*FIELD, *[1.0] * 60]), "error_rate")
    assert converted is not None
    assert converted.leaked(0.0)
    assert not converted.leaked(0.2)


def test_errors_of_zero_are_perfect_too() -> None:
    leaked = board([*(1 - s for s in FIELD), *[0.0] * 60], higher=False, metric="error_rate")
    assert void_medals(leaked) == ("gold", "silver")


def test_a_task_that_many_have_solved_is_not_leaked() -> None:
    solved = board([*(1 - k * 0.0001 for k in range(1000)), *[1.0] * 60])
    assert solved.leaked_from is None
    assert solved.caution is None
    assert any("as good as solved" in fault for fault in solved.faults)


def test_scores_of_one_of_an_unknown_metric_are_not_called_perfect() -> None:
    assert board([*FIELD, *[1.0] * 60], metric="").leaked_from is None


def test_a_single_team_far_ahead_is_named_but_bears_on_no_standing() -> None:
    apart = board([*(0.7 + k * 0.0001 for k in range(1000)), 0.99])
    assert any("set far apart" in fault for fault in apart.faults)
    assert apart.caution is None


def test_a_list_without_its_worst_teams_is_cut() -> None:
    field = [0.7 + 0.1 * (k / 1000) ** 2 for k in range(250, 1500)]
    assert "The list is cut" in (board(field).caution or "")
    assert board([*field, *[0.7 * k / 100 for k in range(100)]]).caution is None


def test_what_is_known_of_the_shipped_boards() -> None:
    boards = {b.name: b for b in list_boards()}
    assert {name for name, b in boards.items() if b.leaked_from is not None} == {
        "titanic",
        "nlp-getting-started",
        "forest-cover-type-kernels-only",
        "spaceship-titanic",
        "random-acts-of-pizza",
        "histopathologic-cancer-detection",
    }
    titanic, audio, s4e2 = boards["titanic"], boards["mlsp-2013-birds"], boards["playground-series-s4e2"]
    assert void_medals(titanic) == ("gold", "silver")
    assert "list is cut" in (titanic.caution or "")
    assert (titanic.year, titanic.test_rows, titanic.kind) == (None, 418, "tabular")
    assert audio.faults == ("It is a competition on sounds, not on tables.",)
    assert (s4e2.year, s4e2.kind, s4e2.test_rows, s4e2.public_share, s4e2.faults) == (2024, "tabular", 13840, 0.2, ())
    assert any("asks for f1" in fault for fault in boards["nlp-getting-started"].faults)


def test_lists_that_are_cut_have_the_same_length_as_others() -> None:
    """The evidence for them: that three of a few thousand teams agree to within one team is no chance."""
    boards = list_boards()
    lengths = Counter(b.teams // 10 for b in boards if b.teams > 4000)
    cut = {b.name for b in boards if "cut" in getattr(find_known(b.name), "faults", ())}
    assert cut == {b.name for b in boards if b.teams > 4000 and lengths[b.teams // 10] >= 3}


def test_what_is_known_is_of_the_kinds_that_there_are() -> None:
    for shipped in list_boards():
        known = find_known(shipped.name)
        if known is not None:
            assert known.kind in ("", *KINDS)
            assert set(known.faults) <= set(FAULTS)
            assert known.year is None or 2010 <= known.year <= 2026
            assert known.year is None or "rolling" not in known.faults
            assert known.public_share is None or 0 < known.public_share < 1


def test_an_own_board_says_that_it_stands_in_for_a_shipped_one(tmp_path: Path) -> None:
    path = tmp_path / "scores.txt"
    path.write_text("".join(f"{0.5 + k / 1000}\n" for k in range(300)))
    add_board(path, "titanic")
    found = find_board("titanic")
    assert found is not None
    assert "has 4,549 teams" in (found.caution or "")
    assert "list is cut" not in " ".join(found.faults)  # that one is
    assert [b.teams for b in list_boards() if b.name == "titanic"] == [300, 4549]


def test_an_own_board_of_another_metric_hides_nothing(tmp_path: Path) -> None:
    path = tmp_path / "scores.txt"
    path.write_text("".join(f"{0.5 + k / 1000}\n" for k in range(300)))
    add_board(path, "titanic", metric="auc")
    found = find_board("titanic")
    assert found is not None
    assert "stands in" not in " ".join(found.faults)
    assert replace(found, faults=(), cautions=0).caution is None
