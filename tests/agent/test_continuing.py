"""A run that goes on: named as a person names it, and with a submission that only gets better."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import call, columns, finished, ledger_of, only_run, write

from medalist.agent.cli.main import main
from medalist.agent.records.confirmed import confirmed_in, keep_confirmed
from medalist.agent.records.stores import open_ledger
from medalist.competitions.errors import LedgerError


def say(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main([*map(str, arguments)])
    out, error = capsys.readouterr()
    return int(end.value.code or 0), out, error


@pytest.fixture
def three_runs(tmp_path: Path) -> Path:
    runs = tmp_path / "runs"
    with open_ledger(str(runs)) as ledger:
        for run, name in (("20260101-000000-aaaaaaaa", "tides"), ("20260102-000000-bbbbbbbb", "quakes")):
            ledger.start_run(name, {"path": str(tmp_path / name)}, {}, "f", 0, runs / name / run, run)
        ledger.start_run("tides", {}, {}, "f", 0, runs / "tides" / "x", "20260103-000000-cccccccc")
    return runs


@pytest.mark.parametrize(
    ("wanted", "run"),
    [
        ("last", "20260103-000000-cccccccc"),
        ("tides", "20260103-000000-cccccccc"),
        ("quakes", "20260102-000000-bbbbbbbb"),
        ("data/quakes/", "20260102-000000-bbbbbbbb"),
        ("20260101", "20260101-000000-aaaaaaaa"),
    ],
)
def test_a_run_is_named_by_id_name_or_last(
    three_runs: Path, capsys: pytest.CaptureFixture[str], wanted: str, run: str
) -> None:
    code, out, _ = say(capsys, "show", wanted, "--runs-dir", three_runs, "--json")
    assert code == 0
    assert json.loads(out)["run"]["id"] == run


@pytest.mark.parametrize("command", ["show", "resume", "features"])
def test_a_wrong_name_is_answered_with_near_ones(
    three_runs: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    code, _, error = say(capsys, command, "quaks", "--runs-dir", three_runs)
    assert code == 2
    assert "did you mean quakes?" in error


def test_an_empty_ledger_has_no_last_run(tmp_path: Path) -> None:
    with open_ledger(str(tmp_path)) as ledger, pytest.raises(LedgerError, match="no run last"):
        ledger.run("last")


def test_a_confirmed_submission_is_whole_or_none(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    contents = b"id,y\n1,2\n"
    assert confirmed_in(tmp_path) is None
    keep_confirmed(tmp_path, contents, 0.5, 0.1, {"ensemble": {"0": 1.0}})
    found = confirmed_in(tmp_path)
    assert found is not None
    assert (found[0].score, found[1]) == (0.5, contents)
    assert found[0].at_least(0.5, greater_is_better=True)
    assert found[0].at_least(0.6, greater_is_better=False)
    assert not found[0].at_least(0.6, greater_is_better=True)
    (kept,) = (tmp_path / "work").iterdir()
    for whole in (kept.read_bytes()[:-1], b"", b"[]\n"):  # as a power cut may leave it
        kept.write_bytes(whole)
        assert confirmed_in(tmp_path) is None


def competition(folder: Path, seed: int = 0, rows: int = 240) -> Path:
    frame = columns(rows, seed)
    frame["price"] = (3 * frame["size"] + frame["weight"] + np.random.default_rng(seed).normal(size=rows)).round(3)
    cut = rows * 2 // 3
    sample = frame[cut:][["row"]].assign(price=0)
    return write(folder, frame[:cut], frame[cut:].drop(columns="price"), sample, "Scored by RMSE.")


@pytest.mark.slow
def test_continue_goes_on_and_the_submission_only_gets_better(tmp_path: Path) -> None:
    path, runs = competition(tmp_path / "tides"), tmp_path / "runs"
    first = finished("run", path, "--budget", "30s", "--continue", "--runs-dir", runs)
    assert first["confirmed_on_fresh_folds"]
    again = finished("run", path, "--budget", "30s", "--continue", "--runs-dir", runs)
    assert again["run"] == first["run"]
    assert again["experiments"] > first["experiments"]
    assert again["score"] <= first["score"]
    assert again["next"]
    with ledger_of(runs) as ledger:
        hashes = [e.pipeline_hash for e in ledger.experiments(first["run"]) if e.verdict not in ("timeout",)]
    assert len(set(hashes)) == len(hashes)
    folder = only_run(runs)
    # an earlier part that nothing can beat: its submission is put back
    sevens = pd.read_csv(folder / "submission.csv").assign(price=7.0).to_csv(index=False).encode()
    keep_confirmed(folder, sevens, 0.0, 0.01, {"ensemble": {"0": 1.0}})
    last = finished("resume", "tides", "--budget", "30s", "--runs-dir", runs)
    assert (last["score"], last["confirmed_on_fresh_folds"]) == (0.0, True)
    assert pd.read_csv(folder / "submission.csv")["price"].eq(7.0).all()
    with ledger_of(runs) as ledger:
        row = ledger.submissions(first["run"])[-1]
    assert row.sha256 == hashlib.sha256((folder / "submission.csv").read_bytes()).hexdigest()
    refused = call("run", path, "--budget", "30s", "--continue", "--metric", "mae", "--runs-dir", runs)
    assert refused.returncode == 2
    assert "leave out" in refused.stderr


@pytest.mark.slow
def test_a_run_is_planned_for_all_its_parts(tmp_path: Path) -> None:
    path = competition(tmp_path / "tides", rows=1500)
    drawn = []
    for plan in ([], ["--plan", "3h"]):
        done = call("run", path, "--budget", "15s", *plan, "--runs-dir", tmp_path / f"runs{len(plan)}", "--json")
        assert done.returncode == 0, done.stderr
        (text,) = [e["text"] for e in map(json.loads, done.stdout.splitlines()) if e["event"] == "start"]
        drawn.append(int(text.partition("drawn ")[2].partition(" times")[0] or 1))
    assert drawn[0] < drawn[1] == 3
