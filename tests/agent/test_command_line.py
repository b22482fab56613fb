"""What holds for the command line as a whole: layout, names that are nearly right, and what is found from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import columns, here, write

from medalist.agent.cli.layout import fitted, table_text
from medalist.agent.cli.main import main
from medalist.competitions.plural import count_text

ROWS = [("20261201-050345-ac3d5098", "titanic", "7", "a reason of many words " * 4)]


def said(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[object, str, str]:
    """Exit code, stdout and stderr of a command."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main([*map(str, arguments)])
    return end.value.code, *capsys.readouterr()


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_a_table_fits_and_loses_nothing(width: int) -> None:
    text = table_text(("run", "competition", "tried", "why"), ROWS, right=(2,), width=width)
    assert max(map(len, text.splitlines())) <= width
    assert text.count("reason") == 4
    assert "20261201-050345-ac3d5098" in text.replace("\n  ", "")


def test_words_that_are_too_long_for_a_cell_are_broken_after_punctuation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    expression = "target_mean(bin((mean(spend)_by_age,city),12))"
    text = table_text(("dropped", "gain", "why"), [(expression, "0.1", "rows that did not choose it " * 3)], right=(1,))
    first = [line[: line.index("gain")] if "gain" in line else line.split("  ")[0] for line in text.splitlines()[1:]]
    pieces = [piece.strip() for piece in first if piece.strip()]
    assert "".join(pieces) == expression
    assert all(piece[-1] in "(),_" for piece in pieces[:-1])


def test_lines_are_broken_at_blanks_and_keep_their_indent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    text = fitted("short\n  one two three four five six\n/a/path/that/is/longer/than/that")
    assert text.split("\n") == ["short", "  one two three four", "  five six", "/a/path/that/is/longer/than/that"]


def test_counts_have_their_nouns() -> None:
    assert [count_text(n, "run") for n in (1, 2, 2000)] == ["1 run", "2 runs", "2,000 runs"]


@pytest.mark.parametrize("width", ["20", "80"])
@pytest.mark.parametrize("command", ["", "run", "night"])
def test_help_is_whole_sentences_that_fit(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: str, command: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    code, out, _ = said(capsys, *command.split(), "-h")
    assert (code, "..." in out.replace("[ARGS]...", "")) == (0, False)
    assert width == "20" or max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [(("rnu",), "run"), (("run", "x", "--budgt", "1m"), "--budget"), (("inspect", "shpo/public"), "shop/public")],
)
def test_what_is_nearly_right_is_named(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    meant: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").mkdir()
    code, out, error = said(capsys, *arguments)
    assert (code, out, error.count("\n")) == (2, "", 1)
    assert f"did you mean '{meant}'" in error or f"did you mean {meant}" in error


def test_a_run_is_found_from_elsewhere_with_its_task_and_its_moved_data(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    frame = columns(90).assign(price=lambda f: f["size"] * 2)
    test = frame[60:]
    shop = write(tmp_path / "shop", frame[:60], test.drop(columns="price"), test[["row"]].assign(price=0.0), "By RMSE.")
    (shop / "task.yaml").write_text("metric: mae\n", encoding="utf-8")
    code, _, error = said(capsys, "inspect", shop, "--target", "price")
    assert code == 2
    assert "task.yaml says what the task is" in error
    counted = ("--families", "linear", "--max-experiments", "1", "--runs-dir", tmp_path / "runs")
    run = here("run", shop, *counted)
    assert run["metric"] == "mae"
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    code, out, error = said(capsys, "show", run["run"][:-2])
    assert code == 0
    assert run["run"] in out
    assert str(tmp_path / "runs") in error
    assert "--everywhere" in said(capsys, "runs")[1]
    assert run["run"] in said(capsys, "runs", "--everywhere")[1]
    shop.rename(tmp_path / "moved")
    more = ("resume", run["run"], "--max-experiments", "2", "--runs-dir", tmp_path / "runs")
    code, _, error = said(capsys, *more)
    assert code == 2
    assert "--data PATH" in error
    assert here(*more, "--data", tmp_path / "moved")["experiments"] == 2
