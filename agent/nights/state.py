"""What nights did, in nights.sqlite beside the ledger: nights and their slices, each on disk before the next begins."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from medalist.competitions.errors import LedgerError
from medalist.leaderboard.ledger.process import Process, beginning, this_process

STATE = "nights.sqlite"  # the name of the file, beside the ledger of a folder of runs
_TABLES = """
CREATE TABLE IF NOT EXISTS nights (
    id TEXT PRIMARY KEY, began REAL NOT NULL, ends REAL NOT NULL, budget REAL NOT NULL, file TEXT NOT NULL,
    host TEXT NOT NULL, pid INTEGER NOT NULL, process TEXT NOT NULL,
    ended REAL, status TEXT NOT NULL DEFAULT 'running', reason TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS slices (
    night TEXT NOT NULL REFERENCES nights (id), number INTEGER NOT NULL,
    competition TEXT NOT NULL, path TEXT NOT NULL, options TEXT NOT NULL, why TEXT NOT NULL,
    began REAL NOT NULL, budget REAL NOT NULL, run TEXT, pid INTEGER, process TEXT, log TEXT,
    seconds REAL, start_up REAL, status TEXT NOT NULL DEFAULT 'running', reason TEXT NOT NULL DEFAULT '',
    score REAL, standard_error REAL, confirmed INTEGER, percentile REAL, teams INTEGER, medal TEXT,
    PRIMARY KEY (night, number));
CREATE TABLE IF NOT EXISTS notes (
    night TEXT NOT NULL REFERENCES nights (id), at REAL NOT NULL, competition TEXT, kind TEXT NOT NULL,
    text TEXT NOT NULL);
"""


@dataclass(frozen=True)
class NightRow:
    """One night: times in seconds since the epoch; `ends`: of its window; `budget`: seconds of its window.

    status: running, finished, interrupted (by a person) or killed (its process is gone).
    """

    id: str
    began: float
    ends: float
    budget: float
    file: str
    host: str
    pid: int
    process: str
    ended: float | None
    status: str
    reason: str

    @property
    def state(self) -> str:
        """`status`, or killed where its process on this machine is gone."""
        this = this_process()
        gone = self.status == "running" and self.host == this.host and beginning(self.pid) != self.process
        return "killed" if gone else self.status


@dataclass(frozen=True)
class SliceRow:
    """One slice: a child process that worked on a competition; its run and the run's honest estimate at its end.

    options: of the run, as one text. status: running, finished, interrupted, failed or killed. start_up: seconds until
    the run had begun to work. percentile, teams, medal: of the estimate among humans; None where there is no board.
    """

    night: str
    number: int
    competition: str
    path: str
    options: str
    why: str
    began: float
    budget: float
    run: str | None
    pid: int | None
    process: str | None
    log: str | None
    seconds: float | None
    start_up: float | None
    status: str
    reason: str
    score: float | None
    standard_error: float | None
    confirmed: int | None
    percentile: float | None
    teams: int | None
    medal: str | None


@dataclass(frozen=True)
class NoteRow:
    """Something that happened in a night: kind is failure, plateau, skipped, medal, kaggle, notify or note."""

    night: str
    at: float
    competition: str | None
    kind: str
    text: str


class NightState:
    """The file of nights. Each call is one transaction; a process killed at any instant leaves all earlier ones.

    Every method raises LedgerError where the file cannot be read or written.
    """

    def __init__(self, path: Path):
        self.path = path

    @contextmanager
    def _connection(self, write: bool = True) -> Iterator[sqlite3.Connection | None]:
        """A connection within a transaction; None where there is nothing to read."""
        try:
            if not write and not self.path.exists():
                yield None
                return
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=20)) as connection:
                connection.row_factory = sqlite3.Row
                if write:
                    connection.execute("PRAGMA journal_mode = WAL")
                    connection.execute("PRAGMA synchronous = FULL")
                    connection.executescript(_TABLES)
                with connection:
                    yield connection
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(f"The file of nights {self.path} cannot be used ({error}): check its disk.") from error

    # writing

    def begin_night(self, ends: float, budget: float, file: str) -> NightRow:
        """Record a night that begins now in this process."""
        process, now = this_process(), time.time()
        with self._connection() as connection:
            assert connection is not None
            base = night_id = time.strftime("%Y-%m-%d-%H%M%S", time.localtime(now))
            number = 1
            while connection.execute("SELECT 1 FROM nights WHERE id = ?", (night_id,)).fetchone():
                night_id, number = f"{base}-{number + 1}", number + 1
            values = (night_id, now, ends, budget, file, process.host, process.pid, process.began)
            connection.execute(
                "INSERT INTO nights (id, began, ends, budget, file, host, pid, process) VALUES (?,?,?,?,?,?,?,?)",
                values,
            )
        return self.night(night_id)

    def go_on(self, night: str) -> NightRow:
        """Record that this process goes on with a night whose process was killed."""
        process = this_process()
        self._update("nights", {"host": process.host, "pid": process.pid, "process": process.began}, night)
        return self.night(night)

    def end_night(self, night: str, status: str, reason: str) -> None:
        """Record how a night ended."""
        self._update("nights", {"ended": time.time(), "status": status, "reason": reason}, night)

    def begin_slice(self, night: str, values: dict[str, Any]) -> int:
        """Record a slice before its process is started (competition, path, options, why, budget, run, log); returns
        its number."""
        with self._connection() as connection:
            assert connection is not None
            (number,) = connection.execute(
                "SELECT coalesce(max(number), 0) + 1 FROM slices WHERE night = ?", (night,)
            ).fetchone()
            values = {"night": night, "number": number, "began": time.time(), **values}
            names = ", ".join(values)
            marks = ", ".join("?" for _ in values)
            connection.execute(f"INSERT INTO slices ({names}) VALUES ({marks})", tuple(values.values()))
        return int(number)

    def update_slice(self, night: str, number: int, values: dict[str, Any]) -> None:
        """Set columns of a slice."""
        self._update("slices", values, night, number)

    def note(self, night: str, kind: str, text: str, competition: str | None = None) -> None:
        """Record something that happened."""
        with self._connection() as connection:
            assert connection is not None
            connection.execute(
                "INSERT INTO notes VALUES (?, ?, ?, ?, ?)", (night, time.time(), competition, kind, text)
            )

    def _update(self, table: str, values: dict[str, Any], night: str, number: int | None = None) -> None:
        changes = ", ".join(f"{name} = :{name}" for name in values)
        where = "id = :key" if table == "nights" else "night = :key AND number = :number_key"
        with self._connection() as connection:
            assert connection is not None
            connection.execute(
                f"UPDATE {table} SET {changes} WHERE {where}", {**values, "key": night, "number_key": number}
            )

    # reading

    def night(self, night: str) -> NightRow:
        """The night of that id, or `last`; LedgerError where there is none."""
        rows = self.nights()
        for row in rows:
            if night in (row.id, "last"):
                return row
        some = f"there are {', '.join(r.id for r in rows[:5])}" if rows else "no night was worked yet"
        raise LedgerError(f"{self.path} has no night {night}: {some}.")

    def nights(self) -> list[NightRow]:
        """All nights, the newest first."""
        return self._rows(NightRow, "SELECT * FROM nights ORDER BY began DESC, id DESC")

    def slices(self, night: str | None = None) -> list[SliceRow]:
        """The slices of a night, or of all nights, the earliest first."""
        where = "" if night is None else "WHERE night = :night"
        return self._rows(SliceRow, f"SELECT * FROM slices {where} ORDER BY began, number", {"night": night})

    def notes(self, night: str) -> list[NoteRow]:
        """What happened in a night, the earliest first."""
        return self._rows(NoteRow, "SELECT * FROM notes WHERE night = :night ORDER BY at", {"night": night})

    def _rows(self, kind: type, query: str, parameters: dict[str, Any] | None = None) -> list[Any]:
        with self._connection(write=False) as connection:
            if connection is None:
                return []
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            if "notes" not in tables:  # the last table: another process makes the file just now
                return []
            names = [f.name for f in fields(kind)]
            return [kind(*(row[n] for n in names)) for row in connection.execute(query, parameters or {})]


def process_of(row: SliceRow) -> Process | None:
    """The process that worked on a slice, on this machine; None where none was started."""
    return None if row.pid is None else Process(this_process().host, row.pid, row.process or "")
