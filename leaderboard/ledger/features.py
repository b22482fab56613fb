"""FeatureLog: the part of the ledger that remembers which features were tried, and what each gained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medalist.leaderboard.ledger.encoding import finite, text
from medalist.leaderboard.ledger.rows import Records, known, now
from medalist.leaderboard.ledger.schema import FEATURE_STATUSES, GAIN_UNITS, FeatureRow, SearchRow

SINCE = 2  # version of the tables from which on there are features

#: The last verdict on each expression within each run; screening alone (redundant, candidate) is no verdict.
_VERDICTS = """
    SELECT shape, status, count(*) AS n FROM features JOIN (
        SELECT run_id AS run, max(number) AS last FROM features
        WHERE run_id <> :exclude AND status NOT IN ('redundant', 'candidate') GROUP BY run_id, text
    ) AS verdicts ON run_id = run AND number = last
    WHERE status IN ('kept', 'dropped') GROUP BY shape, status"""


class FeatureLog(Records):
    """Features, and the screenings that they come from."""

    def add_features(self, run_id: str, rows: Sequence[FeatureRow]) -> None:
        """Record what became of features, all of them or none; the ledger gives `run_id`, `number` and `recorded`.

        Rows that the run ends with already are not recorded twice.
        """
        values = [_values(row) for row in rows]
        last = "SELECT * FROM features WHERE run_id = :run_id ORDER BY number DESC LIMIT :n"
        with self._database.transaction() as execute:
            self._lock_run(execute, run_id)
            before = execute(last, {"run_id": run_id, "n": max(1, len(values))})
            if [{column: row[column] for column in _values(_NOTHING)} for row in reversed(before)] == values:
                return
            first = int(before[0]["number"]) + 1 if before else 0
            for number, row in enumerate(values, first):
                given = {"run_id": run_id, "number": number, "recorded": now(), **row}
                self._insert(execute, "features", given, "run_id", "number")

    def features(self, run_id: str) -> list[FeatureRow]:
        """Features of a run (the whole id), in the order in which they were recorded."""
        query = "SELECT * FROM features WHERE run_id = :run_id ORDER BY number"
        return self._rows(FeatureRow, query, {"run_id": run_id}, SINCE)

    def add_search(
        self, run_id: str, step: int, screened: int, passed: int, seconds: float = 0.0, note: str = ""
    ) -> None:
        """Record one screening; the one that the last row tells of is not recorded twice."""
        row: dict[str, Any] = {
            "step": int(step),
            "screened": int(screened),
            "passed": int(passed),
            "seconds": float(seconds),
            "note": text(note),
        }
        last = "SELECT * FROM searches WHERE run_id = :run_id ORDER BY number DESC LIMIT 1"
        with self._database.transaction() as execute:
            self._lock_run(execute, run_id)
            before = execute(last, {"run_id": run_id})
            if before and all(before[0][column] == value for column, value in row.items()):
                return
            number = int(before[0]["number"]) + 1 if before else 0
            given = {"run_id": run_id, "number": number, "recorded": now(), **row}
            self._insert(execute, "searches", given, "run_id", "number")

    def searches(self, run_id: str) -> list[SearchRow]:
        """Screenings of a run (the whole id), in the order in which they were made."""
        query = "SELECT * FROM searches WHERE run_id = :run_id ORDER BY number"
        return self._rows(SearchRow, query, {"run_id": run_id}, SINCE)

    def shapes(self, exclude: str | None = None) -> dict[str, tuple[int, int]]:
        """For each shape, how many features of it were kept and how many were tested, over all runs but `exclude`.

        An expression counts once a run, by the last verdict on it: what was kept and taken away later counts no more.
        """
        found: dict[str, tuple[int, int]] = {}
        for row in self._database.read(_VERDICTS, {"exclude": exclude or ""}, SINCE):
            kept, tested = found.get(row["shape"], (0, 0))
            n = int(row["n"])
            found[row["shape"]] = (kept + n if row["status"] == "kept" else kept, tested + n)
        return found


_NOTHING = FeatureRow("", "", 0, "candidate")


def _values(row: FeatureRow) -> dict[str, Any]:
    """The columns that whoever records a feature gives."""
    return {
        "text": text(row.text),
        "shape": text(row.shape),
        "step": int(row.step),
        "status": known(row.status, FEATURE_STATUSES, "status of a feature"),
        "gain": finite(row.gain),
        "standard_error": finite(row.standard_error),
        "unit": known(row.unit, GAIN_UNITS, "unit of a gain"),
        "experiment": None if row.experiment is None else int(row.experiment),
        "reason": text(row.reason),
    }
