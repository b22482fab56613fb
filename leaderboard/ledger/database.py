"""Database: transactions on a database that is a ledger of this version, whatever the engine."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

from medalist.competitions.errors import LedgerError, LedgerUnavailable
from medalist.leaderboard.ledger.migrations import MIGRATIONS
from medalist.leaderboard.ledger.schema import CREATE, MARKER, VERSION, Execute, Parameters, Rows

Result = TypeVar("Result")

#: Seconds that a call waits, by default, for another process's transaction or for a server that has gone away.
PATIENCE = 30.0
#: Seconds between attempts to reach a server: the first pause, and the longest, since each doubles the one before.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


class Database(ABC):
    """Transactions on a database that is a ledger, or becomes one with the first transaction."""

    #: How messages name the database; never with a password.
    shown: str
    #: Folder that the database's file lies in; None for a server.
    home: Path | None = None
    #: Statement that makes other processes wait while the tables are made, where a transaction does not.
    set_up_lock: str | None = None
    #: Whether calls are retried while the database is unavailable; SQLite itself waits for locks.
    retries: bool = False

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._up_to_date = False  # the tables are known to be of this version
        self._reached_once = False  # it could be reached once: an error in its address would have shown
        self._lock = threading.RLock()

    def read(self, statement: str, parameters: Parameters, since: int = 1) -> Rows:
        """Rows of a query; none while there is no ledger yet, or one of a version before `since`."""

        def query() -> Rows:
            with self._lock, self._reading() as execute:
                if execute is None:
                    return []
                version = VERSION if self._up_to_date else self._version(execute)
                return [] if version is None or version < since else execute(statement, parameters)

        return self._with_retries(query)

    def write(self, work: Callable[[Execute], Result]) -> Result:
        """The result of `work`, which runs within one transaction.

        `work` is retried where the connection is lost, for up to `patience` seconds, even if the lost transaction was
        committed: it must be idempotent.
        """

        def attempt() -> Result:
            with self.transaction() as execute:
                return work(execute)

        return self._with_retries(attempt)

    @contextmanager
    def transaction(self) -> Iterator[Execute]:
        """A transaction that is committed at the end of the block, or rolled back by an exception.

        Creates the ledger, or brings its tables up to date, before the first one.
        """
        with self._lock:
            if not self._up_to_date:
                with self._writing() as execute:
                    self._set_up(execute)
                self._up_to_date = True
            with self._writing() as execute:
                yield execute

    def check(self) -> None:
        """Raise LedgerError if the database cannot be opened, is not a ledger or is a newer one; create nothing."""
        with self._lock, self._reading() as execute:
            if execute is not None:
                self._version(execute)
        self._reached_once = True

    def set_patience(self, patience: float) -> None:
        """Change how many seconds a call waits."""
        self.patience = patience

    def _with_retries(self, call: Callable[[], Result]) -> Result:
        """The result of `call`, retried for up to `patience` seconds while a server that was reached before is away."""
        deadline, pause = time.monotonic() + self.patience, FIRST_PAUSE
        while True:
            try:
                result = call()
                self._reached_once = True
                return result
            except LedgerUnavailable:
                if not (self.retries and self._reached_once) or time.monotonic() + pause > deadline:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _version(self, execute: Execute) -> int | None:
        """Version of the tables, None where the database is empty."""
        tables = self._tables(execute)
        if MARKER not in tables:
            if tables:
                raise LedgerError(
                    f"{self.shown} is a database of something else (it has a table {min(tables)}): name another file "
                    f"or an empty database for the ledger."
                )
            return None
        version = max((int(row["version"]) for row in execute(f"SELECT version FROM {MARKER}", {})), default=0)
        if version < 1:
            raise LedgerError(f"The ledger {self.shown} does not tell its version: put it aside or restore a copy.")
        if version > VERSION:
            raise LedgerError(
                f"The ledger {self.shown} was written by a newer medalist (its tables are version {version}, this one "
                f"knows {VERSION}): update medalist or name another ledger."
            )
        return version

    def _set_up(self, execute: Execute) -> None:
        """Create the tables, or migrate them to this version."""
        if self.set_up_lock:
            execute(self.set_up_lock, {})
        version = self._version(execute)
        if version is None:
            for statement in CREATE:
                execute(statement, {})
            execute(f"INSERT INTO {MARKER} (version) VALUES (:version)", {"version": VERSION})
            return
        for old in range(version, VERSION):
            MIGRATIONS[old](execute, self)
            execute(f"UPDATE {MARKER} SET version = :version", {"version": old + 1})

    @abstractmethod
    def columns(self, execute: Execute, table: str) -> set[str]:
        """Names of the columns of a table; empty where there is no such table."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Execute | None]:
        """Gives an Execute, or None where the database does not exist yet."""

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Execute]:
        """Gives an Execute within one transaction that no other process writes beside."""

    @abstractmethod
    def _tables(self, execute: Execute) -> set[str]:
        """Names of the tables that are there."""

    @abstractmethod
    def close(self) -> None:
        """Let go of every connection; the next use opens a new one."""
