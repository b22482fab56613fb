"""A disk that is full: what was whole stays whole, what can wait waits, and the run says so and goes on."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
from command_line import assert_valid, call, demo, ledger_of, only_run, start

from medalist.agent.budget import Budget
from medalist.agent.records import predictions as predictions_module
from medalist.agent.records.predictions import Predictions
from medalist.agent.records.unstored import Unstored
from medalist.agent.search.room import LONGEST_WAIT, WAIT_SHARE, Room
from medalist.pipelines.features.blocks import BlockFolder
from medalist.pipelines.fitting.evaluation import Evaluation


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process may have more than 100 bytes: every write fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def evaluation(value: float) -> Evaluation:
    return Evaluation(np.full((400, 1), value), np.full((200, 1), value), np.ones((5, 1)), 1.0, 0.0, {})


def test_predictions_wait_for_room_and_are_stored_then(tmp_path: Path) -> None:
    notes: list[str] = []
    unstored = Unstored(Predictions.create(tmp_path), notes.append)
    with full_disk():
        stored = [unstored.store(0, evaluation(0.0)), unstored.store(1, evaluation(1.0))]
    assert stored == [False, False]
    assert len(notes) == 1
    assert "full" in notes[0]
    assert not list((tmp_path / "predictions").iterdir())  # nothing half-written
    assert unstored.store(2, evaluation(2.0))
    assert "room again" in notes[1]
    for number in range(3):
        assert unstored.predictions.load(number).oof[0, 0] == number


def test_a_block_of_features_without_room_is_computed_again(tmp_path: Path) -> None:
    blocks, path = BlockFolder(tmp_path, 1 << 30), tmp_path / "block.npy"
    with full_disk():
        blocks.write(path, np.zeros((300, 1)))
    assert blocks.read(path) is None
    assert not list(tmp_path.iterdir())
    blocks.write(path, np.zeros((300, 1)))
    assert blocks.read(path).shape == (300, 1)


def test_test_predictions_by_fold_without_room_are_not_kept(tmp_path: Path) -> None:
    predictions = Predictions.create(tmp_path)
    with full_disk():
        assert not predictions.keep_fold_tests(0, [np.zeros((300, 1))])
    assert not predictions.fold_tests_path(0).exists()


def test_a_run_by_the_clock_waits_for_room_and_not_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[str] = []
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    predictions = Predictions.create(tmp_path)
    room = Room.of(predictions, notes.append, Budget(now, 600.0), counted=False)
    assert room.ready
    monkeypatch.setattr(predictions_module, "LEAST_ROOM", 1 << 62)
    assert not room.ready
    assert room.awaited
    assert "waits for room" in notes[0]
    now += WAIT_SHARE * 600.0 - 1
    assert room.awaited
    now += 2
    assert (room.awaited, room.given_up) == (False, True)
    monkeypatch.setattr(predictions_module, "LEAST_ROOM", 0)
    assert room.ready
    assert not room.given_up
    assert [("room again" in note) for note in notes] == [False, True]


@pytest.mark.parametrize(
    ("seconds", "counted", "patience"), [(float("inf"), False, 0), (60.0, True, 0), (1e6, False, LONGEST_WAIT)]
)
def test_how_long_a_run_waits_for_room(tmp_path: Path, seconds: float, counted: bool, patience: float) -> None:
    assert Room.of(Predictions.create(tmp_path), print, Budget(0.0, seconds), counted=counted).patience == patience


@pytest.mark.slow
def test_a_disk_that_fills_up_in_the_middle_of_a_run(tmp_path: Path) -> None:
    """From the first experiment on no process of the run can write a byte into any file, the ledger's included."""
    public, runs = demo(tmp_path / "demo"), tmp_path / "runs"
    process = start("run", public, "--budget", "40s", "--runs-dir", runs, "--json")
    assert process.stdout is not None
    began = time.monotonic()
    for line in process.stdout:
        if json.loads(line)["event"] == "experiment":
            break
    for one in psutil.Process(process.pid).children(recursive=True):
        one.rlimit(psutil.RLIMIT_FSIZE, (1, 1))
    _, error = process.communicate(timeout=60)
    assert time.monotonic() - began <= 41
    assert process.returncode in (0, 2, 4)
    assert "Traceback" not in error
    assert_valid(only_run(runs) / "submission.csv", public / "sample_submission.csv")
    with ledger_of(runs) as ledger:
        (row,) = ledger.runs()
    again = call("resume", row.id, "--budget", "30s", "--runs-dir", runs)
    assert again.returncode == 0, again.stderr
    assert_valid(only_run(runs) / "submission.csv", public / "sample_submission.csv")
