"""LedgerBase: opens a ledger, and reads and locks rows; the base class of the ledger's parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar

from medalist.competitions.errors import LedgerError, LedgerUnavailable
from medalist.leaderboard.ledger.database import PATIENCE, Database
from medalist.leaderboard.ledger.encoding import decode
from medalist.leaderboard.ledger.opening import open_database
from medalist.leaderboard.ledger.schema import Execute, Parameters

Row = TypeVar("Row")
Result = TypeVar("Result")


def now() -> str:
    """The time in UTC, as the ledger stores it: ISO 8601 with microseconds, which sorts as text."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def one_of(words: Sequence[str], value: str, what: str) -> str:
    """`value` if it is one of `words`; LedgerError otherwise."""
    if value not in words:
        raise LedgerError(f"{value!r} is no {what}: use one of {', '.join(words)}.")
    return value


@dataclass(frozen=True)
class Delivery:
    """The origin of a call that an outbox keeps until the ledger has it.

    id: unique to the call; the ledger carries out one call of each id, however often it is delivered. recorded: when
    the outbox took it, as `now` gives it.
    """

    id: str
    recorded: str


def recorded_at(delivery: Delivery | None) -> str:
    """The time that a row was recorded: when the outbox took it, else now."""
    return now() if delivery is None else delivery.recorded


class LedgerBase:
    """An open ledger, and a context manager that closes it; `str` gives its path or URL, without a password."""

    def __init__(self, url_or_path: str | Path, patience: float = PATIENCE, *, may_be_away: bool = False) -> None:
        self._database: Database = open_database(url_or_path, patience)
        try:
            self._database.check()
        except LedgerUnavailable:
            if not may_be_away:
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __str__(self) -> str:
        return self._database.shown

    def wait_at_most(self, patience: float) -> None:
        """Change how many seconds a call waits (see `Ledger`)."""
        self._database.set_patience(patience)

    def close(self) -> None:
        """Let go of the database; a later call opens it again."""
        self._database.close()

    def _rows(self, kind: type[Row], query: str, parameters: Parameters, since: int = 1) -> list[Row]:
        """The rows of a query as `kind`; [] where the ledger is older than version `since`, which added the table."""
        return [kind(**decode(record)) for record in self._database.read(query, parameters, since)]

    def _write(
        self, run_id: str, work: Callable[[Execute], Result], delivery: Delivery | None = None, *, begins: bool = False
    ) -> Result | None:
        """The result of `work`, which runs within one transaction while the run's row is locked.

        delivery: where the call comes from an outbox; one that was delivered before is not carried out again, and gives
        None. begins: whether `work` makes the run's row, which then cannot be locked yet.
        """

        def once(execute: Execute) -> Result | None:
            if not begins:
                self._lock_run(execute, run_id)
            if delivery is None:
                return work(execute)
            if execute("SELECT id FROM deliveries WHERE id = :id", {"id": delivery.id}):
                return None
            result = work(execute)
            insert(execute, "deliveries", {"id": delivery.id, "run_id": run_id})
            return result

        return self._database.write(once)

    def _require(self, execute: Execute, run_id: str) -> None:
        """Raise LedgerError unless the run exists."""
        if not execute("SELECT id FROM runs WHERE id = :run_id", {"run_id": run_id}):
            raise LedgerError(f"The ledger {self} has no run {run_id}: start the run before recording what it did.")

    def _lock_run(self, execute: Execute, run_id: str) -> None:
        """Lock the run's row until the transaction ends, so that concurrent writers do not give a number twice."""
        self._require(execute, run_id)
        execute("UPDATE runs SET id = id WHERE id = :run_id", {"run_id": run_id})


def insert(execute: Execute, table: str, row: Mapping[str, Any]) -> None:
    """Insert a row; nothing happens where its key is there already."""
    names = ", ".join(row)
    values = ", ".join(f":{column}" for column in row)
    execute(f"INSERT INTO {table} ({names}) VALUES ({values}) ON CONFLICT DO NOTHING", row)
