"""The ledger in PostgreSQL, through SQLAlchemy and psycopg (the extra `postgres`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from medalist.competitions.errors import LedgerError
from medalist.leaderboard.ledger.database import Database, Execute, Rows


class ServerDatabase(Database):
    """PostgreSQL by its URL. Connections are not kept, so that forks and restarts of the server do no harm."""

    set_up_lock = "SELECT pg_advisory_xact_lock(1835361388)"  # a number that is ours, for the whole server

    def __init__(self, url: str) -> None:
        super().__init__()
        import sqlalchemy

        self._sqlalchemy = sqlalchemy
        try:
            address = sqlalchemy.make_url(url)
            if address.drivername in ("postgres", "postgresql"):
                address = address.set(drivername="postgresql+psycopg")
            self.shown = address.render_as_string(hide_password=True)
            self._engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.pool.NullPool)
        except ModuleNotFoundError as error:
            raise LedgerError(
                f"The ledger needs {error.name} to speak with PostgreSQL: pip install '.[postgres]' where medalist is."
            ) from error
        except (sqlalchemy.exc.ArgumentError, ValueError) as error:
            raise LedgerError(
                "The ledger's URL cannot be read: write postgresql://USER:PASSWORD@HOST:PORT/DATABASE."
            ) from error

    @contextmanager
    def _writing(self) -> Iterator[Execute]:
        try:
            with self._engine.begin() as connection:
                yield lambda statement, parameters: _rows(
                    connection.execute(self._sqlalchemy.text(statement), dict(parameters))
                )
        except self._sqlalchemy.exc.SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise LedgerError(
                f"The ledger {self.shown} failed ({reason}): check that the server runs and lets you in."
            ) from error

    _reading = _writing

    def _tables(self, execute: Execute) -> set[str]:
        rows = execute("SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema()", {})
        return {row["tablename"] for row in rows}

    def close(self) -> None:
        self._engine.dispose()


def _rows(result: Any) -> Rows:
    return [dict(row) for row in result.mappings()] if result.returns_rows else []
