"""A ledger that is away for a moment: what may pass is told apart from what will not, and a server is waited for."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from medalist.competitions.errors import LedgerError, LedgerUnavailable
from medalist.leaderboard.ledger.ledger import Ledger


def start(ledger: Ledger) -> str:
    return ledger.start_run("mine", {}, {}, "ab", 0, "x")


def allow(url: str, allowed: bool) -> None:
    """Let a database take connections, or refuse them as a server that restarts does."""
    import psycopg

    server, _, name = url.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {allowed}")


def test_a_call_waits_for_a_server_that_comes_back(postgresql_url: str) -> None:
    with Ledger(postgresql_url, patience=30) as ledger:
        run_id = start(ledger)
        allow(postgresql_url, False)
        timer = threading.Timer(0.5, allow, (postgresql_url, True))
        timer.start()
        assert ledger.add_submission(run_id, {}, "s.csv", "aa") == 1
        timer.join()
        assert len(ledger.submissions(run_id)) == 1


def test_a_server_that_stays_away_is_unavailable_and_may_be_asked_again(postgresql_url: str) -> None:
    with Ledger(postgresql_url, patience=0.3) as ledger:
        run_id = start(ledger)
        allow(postgresql_url, False)
        for call in (lambda: ledger.add_submission(run_id, {}, "s.csv", "aa"), lambda: ledger.run(run_id)):
            with pytest.raises(LedgerUnavailable, match="check that the server runs"):
                call()
        allow(postgresql_url, True)
        assert ledger.add_submission(run_id, {}, "s.csv", "aa") == 1


def test_opening_a_server_that_is_away_does_not_wait() -> None:
    pytest.importorskip("psycopg")
    began = time.monotonic()
    with pytest.raises(LedgerUnavailable):
        Ledger("postgresql://user@127.0.0.1:1/nothing", patience=60)
    assert time.monotonic() - began < 30


def test_a_connection_that_is_lost_within_a_transaction_costs_nothing(postgresql_url: str) -> None:
    with Ledger(postgresql_url, patience=30) as ledger:
        run_id = start(ledger)
        calls = []

        def work(execute: Any) -> str:
            execute("UPDATE runs SET status = 'half' WHERE id = :id", {"id": run_id})
            calls.append(ledger)
            if len(calls) == 1:
                execute("SELECT pg_terminate_backend(pg_backend_pid())", {})
            execute("UPDATE runs SET fingerprint = fingerprint || 'x' WHERE id = :id", {"id": run_id})
            return "done"

        assert ledger._database.write(work) == "done"
        assert len(calls) == 2
        row = ledger.run(run_id)
        assert (row.status, row.fingerprint) == ("half", "abx")


def test_a_lock_that_another_client_keeps_is_given_up(postgresql_url: str) -> None:
    import psycopg

    with Ledger(postgresql_url, patience=0.3) as ledger, psycopg.connect(postgresql_url) as other:
        run_id = start(ledger)
        other.execute("UPDATE runs SET id = id")
        with pytest.raises(LedgerUnavailable, match="lock timeout"):
            ledger.finish_run(run_id, "finished", {})
        other.rollback()
        ledger.finish_run(run_id, "finished", {})


def test_what_will_not_pass_is_no_unavailable_ledger(tmp_path: Path) -> None:
    (tmp_path / "text.sqlite").write_text("no database\n" * 1000)
    with pytest.raises(LedgerError) as caught:
        Ledger(tmp_path / "text.sqlite")
    assert not isinstance(caught.value, LedgerUnavailable)


def test_a_locked_file_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path, patience=0.1) as ledger:
        run_id = start(ledger)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnavailable, match=r"locked by another process for 0\.1 s"):
            ledger.finish_run(run_id, "finished", {})
        other.execute("ROLLBACK")
        ledger.finish_run(run_id, "finished", {})
        other.close()


def test_a_server_that_answers_nothing_is_given_up(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suspended server keeps its connections, and TCP's own limits do not notice."""
    monkeypatch.setattr("medalist.leaderboard.ledger.postgresql.SILENT_SECONDS", 0.3)
    with Ledger(postgresql_url, patience=0.1) as ledger:
        run_id = start(ledger)
        began = time.monotonic()
        with pytest.raises(LedgerUnavailable):
            ledger._database.write(lambda execute: execute("SELECT pg_sleep(60)", {}))
        assert time.monotonic() - began < 30
        assert ledger.run(run_id).status == "running"


def test_a_crash_of_the_server_between_two_calls_is_waited_for(server: Any, postgresql_url: str) -> None:
    with Ledger(postgresql_url, patience=60) as ledger:
        run_id = start(ledger)
        server.stop()
        timer = threading.Timer(0.3, server.start)
        timer.start()
        assert ledger.add_submission(run_id, {}, "s.csv", "aa") == 1
        timer.join()
        assert len(ledger.submissions(run_id)) == 1


def test_a_commit_whose_answer_was_lost_is_not_carried_out_twice(postgresql_url: str) -> None:
    """The connection is cut between the commit and the answer: the call is repeated, and finds its id."""
    import psycopg

    from medalist.leaderboard.ledger.base import Delivery

    with Ledger(postgresql_url, patience=30) as ledger:
        run_id = start(ledger)
        ledger.add_submission(run_id, {}, "s.csv", "aa")
        transaction, cut = ledger._database.transaction, iter([True])

        @contextlib.contextmanager
        def answer_lost() -> Iterator[Any]:
            with transaction() as execute:
                yield execute
            if next(cut, False):
                raise LedgerUnavailable("the answer was lost")

        ledger._database.transaction = answer_lost  # type: ignore[method-assign]
        ledger.add_submission(run_id, {}, "s.csv", "bb", delivery=Delivery("an id", "2026-11-30T22:00:00+00:00"))
        ledger.add_submission(run_id, {}, "s.csv", "aa")
        ledger.add_submission(run_id, {}, "s.csv", "bb", delivery=Delivery("an id", "2026-11-30T22:00:00+00:00"))
        assert [row.sha256 for row in ledger.submissions(run_id)] == ["aa", "bb", "aa"]
    with psycopg.connect(postgresql_url) as connection:
        assert connection.execute("SELECT id, run_id FROM deliveries").fetchall() == [("an id", run_id)]


def test_a_ledger_that_is_away_may_be_opened_to_be_asked_later(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as first:
        start(first)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Ledger(path, patience=0.1, may_be_away=True) as ledger:
        with pytest.raises(LedgerUnavailable):
            start(ledger)
        other.execute("ROLLBACK")
        other.close()
        start(ledger)
        assert len(ledger.runs()) == 2


def test_a_server_that_was_never_reached_may_be_opened_to_be_asked_later(server: Any, postgresql_url: str) -> None:
    server.stop()
    with pytest.raises(LedgerUnavailable):
        Ledger(postgresql_url)
    with Ledger(postgresql_url, patience=0.1, may_be_away=True) as ledger:
        with pytest.raises(LedgerUnavailable):
            start(ledger)
        server.start()
        run_id = start(ledger)
        assert [row.id for row in ledger.runs()] == [run_id]


def test_patience_may_be_changed_while_a_ledger_is_open(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path, patience=60) as ledger:
        run_id = start(ledger)
        ledger.wait_at_most(0.1)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(LedgerUnavailable, match=r"for 0\.1 s"):
            ledger.finish_run(run_id, "finished", {})
        assert time.monotonic() - began < 30
        other.close()
