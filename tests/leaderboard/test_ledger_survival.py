"""Nothing finished is lost: processes killed while they write, many that write at once, forks, full disks."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from medalist.competitions.errors import LedgerUnavailable
from medalist.leaderboard.ledger.ledger import Ledger

ROOT = Path(__file__).resolve().parents[2]

#: Writes experiments for ever, and tells after each one that the ledger has said it is kept.
WRITER = """
import sys
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import ExperimentRow
ledger, run_id, number = Ledger(sys.argv[1]), sys.argv[2], int(sys.argv[3])
while True:
    ledger.record_experiment(run_id, ExperimentRow(number=number, pipeline={"n": number, "big": "x" * 20000},
        pipeline_hash=str(number), family="f", reason="r", verdict="keep", verdict_reason="v", score=float(number)))
    ledger.add_submission(run_id, {"experiment": number}, "s.csv", str(number))
    print(number, flush=True)
    number += 1
"""

#: Starts a run of its own and writes 40 experiments and submissions.
CROWD = """
import sys
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import ExperimentRow
with Ledger(sys.argv[1]) as ledger:
    run_id = ledger.start_run("mine", {}, {}, "ab", 0, "x" + sys.argv[2])
    for n in range(40):
        ledger.record_experiment(run_id, ExperimentRow(number=n, pipeline={}, pipeline_hash=str(n), family="f",
            reason="r", verdict="keep", verdict_reason="v", score=0.5))
        ledger.add_submission(sys.argv[3] or run_id, {}, "s.csv", sys.argv[2] + "-" + str(n))
    ledger.finish_run(run_id, "finished", {})
"""


def start(url: str) -> str:
    with Ledger(url) as ledger:
        return ledger.start_run("mine", {}, {}, "ab", 0, "x")


@pytest.mark.parametrize("url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
def test_a_killed_writer_loses_nothing_that_was_finished(url: str) -> None:
    run_id = start(url)
    generator = random.Random(0)
    said = 0
    for _ in range(5):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, url, run_id, str(said + 1)], stdout=subprocess.PIPE, cwd=ROOT
        )
        assert writer.stdout is not None
        said = int(writer.stdout.readline())
        time.sleep(generator.random() * 0.1)
        os.kill(writer.pid, signal.SIGKILL)
        said = max([said, *map(int, writer.stdout.read().split())])
        writer.wait()
        writer.stdout.close()
        with Ledger(url) as ledger:
            rows = ledger.experiments(run_id)
            assert [row.number for row in rows] == list(range(1, len(rows) + 1))
            assert len(rows) in (said, said + 1)  # the last may have been kept before it could be told
            assert all(row.pipeline["n"] == row.number == row.score for row in rows)
            submissions = ledger.submissions(run_id)
            assert len(submissions) in (len(rows) - 1, len(rows))
            assert ledger.run(run_id).n_experiments == len(rows)
    if "://" not in url:
        assert sqlite3.connect(url).execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
def test_many_processes_write_at_once_from_the_first_moment(url: str) -> None:
    crowd = [subprocess.Popen([sys.executable, "-c", CROWD, url, str(k), ""], cwd=ROOT) for k in range(5)]
    assert [process.wait(timeout=120) for process in crowd] == [0] * 5
    with Ledger(url) as ledger:
        runs = ledger.runs("mine")
        assert len(runs) == 5
        for run in runs:
            assert run.status == "finished"
            assert [row.number for row in ledger.experiments(run.id)] == list(range(40))
            assert [row.number for row in ledger.submissions(run.id)] == list(range(1, 41))


def test_submissions_of_one_run_from_many_processes_get_different_numbers(url: str) -> None:
    run_id = start(url)
    crowd = [subprocess.Popen([sys.executable, "-c", CROWD, url, str(k), run_id], cwd=ROOT) for k in range(3)]
    assert [process.wait(timeout=120) for process in crowd] == [0] * 3
    with Ledger(url) as ledger:
        rows = ledger.submissions(run_id)
        assert [row.number for row in rows] == list(range(1, 121))
        assert len({row.sha256 for row in rows}) == 120


def test_threads_may_share_a_ledger(url: str) -> None:
    run_id = start(url)
    with Ledger(url) as ledger:

        def write(first: int) -> None:
            for n in range(first, first + 20):
                ledger.add_submission(run_id, {}, "s.csv", str(n))
                ledger.submissions(run_id)

        threads = [threading.Thread(target=write, args=(100 * k,)) for k in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [row.number for row in ledger.submissions(run_id)] == list(range(1, 61))


def test_parent_and_forked_child_may_both_write(url: str) -> None:
    run_id = start(url)
    with Ledger(url) as ledger:
        ledger.add_submission(run_id, {}, "s.csv", "parent before")
        child = os.fork()
        if child == 0:
            status = 1
            try:
                ledger.add_submission(run_id, {}, "s.csv", "child")
                ledger.close()
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        ledger.add_submission(run_id, {}, "s.csv", "parent after")
        assert [row.sha256 for row in ledger.submissions(run_id)] == ["parent before", "child", "parent after"]


def test_an_exception_in_a_transaction_takes_it_back(url: str) -> None:
    run_id = start(url)
    with Ledger(url) as ledger:

        def interrupted() -> None:
            with ledger._database.transaction() as execute:
                execute("UPDATE runs SET status = 'broken' WHERE id = :id", {"id": run_id})
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert ledger.run(run_id).status == "running"
        ledger.finish_run(run_id, "finished", {})


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs a limit on the size of files")
def test_a_full_disk_is_one_sentence_and_keeps_what_was_there(tmp_path: Path) -> None:
    url = str(tmp_path / "ledger.sqlite")
    run_id = start(url)
    code = (
        "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n" + WRITER
    )
    done = subprocess.run(
        [sys.executable, "-c", code, url, run_id, "1"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert "LedgerUnavailable: The ledger" in done.stderr
    said = max(map(int, done.stdout.split()))
    with Ledger(url) as ledger:
        assert [row.number for row in ledger.experiments(run_id)][:said] == list(range(1, said + 1))


def test_a_writer_waits_for_another_and_then_says_who_is_in_the_way(tmp_path: Path) -> None:
    from medalist.leaderboard.ledger.sqlite import SqliteDatabase

    path = tmp_path / "ledger.sqlite"
    run_id = start(str(path))
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    with Ledger(path) as ledger:
        assert ledger.run(run_id).id == run_id  # a reader does not wait
        ledger._database = SqliteDatabase(path, patience=0.2)
        with pytest.raises(LedgerUnavailable, match="locked by another process for"):
            ledger.finish_run(run_id, "finished", {})
        timer = threading.Timer(0.3, other.execute, ["COMMIT"])
        timer.start()
        ledger._database = SqliteDatabase(path, patience=20)
        ledger.finish_run(run_id, "finished", {})
        timer.join()
        assert ledger.run(run_id).status == "finished"
    other.close()
