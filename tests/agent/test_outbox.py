"""Rows that wait for the ledger: on disk first, delivered in order, each once, whoever is killed."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from medalist.agent.records.delivery import deliver, deliver_waiting
from medalist.agent.records.outbox import DAMAGED, NAME, Outbox, OutboxInUse, address_of
from medalist.competitions.errors import LedgerError, LedgerUnavailable
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.operations import Operation
from medalist.leaderboard.ledger.process import this_process
from medalist.leaderboard.ledger.rows import FeatureRow

ROOT = Path(__file__).resolve().parents[2]
RUN = "20261130-220000-abcd1234"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a run, with the ledger beside its competition's."""
    folder = tmp_path / "runs" / "mine" / RUN
    folder.mkdir(parents=True)
    return folder


def ledger_of(folder: Path, **options: Any) -> Ledger:
    return Ledger(folder.parent.parent / "ledger.sqlite", **options)


def outbox_of(folder: Path) -> Outbox:
    outbox = Outbox(folder, address_of(ledger_of(folder), folder))
    outbox.open()
    return outbox


def begins(folder: Path) -> Operation:
    return Operation.of(
        "start_run", RUN, competition="mine", config={"seed": 0}, task={}, fingerprint="ab", seed=0, folder=folder,
        process=this_process(),
    )  # fmt: skip


def submission(name: str) -> Operation:
    return Operation.of("add_submission", RUN, made_from={"ensemble": {"1": 1.0}}, path="s.csv", sha256=name)


def test_what_waits_is_on_disk_and_delivered_in_order(folder: Path) -> None:
    outbox = outbox_of(folder)
    features = Operation.of("add_features", RUN, rows=[FeatureRow(name, "number", 0, "forced") for name in "abc"])
    for operation in (begins(folder), features, submission("aa"), submission("bb"), submission("aa")):
        outbox.append(operation)
    assert outbox.rows == 7
    assert len((folder / NAME).read_text().splitlines()) == 1 + 5
    with ledger_of(folder) as ledger:
        deliver(ledger, folder)
        assert ledger.runs() == []  # its run has the outbox
        outbox.close()
        assert deliver_waiting(ledger, folder.parent.parent) == []
        assert [s.sha256 for s in ledger.submissions(RUN)] == ["aa", "bb", "aa"]
    assert not (folder / NAME).exists()


def test_an_outbox_is_of_one_process_at_a_time(folder: Path) -> None:
    outbox = outbox_of(folder)
    with pytest.raises(OutboxInUse):
        outbox_of(folder)
    outbox.close()
    outbox_of(folder).close()


@pytest.mark.parametrize("cut", [1, 2, 40])
def test_a_torn_last_line_is_recognised_and_what_is_before_and_after_it_stays(folder: Path, cut: int) -> None:
    outbox = outbox_of(folder)
    for operation in (begins(folder), submission("aa"), submission("bb")):
        outbox.append(operation)
    outbox.close()
    path = folder / NAME
    path.write_bytes(path.read_bytes()[:-cut])
    outbox = outbox_of(folder)
    assert [operation.method for operation in outbox.waiting] == ["start_run", "add_submission"]
    outbox.append(submission("cc"))
    outbox.close()
    with ledger_of(folder) as ledger:
        assert deliver_waiting(ledger, folder.parent.parent) == []
        assert [s.sha256 for s in ledger.submissions(RUN)] == ["aa", "cc"]
    assert not (folder / DAMAGED).exists()


def test_damage_before_the_last_line_is_told_and_costs_those_lines_alone(folder: Path) -> None:
    outbox = outbox_of(folder)
    for operation in (begins(folder), submission("aa"), submission("bb")):
        outbox.append(operation)
    outbox.close()
    path = folder / NAME
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b"aa", b"\x00\x00")
    path.write_bytes(b"".join(lines))
    outbox = Outbox(folder, None)
    assert outbox.open() == 1
    assert [operation.method for operation in outbox.waiting] == ["start_run", "add_submission"]
    outbox.close()
    assert (folder / DAMAGED).read_bytes() == b"".join(lines)


def test_rows_for_another_ledger_are_not_delivered_to_this_one(folder: Path, tmp_path: Path) -> None:
    with Ledger(tmp_path / "other.sqlite") as other:
        outbox = Outbox(folder, address_of(other, folder))
    outbox.open()
    outbox.append(begins(folder))
    outbox.close()
    with ledger_of(folder) as ledger:
        (sentence,) = deliver_waiting(ledger, folder.parent.parent)
        assert f"1 rows in {folder / NAME} wait for another ledger, {tmp_path / 'other.sqlite'}" in sentence
        assert ledger.runs() == []
        with pytest.raises(LedgerError, match="another ledger"):
            outbox_of(folder)
    with Ledger(tmp_path / "other.sqlite") as other:
        assert deliver_waiting(other, folder.parent.parent) == []
        assert [run.id for run in other.runs()] == [RUN]


def test_runs_that_were_moved_with_their_ledger_are_delivered(folder: Path, tmp_path: Path) -> None:
    outbox = outbox_of(folder)
    outbox.append(begins(folder))
    outbox.close()
    moved = folder.parent.parent.rename(tmp_path / "moved")
    with Ledger(moved / "ledger.sqlite") as ledger:
        assert deliver_waiting(ledger, moved) == []
        assert [run.id for run in ledger.runs()] == [RUN]


def test_a_row_that_is_refused_waits_on_and_the_others_are_delivered(folder: Path) -> None:
    other = folder.parent / "20261130-230000-abcd1234"
    other.mkdir()
    outbox = outbox_of(folder)
    outbox.append(Operation.of("finish_run", RUN, status="finished", summary={}))  # of a run that never began
    outbox.close()
    outbox = outbox_of(other)
    outbox.append(Operation(**{**vars(begins(other)), "run_id": other.name}))
    outbox.close()
    with ledger_of(folder) as ledger:
        (sentence,) = deliver_waiting(ledger, folder.parent.parent)
        assert "1 rows wait for the ledger in" in sentence
        assert f"has no run {RUN}" in sentence
        assert [run.id for run in ledger.runs()] == [other.name]


def test_while_the_ledger_is_away_what_waits_is_told(folder: Path) -> None:
    outbox = outbox_of(folder)
    outbox.append(begins(folder))
    outbox.close()
    with ledger_of(folder, patience=0.1) as ledger:
        ledger.add_score(None, "c", 0.5, "holdout", greater_is_better=True)  # makes the ledger
        lock = sqlite3.connect(folder.parent.parent / "ledger.sqlite", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        (sentence,) = deliver_waiting(ledger, folder.parent.parent)
        assert "1 rows wait for the ledger in" in sentence
        assert "locked by another process" in sentence
        with pytest.raises(LedgerUnavailable):
            deliver(ledger, folder)
        lock.execute("ROLLBACK")
        assert deliver_waiting(ledger, folder.parent.parent) == []


def test_a_full_disk_keeps_what_was_there_and_what_came_is_written_once_there_is_room(folder: Path) -> None:
    """Under a limit on the size of files, as on a full disk a write is cut short or refused."""
    code = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, "tests/agent")
from test_outbox import begins, outbox_of, submission
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder = Path(sys.argv[1])
outbox = outbox_of(folder)
outbox.append(begins(folder))
size = (folder / "outbox.jsonl").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
outbox.append(submission("aa"))
outbox.append(submission("bb"))
assert outbox.failure is not None and (folder / "outbox.jsonl").stat().st_size == size and len(outbox.waiting) == 3
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
outbox.append(submission("cc"))
assert outbox.failure is None
import os; os._exit(0)
"""
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, cwd=ROOT)
    with ledger_of(folder) as ledger:
        assert deliver_waiting(ledger, folder.parent.parent) == []
        assert [s.sha256 for s in ledger.submissions(RUN)] == ["aa", "bb", "cc"]


@pytest.mark.parametrize("after", ["the outbox has a row", "the ledger has a row", "the outbox knows"])
def test_a_kill_between_the_outbox_and_the_ledger_loses_and_doubles_nothing(folder: Path, after: str) -> None:
    """A process that kills itself in the middle of delivering three rows; whoever lists runs delivers the rest."""
    code = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, "tests/agent")
from medalist.leaderboard.ledger.operations import Operation
from test_outbox import begins, ledger_of, outbox_of, submission
folder, after = Path(sys.argv[1]), sys.argv[2]
def kill(): os.kill(os.getpid(), signal.SIGKILL)
outbox, ledger = outbox_of(folder), ledger_of(folder)
for operation in (begins(folder), submission("aa"), submission("bb"), submission("aa")):
    outbox.append(operation)
for number in range(4):
    if number == 2 and after == "the outbox has a row": kill()
    outbox.waiting[0].perform(ledger)
    if number == 2 and after == "the ledger has a row": kill()
    outbox.delivered()
    if number == 3: kill()
"""
    done = subprocess.run([sys.executable, "-c", code, str(folder), after], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    with ledger_of(folder) as ledger:
        assert deliver_waiting(ledger, folder.parent.parent) == []
        assert [s.sha256 for s in ledger.submissions(RUN)] == ["aa", "bb", "aa"]
    outbox_of(folder).close()
    assert not (folder / NAME).exists()


def test_an_outbox_of_a_newer_version_is_told_and_stays(folder: Path) -> None:
    path = folder / NAME
    path.write_text(Operation("write_poem", RUN, {}, "an id", "2026").to_line())
    with ledger_of(folder) as ledger:
        (sentence,) = deliver_waiting(ledger, folder.parent.parent)
    assert sentence.startswith(f"{path}: A newer medalist has queued 'write_poem'")
    assert path.exists()
