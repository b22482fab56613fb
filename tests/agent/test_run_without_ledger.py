"""Runs that begin, are killed and end while the ledger is away: their rows wait on disk, and come in order, once."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import assert_valid, call, demo, finished, here, ledger_of, only_run, start

QUICK = ("--families", "linear", "--no-feature-search", "--threads", "1")


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo(tmp_path_factory.mktemp("demo"))


@contextlib.contextmanager
def locked(runs: Path) -> Iterator[None]:
    """Another process's endless transaction on the ledger of a folder of runs."""
    with ledger_of(runs) as ledger:
        ledger.add_score(None, "other", 0.5, "holdout", greater_is_better=True)  # makes it
    other = sqlite3.connect(runs / "ledger.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@pytest.mark.slow
def test_a_run_while_the_ledger_is_away_is_listed_once_it_is_there_again(
    public: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medalist.agent.run.setup.PATIENCE", 0.1)
    with locked(tmp_path):
        summary = here("run", public, "--max-experiments", "2", *QUICK, "--runs-dir", tmp_path)
        folder = only_run(tmp_path)
        assert summary["status"] == "finished"
        assert_valid(folder / "submission.csv", public / "sample_submission.csv")
        log = (folder / "log.txt").read_text(encoding="utf-8")
        assert log.count("what it records waits for the ledger") == 1
        assert f"rows wait for the ledger in {folder / 'outbox.jsonl'}" in log
    done = call("show", "last", "--runs-dir", tmp_path, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    shown = json.loads(done.stdout)
    assert shown["run"]["id"] == folder.name
    assert shown["run"]["summary"]["score"] == summary["score"]
    assert [e["number"] for e in shown["experiments"]] == [0, 1]
    assert shown["submissions"][-1]["score"] == summary["score"]
    assert shown["run"]["started"] < shown["experiments"][0]["recorded"] < shown["run"]["finished"]
    assert not (folder / "outbox.jsonl").exists()


@pytest.mark.slow
def test_a_run_that_is_killed_while_the_ledger_is_away_goes_on(public: Path, tmp_path: Path) -> None:
    counted = ("--max-experiments", "4", *QUICK)
    whole = finished("run", public, *counted, "--runs-dir", tmp_path / "whole")
    runs = tmp_path / "part"
    with locked(runs):
        process = start("run", public, *counted, "--runs-dir", runs, "--json")
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "experiment" and event["number"] == 1:
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        folder = only_run(runs)
        refused = call("resume", folder.name, "--runs-dir", runs)
        assert refused.returncode == 2
        assert "has no run" in refused.stderr
        assert f"rows wait for the ledger in {folder / 'outbox.jsonl'}" in refused.stderr
    again = finished("resume", folder.name, "--runs-dir", runs)
    assert again["experiments"] == 4
    assert Path(again["submission"]).read_bytes() == Path(whole["submission"]).read_bytes()
    with ledger_of(runs) as ledger:
        assert [row.number for row in ledger.experiments(folder.name)] == [0, 1, 2, 3]
