"""Database: transactions, and the proof that a database is a ledger of this version, whatever the engine."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from medalist.competitions.errors import LedgerError
from medalist.leaderboard.ledger.schema import CREATE, MARKER, MIGRATIONS, VERSION

Parameters = Mapping[str, Any]
Rows = list[dict[str, Any]]
Execute = Callable[[str, Parameters], Rows]  # a statement with :named parameters → the rows that it returns

#: Seconds that a process waits for another one's transaction.
PATIENCE = 30.0


class Database(ABC):
    """Transactions on a database that is a ledger, or becomes one with the first transaction."""

    #: How messages name the database; never with a password.
    shown: str
    #: Statement that makes other processes wait while the tables are made, where a transaction does not.
    set_up_lock: str | None = None

    def __init__(self) -> None:
        self._current = False  # the tables are known to be of this version
        self._lock = threading.RLock()

    def read(self, statement: str, parameters: Parameters, since: int = 1) -> Rows:
        """Rows of a query; none while there is no ledger yet, or one of a version before `since`."""
        with self._lock, self._reading() as execute:
            if execute is None:
                return []
            version = VERSION if self._current else self._version(execute)
            return [] if version is None or version < since else execute(statement, parameters)

    @contextmanager
    def transaction(self) -> Iterator[Execute]:
        """A transaction that is committed at the end of the block, or rolled back by an exception.

        Creates the ledger, or brings its tables up to date, before the first one.
        """
        with self._lock:
            if not self._current:
                with self._writing() as execute:
                    self._set_up(execute)
                self._current = True
            with self._writing() as execute:
                yield execute

    def check(self) -> None:
        """Raise LedgerError if the database cannot be opened, is not a ledger or is a newer one; create nothing."""
        with self._lock, self._reading() as execute:
            if execute is not None:
                self._version(execute)

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
        if self.set_up_lock:
            execute(self.set_up_lock, {})
        version = self._version(execute)
        if version is None:
            for statement in CREATE:
                execute(statement, {})
            execute(f"INSERT INTO {MARKER} (version) VALUES (:version)", {"version": VERSION})
            return
        for old in range(version, VERSION):
            for statement in MIGRATIONS[old]:
                execute(statement, {})
            execute(f"UPDATE {MARKER} SET version = :version", {"version": old + 1})

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


def open_database(url_or_path: str | Path) -> Database:
    """The database at a path, a `sqlite:///` URL or a `postgresql://` URL; nothing is created yet.

    Raises
    ------
    LedgerError
        If the URL is of another kind, cannot be read, or its driver is not installed.
    """
    from medalist.leaderboard.ledger.sqlite import SqliteDatabase

    text = os.fspath(url_or_path)
    scheme, separator, rest = text.partition("://")
    if not separator:
        return SqliteDatabase(Path(text).expanduser())
    if scheme == "sqlite" and len(rest) > 1:
        return SqliteDatabase(Path(rest[1:]).expanduser())
    if scheme.split("+")[0] in ("postgres", "postgresql"):
        from medalist.leaderboard.ledger.postgresql import ServerDatabase

        return ServerDatabase(text)
    raise LedgerError(f"A ledger cannot be kept in {scheme}: give the path of a file or a postgresql:// URL.")
