"""`medalist run` and `resume`, end to end: what they leave behind, and what happens when they are ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
import yaml
from command_line import (
    assert_gone,
    assert_valid,
    call,
    columns,
    demo,
    finished,
    here,
    ledger_of,
    only_run,
    start,
    write,
)

from medalist.agent.cli.main import main
from medalist.agent.records.claim import claimed
from medalist.agent.records.predictions import Predictions
from medalist.competitions.errors import LedgerError, LedgerUnavailable
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import ExperimentRow

EXPERIMENTS = 3
COUNTED = ("--max-experiments", str(EXPERIMENTS))
LITTLE = ("--families", "linear", "--no-feature-search", "--threads", "1")  # where it matters little what is tried


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def first(public: Path, runs: Path) -> dict[str, Any]:
    """An uninterrupted run in one child process, which others are compared with."""
    return finished("run", public, *COUNTED, "--seed", "0", "--threads", "1", "--runs-dir", runs)


def test_what_a_run_leaves(public: Path, runs: Path, first: dict[str, Any]) -> None:
    folder = only_run(runs)
    assert folder.name == first["run"]
    assert folder.parent.name == "late-parcels"
    frame = assert_valid(folder / "submission.csv", public / "sample_submission.csv")
    assert frame["late"].between(0, 1).all()
    assert frame["late"].nunique() > 50
    task = yaml.safe_load((folder / "task.yaml").read_text(encoding="utf-8"))
    assert (task["id"], task["targets"], task["metric"]) == (["parcel_id"], ["late"], "auc")
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary == {k: v for k, v in first.items() if k not in ("event", "at", "schema")}
    assert summary["status"] == "finished"
    assert summary["experiments"] == EXPERIMENTS
    assert summary["score"] > summary["constant_score"] == 0.5
    assert summary["confirmed_on_fresh_folds"]
    assert 0 < summary["fit_share"] <= 1
    log = (folder / "log.txt").read_text(encoding="utf-8")
    assert "late-parcels: binary of late, scored by auc" in log
    assert "submission.csv renewed" in log
    assert not list(folder.rglob("*.part*"))


def test_the_ledger_holds_the_same(runs: Path, first: dict[str, Any]) -> None:
    with ledger_of(runs) as ledger:
        run, experiments = ledger.run(first["run"]), ledger.experiments(first["run"])
        submissions = ledger.submissions(first["run"])
    assert (run.status, run.seed, run.summary["score"]) == ("finished", 0, first["score"])
    assert [e.number for e in experiments] == list(range(EXPERIMENTS))
    assert all(e.verdict_reason and e.reason for e in experiments)
    assert all((e.score is None) == (e.verdict == "pruned") for e in experiments)
    assert submissions[0].made_from == {"constant": True}
    assert submissions[-1].score == first["score"]
    scored = {str(e.number) for e in experiments if e.score is not None}
    assert set(submissions[-1].made_from["ensemble"]) == set(first["ensemble"]) <= scored


@pytest.mark.slow
def test_equal_seeds_give_equal_bytes_and_others_do_not(
    public: Path, tmp_path: Path, runs: Path, first: dict[str, Any]
) -> None:
    again = finished("run", public, *COUNTED, "--threads", "1", "--runs-dir", tmp_path / "again")
    assert _submission(again) == _submission(first)
    assert again["score"] == first["score"]
    other = here("run", public, *COUNTED, "--seed", "1", "--threads", "1", "--runs-dir", tmp_path / "other")
    assert _submission(other) != _submission(first)


@pytest.mark.slow
def test_equal_seeds_give_equal_bytes_in_several_processes(public: Path, tmp_path: Path) -> None:
    """Whatever the ledger holds by then: a run that is to be repeatable takes no account of earlier runs."""
    one, two = (
        finished("run", public, "--max-experiments", "3", "--threads", "2", "--runs-dir", tmp_path) for _ in range(2)
    )
    assert _submission(one) == _submission(two)


def test_a_budget_beside_a_count_only_ends_the_run(
    public: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the clock a model would be evaluated on one fold here. The budget counts from now: pytest may be older."""
    monkeypatch.setattr("medalist.agent.run.affordable.FIRST_SHARE", 1e-9)
    monkeypatch.setattr("medalist.agent.budget.process_began", time.monotonic)
    counted = "--max-experiments", "1"
    summary = here("run", public, *counted, "--budget", "1h", "--threads", "1", "--runs-dir", tmp_path)
    with ledger_of(tmp_path) as ledger:
        folds = ledger.run(summary["run"]).task["folds"]
    assert folds.get("evaluated", folds["n_splits"]) == folds["n_splits"] > 1


@pytest.mark.parametrize("budget", [12, pytest.param(25, marks=pytest.mark.slow)])
def test_a_budget_is_not_exceeded(public: Path, tmp_path: Path, budget: int) -> None:
    began = time.monotonic()
    summary = finished("run", public, "--budget", f"{budget}s", "--runs-dir", tmp_path)
    wall = time.monotonic() - began
    assert wall <= budget
    assert wall >= 0.6 * budget  # and it is made use of
    assert summary["experiments"] >= (2 if budget > 20 else 1)  # how many fit into 12 s depends on the machine
    assert summary["status"] == "finished"
    assert_valid(Path(summary["submission"]), public / "sample_submission.csv")
    with ledger_of(tmp_path) as ledger:
        assert ledger.run(summary["run"]).status == "finished"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sleeps", "code", "said"),
    [
        ("time.sleep(60)", 2, "medalist: The budget ended before a first submission"),
        ("calls = 0\ndef wait():\n    global calls\n    calls += 1\n    time.sleep(60 * (calls > 100))", 0, "last one"),
    ],
    ids=["before it can begin", "in the middle"],
)
def test_nothing_moves_the_deadline(public: Path, tmp_path: Path, sleeps: str, code: int, said: str) -> None:
    """A person's metric that does not come back."""
    metric = tmp_path / "own.py"
    body = "def score(y, p):\n    if 'wait' in globals():\n        wait()\n    return -np.mean((y - p) ** 2)\n"
    metric.write_text(f"import time\nimport numpy as np\nneeds = 'probability'\n{sleeps}\n{body}", encoding="utf-8")
    began = time.monotonic()
    done = call("run", public, "--budget", "10s", "--metric", f"{metric}:score", "--runs-dir", tmp_path / "runs")
    assert time.monotonic() - began <= 10
    assert done.returncode == code
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    if code == 0:
        assert_valid(only_run(tmp_path / "runs") / "submission.csv", public / "sample_submission.csv")


@pytest.mark.slow
def test_another_budget_keeps_the_folds_of_the_run(tmp_path: Path) -> None:
    """On many rows a short budget affords few folds; a run that goes on with more keeps to them."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(42_000, 40)).round(3)).rename(columns=lambda c: f"x{c}")
    frame.insert(0, "row", range(len(frame)))
    frame["y"] = (frame["x0"] + rng.normal(size=len(frame))).round(3)
    test = frame[40_000:]
    folder = write(tmp_path / "wide", frame[:40_000], test.drop(columns="y"), test[["row"]].assign(y=0), "Metric: RMSE")
    few = finished("run", folder, "--budget", "14s", "--threads", "2", "--runs-dir", tmp_path / "runs")
    with ledger_of(tmp_path / "runs") as ledger:
        before = ledger.experiments(few["run"])
    more = finished("resume", few["run"], "--budget", "40s", "--runs-dir", tmp_path / "runs")
    with ledger_of(tmp_path / "runs") as ledger:
        counts = {len(e.fold_scores) for e in ledger.experiments(few["run"]) if e.score is not None}
        after = ledger.experiments(few["run"])
    assert len(counts) == 1
    assert counts < {1, 2, 3, 4}
    assert after[: len(before)] == before
    assert more["experiments"] >= few["experiments"] >= 1


@pytest.mark.slow
def test_another_budget_draws_the_folds_of_few_rows_no_more_often(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(700, 8)).round(3)).rename(columns=lambda c: f"x{c}")
    frame.insert(0, "row", range(len(frame)))
    frame["y"] = (frame["x0"] + rng.normal(size=len(frame))).round(3)
    test = frame[600:]
    folder = write(tmp_path / "few", frame[:600], test.drop(columns="y"), test[["row"]].assign(y=0), "Metric: RMSE")
    short = finished("run", folder, "--budget", "11s", "--threads", "1", "--runs-dir", tmp_path / "runs")
    long = finished("run", folder, "--budget", "60s", "--threads", "2", "--runs-dir", tmp_path / "long")
    more = finished("resume", short["run"], "--budget", "60s", "--threads", "2", "--runs-dir", tmp_path / "runs")
    counts = []
    for runs, run in (("runs", short["run"]), ("long", long["run"])):
        with ledger_of(tmp_path / runs) as ledger:
            counts.append({len(e.fold_scores) for e in ledger.experiments(run) if e.score is not None})
    assert len(counts[0]) == len(counts[1]) == 1
    assert max(counts[0]) < max(counts[1])
    assert more["status"] == "finished"


@pytest.mark.parametrize(
    "number", [signal.SIGINT, *(pytest.param(s, marks=pytest.mark.slow) for s in (signal.SIGTERM, signal.SIGHUP))]
)
def test_ctrl_c_closes_properly(public: Path, tmp_path: Path, number: signal.Signals) -> None:
    process = start("run", public, "--max-experiments", "200", "--runs-dir", tmp_path, "--json", start_new_session=True)
    _wait_for(process, "experiment", 1)
    children = psutil.Process(process.pid).children(recursive=True)
    second = call("resume", only_run(tmp_path).name, "--runs-dir", tmp_path)
    assert (second.returncode, second.stdout) == (2, "")
    (agent,) = psutil.Process(process.pid).children()
    assert f"still goes on in process {agent.pid}" in second.stderr
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does: every process of the foreground gets it
    else:
        process.send_signal(number)
    out, error = process.communicate(timeout=30)
    assert process.returncode == 3
    assert error == ""
    summary = json.loads(out.splitlines()[-1])
    assert (summary["event"], summary["status"]) == ("finish", "interrupted")
    folder = only_run(tmp_path)
    assert_valid(folder / "submission.csv", public / "sample_submission.csv")
    assert json.loads((folder / "summary.json").read_text(encoding="utf-8"))["status"] == "interrupted"
    with ledger_of(tmp_path) as ledger:
        assert ledger.run(summary["run"]).status == "interrupted"
        assert len(ledger.experiments(summary["run"])) == summary["experiments"]
    assert_gone(children)


def test_what_was_killed_is_resumed(public: Path, tmp_path: Path, first: dict[str, Any]) -> None:
    process = start("run", public, *COUNTED, "--threads", "1", "--runs-dir", tmp_path, "--json")
    _wait_for(process, "experiment", 1)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    folder = only_run(tmp_path)
    assert_valid(folder / "submission.csv", public / "sample_submission.csv")
    assert_gone(children)
    with ledger_of(tmp_path) as ledger:
        before = ledger.experiments(folder.name)
        assert ledger.run(folder.name).state == "interrupted"
    assert 2 <= len(before) <= EXPERIMENTS

    summary = finished("resume", folder.name[:-2], "--runs-dir", tmp_path)
    assert summary["run"] == folder.name
    again = (folder / "log.txt").read_text(encoding="utf-8").count("renewed: constant")
    assert again == 1  # a better submission than a constant was there already
    with ledger_of(tmp_path) as ledger:
        after = ledger.experiments(folder.name)
        assert ledger.run(folder.name).status == "finished"
    assert after[: len(before)] == before
    assert [e.number for e in after] == list(range(EXPERIMENTS))
    assert _submission(summary) == _submission(first)
    assert summary["score"] == first["score"]

    done = call("resume", folder.name, "--runs-dir", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--max-experiments" in done.stderr


@pytest.mark.slow
def test_a_crash_is_a_row_with_its_traceback(public: Path, tmp_path: Path) -> None:
    """A file of the feature cache cannot be read: experiments that read it crash, others do not."""
    here("run", public, "--max-experiments", "2", "--families", "linear", "--runs-dir", tmp_path)
    texts = list(tmp_path.glob("*/features/*/*.npz"))  # the words of notes, which linear models alone read
    assert texts
    for text in texts:
        text.unlink()
        text.mkdir()
    summary = here("run", public, "--max-experiments", "5", "--threads", "1", "--runs-dir", tmp_path)
    with ledger_of(tmp_path) as ledger:
        rows = ledger.experiments(summary["run"])
    assert len(rows) == 5
    crashed = [e for e in rows if e.verdict == "crash"]
    assert crashed
    assert {e.family for e in crashed} == {"linear"}
    for row in crashed:
        assert "Traceback (most recent call last)" in (row.error or "")
        assert row.verdict_reason in (row.error or "")
        assert (row.score, row.artifact) == (None, None)
    assert all(e.score is not None or e.verdict == "pruned" for e in rows if e.family != "linear")
    folder = Path(summary["submission"]).parent
    assert_valid(folder / "submission.csv", public / "sample_submission.csv")
    assert "Traceback" in (folder / "log.txt").read_text(encoding="utf-8")


@pytest.mark.slow
def test_what_a_power_cut_has_emptied_is_computed_anew_or_left_out(public: Path, tmp_path: Path) -> None:
    summary = here("run", public, "--max-experiments", "3", "--families", "linear,lightgbm", "--runs-dir", tmp_path)
    for path in (*tmp_path.glob("*/features/*/*.np?"), *tmp_path.glob("*/*/predictions/1.npz")):
        path.write_bytes(b"")
    again = here("resume", summary["run"], "--max-experiments", "4", "--runs-dir", tmp_path)
    assert again["experiments"] == 4
    assert "1" not in again["ensemble"]
    assert not again["verdicts"].get("crash")


def test_nobody_else_works_on_a_run(public: Path, tmp_path: Path) -> None:
    large = ("--seed", "1000000000")  # which estimators and samplers take too
    summary = here("run", public, "--max-experiments", "1", *LITTLE, *large, "--runs-dir", tmp_path)
    assert not summary["verdicts"].get("crash")
    folder = Path(summary["submission"]).parent
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "claim"}
    with claimed(folder):
        done = call("resume", summary["run"], "--max-experiments", "2", "--runs-dir", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Another process works on" in done.stderr
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "claim"} == before
    assert here("resume", summary["run"], "--max-experiments", "2", "--runs-dir", tmp_path)["experiments"] == 2


@pytest.mark.slow
def test_a_run_goes_on_when_nobody_reads_what_it_prints(public: Path, tmp_path: Path) -> None:
    arguments = ("--max-experiments", "2", *LITTLE, "--runs-dir", tmp_path, "--json")
    process = start("run", public, *arguments)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    process.wait(timeout=120)
    folder = only_run(tmp_path)
    with ledger_of(tmp_path) as ledger:
        assert ledger.run(folder.name).status == "finished"
    assert json.loads((folder / "summary.json").read_text(encoding="utf-8"))["experiments"] == 2


def ledger_that_raises(monkeypatch: pytest.MonkeyPatch, number: int, errors: Iterable[LedgerError]) -> None:
    """Let the ledger raise these errors, one after another, before it records the experiment of that number."""
    record_experiment, left = Ledger.record_experiment, iter(errors)

    def record(self: Ledger, run_id: str, row: ExperimentRow, features: Any = (), **more: Any) -> None:
        if row.number == number and (error := next(left, None)) is not None:
            raise error
        record_experiment(self, run_id, row, features, **more)

    monkeypatch.setattr(Ledger, "record_experiment", record)


def test_where_the_ledger_fails_the_run_is_closed(
    public: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger_that_raises(monkeypatch, 2, repeat(LedgerError("The ledger is gone: bring it back.")))
    arguments = ("--max-experiments", "4", *LITTLE, "--runs-dir", str(tmp_path))
    with pytest.raises(SystemExit) as end:
        main(["run", str(public), *arguments])
    assert end.value.code == 2
    assert "The ledger is gone" in capsys.readouterr().err
    folder = only_run(tmp_path)
    assert_valid(folder / "submission.csv", public / "sample_submission.csv")
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["experiments"] == 3
    assert summary["confirmed_on_fresh_folds"]
    with ledger_of(tmp_path) as ledger:
        assert ledger.run(folder.name).status == "failed"


def test_what_is_recorded_waits_for_a_ledger_that_is_away_for_a_while(
    public: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medalist.agent.records.ledger_queue.RETRY_SECONDS", 0.0)
    ledger_that_raises(monkeypatch, 1, [LedgerUnavailable("The ledger is away.")] * 2)
    summary = here("run", public, "--max-experiments", "3", *LITTLE, "--runs-dir", tmp_path)
    assert summary["status"] == "finished"
    log = (only_run(tmp_path) / "log.txt").read_text(encoding="utf-8")
    assert log.count("waits for the ledger") == log.count("The ledger is there again") == 1
    with ledger_of(tmp_path) as ledger:
        assert [e.number for e in ledger.experiments(summary["run"])] == [0, 1, 2]
        assert ledger.submissions(summary["run"])[-1].score == summary["score"]
        assert ledger.run(summary["run"]).status == "finished"


def test_a_metric_that_is_not_defined_on_the_folds_costs_no_submission(tmp_path: Path) -> None:
    """Nobody is positive in the last months, on which folds in time are scored."""
    frame = columns(600).assign(day=pd.date_range("2020-01-01", periods=600).astype(str))
    frame["sold"] = ((frame["size"] > 0) & (np.arange(600) < 200)).astype(int)
    train, test = frame[:500], frame[500:].drop(columns="sold")
    folder = write(
        tmp_path / "c", train, test, test[["row"]].assign(sold=0.5), "Evaluated by the area under the ROC curve."
    )
    arguments = ("--max-experiments", "2", "--folds", "time:day", "--n-splits", "2", "--families", "linear")
    summary = here("run", folder, *arguments, "--runs-dir", tmp_path / "runs")
    assert (summary["score"], summary["constant_score"]) == (None, None)
    assert "not defined on these folds" in summary["text"]
    assert_valid(Path(summary["submission"]), folder / "sample_submission.csv")


def test_where_every_experiment_fails_the_summary_says_so(public: Path, tmp_path: Path) -> None:
    """A person's metric that fails on anything but a constant."""
    metric = tmp_path / "own.py"
    metric.write_text(
        "import numpy as np\n"
        "needs = 'probability'\n"
        "def score(y, p):\n"
        "    if len(np.unique(p)) > 1:\n"
        "        raise ValueError('no two predictions may differ')\n"
        "    return -np.mean((y - p) ** 2)\n",
        encoding="utf-8",
    )
    summary = here(
        "run", public, "--max-experiments", "3", "--threads", "1", "--metric", f"{metric}:score", "--runs-dir", tmp_path
    )
    assert (summary["experiments"], summary["verdicts"]) == (3, {"crash": 3})
    assert "first fold of experiment 0, which has no score" in summary["text"]
    assert_valid(Path(summary["submission"]), public / "sample_submission.csv")
    with ledger_of(tmp_path) as ledger:
        rows, last = ledger.experiments(summary["run"]), ledger.submissions(summary["run"])[-1]
    assert (last.made_from, last.score) == ({"experiment": 0, "folds": 1}, None)
    assert all("no two predictions may differ" in (e.error or "") and "Traceback" in (e.error or "") for e in rows)
    again = here("resume", summary["run"], "--max-experiments", "4", "--runs-dir", tmp_path)
    assert (again["experiments"], again["verdicts"]) == (4, {"crash": 4})


def test_a_run_whose_disk_is_nearly_full_is_closed(
    public: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = iter([1 << 40] * 2)
    monkeypatch.setattr(Predictions, "has_room", lambda _: next(free, 0) > 0)
    summary = here("run", public, "--max-experiments", "9", *LITTLE, "--runs-dir", tmp_path)
    assert summary["status"] == "finished"
    assert 1 <= summary["experiments"] < 9
    assert "nearly full" in (only_run(tmp_path) / "log.txt").read_text(encoding="utf-8")
    assert_valid(Path(summary["submission"]), public / "sample_submission.csv")


def _submission(summary: dict[str, Any]) -> bytes:
    return Path(summary["submission"]).read_bytes()


def _wait_for(process: subprocess.Popen[str], event: str, number: int) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        document = json.loads(line)
        if (document["event"], document.get("number")) == (event, number):
            return
    raise AssertionError(process.stderr.read() if process.stderr else "ended")
