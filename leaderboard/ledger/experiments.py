"""ExperimentLog: the part of the ledger that holds experiments and the submissions made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medalist.competitions.errors import LedgerError
from medalist.leaderboard.ledger.base import Delivery, insert, one_of, recorded_at
from medalist.leaderboard.ledger.encoding import decode, finite, text, to_json
from medalist.leaderboard.ledger.features import FeatureLog, add_feature_rows, feature_values
from medalist.leaderboard.ledger.migrations import of_version_2, version_3_columns
from medalist.leaderboard.ledger.rows import ExperimentRow, FeatureRow, SubmissionRow
from medalist.leaderboard.ledger.schema import VERDICTS, Execute


class ExperimentLog(FeatureLog):
    """Experiments and submissions."""

    def record_experiment(
        self,
        run_id: str,
        row: ExperimentRow,
        features: Sequence[FeatureRow] = (),
        *,
        delivery: Delivery | None = None,
    ) -> None:
        """Record a finished experiment, whatever its verdict, and the verdicts on the features that it tested.

        All of it is recorded or nothing. An experiment that is there already stays as it is, with its features;
        LedgerError if the run has one of that number with another pipeline.
        """
        recorded = recorded_at(delivery)
        values = {"run_id": run_id, "recorded": recorded, **_experiment_values(row)}
        tested = [feature_values(feature) for feature in features]
        before = "SELECT pipeline_hash FROM experiments WHERE run_id = :run_id AND number = :number"

        def work(execute: Execute) -> None:
            if kept := execute(before, {"run_id": run_id, "number": values["number"]}):
                if kept[0]["pipeline_hash"] == values["pipeline_hash"]:
                    return
                raise LedgerError(
                    f"The table experiments of the ledger {self} has another row for run_id {run_id}, number "
                    f"{values['number']}: use a new number."
                )
            insert(execute, "experiments", values)
            add_feature_rows(execute, run_id, tested, recorded)

        self._write(run_id, work, delivery)

    def experiments(self, run_id: str) -> list[ExperimentRow]:
        """Experiments of a run (the whole id), in the order of their numbers."""
        query = "SELECT * FROM experiments WHERE run_id = :run_id ORDER BY number"
        records = self._database.read(query, {"run_id": run_id})
        # a medalist of version 2 may still write into a ledger that was brought up to date beside it
        old = [r | version_3_columns(r["pipeline"]) if of_version_2(r["pipeline"]) else r for r in records]
        return [ExperimentRow(**decode(record)) for record in old]

    def add_submission(
        self,
        run_id: str,
        made_from: Mapping[str, Any],
        path: str | Path,
        sha256: str,
        score: float | None = None,
        standard_error: float | None = None,
        reason: str = "",
        *,
        delivery: Delivery | None = None,
    ) -> int | None:
        """Record a submission that was written and return its number within the run, from 1 (None where this delivery
        came before).

        made_from: the experiment or the ensemble whose predictions it holds. sha256: of the file's bytes. A call with
        the values of the run's last submission is taken for a repetition and adds nothing; equal bytes that were made
        from something else, or have another score, are another submission.
        """
        row: dict[str, Any] = {
            "run_id": run_id,
            "made_from": to_json(made_from),
            "path": text(path),
            "sha256": text(sha256),
            "score": finite(score),
            "standard_error": finite(standard_error),
            "reason": text(reason),
        }
        last = "SELECT * FROM submissions WHERE run_id = :run_id ORDER BY number DESC LIMIT 1"

        def work(execute: Execute) -> int:
            before = execute(last, {"run_id": run_id})
            if before and all(before[0][column] == value for column, value in row.items()):
                return int(before[0]["number"])
            number = int(before[0]["number"]) + 1 if before else 1
            insert(execute, "submissions", {**row, "number": number, "recorded": recorded_at(delivery)})
            return number

        return self._write(run_id, work, delivery)

    def submissions(self, run_id: str) -> list[SubmissionRow]:
        """Submissions of a run (the whole id), in the order in which they were written."""
        query = "SELECT * FROM submissions WHERE run_id = :run_id ORDER BY number"
        return self._rows(SubmissionRow, query, {"run_id": run_id})


def _experiment_values(row: ExperimentRow) -> dict[str, Any]:
    """The columns of an experiment as the database stores them, without run id and time."""
    return {
        "number": int(row.number),
        "pipeline": to_json(row.pipeline),
        "pipeline_hash": text(row.pipeline_hash),
        "family": text(row.family),
        "reason": text(row.reason),
        "parent": None if row.parent is None else int(row.parent),
        "verdict": one_of(VERDICTS, row.verdict, "verdict"),
        "verdict_reason": text(row.verdict_reason),
        "score": finite(row.score),
        "standard_error": finite(row.standard_error),
        "fold_scores": to_json(list(row.fold_scores)),
        "seconds": float(row.seconds),
        "fit_seconds": float(row.fit_seconds),
        "error": None if row.error is None else text(row.error),
        "artifact": None if row.artifact is None else text(row.artifact),
        "arm": text(row.arm),
        "idea": None if row.idea is None else text(row.idea),
        "gain_in_noise": finite(row.gain_in_noise),
        "early_loss": finite(row.early_loss),
        "fold_losses": to_json(list(row.fold_losses)),
        "run_seconds": float(row.run_seconds),
    }
