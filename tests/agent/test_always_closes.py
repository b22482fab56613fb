"""Whatever happens in the search or in the close, a run closes: with a valid submission, a summary and a ledger row."""

from __future__ import annotations

import json
import signal
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import assert_valid, call, demo, here, ledger_of, only_run, start
from hypothesis import given
from hypothesis import strategies as st

from medalist.agent.blocks import block_of_rows
from medalist.agent.cli.main import main
from medalist.agent.config import RunConfig
from medalist.agent.experiment import Proposal, Record
from medalist.agent.folds import FoldSet
from medalist.agent.judging.referee import Referee
from medalist.agent.records.journal import Journal
from medalist.agent.records.predictions import Predictions
from medalist.agent.run.resume import resume_config
from medalist.agent.score import paired
from medalist.agent.search.closing import Closing
from medalist.agent.search.fresh_folds import Fit, Refits, Timing
from medalist.agent.search.jobs import Active
from medalist.agent.workers.jobs import Job, Outcome
from medalist.competitions.errors import BudgetError, LedgerUnavailable
from medalist.competitions.metrics.registry import get_metric
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.pipelines.features.schema import Schema
from medalist.pipelines.fitting.evaluation import Evaluation
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem

PIPELINE = Pipeline.of(("number(x)",), "linear", {})
QUICK = ("--families", "linear", "--no-feature-search", "--threads", "1")


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo(tmp_path_factory.mktemp("demo"))


def record(number: int, pipeline: Pipeline = PIPELINE, **options: Any) -> Record:
    return Record(number, Proposal(pipeline, "why", None, "start"), "keep", "", **options)


def evaluation() -> Evaluation:
    return Evaluation(np.zeros((4, 1)), np.zeros((2, 1)), np.ones((5, 1)), 1.0, 0.0, {})


def journal_of(
    folder: Path, path: Path | None = None, *, patience: float = 30.0
) -> tuple[Journal, list[dict[str, Any]]]:
    """A journal of a run that has just begun, and the events that it emits."""
    ledger = Ledger(path or folder / "ledger.sqlite", patience=patience)
    run_id = ledger.start_run("c", {}, {}, "abc", 0, folder)
    events: list[dict[str, Any]] = []
    journal = Journal(run_id, folder, ledger, Predictions.create(folder), Schema({"x": "number"}), events.append)
    return journal, events


# errors


def test_an_error_in_the_search_ends_in_a_proper_close(
    public: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, calls = Referee.judge, []

    def fails_once(self: Referee, *args: Any) -> Any:
        calls.append(args)
        if len(calls) == 2:
            raise np.linalg.LinAlgError("SVD did not converge")
        return judge(self, *args)

    monkeypatch.setattr(Referee, "judge", fails_once)
    summary = here("run", public, "--max-experiments", "4", *QUICK, "--runs-dir", tmp_path)
    assert (summary["status"], summary["error"]) == ("failed", "SVD did not converge")
    assert summary["confirmed_on_fresh_folds"]
    folder = only_run(tmp_path)
    assert_valid(folder / "submission.csv", public / "sample_submission.csv")
    assert "LinAlgError" in (folder / "log.txt").read_text(encoding="utf-8")
    with ledger_of(tmp_path) as ledger:
        assert ledger.run(summary["run"]).status == "failed"


@pytest.mark.slow
def test_an_error_in_the_close_leaves_the_submission_of_the_search(
    public: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Closing, "close", lambda *_: 1 / 0)
    summary = here("run", public, "--max-experiments", "2", *QUICK, "--runs-dir", tmp_path)
    assert (summary["status"], summary["error"]) == ("failed", "division by zero")
    assert not summary["confirmed_on_fresh_folds"]
    assert summary["score"] == summary["search_score"]
    assert_valid(only_run(tmp_path) / "submission.csv", public / "sample_submission.csv")


@pytest.mark.slow
def test_a_metric_without_a_value_on_a_constant_closes(public: Path, tmp_path: Path) -> None:
    metric = tmp_path / "own.py"
    metric.write_text(
        "import numpy as np\n"
        "needs = 'probability'\n"
        "def score(y, p):\n"
        "    if np.ptp(p) == 0:\n"
        "        raise ValueError('no correlation with a constant')\n"
        "    return np.corrcoef(np.ravel(y), np.ravel(p))[0, 1]\n",
        encoding="utf-8",
    )
    options = ("--metric", f"{metric}:score", "--runs-dir", tmp_path / "runs")
    summary = here("run", public, "--max-experiments", "2", *QUICK, *options)
    assert (summary["status"], summary["constant_score"]) == ("finished", None)
    assert summary["score"] > 0
    assert summary["confirmed_on_fresh_folds"]


def test_a_stack_whose_base_has_lost_its_predictions_is_not_fitted_again(tmp_path: Path) -> None:
    journal, _ = journal_of(tmp_path)
    stacked = record(1, Pipeline.of((), "linear", {}, stacked=[PIPELINE.hash]), evaluation=evaluation())
    journal.records += [record(0), stacked]  # the base has no evaluation any more
    folds = FoldSet(tmp_path / "f.npz", (), np.arange(0), np.arange(0), np.arange(0), np.zeros((0, 1)), None)
    assert not Fit(stacked, 0, folds).ready(journal, {})
    journal.records[0] = record(0, evaluation=evaluation())
    assert Fit(journal.records[0], 0, folds).ready(journal, {})


class FailingPool:
    """A pool of one worker in which every job fails."""

    def __init__(self) -> None:
        self.running: list[Job] = []
        self.count = 1

    @property
    def idle(self) -> int:
        return 1 - len(self.running)

    def threads_for(self, *_: Any) -> int:
        return 1

    def has_room(self, *, short: bool, needed: int = 0) -> bool:  # noqa: ARG002 - as of Workers
        return True

    def submit(self, job: Job) -> None:
        self.running = [job]

    def poll(self, _: float) -> list[Outcome]:
        (job,), self.running = self.running, []
        return [Outcome(job, "crash", error="Traceback (most recent call last):\nValueError: a bad fold")]

    def cancel_all(self) -> None:
        self.running = []


def test_fits_that_fail_in_the_close_are_logged_with_their_traceback(tmp_path: Path) -> None:
    journal, events = journal_of(tmp_path)
    journal.records.append(record(0, evaluation=evaluation()))
    timing, never = Timing(5, 5, 1), lambda: False
    pool: Any = FailingPool()
    data: Any = None
    budget: Any = None
    refits = Refits(data, journal, pool, timing, budget, False, lambda: 10.0, never, lambda: None)
    assert refits.on_all_rows(journal.records) == {}
    (note,) = [e for e in events if e["event"] == "note"]
    assert "experiment 0" in note["text"]
    assert "ValueError: a bad fold" in note["text"]
    assert note["error"].startswith("Traceback")


# a ledger that is away


def test_rows_wait_for_a_ledger_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, events = journal_of(tmp_path, patience=0.1)
    other = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for number in range(3):
        journal.add(record(number, PIPELINE.changed(seed=number), evaluation=evaluation()))
    assert [e["number"] for e in events if e["event"] == "experiment"] == [0, 1, 2]
    assert sum("waits for the ledger" in str(e.get("text")) for e in events) == 1
    with pytest.raises(LedgerUnavailable):
        journal.flush(insist=True)
    other.execute("ROLLBACK")
    journal.finish("finished", {"score": 1.0})
    rows = journal.ledger.experiments(journal.run_id)
    assert [r.number for r in rows] == [0, 1, 2]
    assert journal.ledger.run(journal.run_id).status == "finished"
    assert json.loads((tmp_path / "summary.json").read_text()) == {"score": 1.0}


def test_where_the_ledger_stays_away_rows_wait_on_disk_and_whoever_lists_runs_delivers_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "c" / "run"
    folder.mkdir(parents=True)
    journal, events = journal_of(folder, tmp_path / "ledger.sqlite", patience=0.1)
    other = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    journal.add(record(0, evaluation=evaluation()))
    journal.finish("finished", {"score": 2.0})
    assert json.loads((folder / "summary.json").read_text()) == {"score": 2.0}
    assert f"2 rows wait for the ledger in {folder / 'outbox.jsonl'}" in str(events[-1]["text"])
    other.execute("ROLLBACK")
    with pytest.raises(SystemExit):
        main(["runs", "--runs-dir", str(tmp_path)])
    said = capsys.readouterr()
    assert said.err == ""
    assert "finished" in said.out
    assert [row.number for row in journal.ledger.experiments(journal.run_id)] == [0]
    assert not (folder / "outbox.jsonl").exists()


# counted runs


@given(st.permutations(range(5)), st.permutations(range(5)))
def test_folds_of_counted_runs_are_looked_at_in_the_order_in_which_they_were_handed_out(
    order: list[int], arrival: list[int]
) -> None:
    active = Active(0, record(0).proposal, [], None, order=list(order))
    seen: list[int] = []
    for fold in arrival:
        seen += [o.job.fold for o in active.in_order(Outcome(Job(0, "fold", PIPELINE, fold), "ok"))]
        assert seen == list(order)[: len(seen)]
    assert seen == list(order)


@pytest.mark.slow
def test_an_interrupted_counted_run_comes_to_the_same_when_it_is_resumed(public: Path, tmp_path: Path) -> None:
    counted = ("--max-experiments", "4", *QUICK)
    whole = here("run", public, *counted, "--runs-dir", tmp_path / "whole")
    process = start("run", public, *counted, "--runs-dir", tmp_path / "part", "--json")
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "experiment":
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    run = only_run(tmp_path / "part").name
    with ledger_of(tmp_path / "part") as ledger:
        rows = ledger.experiments(run)
    assert 1 <= len(rows) < 4  # a run that had ended by then would show nothing
    assert all(row.verdict != "timeout" for row in rows)
    again = here("resume", run, "--runs-dir", tmp_path / "part")
    assert again["experiments"] == 4
    assert Path(again["submission"]).read_bytes() == Path(whole["submission"]).read_bytes()


@pytest.mark.slow
def test_resume_keeps_what_it_was_given_and_says_where_nothing_is_left(public: Path, tmp_path: Path) -> None:
    one = here("run", public, "--max-experiments", "1", *QUICK, "--runs-dir", tmp_path)
    done = call("resume", one["run"], "--until", "07:00", "--runs-dir", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    for more in ({}, {"budget": 3600.0}):
        with pytest.raises(BudgetError, match="has done its 1 experiments"):
            resume_config(one["run"], str(tmp_path), **more)
    here("resume", one["run"], "--max-experiments", "2", "--runs-dir", tmp_path)
    with ledger_of(tmp_path) as ledger:
        assert ledger.run(one["run"]).config["max_experiments"] == 2
    with pytest.raises(BudgetError, match="has done its 2"):
        resume_config(one["run"], str(tmp_path))


@pytest.mark.slow
def test_a_champion_that_a_kill_left_unwritten_is_written(public: Path, tmp_path: Path) -> None:
    """A run that was killed after the rows of an experiment and before the submission that it makes."""
    run = here("run", public, "--max-experiments", "3", *QUICK, "--runs-dir", tmp_path)
    folder = only_run(tmp_path)
    with sqlite3.connect(tmp_path / "ledger.sqlite") as ledger:  # as if none of its members had been submitted
        ledger.execute("UPDATE submissions SET made_from = '{\"ensemble\": {}}' WHERE made_from LIKE '%ensemble%'")
    events = call("resume", run["run"], "--max-experiments", "4", "--runs-dir", tmp_path, "--json").stdout
    first = next(e for e in map(json.loads, events.splitlines()) if e["event"] in ("submission", "experiment"))
    assert first["event"] == "submission"
    assert set(first["made_from"]) <= {"0", "1", "2"}
    assert_valid(folder / "submission.csv", public / "sample_submission.csv")


def test_options_of_another_version_are_no_obstacle() -> None:
    assert RunConfig.model_validate({"path": "x", "seed": 3, "from_the_future": True}).seed == 3


@pytest.mark.slow
def test_two_runs_never_share_a_folder(public: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = iter(["20260101-000000-aa", "20260101-000000-aa", "20260101-000000-bb"])
    monkeypatch.setattr("medalist.agent.run.setup.new_run_id", lambda: next(ids))
    options = ("--max-experiments", "1", *QUICK, "--runs-dir", tmp_path)
    first, second = here("run", public, *options), here("run", public, *options)
    assert [r["run"][-2:] for r in (first, second)] == ["aa", "bb"]


# few rows


def test_a_large_gain_on_few_rows_is_no_noise() -> None:
    """96 rows make forty blocks: over two, Student's t-test rejects nothing below 25 standard errors."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=(96, 1))
    problem, metric = Problem("regression", 1, 0, "l2", False), get_metric("rmse")
    every = np.ones(96, dtype=bool)
    worse, better = (y + scale * rng.normal(size=y.shape) for scale in (1.0, 0.4))
    assert len(np.unique(block_of_rows(y))) == 40
    change = paired(metric, problem, y, worse, better, every)
    assert change.z > 3
    assert change.p_value < 0.0125


def test_the_test_on_few_rows_keeps_its_level() -> None:
    """Of 150 comparisons of equally good predictions about 1.25 % pass at that level; five times that is an error."""
    problem, metric = Problem("regression", 1, 0, "l2", False), get_metric("rmse")
    passed = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        y = rng.normal(size=(96, 1))
        one, other = (y + rng.normal(size=y.shape) for _ in range(2))
        passed += paired(metric, problem, y, one, other, np.ones(96, dtype=bool)).p_value < 0.0125
    assert passed <= 0.0625 * 150
