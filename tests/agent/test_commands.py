"""The commands besides `run`: what they print for people and for machines, and what they write down."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from command_line import bytes_below, call, columns, demo, here, ledger_of, start, write

from medalist.agent.cli.main import main
from medalist.agent.grading import grade
from medalist.competitions.competition import read_competition
from medalist.competitions.task.file import read_task

Say = Callable[..., str]

COMMANDS = (
    "run",
    "resume",
    "demo",
    "inspect",
    "grade",
    "compare",
    "holdout",
    "runs",
    "show",
    "features",
    "medals",
    "leaderboard",
    "night",
)
HEAVY = ("pandas", "numpy", "sklearn", "scipy", "lightgbm", "catboost", "optuna", "pyarrow", "sqlalchemy")


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def answers(public: Path) -> Path:
    return public.parent / "private" / "answers.csv"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def done(public: Path, runs: Path) -> dict[str, Any]:
    return here("run", public, "--max-experiments", "2", "--runs-dir", runs)


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Calls the command line in this process and returns what it prints; it must end well and complain of nothing."""

    def say(*arguments: str | Path) -> str:
        with pytest.raises(SystemExit) as end:
            main([*map(str, arguments)])
        out, error = capsys.readouterr()
        assert (end.value.code, error) == (0, "")
        return out

    return say


# inspect


def test_inspect_for_machines(say: Say, public: Path) -> None:
    before = bytes_below(public)
    document = json.loads(say("inspect", public, "--json"))
    assert {"task", "columns", "audit"} <= set(document)
    task = document["task"]
    assert (task["id"], task["targets"]) == (["parcel_id"], ["late"])
    assert (task["metric"], task["metric_source"], task["problem_type"]) == ("auc", "description", "binary")
    assert task["folds"]["scheme"] == "stratified"
    kinds = {c["name"]: c["kind"] for c in document["columns"]}
    assert (kinds["handed_in"], kinds["service"], kinds["note"]) == ("date", "category", "category")  # labels
    assert all({"kind", "severity", "columns", "message"} <= set(f) for f in document["audit"])
    assert bytes_below(public) == before


def test_inspect_for_people(say: Say, public: Path) -> None:
    out = say("inspect", public)
    for word in ("parcel_id", "late", "auc (description)", "stratified", "handed_in", "date", "train.csv", "missing"):
        assert word in out


def test_square_brackets_are_shown_as_they_are(say: Say, tmp_path: Path) -> None:
    frame = columns(300).assign(late=np.tile([0, 1, 1], 100))
    frame["Temp [c]"], frame["Temp [f]"] = np.arange(300) / 7, np.arange(300)[::-1] / 9
    frame["said"] = [f"[/quote] [bold] number {i} of the words" for i in range(300)]
    test, sample = frame[200:].drop(columns="late"), frame[200:][["row"]].assign(late=0.5)
    out = say("inspect", write(tmp_path / "odd [x]", frame[:200], test, sample, "Evaluated on [AUC] (ROC)."))
    for word in ("Temp [c]", "Temp [f]", "[/quote] [bold]", "odd [x]"):
        assert word in out


def test_what_a_person_corrects_is_obeyed(say: Say, public: Path, tmp_path: Path) -> None:
    file = tmp_path / "task.yaml"
    say("inspect", public, "--write", file)
    task = yaml.safe_load(file.read_text(encoding="utf-8"))
    task["metric"] = "logloss"
    task["drop"] += ["route", "note"]
    task["folds"]["n_splits"] = 3
    task["columns"] = {"promised_hours": "category"}
    file.write_text(yaml.safe_dump(task), encoding="utf-8")
    seen = json.loads(say("inspect", public, "--task", file, "--json"))
    assert (seen["task"]["metric"], seen["task"]["metric_source"]) == ("logloss", "file")
    kinds = {c["name"]: c["kind"] for c in seen["columns"]}
    assert kinds["promised_hours"] == "category"
    assert {"route", "note"}.isdisjoint(kinds)
    summary = here("run", public, "--max-experiments", "1", "--task", file, "--runs-dir", tmp_path / "runs")
    assert summary["metric"] == "logloss"
    kept = yaml.safe_load(Path(summary["submission"]).with_name("task.yaml").read_text(encoding="utf-8"))
    assert (kept["metric"], kept["drop"], kept["folds"]["n_splits"]) == ("logloss", task["drop"], 3)
    with ledger_of(tmp_path / "runs") as ledger:
        (experiment,) = ledger.experiments(summary["run"])
    used = " ".join(experiment.pipeline["features"])
    assert "code(promised_hours)" in used
    assert "parcel_id" not in used
    assert "note" not in used
    assert "route" not in used


# grade


def test_grade_by_the_run(say: Say, runs: Path, answers: Path, done: dict[str, Any]) -> None:
    graded = json.loads(say("grade", done["submission"], "--answers", answers, "--runs-dir", runs, "--json"))
    assert (graded["competition"], graded["metric"], graded["standing"]) == ("late-parcels", "auc", None)
    from sklearn.metrics import roc_auc_score

    by_hand = roc_auc_score(pd.read_csv(answers)["late"], pd.read_csv(done["submission"])["late"])
    assert graded["score"] == pytest.approx(by_hand)
    with ledger_of(runs) as ledger:
        logged = [s for s in ledger.standings("late-parcels") if s.basis == "holdout"]
    assert [(s.run_id, s.score) for s in logged] == [(done["run"], graded["score"])]
    assert f"{graded['score']:.6g}" in say("show", done["run"], "--runs-dir", runs)


def test_a_run_is_known_from_every_folder(
    say: Say, public: Path, answers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(public.parent)
    done = here("run", "public", "--max-experiments", "1", "--runs-dir", tmp_path / "runs")
    submission = Path(done["submission"]).resolve()
    monkeypatch.chdir(tmp_path)
    assert json.loads(say("grade", submission, "--answers", answers, "--runs-dir", "runs", "--json"))["metric"] == "auc"
    assert here("resume", done["run"], "--max-experiments", "2", "--runs-dir", "runs")["experiments"] == 2
    monkeypatch.chdir(public)
    assert json.loads(say("show", submission.parent, "--json"))["run"]["id"] == done["run"]  # by its own folder
    assert json.loads(say("features", os.path.relpath(submission.parent), "--json"))


def _copy(folder: Path) -> Path:
    shutil.copytree(folder / "moved", folder / "copy")
    return folder / "copy"


@pytest.mark.slow
def test_a_folder_of_runs_may_be_moved(
    say: Say, public: Path, answers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = here("run", public, "--max-experiments", "1", "--runs-dir", tmp_path / "runs")
    shutil.move(tmp_path / "runs", tmp_path / "moved")
    submission = tmp_path / "moved" / "late-parcels" / done["run"] / "submission.csv"
    graded = json.loads(say("grade", submission, "--answers", answers, "--runs-dir", tmp_path / "moved", "--json"))
    assert graded["metric"] == "auc"
    more = here("resume", done["run"], "--max-experiments", "2", "--runs-dir", tmp_path / "moved")
    assert more["experiments"] == 2
    assert Path(more["submission"]) == submission
    assert more["seconds"] > done["seconds"]  # of all its parts
    with ledger_of(tmp_path / "moved") as ledger:
        assert Path(ledger.run(done["run"]).folder) == submission.parent
    before = submission.read_bytes()
    assert not (tmp_path / "runs").exists()
    copied = here("resume", done["run"], "--max-experiments", "3", "--runs-dir", _copy(tmp_path))
    assert Path(copied["submission"]).is_relative_to(tmp_path / "copy")
    assert submission.read_bytes() == before
    shutil.move(submission.parent, tmp_path / "elsewhere" / done["run"])
    alone = tmp_path / "elsewhere" / done["run"] / "submission.csv"
    (tmp_path / "link.csv").symlink_to(alone)
    for place in (alone, tmp_path / "link.csv"):
        graded = json.loads(say("grade", place, "--answers", answers, "--runs-dir", tmp_path / "moved", "--json"))
        assert (graded["competition"], graded["metric"]) == ("late-parcels", "auc")
    gone = call("resume", done["run"], "--max-experiments", "3", "--runs-dir", tmp_path / "moved")
    assert gone.returncode == 2
    assert "--runs-dir" in gone.stderr
    assert not submission.parent.exists()


def test_a_run_goes_on_with_what_it_began_with_or_not_at_all(tmp_path: Path) -> None:
    frame = columns(300).assign(sold=np.arange(300) / 7, shop=[f"s{i % 40}" for i in range(300)])
    test, sample = frame[200:].drop(columns="sold"), frame[200:][["row"]].assign(sold=0.0)
    folder = write(tmp_path / "shop", frame[:200], test, sample)
    shops = pd.DataFrame({"shop": [f"s{i}" for i in range(40)], "area": np.arange(40.0)})
    shops.to_csv(folder / "shops.csv", index=False)
    metric = "greater_is_better = False\n\ndef error(y, p):\n    return abs(y - p).mean()\n"
    (folder / "mine.py").write_text(metric, encoding="utf-8")
    given = ("--metric", f"{folder / 'mine.py'}:error", "--runs-dir", tmp_path / "runs")
    done = here("run", folder, "--max-experiments", "1", *given)
    shops.to_csv(folder / "stray.csv", index=False)  # what is put beside is no reason
    began_with = {name: (folder / name).read_text(encoding="utf-8") for name in ("shops.csv", "mine.py")}
    more_area = shops.assign(area=shops["area"] + 1).to_csv(index=False)
    again = ("resume", done["run"], "--max-experiments", "2", "--runs-dir", tmp_path / "runs")
    for name, changed in {"shops.csv": more_area, "mine.py": metric.replace("mean", "max")}.items():
        (folder / name).write_text(changed, encoding="utf-8")
        refused = call(*again)
        assert refused.returncode == 2
        assert "start a new run instead" in " ".join(refused.stderr.split())
        (folder / name).write_text(began_with[name], encoding="utf-8")
    assert here(*again)["experiments"] == 2


def test_labels_that_read_like_missing_values_are_graded(say: Say, tmp_path: Path) -> None:
    frame = columns(300).assign(disorder=np.tile(["None", "Apnea", "NA"], 100))
    test, sample = frame[200:].drop(columns="disorder"), frame[200:][["row"]].assign(disorder="None")
    folder = write(tmp_path / "sleep", frame[:200], test, sample, "Evaluated on accuracy.")
    frame[200:][["row", "disorder"]].to_csv(tmp_path / "answers.csv", index=False)
    given = ("--competition", folder, "--answers", tmp_path / "answers.csv", "--json")
    graded = json.loads(say("grade", tmp_path / "answers.csv", *given, "--runs-dir", tmp_path / "runs"))
    assert graded["score"] == 1.0


def test_labels_scored_as_values_are_graded_as_they_are_scored(say: Say, tmp_path: Path) -> None:
    frame = columns(300).assign(quality=np.tile([3, 5, 8], 100))
    test, sample = frame[200:].drop(columns="quality"), frame[200:][["row"]].assign(quality=5)
    folder = write(tmp_path / "wine", frame[:200], test, sample, "Evaluated on accuracy.")
    told = (*("--metric", "rmse"), *("--problem-type", "ordinal"))
    say("inspect", folder, *told, "--write", tmp_path / "task.yaml")
    answers = frame[200:][["row", "quality"]]
    task = read_task(tmp_path / "task.yaml", read_competition(folder))
    assert grade(task, answers, answers).score == 0.0
    assert grade(task, answers.assign(quality=5.0), answers).score == pytest.approx(np.sqrt(13 / 3), abs=0.05)


def test_a_score_by_another_metric_than_the_leaderboards_gets_no_medal(say: Say, tmp_path: Path) -> None:
    """Defect: AUC on titanic's leaderboard of accuracies was graded with a medal."""
    frame = columns(300).assign(survived=np.tile([0, 1, 1], 100))
    test, sample = frame[200:].drop(columns="survived"), frame[200:][["row"]].assign(survived=0.5)
    folder = write(tmp_path / "titanic", frame[:200], test, sample, "Evaluated on area under the ROC curve.")
    frame[200:][["row", "survived"]].to_csv(tmp_path / "answers.csv", index=False)
    given = ("grade", tmp_path / "answers.csv", "--competition", folder, "--answers", tmp_path / "answers.csv")
    runs = ("--runs-dir", tmp_path / "runs")
    why = "The leaderboard titanic counts another metric (Accuracy) than this score (Area under the ROC curve)"
    assert why in say(*given, *runs)
    graded = json.loads(say(*given, *runs, "--json"))
    assert (graded["score"], graded["standing"]) == (1.0, None)
    assert graded["no_standing"].startswith(why)
    assert "gold" not in say("medals", *runs)
    assert json.loads(say(*given, *runs, "--json", "--metric", "accuracy"))["standing"]["medal"] == "gold"
    (best,) = json.loads(say("medals", *runs, "--json"))["standings"]
    assert (best["metric"], best["medal"], best["counts"]) == ("accuracy", "gold", False)  # a leaked top


def test_without_a_description_the_name_gives_the_metric_and_an_assumed_one_no_medal(say: Say, tmp_path: Path) -> None:
    frame = columns(300).assign(survived=np.tile([0, 1, 1], 100))
    test = frame[200:].drop(columns="survived")
    frame[200:][["row", "survived"]].to_csv(tmp_path / "answers.csv", index=False)
    grading = ("--answers", tmp_path / "answers.csv", "--runs-dir", tmp_path / "runs", "--json")
    given = {}
    for name, shown in (("titanic (1)", 0), ("titanic", 0.5)):  # labels, as the competition of that name asks; chances
        folder = write(tmp_path / name, frame[:200], test, test[["row"]].assign(survived=shown), "")
        (folder / "description.md").unlink(missing_ok=True)
        task = json.loads(say("inspect", folder, "--json"))["task"]
        given[task["metric_source"]] = (folder, task)
    folder, task = given["known competition"]
    assert (folder.name, task["metric"]) == ("titanic (1)", "accuracy")
    assert "check" in say("inspect", folder)
    graded = json.loads(say("grade", tmp_path / "answers.csv", "--competition", folder, *grading))
    assert (graded["standing"]["board"], graded["standing"]["medal"]) == ("titanic", "gold")
    folder, task = given["assumed"]
    assert task["metric"] == "auc"
    graded = json.loads(say("grade", tmp_path / "answers.csv", "--competition", folder, *grading))
    assert graded["standing"] is None
    assert "is assumed" in graded["no_standing"]
    assert "name the metric with --metric" in graded["no_standing"]  # also beside a task file, as follows
    say("inspect", folder, "--write", tmp_path / "task.yaml")
    again = ("inspect", folder, "--task", tmp_path / "task.yaml", "--json")
    seen = json.loads(say(*again))["task"]
    assert (seen["metric"], seen["metric_source"]) == ("auc", "assumed")
    seen = json.loads(say(*again, "--metric", "accuracy"))["task"]
    assert (seen["metric"], seen["metric_source"]) == ("accuracy", "given")
    run = ("run", folder, "--max-experiments", "1", "--runs-dir", tmp_path / "runs", "--task", tmp_path / "task.yaml")
    summary = here(*run)
    assert summary["standing"] is None
    assert here(*run, "--metric", "accuracy")["standing"]["board"] == "titanic"


def test_a_leaderboard_that_is_added_is_of_the_metric_that_is_given(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDALIST_LEADERBOARDS", str(tmp_path / "boards"))
    (tmp_path / "scores.txt").write_text("0.3\n0.1\n0.2\n", encoding="utf-8")
    added = json.loads(say("leaderboard", "mine", "--add", tmp_path / "scores.txt", "--metric", "RMSE", "--json"))
    added = added["leaderboard"]
    assert (added["metric"], added["greater_is_better"], added["percentiles"][0]) == ("rmse", False, 0.1)
    assert json.loads(say("leaderboard", "mine", "--json"))["leaderboard"]["metric"] == "rmse"
    assert "accuracy" in say("leaderboard", "titanic")


def test_grade_by_a_competition_and_a_leaderboard(
    say: Say, public: Path, answers: Path, done: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDALIST_LEADERBOARDS", str(tmp_path / "boards"))
    scores = tmp_path / "scores.csv"
    scores.write_text("Rank,TeamId,Score\n1,7,0.99\n2,8,0.55\n3,9,0.51\n4,10,0.3\n", encoding="utf-8")
    assert "4 teams" in say("leaderboard", "parcels", "--add", scores)
    moved = shutil.copy(done["submission"], tmp_path / "elsewhere.csv")
    given = ("--answers", answers, "--competition", public, "--leaderboard", "parcels", "--runs-dir", tmp_path / "runs")
    out = say("grade", moved, *given)
    assert "medal-equivalent (on a holdout)" in out
    assert "on parcels" in out
    assert "80 % interval" in out
    graded = json.loads(say("grade", moved, *given, "--json"))
    standing, (low, high) = graded["standing"], graded["interval"]
    assert (standing["board"], standing["teams"], standing["percentile"]) == ("parcels", 4, 0.75)
    assert high - low == pytest.approx(2 * 1.28155 * graded["standard_error"], rel=1e-4)
    assert standing["percentile_interval"][0] <= 0.75 <= standing["percentile_interval"][1]
    assert set(standing["probabilities"]) == {"gold", "silver", "bronze"}
    table = say("medals", "--runs-dir", tmp_path / "runs")
    assert "late-parcels" in table
    assert "on a holdout" in table
    assert "of human teams" in table
    (row,) = json.loads(say("medals", "--runs-dir", tmp_path / "runs", "--json"))["standings"]
    assert (row["competition"], row["basis"], row["percentile"]) == ("late-parcels", "holdout", 0.75)


def test_grade_by_a_metric_alone(say: Say, answers: Path, done: dict[str, Any], tmp_path: Path) -> None:
    moved = Path(shutil.copy(done["submission"], tmp_path / "elsewhere.csv"))
    given = ("--answers", answers, "--runs-dir", tmp_path / "runs", "--json")
    graded = json.loads(say("grade", moved, *given, "--metric", "auc"))
    by_run = json.loads(
        say("grade", done["submission"], "--answers", answers, "--runs-dir", tmp_path, "--metric", "auc", "--json")
    )
    assert graded["score"] == by_run["score"]
    shuffled = pd.read_csv(moved).sample(frac=1, random_state=0)
    shuffled.to_csv(moved, index=False)  # the order of rows does not matter
    assert json.loads(say("grade", moved, *given, "--metric", "auc"))["score"] == graded["score"]
    assert json.loads(say("grade", moved, *given, "--metric", "brier"))["score"] < 0.5
    assert graded["competition"] == "late-parcels"  # as the folder of the answers is called


def test_grade_counts_labels_and_numbers(say: Say, tmp_path: Path) -> None:
    truth = pd.DataFrame({"row": [1, 2, 3, 4], "kind": ["a", "b", "c", "a"]})
    truth.to_csv(tmp_path / "answers.csv", index=False)
    truth.assign(kind=["a", "b", "b", "b"]).to_csv(tmp_path / "mine.csv", index=False)
    given = ("--answers", tmp_path / "answers.csv", "--runs-dir", tmp_path / "runs", "--json")
    assert json.loads(say("grade", tmp_path / "mine.csv", *given, "--metric", "accuracy"))["score"] == 0.5
    values = pd.DataFrame({"row": [1, 2, 3, 4], "price": [1.0, 2.0, 3.5, 4.0]})
    values.to_csv(tmp_path / "answers.csv", index=False)
    values.assign(price=values["price"] + 1).to_csv(tmp_path / "mine.csv", index=False)
    assert json.loads(say("grade", tmp_path / "mine.csv", *given, "--metric", "mae"))["score"] == 1.0


# holdout


def test_a_holdout_is_a_competition_of_its_own(say: Say, public: Path, tmp_path: Path) -> None:
    out = tmp_path / "cut"
    assert "answers.csv" in say("holdout", public, "--out", out, "--fraction", "0.25")
    train, test = pd.read_csv(out / "public" / "train.csv"), pd.read_csv(out / "public" / "test.csv")
    whole, answers = pd.read_csv(public / "train.csv"), pd.read_csv(out / "private" / "answers.csv")
    assert len(test) == pytest.approx(100, abs=3)
    assert sorted([*train["parcel_id"], *test["parcel_id"]]) == sorted(whole["parcel_id"])
    assert "late" not in test
    held = whole[whole["parcel_id"].isin(test["parcel_id"])]
    assert answers.set_index("parcel_id")["late"].to_dict() == held.set_index("parcel_id")["late"].to_dict()
    seen = json.loads(say("inspect", out / "public", "--json"))["task"]
    assert (seen["id"], seen["targets"], seen["metric"]) == (["parcel_id"], ["late"], "auc")
    sample = out / "public" / "sample_submission.csv"
    given = ("--answers", out / "private" / "answers.csv", "--competition", out / "public", "--json")
    assert json.loads(say("grade", sample, *given, "--runs-dir", tmp_path / "runs"))["score"] == 0.5


def test_an_address_of_kaggle_names_a_competition(
    say: Say, public: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDALIST_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache" / "competitions").mkdir(parents=True)
    shutil.make_archive(str(tmp_path / "cache" / "competitions" / "parcels"), "zip", public)
    told = json.loads(say("inspect", "https://www.kaggle.com/competitions/parcels/data", "--json"))
    assert told["task"] == json.loads(say("inspect", public, "--json"))["task"]


# runs, show, medals, leaderboard


def test_runs_and_show(say: Say, runs: Path, done: dict[str, Any]) -> None:
    table = say("runs", "--runs-dir", runs).splitlines()
    assert table[0].endswith("ledger.sqlite:")
    assert table[1].split()[:2] == ["run", "competition"]
    assert table[2].split()[:2] == [done["run"], "late-parcels"]
    assert "finished" in table[2]
    (row,) = json.loads(say("runs", "--runs-dir", runs, "--json"))["ledgers"][0]["runs"]
    assert (row["id"], row["state"], row["n_experiments"]) == (done["run"], "finished", 2)
    assert json.loads(say("runs", "titanic", "--runs-dir", runs, "--json"))["ledgers"][0]["runs"] == []
    text = say("show", done["run"][:-2], "--runs-dir", runs)
    for word in (done["run"], "#0", "#1", "lightgbm", "the first of its run", "submission 1", "Made from"):
        assert word in text
    document = json.loads(say("show", done["run"], "--runs-dir", runs, "--json"))
    assert set(document) == {"schema", "run", "experiments", "submissions", "standings"}
    assert [e["number"] for e in document["experiments"]] == [0, 1]
    assert document["submissions"][-1]["score"] == done["score"]


def test_why_a_run_failed_is_shown(say: Say, public: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medalist.agent.run.summary.summarise", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        here("run", public, "--max-experiments", "1", "--runs-dir", tmp_path)
    monkeypatch.undo()
    with ledger_of(tmp_path) as ledger:
        (run,) = ledger.runs()
    text = say("show", run.id, "--runs-dir", tmp_path)
    assert "division by zero" in text
    assert f"medalist resume {run.id}" in text
    assert "Traceback" in (Path(run.folder) / "log.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(("command", "said"), [("runs", "medalist run PATH"), ("medals", "medalist grade")])
def test_where_nothing_was_done_yet(say: Say, tmp_path: Path, command: str, said: str) -> None:
    assert said in say(command, "--runs-dir", tmp_path / "runs")
    document = json.loads(say(command, "--runs-dir", tmp_path / "runs", "--json"))
    assert (document["standings"] if command == "medals" else document["ledgers"][0]["runs"]) == []
    assert not list(tmp_path.iterdir())


def test_leaderboards_are_known_and_added(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDALIST_LEADERBOARDS", str(tmp_path / "boards"))
    known = json.loads(say("leaderboard", "--json"))["leaderboards"]
    assert len(known) == 210
    assert "NaN" not in say("leaderboard", "--json")  # which is no JSON
    assert sum(line.count("  ") > 2 for line in say("leaderboard").splitlines()) >= 211
    file = tmp_path / "errors.txt"
    file.write_text("0.1\n0.2\n0.3\n", encoding="utf-8")
    assert "3 teams" in say("leaderboard", "mine", "--add", file, "--lower-is-better")
    mine = json.loads(say("leaderboard", "mine", "--json"))["leaderboard"]
    assert (mine["teams"], mine["greater_is_better"]) == (3, False)
    assert say("leaderboard", "mine").startswith("mine: 3 human teams; metric not known (lower is better)")


def test_a_corrected_name_finds_the_leaderboard(say: Say, tmp_path: Path) -> None:
    frame = columns(300)
    frame["survived"] = (frame["size"] > 0).astype(int)
    sample = frame[200:][["row"]].assign(survived=0)
    folder = write(tmp_path / "cut (1)", frame[:200], frame[200:].drop(columns="survived"), sample, "By accuracy.")
    say("inspect", folder, "--metric", "accuracy", "--write", tmp_path / "task.yaml")
    document = yaml.safe_load((tmp_path / "task.yaml").read_text(encoding="utf-8"))
    (tmp_path / "task.yaml").write_text(yaml.safe_dump(document | {"name": "titanic"}), encoding="utf-8")
    out = say("run", folder, "--task", tmp_path / "task.yaml", "--max-experiments", "1", "--runs-dir", tmp_path)
    assert "human teams on titanic" in out


def test_a_mistake_leaves_the_cursor_as_it_was(tmp_path: Path) -> None:
    import pty

    main_end, other = pty.openpty()
    process = start("run", tmp_path, stdout=other, stderr=other, env={"TERM": "xterm"})
    assert process.wait(60) == 2
    os.close(other)
    shown = os.read(main_end, 10_000).decode()
    os.close(main_end)
    assert "--budget" in shown
    assert "[?25l" not in shown  # which hides it


def test_a_run_compares_with_the_leaderboard_that_is_named(say: Say, public: Path, tmp_path: Path) -> None:
    folder = tmp_path / "titanic"
    frame = columns(300)
    frame["survived"] = (frame["size"] > 0).astype(int)
    sample = frame[200:][["row"]].assign(survived=0)
    write(folder, frame[:200], frame[200:].drop(columns="survived"), sample, "Evaluated on accuracy.")
    out = say("run", folder, "--max-experiments", "1", "--runs-dir", tmp_path / "runs")
    assert "medal-equivalent (estimated by cross-validation)" in out
    assert "Estimated by cross-validation" in say("medals", "--runs-dir", tmp_path / "runs")


# starting up


def test_help_lists_every_command(say: Say) -> None:
    out = say("--help")
    for command in COMMANDS:
        assert f"  {command} " in out
        assert "--help" in say(command, "--help")


@pytest.mark.parametrize(
    "arguments", [["runs"], ["medals"], ["leaderboard", "titanic"], ["--help"], ["run", "--help"], ["night", "status"]]
)
def test_a_quick_command_imports_nothing_heavy(tmp_path: Path, arguments: list[str]) -> None:
    code = (
        "import sys\nfrom medalist.agent.cli.main import main\nsys.argv = ['medalist', *sys.argv[1:]]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"heavy = [m for m in {HEAVY!r} if m in sys.modules]\nassert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_without_a_command_help_is_shown(tmp_path: Path) -> None:
    done = call()
    assert "Work on a competition" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


# leaderboards


@pytest.fixture
def own_boards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDALIST_LEADERBOARDS", str(tmp_path / "boards"))
    return tmp_path


def test_a_score_among_humans(say: Say, own_boards: Path) -> None:
    text = say("leaderboard", "playground-series-s3e5", "--score", "0.57", "--se", "0.02")
    for words in (
        "901 human teams",
        "qwk",
        "ended 2023",
        "82.7 % (within one standard error 69 to 98 %)",
        "upper half",
    ):
        assert words in text
    shown = json.loads(say("leaderboard", "playground-series-s3e5", "--score", "0.57", "--se", "0.02", "--json"))
    standing, field = shown["standing"], shown["field"]
    assert standing["percentile_within"][0] < standing["percentile"] < standing["percentile_within"][1]
    assert sum(field["teams"]) + field["worse"] == pytest.approx(901, abs=1)
    assert shown["leaderboard"]["median"] == 0.53201


def test_a_score_by_another_metric_has_no_place(say: Say, own_boards: Path) -> None:
    text = say("leaderboard", "titanic", "--score", "0.87", "--metric", "auc")
    assert "counts another metric" in text
    assert "beats or ties" not in text
    gini = json.loads(say("leaderboard", "porto-seguro-safe-driver-prediction", "--json"))["leaderboard"]
    converted = say("leaderboard", "porto-seguro-safe-driver-prediction", "--metric", "auc", "--json")
    auc = json.loads(converted)["leaderboard"]
    assert auc["median"] == pytest.approx((gini["median"] + 1) / 2)


def test_what_is_wrong_with_a_leaderboard_is_shown(say: Say, own_boards: Path) -> None:
    text = say("leaderboard", "titanic")
    assert "Note: The top is leaked, for the answers are public: at least 183 teams" in text
    assert "silver 0.92344 (leaked)" in text
    shown = json.loads(say("leaderboard", "titanic", "--json"))
    assert shown["void_medals"] == ["gold", "silver"]
    assert shown["thresholds_without_top"]["bronze"] < shown["leaderboard"]["bronze"]


def test_an_own_leaderboard_is_added_renamed_and_removed(say: Say, own_boards: Path) -> None:
    scores = own_boards / "scores.csv"
    scores.write_text("Rank;Score\n1;0,9\n2;0,8\n3;0,7\n", encoding="utf-8")
    said = say("leaderboard", "titanic", "--add", scores)
    assert "Added titanic: 3 teams" in said
    assert "stands in for the shipped leaderboard" in said
    assert say("leaderboard", "titanic", "--add", scores).startswith("Replaced titanic")
    lines = [line.split() for line in say("leaderboard").splitlines() if line.startswith("titanic ")]
    assert ["(yours)" in line for line in lines] == [True, False]
    assert "Renamed titanic to mine" in say("leaderboard", "titanic", "--rename", "mine")
    assert "4,549" in say("leaderboard", "titanic")
    assert "Removed" in say("leaderboard", "mine", "--remove")
    assert not list((own_boards / "boards").iterdir())
