"""`medalist compare`: a run, files and baselines on the same rows, with answers and without, and what it refuses."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command_line import bytes_below, columns, here, only_run, write

from medalist.agent.cli.main import main

Say = Callable[..., str]
TRAIN, TEST = 160, 80


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a competition (public, private), runs with one run on it, and mine.csv, a file of a person's."""
    folder = tmp_path_factory.mktemp("compare")
    rng = np.random.default_rng(0)
    frame = columns(TRAIN + TEST)
    frame["price"] = (3 * frame["size"] + frame["weight"] + rng.normal(size=len(frame))).round(4)
    sample = frame[TRAIN:][["row"]].assign(price=0.0)
    public = folder / "parcels" / "public"
    write(public, frame[:TRAIN], frame[TRAIN:].drop(columns="price"), sample, "Evaluated on mean absolute error.")
    answers = folder / "parcels" / "private" / "answers.csv"
    answers.parent.mkdir()
    frame[TRAIN:][["row", "price"]].to_csv(answers, index=False)
    here("run", public, "--max-experiments", "1", "--families", "linear", "--runs-dir", folder / "runs")
    mine = pd.read_csv(only_run(folder / "runs") / "submission.csv")
    mine["price"] += rng.normal(size=TEST).round(4)
    mine.sample(frac=1.0, random_state=0).to_csv(folder / "mine.csv", index=False)
    return folder


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """`medalist ARGUMENTS` in this process: what it prints, and after an error what it says of it."""

    def run(*arguments: str | Path) -> str:
        with pytest.raises(SystemExit) as end:
            main([*map(str, arguments)])
        out, error = capsys.readouterr()
        return out if end.value.code == 0 else " ".join(error.split())

    return run


def given(place: Path, *options: str | Path) -> tuple[str | Path, ...]:
    return ("--data", place / "parcels", "--runs-dir", place / "runs", *options)


def compared(say: Say, place: Path, *arguments: str | Path) -> dict[str, Any]:
    return dict(json.loads(say("compare", *arguments, *given(place, "--json"))))


def test_a_run_a_baseline_and_a_file_on_answers(say: Say, place: Path) -> None:
    found = compared(say, place, "last", "baseline:constant", place / "mine.csv")
    run, constant, mine = found["entries"]
    assert (found["basis"], found["rows"], len(found["pairs"])) == ("holdout", TEST, 3)
    answers = place / "parcels" / "private" / "answers.csv"
    file = place / "mine.csv"
    graded = json.loads(
        say("grade", file, "--competition", place / "parcels", "--answers", answers, "--runs-dir", place, "--json")
    )
    assert mine["score"] == pytest.approx(graded["score"])
    better, alike, _ = found["pairs"]
    assert (better["second"], better["first_is"]) == (constant["name"], "better")
    assert better["agreement"] is None  # of a constant
    assert alike["difference"] == pytest.approx(mine["score"] - run["score"])  # of errors: positive is better
    assert alike["interval"][0] < alike["difference"] < alike["interval"][1]
    assert 0.8 < alike["agreement"] < 1.0


def test_one_alone_is_compared_with_the_baselines_in_80_columns_and_nothing_is_written(
    say: Say, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    before = bytes_below(place)
    text = say("compare", "last", *given(place))
    assert bytes_below(place) == before
    shown, _, following = text.partition("\nNext:\n")
    assert max(map(len, shown.splitlines())) <= 80
    assert "medalist why" in following  # a command is one line, however long, to be copied
    for name in ("baseline:constant", "baseline:linear", "baseline:lightgbm", "80 test rows with answers"):
        assert name in text


def test_without_answers_out_of_fold(say: Say, place: Path) -> None:
    names = ("last", "baseline:constant", "baseline:linear", place / "mine.csv")
    found = compared(say, place, *names, "--out-of-fold")
    run, constant, linear, mine = found["entries"]
    assert (found["basis"], found["rows"]) == ("cross-validation", TRAIN)
    assert linear["score"] < 0.6 * constant["score"]
    assert mine["score"] is None
    assert "no out-of-fold predictions" in mine["note"]
    assert "fresh folds" in run["note"]
    summary = json.loads((only_run(place / "runs") / "summary.json").read_text())
    assert run["score"] == pytest.approx(summary["search_score"])
    assert constant["score"] == pytest.approx(summary["constant_score"])
    last = found["pairs"][-1]
    assert (last["second"], last["difference"]) == ("mine.csv", None)
    assert last["agreement"] > 0.8
    assert found["pairs"][0]["first_is"] == "better"


def test_files_alone_by_their_answers_and_a_metric(say: Say, place: Path) -> None:
    other = place / "other.csv"
    frame = pd.read_csv(place / "mine.csv")
    frame.assign(price=1.0).to_csv(other, index=False)
    answers = place / "parcels" / "private" / "answers.csv"
    files = ("compare", place / "mine.csv", other, "--runs-dir", place / "none")
    found = json.loads(say(*files, "--answers", answers, "--metric", "rmse", "--json"))
    assert (found["metric"], found["pairs"][0]["first_is"]) == ("rmse", "better")
    assert "say where it is with --data" in say(*files)


def test_groups_of_the_test_rows_count_as_units(say: Say, tmp_path: Path) -> None:
    frame = columns(400).assign(shop=np.repeat(np.arange(40), 10), price=np.arange(400.0) % 17)
    test, sample = frame[200:].drop(columns="price"), frame[200:][["row"]].assign(price=0.0)
    folder = write(tmp_path / "shops" / "public", frame[:200], test, sample, "Evaluated on mean absolute error.")
    (tmp_path / "shops" / "private").mkdir()
    frame[200:][["row", "price"]].to_csv(tmp_path / "shops" / "private" / "answers.csv", index=False)
    rng = np.random.default_rng(0)
    for name, noise in (("a.csv", 1.0), ("b.csv", 2.0)):
        sample.assign(price=frame[200:].price + noise * rng.normal(size=200)).to_csv(tmp_path / name, index=False)
    at = ("--data", folder.parent, "--runs-dir", tmp_path / "runs")
    found = json.loads(say("compare", tmp_path / "a.csv", tmp_path / "b.csv", *at, "--json"))
    assert (found["rows"], found["units"]) == (200, 20)
    assert found["pairs"][0]["first_is"] == "better"


def changed(place: Path, tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Path:
    change(pd.read_csv(place / "mine.csv")).to_csv(tmp_path / "changed.csv", index=False)
    return tmp_path / "changed.csv"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda f: f[3:], "changed.csv: It lacks 3 of the 80 test rows of parcels"),
        (
            lambda f: f.assign(**{f.columns[0]: range(9_000_000, 9_000_080)}),
            "None of its ids is of a test row of parcels",
        ),
        (
            lambda f: pd.concat([f[1:], f[:1].assign(**{f.columns[0]: 9_000_000})]),
            "1 of its 80 ids, such as 9000000, are",
        ),
        (lambda f: pd.concat([f, f[:1]]), "changed.csv: The submission holds the same id twice"),
        (lambda f: f.rename(columns={f.columns[0]: "nr"}), "changed.csv: It has no column"),
        (lambda f: f.assign(**{f.columns[-1]: np.nan}), "changed.csv: The submission has missing values"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_one_sentence(
    say: Say, place: Path, tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], sentence: str
) -> None:
    file = changed(place, tmp_path, change)
    for options in ((), ("--out-of-fold",)):
        assert sentence in say("compare", file, "baseline:constant", *given(place, *options))


def test_what_cannot_be_compared_is_told_why(say: Say, place: Path, tmp_path: Path) -> None:
    at = given(place)
    assert "those that there are are baseline:constant" in say("compare", "last", "baseline:forest", *at)
    assert "There is no submission file" in say("compare", "last", place / "absent.csv", *at)
    assert "is named twice" in say("compare", "last", "last", *at)
    assert "two or more" in say("compare", "baseline:linear", *at)
    assert "has no run nonsense" in say("compare", "nonsense", "baseline:linear", *at)
    assert "no answers are known" in say(
        "compare", place / "mine.csv", shutil.copy(place / "mine.csv", tmp_path / "same.csv"), "--out-of-fold", *at
    )
    other = columns(60).assign(price=np.arange(60.0))
    test, sample = other[40:].drop(columns="price"), other[40:][["row"]].assign(price=0.0)
    folder = write(tmp_path / "trains", other[:40], test, sample, "Evaluated on mean absolute error.")
    options = ("--data", folder, "--runs-dir", place / "runs")
    assert "compare what is of one competition" in say("compare", "last", "baseline:constant", *options)
