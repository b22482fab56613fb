"""RunLog: the part of the ledger that holds runs, from their start to their end."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from medalist.competitions.errors import LedgerError
from medalist.leaderboard.ledger.base import Delivery, LedgerBase, insert, recorded_at
from medalist.leaderboard.ledger.encoding import decode, finite, text, to_json
from medalist.leaderboard.ledger.process import Process, this_process
from medalist.leaderboard.ledger.rows import RunRow
from medalist.leaderboard.ledger.schema import Execute, Parameters

_RUNS = "SELECT runs.*, (SELECT count(*) FROM experiments WHERE run_id = runs.id) AS n_experiments FROM runs"

#: Columns by which a repeated call of `start_run` is recognised: the same process starts the same run.
_IDENTITY = ("competition", "fingerprint", "folder", "host", "pid", "process")


def new_run_id(time: datetime | None = None) -> str:
    """An id that sorts by time and that a person can read: "20261123-014502-ab12cd34", in UTC, with 32 random bits."""
    return f"{time or datetime.now(UTC):%Y%m%d-%H%M%S}-{os.urandom(4).hex()}"


class RunLog(LedgerBase):
    """Starts, resumes, finishes and lists runs."""

    def unused_run_id(self) -> str:
        """A new id that no run of this ledger has. Nothing is recorded before `start_run`."""
        while True:
            run_id = new_run_id()
            if not self._database.read("SELECT id FROM runs WHERE id = :id", {"id": run_id}):
                return run_id

    def start_run(
        self,
        competition: str,
        config: Mapping[str, Any],
        task: Mapping[str, Any],
        fingerprint: str,
        seed: int,
        folder: str | Path,
        run_id: str | None = None,
        *,
        process: Process | None = None,
        delivery: Delivery | None = None,
    ) -> str:
        """Record a run that begins and return its id: `run_id`, else a new one.

        process: the one that works on it; the calling one where it is not given. Called again by the same process for
        the same run, it changes nothing. LedgerError, with nothing changed, if another process or another run has that
        id.
        """
        process, recorded = process or this_process(), recorded_at(delivery)
        row: dict[str, Any] = {
            "id": run_id or self.unused_run_id(),
            "competition": text(competition),
            "started": recorded,
            "status": "running",
            "config": to_json(config),
            "task": to_json(task),
            "summary": "{}",
            "fingerprint": text(fingerprint),
            "seed": int(seed),
            "folder": text(folder),
            "host": process.host,
            "pid": process.pid,
            "process": process.began,
            "attached": recorded,
        }

        def work(execute: Execute) -> None:
            insert(execute, "runs", row)
            (kept,) = execute("SELECT * FROM runs WHERE id = :id", row)
            if any(kept[column] != row[column] for column in _IDENTITY):
                raise LedgerError(
                    f"The ledger {self} has another run {row['id']} already, of {kept['competition']} in "
                    f"{kept['folder']}: nothing was changed, start again for a new id."
                )

        self._write(str(row["id"]), work, delivery, begins=True)
        return str(row["id"])

    def resume_run(
        self,
        run_id: str,
        folder: str | Path | None = None,
        config: Mapping[str, Any] | None = None,
        *,
        process: Process | None = None,
        delivery: Delivery | None = None,
    ) -> None:
        """Record that this process goes on with a run that was ended.

        folder: where the run's folder is now, if it was moved. config: the options to go on with, which replace those
        that the run was started or last resumed with.
        """
        process = process or this_process()
        values: dict[str, Any] = {
            "status": "running",
            "finished": None,
            "host": process.host,
            "pid": process.pid,
            "process": process.began,
            "attached": recorded_at(delivery),
        }
        if folder is not None:
            values["folder"] = text(folder)
        if config is not None:
            values["config"] = to_json(config)
        self._update(run_id, values, delivery)

    def finish_run(
        self, run_id: str, status: str, summary: Mapping[str, Any], *, delivery: Delivery | None = None
    ) -> None:
        """Record how a run ended (such as "finished", "interrupted", "failed") and its summary."""
        ended = {"status": text(status), "summary": to_json(summary), "finished": recorded_at(delivery)}
        self._update(run_id, ended, delivery)

    def set_noise_floor(self, run_id: str, noise_floor: float | None, *, delivery: Delivery | None = None) -> None:
        """Record by how much the loss of one pipeline differs between seeds; None where it was not measured."""
        self._update(run_id, {"noise_floor": finite(noise_floor)}, delivery)

    def run(self, run_id: str) -> RunRow:
        """The run of that id or folder, or of the only id that begins so; `last` is the newest one, and the name of a
        competition its newest one. LedgerError, with near names, if there is none, or are several."""
        ids = {"id": run_id, "folder": Path(run_id).name}
        rows = self._run_rows(f"{_RUNS} WHERE id = :id OR id = :folder", ids)
        if not rows and run_id:
            begins = "WHERE substr(id, 1, :length) = :id ORDER BY id"
            rows = self._run_rows(f"{_RUNS} {begins}", {"id": run_id, "length": len(run_id)})
        if not rows and run_id:
            rows = self._newest(run_id)
        if not rows:
            raise LedgerError(f"The ledger {self} has no run {run_id}: {self._did_you_mean(run_id)}")
        if len(rows) > 1:
            some = ", ".join(row.id for row in rows[:5])
            raise LedgerError(f"{len(rows)} runs begin with {run_id!r} ({some} …): give more of the id.")
        return rows[0]

    def _newest(self, name: str) -> list[RunRow]:
        """The newest run of a competition, by its name or the path of its folder, or of all for `last`; [] for none."""
        order = "ORDER BY started DESC, id DESC LIMIT 1"
        where = "" if name == "last" else "WHERE competition = :name"
        rows = self._run_rows(f"{_RUNS} {where} {order}", {"name": name})
        short = Path(name.rstrip("/")).name
        return rows if rows or short in (name, "last", "") else self._newest(short)

    def _did_you_mean(self, wanted: str) -> str:
        """What may have been meant by an id or a name that no run has, as the end of a sentence."""
        names = [row["competition"] for row in self._database.read("SELECT DISTINCT competition FROM runs", {})]
        near = difflib.get_close_matches(wanted, names, 3, 0.5)
        if near:
            return f"did you mean {' or '.join(near)}?"
        return "`medalist runs` lists those that it has."

    def runs(self, competition: str | None = None) -> list[RunRow]:
        """Runs, of one competition or all, the newest first."""
        where = "" if competition is None else "WHERE competition = :competition"
        return self._run_rows(f"{_RUNS} {where} ORDER BY started DESC, id DESC", {"competition": competition})

    def _run_rows(self, query: str, parameters: Parameters) -> list[RunRow]:
        records = self._database.read(query, parameters)
        return [RunRow(**decode({"attached": record["started"], **record})) for record in records]  # not in version 1

    def _update(self, run_id: str, values: Mapping[str, Any], delivery: Delivery | None) -> None:
        """Set columns of a run. Raises LedgerError where there is no such run."""
        changes = ", ".join(f"{column} = :{column}" for column in values)

        def work(execute: Execute) -> None:
            execute(f"UPDATE runs SET {changes} WHERE id = :id", {**values, "id": run_id})

        self._write(run_id, work, delivery)
