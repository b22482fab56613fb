"""A table of bad input on the command line: each gets one clear sentence and exit code 2, and nothing is written."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import bytes_below, call, columns, here, write

from medalist.agent.cli.main import main

Table = pd.DataFrame
COUNTED = ("--max-experiments", "1")


def good(folder: Path) -> Path:
    frame = columns(80).assign(price=np.linspace(5, 9, 80).round(3))
    test = frame[50:].drop(columns="price")
    return write(folder, frame[:50], test, test[["row"]].assign(price=0.0), "Evaluated on RMSE.")


def changed(name: str, edit: Callable[[Table], Table], **how: object) -> Callable[[Path], None]:
    """One of the tables is edited."""

    def change(folder: Path) -> None:
        path = folder / f"{name}.csv"
        edit(pd.read_csv(path)).to_csv(path, index=False, **how)  # type: ignore[call-overload]

    return change


def holding(name: str, data: bytes) -> Callable[[Path], None]:
    """One of the files holds these bytes."""
    return lambda folder: (folder / name).write_bytes(data) and None


def without(*names: str) -> Callable[[Path], None]:
    return lambda folder: [(folder / f"{name}.csv").unlink() for name in names] and None


def untouched(_: Path) -> None:
    pass


def twice(table: Table) -> Table:
    return table.assign(row=[table["row"].iloc[1], *table["row"][1:]])


COMPETITIONS: dict[str, tuple[Callable[[Path], None], tuple[str, ...], str]] = {
    "an empty file": (holding("train.csv", b""), (), r"train\.csv is empty"),
    "no sample": (without("sample_submission"), (), "--sample FILE, or --id and --target"),
    "no test": (without("test"), (), "--test"),
    "a train table without its target": (
        changed("train", lambda t: t.drop(columns="price")),
        (),
        r"every column of train\.csv is in test\.csv too.*its target is missing",
    ),
    "a target with one value": (changed("train", lambda t: t.assign(price=1.0)), (), "one value only.*--target"),
    "a target without values": (changed("train", lambda t: t.assign(price=np.nan)), (), "price|target"),
    "duplicate ids": (changed("test", twice), (), "duplicate ids"),
    "other columns in test": (changed("test", lambda t: t.rename(columns=lambda c: f"{c}_")), (), "--test"),
    "a target of mixed types": (
        changed("train", lambda t: t.assign(price=t["price"].astype(object).where(t.index != 7, "n/k"))),
        ("--problem-type", "regression"),
        "no numbers, such as 'n/k'",
    ),
    "bytes that are no text": (holding("train.csv", b"\x89PNG\0\0\0"), (), "bytes that are no text"),
    "nothing to predict from": (
        changed("test", lambda t: t[["row"]]),
        (),
        "share no column to predict from",
    ),
    "a metric unknown": (untouched, ("--metric", "rmsq"), "rmse"),
    "a metric file that is not there": (untouched, ("--metric", "mine.py:score"), r"mine\.py does not exist"),
    "a metric of another kind of task": (untouched, ("--metric", "auc"), "auc"),
    "a logarithm of a negative": (
        changed("train", lambda t: t.assign(price=t["price"] - 6)),
        ("--metric", "rmsle"),
        "logarithmic error needs values of zero or more.*another metric",
    ),
    "a problem type unknown": (untouched, ("--problem-type", "guess"), "--problem-type.*binary, multiclass, ordinal"),
    "a target that is no column": (untouched, ("--target", "prize"), "--target"),
    "an id that is no column": (untouched, ("--id", "number"), "--id"),
    "folds unknown": (untouched, ("--folds", "kfold"), "--folds"),
    "folds by a column that is not there": (untouched, ("--folds", "time:day"), "day"),
    "a task file that is not there": (untouched, ("--task", "nowhere.yaml"), r"nowhere\.yaml cannot be read"),
    "a table that is not there": (untouched, ("--train", "nowhere.csv"), r"--train nowhere\.csv"),
}

RUNS: dict[str, tuple[tuple[str, ...], str]] = {
    "no budget": ((), "--budget 10m, --until 07:00 or --max-experiments"),
    "two budgets": (("--budget", "10m", "--until", "07:00"), "--budget or --until, not both"),
    "too small a budget": (("--budget", "2s"), "2 s is too small: give at least 10 s"),
    "an empty budget": (("--budget", ""), "--budget|90s"),
    "a budget of nothing": (("--budget", "0s"), "90s, 10m, 8h"),
    "a budget that cannot be read": (("--budget", "soon"), "'soon': write 90s, 10m, 8h"),
    "a time that cannot be read": (("--until", "25:00"), "'25:00': write it as HH:MM"),
    "no experiments": (("--max-experiments", "0"), "--max-experiments 1 or more"),
    "no child processes": ((*COUNTED, "--threads", "0"), "--threads 1 or more"),
    "fewer than no child processes": ((*COUNTED, "--threads", "-2"), "--threads 1 or more"),
    "a seed below nothing": ((*COUNTED, "--seed", "-1"), "--seed is -1: give a whole number from 0"),
    "a leaderboard that nobody knows": (
        (*COUNTED, "--leaderboard", "titnic"),
        "No leaderboard named titnic.*medalist leaderboard lists",
    ),
    "a family unknown": ((*COUNTED, "--families", "lightgbm,forest"), "family 'forest': use lightgbm"),
    "a task file and options": ((*COUNTED, "--task", "t.yaml", "--target", "y"), "--task or --target, not both"),
}

OTHERS: dict[str, tuple[tuple[str, ...], str]] = {
    "a competition that is not there": (("inspect", "./nowhere"), "does not exist"),
    "a file and no competition": (("inspect", "t.yaml"), "single file"),
    "a table without a test": (("run", "good/train.csv", "--budget", "20s"), "medalist holdout"),
    "an empty folder": (("inspect", "empty"), "no table"),
    "a task that cannot be written": (("inspect", "good", "--write", "nowhere/task.yaml"), "cannot be written"),
    "a broken zip": (("inspect", "broken.zip"), "broken archive"),
    "a run unknown": (("show", "2020", "--runs-dir", "nowhere"), "does not exist, so there is no run 2020"),
    "a run unknown to resume": (("resume", "2020", "--runs-dir", "nowhere"), "does not exist, so there is no run 2020"),
    "a ledger that is none": (("runs", "--runs-dir", "noledger"), "is not a SQLite database"),
    "a runs folder that is a file": (
        ("run", "good", *COUNTED, "--runs-dir", "good/train.csv"),
        "Not a directory.*--runs-dir",
    ),
    "a submission that is not there": (("grade", "no.csv", "--answers", "answers.csv"), r"no submission file no\.csv"),
    "answers that are not there": (("grade", "mine.csv", "--answers", "no.csv"), r"no answers file no\.csv"),
    "a submission of no run": (("grade", "mine.csv", "--answers", "answers.csv"), "--competition or --metric"),
    "ids of another holdout": (
        ("grade", "moved.csv", "--answers", "answers.csv", "--metric", "rmse"),
        "ids of the submission are not those of the answers",
    ),
    "the same id twice": (
        ("grade", "twice.csv", "--answers", "answers.csv", "--competition", "good"),
        "the same id twice",
    ),
    "a submission without a prediction": (
        ("grade", "gaps.csv", "--answers", "answers.csv", "--competition", "good"),
        "missing values",
    ),
    "a submission of words": (
        ("grade", "words.csv", "--answers", "answers.csv", "--competition", "good"),
        "must hold numbers in price",
    ),
    "a submission without its column": (
        ("grade", "bare.csv", "--answers", "answers.csv", "--competition", "good"),
        "no column 'price'",
    ),
    "a submission of another competition": (
        ("grade", "foreign.csv", "--answers", "answers.csv", "--competition", "good"),
        r"first line of foreign\.csv \(PassengerId, Survived\) has other names.*row, price",
    ),
    "a submission that is no table": (("grade", "torn.csv", "--answers", "answers.csv"), "cannot be read as CSV"),
    "an empty submission": (("grade", "void.csv", "--answers", "answers.csv"), "cannot be read as CSV"),
    "a submission that is no text": (("grade", "picture.csv", "--answers", "answers.csv"), "cannot be read as CSV"),
    "a share above one": (("holdout", "good", "--out", "cut", "--fraction", "1.5"), "between 0 and 1"),
    "a holdout where something is": (("holdout", "good", "--out", "good"), "not an empty folder"),
    "a leaderboard unknown": (("leaderboard", "nowhere-at-all"), "medalist leaderboard lists"),
    "a leaderboard without a name": (("leaderboard", "--add", "answers.csv"), "medalist leaderboard NAME --add FILE"),
    "a leaderboard misspelt": (("leaderboard", "titnic"), r"did you mean titanic\?"),
    "a leaderboard that is not shipped": (
        ("leaderboard", "digit-recognizer"),
        "leaderboard digit-recognizer --add FILE",
    ),
    "a shipped leaderboard removed": (("leaderboard", "titanic", "--remove"), "only your own can be removed"),
    "a shipped leaderboard renamed": (("leaderboard", "titanic", "--rename", "sunk"), "no leaderboard named titanic"),
    "a score of no leaderboard": (("leaderboard", "--score", "0.8"), "medalist leaderboard NAME --score"),
    "an error of no score": (("leaderboard", "titanic", "--se", "0.1"), "--se is the standard error of --score"),
    "a negative error": (("leaderboard", "titanic", "--score", "0.8", "--se", "-1"), "a number and not negative"),
    "two actions": (("leaderboard", "mine", "--remove", "--rename", "yours"), "--rename or --remove, not both"),
    "a metric that the leaderboard does not count": (
        ("leaderboard", "titanic", "--metric", "rmse"),
        "counts another metric",
    ),
    "a leaderboard file that is not there": (("leaderboard", "mine", "--add", "no.csv"), r"no\.csv cannot be read"),
    "a leaderboard without scores": (("leaderboard", "mine", "--add", "answers.csv"), "no column Score"),
    "a budget for the demo": (("demo", "--budget", "1s"), "too small"),
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a good competition and some files to go wrong with."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEDALIST_LEADERBOARDS", str(tmp_path / "boards"))
    good(tmp_path / "good")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.zip").write_bytes(b"nothing")
    (tmp_path / "noledger").mkdir()
    (tmp_path / "noledger" / "ledger.sqlite").write_text("these are no rows of a table " * 50, encoding="utf-8")
    answers = pd.DataFrame({"row": range(51, 81), "price": np.linspace(1, 2, 30)})
    for name, frame in {
        "answers": answers,
        "mine": answers,
        "moved": answers.assign(row=answers["row"] + 5),
        "twice": twice(answers),
        "gaps": answers.assign(price=answers["price"].where(answers.index > 0)),
        "words": answers.assign(price="much"),
        "bare": answers[["row"]],
    }.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    answers.set_axis(["PassengerId", "Survived"], axis=1).to_csv(tmp_path / "foreign.csv", index=False)
    (tmp_path / "torn.csv").write_text("row,price\n51,1\n52,1,2,3\n", encoding="utf-8")
    (tmp_path / "void.csv").write_bytes(b"")
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe\0\0")
    (tmp_path / "t.yaml").write_text("metric: mae\n", encoding="utf-8")
    return tmp_path


def refused(place: Path, capfd: pytest.CaptureFixture[str], said: str, *arguments: str) -> None:
    """The command line refuses in one sentence, and every file is as it was."""
    before = bytes_below(place)
    capfd.readouterr()
    with pytest.raises(SystemExit) as end:
        main(arguments)
    out, error = capfd.readouterr()
    assert end.value.code == 2
    assert out == ""
    assert re.fullmatch(r"medalist: [^\n]+[.)…]\n", error), error
    assert re.search(said, error), error
    after = bytes_below(place)
    assert {p for p in after if p not in before} == set()
    assert after == before


@pytest.mark.parametrize("case", COMPETITIONS)
def test_a_competition_that_cannot_be_run(place: Path, capfd: pytest.CaptureFixture[str], case: str) -> None:
    change, options, said = COMPETITIONS[case]
    change(place / "good")
    refused(place, capfd, said, "run", "good", *COUNTED, *options)


@pytest.mark.parametrize("case", RUNS)
def test_a_run_that_cannot_begin(place: Path, capfd: pytest.CaptureFixture[str], case: str) -> None:
    options, said = RUNS[case]
    refused(place, capfd, said, "run", "good", *options)


@pytest.mark.parametrize("case", OTHERS)
def test_a_command_that_cannot_be_obeyed(place: Path, capfd: pytest.CaptureFixture[str], case: str) -> None:
    arguments, said = OTHERS[case]
    refused(place, capfd, said, *arguments)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_only_be_read(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    locked = place / "locked"
    locked.mkdir(mode=0o500)
    refused(place, capfd, "locked", "run", "good", *COUNTED, "--runs-dir", "locked/runs")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_one_sentence(place: Path) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = call("inspect", "good", "--json", cwd=place, stdout=full)
    assert done.returncode == 2
    assert re.fullmatch(r"medalist: [^\n]+\n", done.stderr), done.stderr


def test_a_run_goes_on_with_its_own_data_only(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    summary = here("run", "good", *COUNTED, "--runs-dir", "runs")
    task = Path(summary["submission"]).with_name("task.yaml")
    more = ("resume", summary["run"], "--max-experiments", "2", "--runs-dir", "runs")
    kept = task.read_text(encoding="utf-8")
    task.write_text(kept.replace("metric: rmse", "metric: mae"), encoding="utf-8")
    refused(place, capfd, r"was changed since run .* --task", *more)
    task.write_text(kept, encoding="utf-8")
    changed("train", lambda t: t.assign(price=t["price"] + 1))(place / "good")
    refused(place, capfd, "has changed since run .*start a new run", *more)
    shutil.rmtree(place / "good")
    refused(place, capfd, "good", *more)


def test_a_run_needs_more_than_its_first_letters(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole = [here("run", "good", *COUNTED, "--runs-dir", "runs")["run"] for _ in range(2)]
    refused(place, capfd, "2 runs begin with '20'", "show", "20", "--runs-dir", "runs")
    for budget, said in (("soon", "90s, 10m, 8h"), ("1s", "too small")):
        refused(place, capfd, said, "resume", whole[0], "--budget", budget, "--runs-dir", "runs")
