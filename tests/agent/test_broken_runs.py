"""Commands that read what runs left: where that is missing or broken, each says so in one sentence and ends with 2."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from pathlib import Path

import pytest

from medalist.agent.cli.completing import board_words, competition_words, run_words
from medalist.agent.cli.main import main
from medalist.agent.nights.state import NightState
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.schema import MARKER

READERS = {
    "compare": ("compare", "RUN", "baseline:constant"),
    "submit": ("submit", "RUN", "--no-wait"),
    "submissions": ("submissions", "--no-refresh"),
    "leaderboard": ("leaderboard", "titanic", "--download", "--run", "RUN"),
    "medals": ("medals",),
    "report": ("report", "RUN"),
    "show": ("show", "RUN"),
    "features": ("features", "RUN"),
    "why": ("why", "RUN"),
    "reproduce": ("reproduce", "RUN"),
    "predict": ("predict", "RUN", "new.csv"),
    "resume": ("resume", "RUN"),
    "clean": ("clean",),
    "night status": ("night", "status"),
    "night report": ("night", "report"),
}
WITHOUT_FOLDER = {"medals"}  # says what adds a standing, and ends well
NO_DATABASE = "these are no rows of a table " * 50
RUN = "20260101-000000-00000000"
STATES = ("missing", "a file", "no database", "truncated", "cut short", "newer")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("MEDALIST_LEADERBOARDS", str(tmp_path / "boards"))
    return tmp_path


def broken(place: Path, state: str) -> str:
    """A folder of runs in this state."""
    folder = place / "kept"
    if state == "a file":
        folder.write_text("no folder", encoding="utf-8")
    elif state in ("cut short", "newer"):
        folder.mkdir()
        with Ledger(folder / "ledger.sqlite") as ledger:
            ledger.start_run("shop", {}, {}, "ab", 0, folder / "shop" / RUN, RUN)
        NightState(folder / "nights.sqlite").begin_night(1.0, 1.0, "nights.yaml")
        for name in ("ledger.sqlite", "nights.sqlite"):
            spoil(folder / name, state)
    elif state != "missing":
        folder.mkdir()
        for name in ("ledger.sqlite", "nights.sqlite"):
            data = NO_DATABASE.encode() if state == "no database" else b"SQLite format 3\0" + b"\x10\0\1\1\0" * 9
            (folder / name).write_bytes(data)
    return str(folder)


def spoil(database: Path, state: str) -> None:
    """Cut a database short; or, of a ledger, say that a later version of medalist has written it."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        if state == "newer" and database.name == "ledger.sqlite":
            connection.execute(f"UPDATE {MARKER} SET version = 99")
            connection.commit()
    if state == "cut short":
        database.write_bytes(database.read_bytes()[:5000])


def said(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """The exit code, stdout and stderr of a command."""
    capfd.readouterr()
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert isinstance(end.value.code, int)
    return (end.value.code, *capfd.readouterr())


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("command", READERS)
def test_what_is_broken_is_one_sentence(
    place: Path, capfd: pytest.CaptureFixture[str], command: str, state: str
) -> None:
    runs_dir = broken(place, state)
    code, out, error = said(capfd, *READERS[command], "--runs-dir", runs_dir)
    if command in ("night status", "night report") and state == "newer":  # of a night without runs no ledger is read
        assert (code, error) == (0, "")
        return
    if command in WITHOUT_FOLDER and state in ("missing", "a file"):
        assert (code, error) == (0, "")
        assert "kept" in out
        return
    assert (code, out) == (2, "")
    assert re.fullmatch(r"medalist: [^\n]+[.)…?]\n", error), error
    assert "kept" in error


@pytest.mark.parametrize("command", ["submissions", "clean", "medals", "night status", "runs"])
def test_the_usual_folder_need_not_be_there(place: Path, capfd: pytest.CaptureFixture[str], command: str) -> None:
    code, _, error = said(capfd, *READERS.get(command, (command,)))
    assert (code, error) == (0, "")
    assert not (place / "runs").exists()


def test_a_night_of_no_competitions_says_so(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capfd, "night", "run", "--dry-run", "--budget", "1h")
    assert code == 0
    assert "has no competitions yet" in out.replace("\n", " ")
    assert "expected gain" not in out


def test_a_shell_completes_what_is_known(place: Path) -> None:
    assert run_words("") == ["last"]
    assert run_words("x") == competition_words("") == []
    assert "titanic" in board_words("titan")
    (place / "runs").mkdir()
    (place / "runs" / "ledger.sqlite").write_text(NO_DATABASE, encoding="utf-8")
    assert run_words("l") == ["last"]
