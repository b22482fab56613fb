"""Every --json is held to its model: one object with the version of its schema, and no field that is not declared."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import columns, write
from pydantic import ValidationError

from medalist.agent.cli.documents import DOCUMENTS
from medalist.agent.cli.main import main
from medalist.agent.cli.registry import COMMANDS, NIGHT
from medalist.competitions.errors import MedalistError

Printed = Callable[..., list[str]]

#: Arguments by command; RUN, DATA, OUT and ANSWERS stand for a run, its data, a new folder and a file of answers.
CALLS: dict[str, list[tuple[str, ...]]] = {
    "inspect": [("DATA",)],
    "runs": [(), ("--everywhere",), ("nothing",)],
    "show": [("RUN",)],
    "report": [("RUN",)],
    "features": [("RUN",)],
    "why": [("RUN",)],
    "compare": [("RUN", "baseline:constant", "--answers", "ANSWERS")],
    "medals": [()],
    "leaderboard": [
        (),
        ("titanic", "--score", "0.79", "--se", "0.01"),
        ("mine", "--add", "SCORES", "--lower-is-better"),
        ("mine", "--rename", "ours"),
        ("ours", "--remove"),
    ],
    "submissions": [("--no-refresh",)],
    "holdout": [("DATA", "--out", "OUT")],
    "grade": [("RUN/submission.csv", "--answers", "ANSWERS")],
    "clean": [()],
    "night add": [("DATA",)],
    "night list": [()],
    "night run": [("--dry-run", "--budget", "10m")],
    "night status": [()],
    "night remove": [("DATA",)],
    "night uninstall": [()],
}
#: Tested where they run for long, or send or install something.
ELSEWHERE = {"run", "resume", "demo", "reproduce", "submit", "night install", "night report"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("json")
    frame = columns(120)
    frame["price"] = (2 * frame["size"] + frame["weight"]).round(3)
    test = frame[80:]
    sample = test[["row"]].assign(price=0.0)
    write(folder / "shop", frame[:80], test.drop(columns="price"), sample, "Evaluated on RMSE.")
    test[["row", "price"]].to_csv(folder / "answers.csv", index=False)
    (folder / "scores.txt").write_text("0.1\n0.2\n0.3\n", encoding="utf-8")
    return folder


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str], place: Path, monkeypatch: pytest.MonkeyPatch) -> Printed:
    """The lines of a command's stdout, which ends well."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(place / "config"))

    def printed(*arguments: str) -> list[str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main(arguments)
        out, error = capsys.readouterr()
        assert end.value.code == 0, error
        return out.splitlines()

    return printed


@pytest.fixture
def run(printed: Printed, place: Path) -> str:
    """The folder of a run of one experiment."""
    found = sorted((place / "runs" / "shop").glob("2*"))
    if not found:
        lines = printed(
            "run", str(place / "shop"), "--max-experiments", "1", "--families", "linear", "--runs-dir",
            str(place / "runs"), "--json",
        )  # fmt: skip
        for line in lines:
            holds("run", json.loads(line))
        found = sorted((place / "runs" / "shop").glob("2*"))
    return str(found[0])


def holds(command: str, document: Any) -> None:
    """One of the models of a command is that of a document."""
    failures = []
    for model in DOCUMENTS[command]:
        try:
            model.model_validate_json(json.dumps(document))
            return
        except ValidationError as error:
            failures.append(error)
    raise AssertionError([str(error)[:600] for error in failures])


def test_every_command_has_a_model() -> None:
    names = {f.__name__.strip("_") for functions in COMMANDS.values() for f in functions}
    assert set(DOCUMENTS) == names | {f"night {name}" for name in NIGHT}
    assert set(CALLS) | ELSEWHERE == set(DOCUMENTS)


@pytest.mark.parametrize("command", CALLS)
def test_documents_are_those_that_are_declared(printed: Printed, place: Path, run: str, command: str) -> None:
    words = {"RUN": Path(run).name, "DATA": str(place / "shop"), "OUT": str(place / "cut")}
    words |= {"ANSWERS": str(place / "answers.csv"), "SCORES": str(place / "scores.txt")}
    words |= {"RUN/submission.csv": f"{run}/submission.csv"}
    for arguments in CALLS[command]:
        given = [words.get(word, word) for word in arguments]
        if command not in ("inspect", "holdout", "leaderboard", "night uninstall"):
            given += ["--runs-dir", str(place / "runs")]
        lines = printed(*command.split(), *given, "--json")
        holds(command, json.loads("\n".join(lines)))


def test_a_field_that_is_not_declared_is_seen() -> None:
    with pytest.raises(AssertionError, match="extra"):
        holds("report", {"schema": 1, "report": "a", "bytes": 1, "more": 2})
    with pytest.raises(AssertionError, match="schema"):
        holds("report", {"report": "a", "bytes": 1})


def test_errors_are_the_same_with_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as end:
        main(["show", "nothing", "--runs-dir", str(tmp_path), "--json"])
    out, error = capsys.readouterr()
    assert (end.value.code, out) == (MedalistError.exit_code, "")
    assert error.startswith("medalist: ")
