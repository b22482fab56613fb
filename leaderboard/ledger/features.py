"""FeatureLog: the part of the ledger that holds the features that were tried, and what each gained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medalist.leaderboard.ledger.base import Delivery, LedgerBase, insert, one_of, recorded_at
from medalist.leaderboard.ledger.encoding import decode, finite, text, to_json
from medalist.leaderboard.ledger.rows import FeatureRow, ScreeningRow
from medalist.leaderboard.ledger.schema import FEATURE_STATUSES, GAIN_UNITS, Execute

SINCE = 2  # version of the tables from which on there are features


class FeatureLog(LedgerBase):
    """Features, and the screenings that they come from."""

    def add_features(self, run_id: str, rows: Sequence[FeatureRow], *, delivery: Delivery | None = None) -> None:
        """Record the statuses of features, all of them or none.

        A call whose rows equal the run's last ones is taken for a repetition and adds nothing.
        """
        values = [feature_values(row) for row in rows]

        def work(execute: Execute) -> None:
            if not _ends_with(execute, run_id, values):
                add_feature_rows(execute, run_id, values, recorded_at(delivery))

        self._write(run_id, work, delivery)

    def features(self, run_id: str) -> list[FeatureRow]:
        """Features of a run (the whole id), in the order in which they were recorded."""
        query = "SELECT * FROM features WHERE run_id = :run_id ORDER BY number"
        return self._rows(FeatureRow, query, {"run_id": run_id}, SINCE)

    def record_screening(
        self,
        run_id: str,
        row: ScreeningRow,
        features: Sequence[FeatureRow] = (),
        *,
        delivery: Delivery | None = None,
    ) -> None:
        """Record one screening and the statuses of its candidates, all of it or nothing.

        A call with the values of the run's last screening is taken for a repetition and adds neither row nor features.
        """
        values: dict[str, Any] = {
            "step": int(row.step),
            "screened": int(row.screened),
            "passed": int(row.passed),
            "seconds": float(row.seconds),
            "note": text(row.note),
            "parent": None if row.parent is None else int(row.parent),
            "result": to_json(row.result) if row.result else None,
        }
        recorded = recorded_at(delivery)
        candidates = [feature_values(feature) for feature in features]
        last = "SELECT * FROM searches WHERE run_id = :run_id ORDER BY number DESC LIMIT 1"

        def work(execute: Execute) -> None:
            before = execute(last, {"run_id": run_id})
            if before and all(before[0][column] == value for column, value in values.items()):
                return
            number = int(before[0]["number"]) + 1 if before else 0
            insert(execute, "searches", {"run_id": run_id, "number": number, "recorded": recorded, **values})
            add_feature_rows(execute, run_id, candidates, recorded)

        self._write(run_id, work, delivery)

    def screenings(self, run_id: str) -> list[ScreeningRow]:
        """Screenings of a run (the whole id), in the order in which they were made."""
        query = "SELECT * FROM searches WHERE run_id = :run_id ORDER BY number"
        records = self._database.read(query, {"run_id": run_id}, SINCE)
        return [ScreeningRow(**decode(record | {"result": record.get("result") or "{}"})) for record in records]


def feature_values(row: FeatureRow) -> dict[str, Any]:
    """The columns of a feature as the database stores them, without run id, number and time."""
    return {
        "text": text(row.text),
        "shape": text(row.shape),
        "step": int(row.step),
        "status": one_of(FEATURE_STATUSES, row.status, "status of a feature"),
        "gain": finite(row.gain),
        "standard_error": finite(row.standard_error),
        "unit": one_of(GAIN_UNITS, row.unit, "unit of a gain"),
        "experiment": None if row.experiment is None else int(row.experiment),
        "reason": text(row.reason),
    }


def add_feature_rows(execute: Execute, run_id: str, values: Sequence[Mapping[str, Any]], recorded: str) -> None:
    """Insert features with the run's next numbers; the run is locked by the caller."""
    query = "SELECT max(number) AS number FROM features WHERE run_id = :run_id"
    last = execute(query, {"run_id": run_id})[0]["number"]
    first = 0 if last is None else int(last) + 1
    for number, row in enumerate(values, first):
        insert(execute, "features", {"run_id": run_id, "number": number, "recorded": recorded, **row})


def _ends_with(execute: Execute, run_id: str, values: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the last features of a run equal `values`."""
    query = "SELECT * FROM features WHERE run_id = :run_id ORDER BY number DESC LIMIT :n"
    last = execute(query, {"run_id": run_id, "n": len(values)})
    return len(last) == len(values) and all(
        kept[column] == value for kept, row in zip(reversed(last), values, strict=True) for column, value in row.items()
    )
