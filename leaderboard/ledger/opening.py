"""Opens the database that a ledger's path or URL names: SQLite for files, PostgreSQL for servers."""

from __future__ import annotations

import os
from pathlib import Path

from medalist.competitions.errors import LedgerError
from medalist.leaderboard.ledger.database import PATIENCE, Database
from medalist.leaderboard.ledger.sqlite import SqliteDatabase


def open_database(url_or_path: str | Path, patience: float = PATIENCE) -> Database:
    """The database at a path, a `sqlite:///` URL or a `postgresql://` URL; nothing is created yet.

    patience: seconds that a call waits for another process's transaction, or for a server that has gone away.

    Raises
    ------
    LedgerError
        If the URL is of another kind, cannot be read, or its driver is not installed.
    """
    text = os.fspath(url_or_path)
    scheme, separator, rest = text.partition("://")
    if not separator:
        return SqliteDatabase(Path(text).expanduser(), patience)
    if scheme == "sqlite" and len(rest) > 1:
        return SqliteDatabase(Path(rest[1:]).expanduser(), patience)
    if scheme.split("+")[0] in ("postgres", "postgresql"):
        from medalist.leaderboard.ledger.postgresql import ServerDatabase  # SQLAlchemy takes 0.2 s to import

        return ServerDatabase(text, patience)
    raise LedgerError(f"A ledger cannot be kept in {scheme}: give the path of a file or a postgresql:// URL.")
