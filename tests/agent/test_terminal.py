"""Whatever the terminal is, and whatever stands in the data, a command goes on and the terminal is left alone."""

from __future__ import annotations

import io
import json
import os
import pty
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from command_line import CALL, assert_valid, call, columns, here, only_run, write
from parsing import parsed

from medalist.agent.cli.main import main
from medalist.agent.run.console import DataConsole
from medalist.agent.run.display import JsonLines, Log, PlainLines
from medalist.agent.run.printable import printable, printable_line

HOSTILE = "si\x1b[31mze"  # a column's name that would colour what follows
NOTE = {"event": "note", "text": "caf\xe9 \u2014 \x1b]0;title\x07 of sh\udcffop", "at": 1.0}

SLOW = pytest.mark.slow


@pytest.fixture(scope="module")
def competition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Escape sequences in its name, in a column's name and in values."""
    frame = columns(300).rename(columns={"size": HOSTILE})
    frame["city"] += "\x1b[2J"
    frame["sold"] = (frame[HOSTILE] + frame["weight"] > 2).astype(int)
    test = frame[200:].drop(columns="sold")
    folder = tmp_path_factory.mktemp("competitions") / "sh\x1b[2Jop"
    write(folder, frame[:200], test, test[["row"]].assign(sold=0.5), "Evaluated by the area under the ROC curve.")
    frame[200:][["row", "sold"]].to_csv(folder.parent / "answers.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def runs(competition: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    here("run", competition, "--max-experiments", "1", "--families", "linear", "--runs-dir", folder)
    return folder


def commands(competition: Path, runs: Path, out: Path) -> list[list[str]]:
    """Every command but those that run the agent, in a way that prints what stands in the data."""
    run = only_run(runs)
    at = ["--runs-dir", str(runs)]
    answers = ["--answers", str(competition.parent / "answers.csv")]
    return [
        ["inspect", str(competition)],
        ["holdout", str(competition), "--out", str(out / "cut\x1b[31m")],
        ["grade", str(run / "submission.csv"), *answers, *at],
        ["runs", *at],
        ["show", run.name, *at],
        ["features", run.name, "--all", *at],
        ["medals", *at],
        ["leaderboard"],
        ["show", "\x1b[31m", *at],  # an error that repeats what was given
    ]


def others(competition: Path, runs: Path) -> list[list[str]]:
    """Further commands on a run, which change nothing outside its folder."""
    run, at = only_run(runs), ["--runs-dir", str(runs)]
    scores = runs / "scores.txt"
    scores.write_text("0.7\n0.8\n0.9\n", encoding="utf-8")
    answers = ["--answers", str(competition.parent / "answers.csv")]
    return [
        ["--help"],
        ["run", "--help"],
        ["runs", "--everywhere", *at],
        ["report", run.name, *at],
        ["why", run.name, *at],
        ["compare", run.name, "baseline:constant", *answers, *at],
        ["leaderboard", "titanic", "--score", "0.8", "--se", "0.01"],
        ["submissions", "--no-refresh", *at],
        ["clean", *at],
        ["night", "list", *at],
        ["night", "status", *at],
        ["night", "add", str(competition), *at],
        ["night", "list", *at],
        ["night", "run", "--dry-run", "--budget", "1h", *at],
        ["night", "remove", str(competition), *at],
        ["leaderboard", "titanic"],
        ["leaderboard", "mine", "--add", str(scores), "--higher-is-better"],
        ["leaderboard", "mine", "--rename", "ours"],
        ["leaderboard", "ours", "--remove"],
    ]


ODD = {"TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "20", "LC_ALL": "C", "PYTHONIOENCODING": "latin-1"}


def test_every_command_works_in_twenty_columns(
    competition: Path,
    runs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name, value in ODD.items():
        monkeypatch.setenv(name, value)
    for arguments in [*commands(competition, runs, tmp_path)[3:-1], *others(competition, runs)]:
        with pytest.raises(SystemExit) as end:
            main(arguments)
        out, error = capsys.readouterr()
        assert end.value.code == 0, (arguments, error)
        assert out.strip()
        assert "\x1b" not in out + error, arguments


class Terminal(io.StringIO):
    """What is printed on a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


#: What a person has to fill in within a command that is named as a next step.
BLANKS = {"SCORE": "0.5", "PATH": "shop", "FOLDER": "cut", "NAME": "titanic", "RUN": "last"}


@pytest.mark.parametrize("width", [80, 20])
def test_screens_are_whole_words_and_name_commands_that_are_right(
    competition: Path, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """On a terminal nothing is cut within a word, and what is named as a next step can be typed. The screens of every
    command stay in pytest's temporary folder, for people to look at."""
    for name, value in {"COLUMNS": str(width), "TERM": "dumb", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "MEDALIST_LEADERBOARDS"):
        monkeypatch.setenv(name, str(tmp_path / name))
    every = [*commands(competition, runs, tmp_path)[2 if width == 80 else 3 :], *others(competition, runs)]
    for number, arguments in enumerate(every):
        screen = Terminal()
        monkeypatch.setattr(sys, "stdout", screen)
        monkeypatch.setattr(sys, "stderr", screen)
        with pytest.raises(SystemExit):
            main(arguments)
        text = screen.getvalue()
        name = "-".join(a for a in arguments[:2] if a.isalpha())
        (tmp_path / f"{number:02d}-{name}.txt").write_text(text, encoding="utf-8")
        shown, _, following = text.partition("\nNext:\n")
        wide = [line for line in shown.splitlines() if len(line) > width and len(line.split()) > 1]
        exempt = arguments[0] == "why" or (width == 20 and arguments[-1] == "--help")  # whole hashes; headings
        assert not wide or exempt, (arguments, wide)
        for step in (line for line in following.splitlines() if line.startswith("  medalist ")):
            typed = step.strip().partition("  ")[0]
            assert parsed([BLANKS.get(word, word) for word in shlex.split(typed)[1:]]), (arguments, step)


@SLOW
@pytest.mark.parametrize("redirection", [">&-", "| head -1", ""])
def test_further_commands_work_on_any_terminal(competition: Path, runs: Path, tmp_path: Path, redirection: str) -> None:
    for arguments in others(competition, runs):
        done = in_shell(arguments, redirection, XDG_CONFIG_HOME=str(tmp_path), **ODD)
        assert (done.returncode, b"Traceback" in done.stderr) == (0, False), (arguments, done.stderr)
        assert b"\x1b" not in done.stdout + done.stderr, arguments
        done.stdout.decode("latin-1")


def in_shell(arguments: Sequence[str], redirection: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = " ".join(map(shlex.quote, [*CALL, *arguments]))
    return subprocess.run(
        ["bash", "-c", f"{command} {redirection}"],
        capture_output=True,
        env=dict(os.environ, **environment),
        timeout=120,
        check=False,
    )


ONE_BY_ONE = """
import json, sys
from medalist.agent.cli.main import main
for arguments in json.loads(sys.argv[1]):
    sys.argv[1:] = arguments
    try:
        main()
    except SystemExit as end:
        print(f"exit code {end.code or 0}", flush=True)
"""


def test_no_command_lets_escape_sequences_through(competition: Path, runs: Path, tmp_path: Path) -> None:
    every = commands(competition, runs, tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", ONE_BY_ONE, json.dumps(every)],
        capture_output=True,
        env=dict(os.environ, PYTHONIOENCODING="ascii", LC_ALL="C"),
        timeout=120,
        check=False,
    )
    codes = [line.rpartition(b" ")[2] for line in done.stdout.splitlines() if line.startswith(b"exit code")]
    assert codes == [b"2" if "\x1b[31m" in arguments else b"0" for arguments in every], done.stderr
    assert b"\x1b" not in done.stdout + done.stderr
    assert b"Traceback" not in done.stderr
    assert (done.stdout + done.stderr).isascii()
    assert b"si\\x1b[31mze" in done.stdout


@pytest.mark.parametrize("redirection", [">&-", ">&- 2>&- <&-", pytest.param("| true", marks=SLOW)])
def test_no_command_needs_somebody_to_read_what_it_prints(
    competition: Path, runs: Path, tmp_path: Path, redirection: str
) -> None:
    """Standard streams that are closed, or whose reader goes away."""
    for arguments in commands(competition, runs, tmp_path)[:-1]:
        if redirection != "| true" and arguments[0] in ("inspect", "grade", "holdout"):
            continue  # seconds each, and one is enough
        done = in_shell(arguments, redirection)
        assert (done.returncode, done.stderr) == (0, b""), arguments


def test_what_does_not_fit_on_the_disk_is_an_error(runs: Path) -> None:
    done = in_shell(["runs", "--runs-dir", str(runs)], "> /dev/full")
    assert done.returncode == 2
    assert done.stderr == b"medalist: No space left on device; free what is missing there and try again.\n"


@pytest.mark.parametrize(
    "redirection",
    [">&- 2>&- <&-", *(pytest.param(r, marks=SLOW) for r in ("> /dev/full", "| true; exit ${PIPESTATUS[0]}"))],
)
def test_a_run_needs_nobody_to_read_what_it_prints(competition: Path, tmp_path: Path, redirection: str) -> None:
    run = ["run", str(competition), "--max-experiments", "1", "--families", "linear", "--runs-dir", str(tmp_path)]
    done = in_shell(run, redirection, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    folder = only_run(tmp_path)
    assert_valid(folder / "submission.csv", competition / "sample_submission.csv")
    assert b"\x1b" not in (folder / "log.txt").read_bytes()


def test_a_terminal_shows_names_as_text(competition: Path) -> None:
    main_end, other = pty.openpty()
    process = subprocess.Popen(
        [*CALL, "inspect", str(competition)], stdout=other, env=dict(os.environ, TERM="xterm", COLUMNS="120")
    )
    os.close(other)
    shown = b""
    try:
        while part := os.read(main_end, 4096):
            shown += part
    except OSError:  # Linux's way to say that the other end is closed
        pass
    assert process.wait(timeout=60) == 0
    assert b"si\\x1b[31mze" in shown
    assert HOSTILE.encode() not in shown


def test_names_that_are_no_utf8_are_shown(tmp_path: Path) -> None:
    done = call("inspect", os.fsdecode(bytes(tmp_path) + b"/sh\xffop.zip"), env={"PYTHONUTF8": "1"})
    assert done.returncode == 2
    assert "sh\\udcffop" in done.stderr
    assert "Traceback" not in done.stderr


def test_displays_and_log_take_any_text(tmp_path: Path) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    PlainLines(out).event(NOTE)
    JsonLines(out).event(NOTE)
    plain, document = out.buffer.getvalue().decode("ascii").splitlines()  # type: ignore[attr-defined]
    assert plain == "[   1.0 s] caf\\xe9 \\u2014 \\x1b]0;title\\x07 of sh\\udcffop"
    assert json.loads(document) == {**NOTE, "schema": 1}
    log = Log(tmp_path / "log.txt")
    log.write({**NOTE, "error": "Traceback of sh\udcffop"})
    assert "café — \\x1b]0;title\\x07 of sh\\udcffop\nTraceback of sh\\udcffop\n" in log.path.read_text("utf-8")


def test_displays_without_a_stdout_show_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    PlainLines().event(NOTE)
    JsonLines().event(NOTE)


def test_the_console_shows_text_as_it_is() -> None:
    out = io.StringIO()
    DataConsole(file=out, width=60).print("[bold]x[/bold] :car: \x1b[31m")
    assert out.getvalue() == "[bold]x[/bold] :car: \\x1b[31m\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain — text\n\tof 日本 🙂", "plain — text\n\tof 日本 🙂"),
        ("\x1b[2J\x07\x00\x7f", "\\x1b[2J\\x07\\x00\\x7f"),
        ("\x9b31m", "\\x9b31m"),  # the one-character form of what begins a sequence
        ("\u202etxt.exe\u2028", "\\u202etxt.exe\\u2028"),
        ("\udcff", "\\udcff"),
    ],
)
def test_what_is_printable(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert "\n" not in printable_line(text)
