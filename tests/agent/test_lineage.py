"""`medalist why`, `reproduce` and `clean` on real runs: what a submission is made of, and that it is made again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from command_line import bytes_below, demo, finished, here, ledger_of, only_run

from medalist.agent.cli.main import main
from medalist.agent.records.claim import claimed
from medalist.agent.records.lineage_file import read_lineage
from medalist.agent.records.predictions import Predictions

EXPERIMENTS = 3


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, public: Path) -> Path:
    """A folder with one short counted run."""
    folder = tmp_path_factory.mktemp("runs")
    here("run", public, "--max-experiments", str(EXPERIMENTS), "--threads", "1", "--runs-dir", folder)
    return folder


def said(*arguments: str | Path, capsys: Any) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of a command in this process."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main([*map(str, arguments)])
    out, error = capsys.readouterr()
    return int(end.value.code or 0), out, error


def document(*arguments: str | Path, capsys: Any) -> dict[str, Any]:
    """What a command prints with --json, exit code included."""
    code, out, error = said(*arguments, "--json", capsys=capsys)
    assert out, error
    return {**json.loads(out), "exit code": code}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_why_goes_down_to_the_files(public: Path, runs: Path, capsys: Any) -> None:
    folder = only_run(runs)
    told = document("why", "last", "--runs-dir", runs, capsys=capsys)
    assert told["run"] == folder.name
    assert told["submission"]["sha256"] == digest(folder / "submission.csv")
    assert not told["missing"]
    files = {file["path"]: file for file in told["inputs"]}
    assert {"train.csv", "test.csv", "sample_submission.csv"} <= set(files)
    for name, file in files.items():
        assert file["sha256"] == digest(public / name)
        assert file["size"] == (public / name).stat().st_size
    members = dict(told["made_of"]["ensemble"])
    assert sum(members.values()) == pytest.approx(1)
    assert {str(n) for n in members} <= set(told["experiments"])
    for experiment in told["experiments"].values():
        assert experiment["reason"]
        assert experiment["verdict"]
        assert all(fit["threads"] == 1 and fit["inputs"] for fit in experiment["fits"])
        assert {*experiment["pipeline"]["features"]} <= {*told["features"]}
    assert any(words != text for text, words in told["features"].items())
    assert told["parts"][0]["software"]["numpy"]
    assert told["folds"]["sha256"]
    assert told["seed"] == 0


def test_why_is_a_tree_of_whole_lines_in_a_pipe(runs: Path, capsys: Any) -> None:
    folder = only_run(runs)
    code, out, _ = said("why", folder / "submission.csv", "--runs-dir", runs, capsys=capsys)
    assert code == 0
    assert digest(folder / "submission.csv") in out
    assert "input files" in out
    assert "the experiments that led there" in out
    for file in (read_lineage(folder) or {})["inputs"]:
        assert file["sha256"] in out, "no hash is cut"


def test_a_copy_elsewhere_is_found_and_a_changed_one_is_not(runs: Path, tmp_path: Path, capsys: Any) -> None:
    folder = only_run(runs)
    copy = tmp_path / "copy.csv"
    shutil.copy(folder / "submission.csv", copy)
    assert document("why", copy, "--runs-dir", runs, capsys=capsys)["run"] == folder.name
    copy.write_text(copy.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    code, _, error = said("why", copy, "--runs-dir", runs, capsys=capsys)
    assert code == 2
    assert "--runs-dir" in error
    assert digest(copy)[:12] in error


@pytest.mark.parametrize("number", [None, 1, 2])
def test_a_submission_is_made_again_to_the_byte(runs: Path, tmp_path: Path, capsys: Any, number: int | None) -> None:
    """The last one, of the ensemble and the fits of the close; the first, a constant; the second, of one fold."""
    target = only_run(runs).name + ("" if number is None else f":{number}")
    made = document("reproduce", target, "--runs-dir", runs, "--out", tmp_path / "new", capsys=capsys)
    assert made["exit code"] == 0
    assert made["equal"]
    assert made["first_difference"] is None
    assert not made["versions"]
    assert all(step["equal"] for step in made["steps"])
    assert digest(tmp_path / "new" / "submission.csv") == made["recorded"]
    if number is None:
        assert made["recorded"] == digest(only_run(runs) / "submission.csv")


def test_a_changed_file_is_named(public: Path, runs: Path, tmp_path: Path, capsys: Any) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(public, moved)
    text = (moved / "train.csv").read_text(encoding="utf-8").splitlines()
    (moved / "train.csv").write_text("\n".join(text[:-1]) + "\n", encoding="utf-8")
    code, _, error = said(
        "reproduce", "last", "--runs-dir", runs, "--path", moved, "--out", tmp_path / "new", capsys=capsys
    )
    assert code == 2
    assert "train.csv" in error
    assert "changed" in error
    assert not (tmp_path / "new").exists()
    (moved / "train.csv").unlink()
    code, _, error = said("reproduce", "last", "--runs-dir", runs, "--path", moved, capsys=capsys)
    assert code == 2
    assert "gone" in error


def test_a_folder_that_holds_something_is_refused(runs: Path, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    code, _, error = said("reproduce", "last", "--runs-dir", runs, "--out", tmp_path, capsys=capsys)
    assert code == 2
    assert "--out" in error


def test_a_run_without_lineage_says_what_is_missing(runs: Path, tmp_path: Path, capsys: Any) -> None:
    """As an earlier version left it."""
    shutil.copytree(runs, tmp_path / "runs")
    (only_run(tmp_path / "runs") / "lineage.json").unlink()
    told = document("why", "last", "--runs-dir", tmp_path / "runs", capsys=capsys)
    assert told["made_of"]["ensemble"]
    assert told["experiments"]
    assert "earlier version" in told["missing"][0]
    code, _, error = said("reproduce", "last", "--runs-dir", tmp_path / "runs", capsys=capsys)
    assert code == 2
    assert "lineage.json" in error


# cleaning


@pytest.fixture
def copy(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The runs, copied, and a cache folder of their own; all of it was last used long ago."""
    monkeypatch.setenv("MEDALIST_CACHE", str(tmp_path / "cache"))
    shutil.copytree(runs, tmp_path / "runs")
    for path in (tmp_path / "runs").rglob("*"):
        os.utime(path, (1e9, 1e9))
    return tmp_path / "runs"


def test_a_dry_run_removes_nothing(copy: Path, capsys: Any) -> None:
    before = bytes_below(copy)
    plan = document("clean", "--keep", "0d", "--runs-dir", copy, capsys=capsys)
    assert {r["kind"] for r in plan["removals"]} == {"work", "models", "features"}
    assert 0 < plan["freed"] < plan["bytes"]
    assert plan["freed"] == sum(r["size"] for r in plan["removals"])
    assert not plan["applied"]
    assert bytes_below(copy) == before
    code, out, _ = said("clean", "--runs-dir", copy, capsys=capsys)
    assert code == 0
    assert "resume goes on from them" in out, "the run itself ended just now, by its ledger"


def test_what_is_removed_leaves_the_lineage_and_is_told(copy: Path, tmp_path: Path, capsys: Any) -> None:
    folder = only_run(copy)
    kept = {name: (folder / name).read_bytes() for name in ("submission.csv", "lineage.json", "task.yaml", "log.txt")}
    done = document("clean", "--keep", "0d", "--apply", "--runs-dir", copy, capsys=capsys)
    assert done["applied"]
    assert not done["not_removed"]
    assert not (folder / "predictions").exists()
    assert not list(copy.glob("*/features/*"))
    assert {name: (folder / name).read_bytes() for name in kept} == kept
    told = document("why", "last", "--runs-dir", copy, capsys=capsys)
    assert "medalist clean removed" in told["removed"][0]
    code, _, error = said("resume", "last", "--max-experiments", "9", "--runs-dir", copy, capsys=capsys)
    assert code == 2
    assert "medalist clean" in error
    made = document("reproduce", "last", "--runs-dir", copy, "--out", tmp_path / "new", capsys=capsys)
    assert made["equal"]


def test_a_run_that_is_worked_on_is_not_touched(copy: Path, capsys: Any) -> None:
    before = bytes_below(copy)
    with claimed(only_run(copy)):
        done = document("clean", "--keep", "0d", "--whole-runs", "--apply", "--runs-dir", copy, capsys=capsys)
    assert not done["removals"]
    assert any("worked on" in k["why"] for k in done["kept"])
    assert bytes_below(copy) == before


def test_whole_runs_go_only_when_asked_for_and_why_says_so(copy: Path, capsys: Any) -> None:
    folder = only_run(copy)
    done = document("clean", "--keep", "0d", "--whole-runs", "--apply", "--runs-dir", copy, capsys=capsys)
    assert any("lineage" in r["loses"] for r in done["removals"])
    assert not (folder / "submission.csv").exists()
    told = document("why", folder.name, "--runs-dir", copy, capsys=capsys)
    assert told["removed"]
    assert told["missing"]
    code, _, error = said("reproduce", folder.name, "--runs-dir", copy, capsys=capsys)
    assert code == 2
    assert "medalist clean removed" in error


def test_a_size_is_reached_by_what_costs_least(copy: Path, capsys: Any) -> None:
    plan = document("clean", "--runs-dir", copy, capsys=capsys)
    size = plan["bytes"] - sum(r["size"] for r in plan["removals"] if r["kind"] == "work") - 1
    smaller = document("clean", "--size", str(size), "--keep", "9999999d", "--runs-dir", copy, capsys=capsys)
    assert [r["kind"] for r in smaller["removals"] if r["kind"] != "work"] == ["features"]


def test_downloads_stay_unless_asked_for(copy: Path, tmp_path: Path, capsys: Any) -> None:
    zipped = tmp_path / "cache" / "competitions" / "titanic.zip"
    zipped.parent.mkdir(parents=True)
    zipped.write_bytes(b"0" * 1000)
    os.utime(zipped, (1e9, 1e9))
    plan = document("clean", "--runs-dir", copy, capsys=capsys)
    assert any("titanic.zip" in k["what"] for k in plan["kept"])
    document("clean", "--downloads", "--apply", "--runs-dir", copy, capsys=capsys)
    assert not zipped.exists()


@pytest.mark.parametrize(("option", "value"), [("--keep", "soon"), ("--size", "much"), ("--runs", "-1")])
def test_options_that_cannot_be_read_are_refused(runs: Path, capsys: Any, option: str, value: str) -> None:
    code, _, error = said("clean", option, value, "--runs-dir", runs, capsys=capsys)
    assert code == 2
    assert error


# longer runs


@pytest.mark.slow
def test_a_run_by_the_clock_is_made_again_to_the_byte(public: Path, tmp_path: Path, capsys: Any) -> None:
    """With an ensemble, stacks and decisions, and whatever the clock has cut short in it."""
    finished("run", public, "--budget", "60s", "--runs-dir", tmp_path / "runs")
    made = document("reproduce", "last", "--runs-dir", tmp_path / "runs", "--out", tmp_path / "new", capsys=capsys)
    assert made["equal"], made["first_difference"]


@pytest.mark.slow
def test_a_resumed_run_is_made_again_to_the_byte(public: Path, tmp_path: Path, capsys: Any) -> None:
    runs = tmp_path / "runs"
    run = finished("run", public, "--budget", "45s", "--runs-dir", runs)["run"]
    finished("resume", run, "--budget", "45s", "--runs-dir", runs)
    made = document("reproduce", run, "--runs-dir", runs, "--out", tmp_path / "new", capsys=capsys)
    assert made["equal"], made["first_difference"]
    told = document("why", run, "--runs-dir", runs, capsys=capsys)
    assert len(told["parts"]) == 2


@pytest.mark.slow
def test_versions_that_differ_are_named(runs: Path, tmp_path: Path, capsys: Any) -> None:
    shutil.copytree(runs, tmp_path / "runs")
    path = only_run(tmp_path / "runs") / "lineage.json"
    lineage = json.loads(path.read_text(encoding="utf-8"))
    lineage["parts"][0]["software"]["lightgbm"] = "3.3.5"
    path.write_text(json.dumps(lineage), encoding="utf-8")
    made = document("reproduce", "last", "--runs-dir", tmp_path / "runs", "--out", tmp_path / "new", capsys=capsys)
    assert [(v["name"], v["then"]) for v in made["versions"]] == [("lightgbm", "3.3.5")]
    assert made["equal"]


@pytest.mark.slow
def test_a_difference_shows_where_it_begins(runs: Path, tmp_path: Path, capsys: Any) -> None:
    """Another seed of one experiment, as a version with another sampler would give it."""
    shutil.copytree(runs, tmp_path / "runs")
    path = only_run(tmp_path / "runs") / "lineage.json"
    lineage = json.loads(path.read_text(encoding="utf-8"))
    number = str(lineage["submissions"][-1]["ensemble"][0][0])
    lineage["experiments"][number]["pipeline"]["params"] |= {"learning_rate": 0.5, "alpha": 77.0}
    path.write_text(json.dumps(lineage), encoding="utf-8")
    made = document("reproduce", "last", "--runs-dir", tmp_path / "runs", "--out", tmp_path / "new", capsys=capsys)
    assert not made["equal"]
    assert made["exit code"] == 1
    assert made["first_difference"].startswith(f"#{number} ")
    assert "out-of-fold" in made["first_difference"]


@pytest.mark.slow
def test_a_run_goes_on_without_predictions_that_were_removed(public: Path, tmp_path: Path) -> None:
    """As a long run, or `medalist clean`, removes those of experiments that are not needed: their scores count on."""
    runs = tmp_path / "runs"
    first = finished("run", public, "--budget", "45s", "--no-feature-search", "--runs-dir", runs)
    folder = only_run(runs)
    predictions = Predictions.create(folder)
    with ledger_of(runs) as ledger:
        rows = ledger.experiments(first["run"])
    spare = [r.number for r in rows if r.artifact and str(r.number) not in first["ensemble"] and r.number]
    assert spare
    for number in spare:
        assert predictions.remove(number)
    again = finished("resume", first["run"], "--budget", "45s", "--runs-dir", runs)
    assert again["experiments"] >= first["experiments"]
    assert "are lost" not in (folder / "log.txt").read_text(encoding="utf-8")
    with ledger_of(runs) as ledger:
        assert [r.score for r in ledger.experiments(first["run"])][: len(rows)] == [r.score for r in rows]
