"""The ledger: every run, experiment, submission and standing, on disk. It is the only state."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from medalist.competitions.errors import LedgerError
from medalist.leaderboard.ledger.encoding import finite, text, to_json
from medalist.leaderboard.ledger.features import FeatureLog
from medalist.leaderboard.ledger.rows import known, now
from medalist.leaderboard.ledger.schema import VERDICTS, ExperimentRow, RunRow, SubmissionRow, Verdict
from medalist.leaderboard.ledger.standings import StandingLog

MOST_OF_A_RUN = 150  # experiments whose gains teach later runs something
RUNS = "SELECT runs.*, (SELECT count(*) FROM experiments WHERE run_id = runs.id) AS n_experiments FROM runs"


def new_run_id(time: datetime | None = None) -> str:
    """An id that sorts by time and that a person can read: "20261123-014502-ab12", in UTC."""
    return f"{time or datetime.now(UTC):%Y%m%d-%H%M%S}-{os.urandom(2).hex()}"


class Ledger(FeatureLog, StandingLog):
    """What was done, kept so that nothing finished is ever lost.

    Each call is one transaction that is on disk when the call returns; a process killed at any instant leaves all
    finished rows. Several processes may write at once. Every writing call may be repeated: the second time changes
    nothing. Values in dicts come back as JSON would bring them: lists as lists, paths as text, NaN as None.

    Parameters
    ----------
    url_or_path
        Path of a SQLite file (made with the first row, together with its folder), or `postgresql://…`.

    Raises
    ------
    LedgerError
        By every method: if the database cannot be opened or written, belongs to something else, or was written by
        a newer version; if there is no such run.
    """

    # Runs

    def start_run(
        self,
        competition: str,
        config: Mapping[str, Any],
        task: Mapping[str, Any],
        fingerprint: str,
        seed: int,
        folder: str | Path,
        run_id: str | None = None,
    ) -> str:
        """Record a run that begins and return its id: `run_id` (see `new_run_id`), else a new one.

        Starting the same run again changes nothing; LedgerError if `run_id` belongs to another run.
        """
        import socket

        row: dict[str, Any] = {
            "id": run_id or new_run_id(),
            "competition": text(competition),
            "started": now(),
            "status": "running",
            "config": to_json(config),
            "task": to_json(task),
            "summary": "{}",
            "fingerprint": text(fingerprint),
            "seed": int(seed),
            "folder": text(folder),
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "attached": now(),
        }
        with self._database.transaction() as execute:
            while run_id is None and execute("SELECT id FROM runs WHERE id = :id", row):
                row["id"] = new_run_id()
            self._insert(execute, "runs", row, "id", same=("competition", "fingerprint", "folder"))
        return str(row["id"])

    def resume_run(self, run_id: str, folder: str | Path | None = None) -> None:
        """Record that this process goes on with a run that was ended, and where its folder is now, if that is given."""
        import socket

        values = {"id": run_id, "host": socket.gethostname(), "pid": os.getpid(), "attached": now()}
        with self._database.transaction() as execute:
            self._require(execute, run_id)
            changes = "status = 'running', finished = NULL, host = :host, pid = :pid, attached = :attached"
            if folder is not None:
                changes, values["folder"] = changes + ", folder = :folder", text(folder)
            execute(f"UPDATE runs SET {changes} WHERE id = :id", values)

    def finish_run(self, run_id: str, status: str, summary: Mapping[str, Any]) -> None:
        """Record how a run ended (such as "finished", "interrupted", "failed") and its summary."""
        values = {"id": run_id, "status": text(status), "summary": to_json(summary), "finished": now()}
        with self._database.transaction() as execute:
            self._require(execute, run_id)
            execute("UPDATE runs SET status = :status, summary = :summary, finished = :finished WHERE id = :id", values)

    def run(self, run_id: str) -> RunRow:
        """The run of that id, or of the only id that begins so."""
        found = self._rows(RunRow, f"{RUNS} WHERE id = :id", {"id": run_id})
        if not found and run_id:
            begins = "WHERE substr(id, 1, :length) = :id ORDER BY id"
            found = self._rows(RunRow, f"{RUNS} {begins}", {"id": run_id, "length": len(run_id)})
        if not found:
            raise LedgerError(f"The ledger {self} has no run {run_id}: `medalist runs` lists those that it has.")
        if len(found) > 1:
            some = ", ".join(row.id for row in found[:5])
            raise LedgerError(f"{len(found)} runs begin with {run_id!r} ({some} …): give more of the id.")
        return found[0]

    def runs(self, competition: str | None = None) -> list[RunRow]:
        """Runs, of one competition or all, the newest first."""
        where = "" if competition is None else "WHERE competition = :competition"
        return self._rows(RunRow, f"{RUNS} {where} ORDER BY started DESC, id DESC", {"competition": competition})

    # Experiments

    def add_experiment(
        self,
        run_id: str,
        number: int,
        *,
        pipeline: Mapping[str, Any],
        pipeline_hash: str,
        family: str,
        reason: str,
        verdict: Verdict,
        verdict_reason: str,
        parent: int | None = None,
        score: float | None = None,
        standard_error: float | None = None,
        fold_scores: Sequence[float] = (),
        seconds: float = 0.0,
        fit_seconds: float = 0.0,
        error: str | None = None,
        artifact: str | Path | None = None,
    ) -> None:
        """Record a finished experiment, whatever its verdict; `number` counts within the run.

        A row that is there already stays; LedgerError if it is of another pipeline.
        """
        row = {
            "run_id": run_id,
            "number": int(number),
            "recorded": now(),
            "pipeline": to_json(pipeline),
            "pipeline_hash": text(pipeline_hash),
            "family": text(family),
            "reason": text(reason),
            "parent": None if parent is None else int(parent),
            "verdict": known(verdict, VERDICTS, "verdict"),
            "verdict_reason": text(verdict_reason),
            "score": finite(score),
            "standard_error": finite(standard_error),
            "fold_scores": to_json(list(fold_scores)),
            "seconds": float(seconds),
            "fit_seconds": float(fit_seconds),
            "error": None if error is None else text(error),
            "artifact": None if artifact is None else text(artifact),
        }
        with self._database.transaction() as execute:
            self._require(execute, run_id)
            self._insert(execute, "experiments", row, "run_id", "number", same=("pipeline_hash",))

    def experiments(self, run_id: str) -> list[ExperimentRow]:
        """Experiments of a run (the whole id), in the order of their numbers."""
        query = "SELECT * FROM experiments WHERE run_id = :run_id ORDER BY number"
        return self._rows(ExperimentRow, query, {"run_id": run_id})

    def gains(self, exclude: str | None = None, most: int = 5000) -> list[tuple[str, str, str | None, float]]:
        """What experiments of all runs but `exclude` gained: (run, arm, idea, gain of the ensemble), `most` of the
        latest runs and the first MOST_OF_A_RUN of each, so that no long night hides what others taught.

        The gain is what the experiment's recipe says aside, in units of the noise of its run's first score; experiments
        that do not tell it are left out.
        """
        query = (
            "SELECT run_id, pipeline FROM experiments WHERE run_id <> :exclude AND number < :each "
            "ORDER BY recorded DESC LIMIT :most"
        )
        found = []
        for row in self._database.read(query, {"exclude": exclude or "", "most": most, "each": MOST_OF_A_RUN}):
            aside = json.loads(row["pipeline"]).get("aside", {})
            if aside.get("gain") is not None:
                found.append((str(row["run_id"]), str(aside["arm"]), aside["idea"], float(aside["gain"])))
        return found

    # Submissions

    def add_submission(
        self,
        run_id: str,
        made_from: Mapping[str, Any],
        path: str | Path,
        sha256: str,
        score: float | None = None,
        standard_error: float | None = None,
        reason: str = "",
    ) -> int:
        """Record a submission that was written and return its number within the run, from 1.

        `made_from` tells the experiment or the ensemble. The file that the last row tells of is not recorded twice.
        """
        row: dict[str, Any] = {
            "run_id": run_id,
            "recorded": now(),
            "made_from": to_json(made_from),
            "path": text(path),
            "sha256": text(sha256),
            "score": finite(score),
            "standard_error": finite(standard_error),
            "reason": text(reason),
        }
        last = "SELECT number, path, sha256 FROM submissions WHERE run_id = :run_id ORDER BY number DESC LIMIT 1"
        with self._database.transaction() as execute:
            self._lock_run(execute, run_id)
            before = execute(last, row)
            if before and (before[0]["path"], before[0]["sha256"]) == (row["path"], row["sha256"]):
                return int(before[0]["number"])
            row["number"] = int(before[0]["number"]) + 1 if before else 1
            self._insert(execute, "submissions", row, "run_id", "number", same=("sha256",))
        return int(row["number"])

    def submissions(self, run_id: str) -> list[SubmissionRow]:
        """Submissions of a run (the whole id), in the order in which they were written."""
        query = "SELECT * FROM submissions WHERE run_id = :run_id ORDER BY number"
        return self._rows(SubmissionRow, query, {"run_id": run_id})
