"""The ledger in a SQLite file, through the standard library.

It does without SQLAlchemy because importing that costs 0.2 s, three times what `import typer, rich` does, and would be
most of the wait for `medalist runs`; the statements are the same text as for PostgreSQL.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NoReturn

from medalist.competitions.errors import LedgerError, LedgerUnavailable
from medalist.leaderboard.ledger.database import PATIENCE, Database
from medalist.leaderboard.ledger.schema import Execute, Parameters, Rows

#: Errors that pass by themselves, or once a person frees disk space or ends another process.
_TRANSIENT = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
)

#: Errors of a full disk, and of a drive over the network that does not answer.
_PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.ENOTCONN)


class SqliteDatabase(Database):
    """A SQLite file in write-ahead mode: readers never wait, a killed process loses nothing that was committed."""

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        super().__init__(patience)
        self.path = path
        self.shown = str(path)
        self.home = path.absolute().parent
        self._connection: sqlite3.Connection | None = None
        self._writable = False
        self._pid = os.getpid()
        self._inherited: list[sqlite3.Connection] = []

    @contextmanager
    def _reading(self) -> Iterator[Execute | None]:
        try:
            connection = self._connect(write=False)
            yield None if connection is None else _execute(connection)
        except sqlite3.Error as error:
            self._fail(error)

    @contextmanager
    def _writing(self) -> Iterator[Execute]:
        try:
            connection = self._connect(write=True)
            assert connection is not None
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield _execute(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            self._fail(error)

    def _tables(self, execute: Execute) -> set[str]:
        rows = execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'", {})
        return {row["name"] for row in rows}

    def columns(self, execute: Execute, table: str) -> set[str]:
        return {row["name"] for row in execute(f"PRAGMA table_info({table})", {})}

    def set_patience(self, patience: float) -> None:
        with self._lock:
            super().set_patience(patience)
            if self._connection is not None and self._pid == os.getpid():
                self._connection.execute(f"PRAGMA busy_timeout = {max(0, round(1000 * patience))}")

    def close(self) -> None:
        with self._lock:
            if self._connection is not None and self._pid == os.getpid():
                self._connection.close()
            self._connection = None

    def _connect(self, write: bool) -> sqlite3.Connection | None:
        """The open connection, opened where needed; None where a file to read does not exist."""
        if self._pid != os.getpid() and self._connection is not None:
            # SQLite forbids the use, even the closing, of a connection on the other side of a fork
            self._inherited.append(self._connection)
            self._connection = None
        if self._connection is None or (write and not self._writable):
            self.close()
            self._pid = os.getpid()
            if not write and not self._exists():
                return None
            self._connection = self._open_to_write() if write else self._open_to_read()
            self._writable = write
        return self._connection

    def _exists(self) -> bool:
        """Whether the file is there. LedgerUnavailable where its drive does not answer."""
        try:
            return self.path.exists()
        except OSError as error:
            kind = LedgerUnavailable if error.errno in _PASSING else LedgerError
            raise kind(f"The ledger {self.path} cannot be reached ({error.strerror}): check its drive.") from error

    def _open_to_write(self) -> sqlite3.Connection:
        """A connection in write-ahead mode to the file, which is made where it does not exist."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            kind = LedgerUnavailable if error.errno in _PASSING else LedgerError
            raise kind(
                f"The folder {self.path.parent} of the ledger cannot be made ({error.strerror}): name a ledger in a "
                f"folder that you may write to."
            ) from error
        connection = self._open("rwc")
        deadline = time.monotonic() + self.patience
        while True:  # the change to write-ahead mode does not itself wait for other processes
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    connection.close()
                    raise
                time.sleep(0.02)
        connection.execute("PRAGMA synchronous = FULL")  # one fsync per experiment: safe from a power cut too
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _open_to_read(self) -> sqlite3.Connection:
        """A connection that writes nothing, also to a file in a folder that may not be written."""
        connection = self._open("rw")  # falls back to reading only where the file may not be written
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            connection.close()
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise
            if self.path.with_name(self.path.name + "-wal").exists():
                raise
            return self._open("ro", "&immutable=1")  # a folder in which not even the lock file can be made
        return connection

    def _open(self, mode: str, more: str = "") -> sqlite3.Connection:
        address = f"{self.path.absolute().as_uri()}?mode={mode}{more}"
        connection = sqlite3.connect(
            address, uri=True, timeout=self.patience, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        return connection

    def _fail(self, error: sqlite3.Error) -> NoReturn:
        """Raise the LedgerError, or LedgerUnavailable, that explains an error of SQLite."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        what = {
            sqlite3.SQLITE_NOTADB: "is not a SQLite database: name another file for the ledger",
            sqlite3.SQLITE_CORRUPT: "is damaged: put it aside or restore a copy of it",
            sqlite3.SQLITE_FULL: "cannot grow because the disk is full: make room",
            sqlite3.SQLITE_READONLY: "may only be read: name a ledger in a folder that you may write to",
            sqlite3.SQLITE_CANTOPEN: "cannot be opened: name a ledger in a folder that you may write to",
            sqlite3.SQLITE_BUSY: f"has been locked by another process for {self.patience:g} s: end it and try again",
        }.get(code, f"failed ({error}): check the disk that it lies on")
        gone = self._up_to_date and code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)  # a drive, unmounted
        kind = LedgerUnavailable if gone or code in _TRANSIENT else LedgerError
        raise kind(f"The ledger {self.shown} {what}.") from error


def _execute(connection: sqlite3.Connection) -> Execute:
    def execute(statement: str, parameters: Parameters) -> Rows:
        with closing(connection.execute(statement, parameters)) as cursor:
            return [dict(row) for row in cursor.fetchall()]

    return execute
