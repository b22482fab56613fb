"""The ledger in PostgreSQL, through SQLAlchemy and psycopg (the extra `postgres`)."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from medalist.competitions.errors import LedgerError, LedgerUnavailable
from medalist.leaderboard.ledger.database import PATIENCE, Database
from medalist.leaderboard.ledger.schema import Execute, Rows

#: Seconds for an attempt to connect to a server that does not answer, at most.
CONNECT_SECONDS = 10.0

#: Prefixes of the SQLSTATE codes of transient errors: connection lost, transaction rolled back, resources used
#: up, lock not available, read-only (a replica takes over), interrupted or shutting down, system error.
#: Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
_TRANSIENT = ("08", "40", "53", "55P03", "25006", "57014", "57P01", "57P02", "57P03", "57P05", "58")


#: Seconds, beside the patience for locks, after which a server that answers nothing is given up.
SILENT_SECONDS = 10.0


class ServerDatabase(Database):
    """PostgreSQL by its URL. Connections are not kept, so that forks and restarts of the server do no harm."""

    set_up_lock = "SELECT pg_advisory_xact_lock(1835361388)"  # a number that is ours, for the whole server
    retries = True

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        super().__init__(patience)
        import sqlalchemy

        self._sqlalchemy = sqlalchemy
        try:
            address = sqlalchemy.make_url(url)
            if address.drivername in ("postgres", "postgresql"):
                address = address.set(drivername="postgresql+psycopg")
            self.shown = address.render_as_string(hide_password=True)
            limits = {
                "connect_timeout": max(2, round(min(CONNECT_SECONDS, patience))),  # seconds; libpq takes no less than 2
                "tcp_user_timeout": max(2000, round(1000 * patience)),  # milliseconds until a silent server is given up
            }
            self._engine = sqlalchemy.create_engine(
                address,
                poolclass=sqlalchemy.pool.NullPool,
                connect_args={name: value for name, value in limits.items() if name not in address.query},
            )
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
            with self._engine.begin() as connection, self._given_up(connection):

                def execute(statement: str, parameters: Any) -> Rows:
                    return _rows(connection.execute(self._sqlalchemy.text(statement), dict(parameters)))

                # SQLite's limit on waiting for another writer; the setting ends with the transaction
                limit = f"{max(1, 1000 * self.patience):.0f}ms"
                execute("SELECT set_config('lock_timeout', :limit, true)", {"limit": limit})
                yield execute
        except self._sqlalchemy.exc.SQLAlchemyError as error:
            lines = str(getattr(error, "orig", None) or error).strip().splitlines()
            reason = lines[0] if lines else type(error).__name__
            kind = LedgerUnavailable if self._is_transient(error) else LedgerError
            raise kind(
                f"The ledger {self.shown} failed ({reason}): check that the server runs and lets you in."
            ) from error

    _reading = _writing

    @contextmanager
    def _given_up(self, connection: Any) -> Iterator[None]:
        """Shut a connection down where the block takes too long, so that the client does not wait for ever.

        TCP takes a server that was suspended, or whose disk hangs, for one that is there, and the limits of PostgreSQL
        are kept by the server. Making or migrating the tables may take any time.
        """
        if not self._up_to_date:
            yield
            return
        with socket.socket(fileno=os.dup(connection.connection.driver_connection.fileno())) as line:

            def give_up() -> None:
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)

            timer = threading.Timer(SILENT_SECONDS + 2 * self.patience, give_up)
            timer.daemon = True
            timer.start()
            try:
                yield
            finally:
                timer.cancel()

    def _is_transient(self, error: Exception) -> bool:
        """Whether an error may pass when the call is repeated later."""
        if not isinstance(error, self._sqlalchemy.exc.DBAPIError):
            return False
        state = getattr(error.orig, "sqlstate", None)
        if state is not None:
            return str(state).startswith(_TRANSIENT)
        errors = self._sqlalchemy.exc
        return bool(error.connection_invalidated) or isinstance(error, errors.OperationalError | errors.InterfaceError)

    def columns(self, execute: Execute, table: str) -> set[str]:
        query = (
            "SELECT column_name FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND table_name = :table"
        )
        return {row["column_name"] for row in execute(query, {"table": table})}

    def _tables(self, execute: Execute) -> set[str]:
        rows = execute("SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema()", {})
        return {row["tablename"] for row in rows}

    def close(self) -> None:
        self._engine.dispose()


def _rows(result: Any) -> Rows:
    return [dict(row) for row in result.mappings()] if result.returns_rows else []
