"""What the ledger remembers of features, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from medalist.competitions.errors import LedgerError
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import FeatureRow, ScreeningRow

ROOT = Path(__file__).resolve().parents[2]
RATIO = FeatureRow("a / b", "number / number", 1, "kept", 0.02, 0.005, "loss", 4, "better on 9 of 10 folds")
COUNT = FeatureRow("count(city)", "count(category)", 1, "redundant", 0.01, None, "residual", None, "as code(city)")


def start(ledger: Ledger, competition: str = "titanic") -> str:
    return ledger.start_run(competition, {}, {}, "ab", 0, "runs/x")


def given_back(rows: list[FeatureRow]) -> list[FeatureRow]:
    """Rows without what the ledger added."""
    return [replace(row, run_id="", number=-1, recorded=None) for row in rows]


def test_features_come_back_as_they_were_recorded_with_numbers(url: str) -> None:
    with Ledger(url) as ledger:
        one, other = start(ledger), start(ledger)
        before = datetime.now(UTC)
        ledger.add_features(one, [RATIO, COUNT])
        ledger.add_features(other, [COUNT])
        ledger.add_features(one, [replace(COUNT, step=2, status="dropped", unit="loss", experiment=0)])
        rows = ledger.features(one)
        assert [row.number for row in rows] == [0, 1, 2]
        assert [row.number for row in ledger.features(other)] == [0]
        assert {row.run_id for row in rows} == {one}
        assert all(row.recorded and before <= row.recorded <= datetime.now(UTC) for row in rows)
        assert given_back(rows)[:2] == [RATIO, COUNT]
        assert (rows[2].step, rows[2].status, rows[2].experiment) == (2, "dropped", 0)


def test_recording_features_again_changes_nothing(url: str) -> None:
    with Ledger(url) as ledger:
        run_id = start(ledger)
        ledger.add_features(run_id, [])
        assert ledger.features(run_id) == []
        ledger.add_features(run_id, [RATIO, COUNT])
        kept = ledger.features(run_id)
        ledger.add_features(run_id, [RATIO, COUNT])
        ledger.add_features(run_id, [COUNT])
        ledger.add_features(run_id, [])
        assert ledger.features(run_id) == kept
        ledger.add_features(run_id, [RATIO])  # another step may come to the same
        assert [row.text for row in ledger.features(run_id)] == ["a / b", "count(city)", "a / b"]


def test_values_of_the_trade_become_plain(url: str) -> None:
    with Ledger(url) as ledger:
        run_id = start(ledger)
        odd = FeatureRow(
            "count(`nul \x00`)", "count(key)", np.int64(2), "candidate", np.float32(0.25), float("nan"), "residual",
            np.int64(3), "surrogate \udc80",
        )  # fmt: skip
        ledger.add_features(run_id, [odd])
        ledger.add_features(run_id, [odd])
        (row,) = ledger.features(run_id)
        assert (row.text, row.reason) == ("count(`nul \\x00`)", "surrogate \\udc80")
        assert (row.step, row.gain, row.standard_error, row.experiment) == (2, 0.25, None, 3)


def test_all_rows_of_a_call_or_none(url: str) -> None:
    with Ledger(url) as ledger:
        run_id = start(ledger)
        with pytest.raises(LedgerError, match="'splendid' is no status of a feature: use one of kept, dropped"):
            ledger.add_features(run_id, [RATIO, replace(COUNT, status="splendid")])  # type: ignore[arg-type]
        with pytest.raises(LedgerError, match="'euro' is no unit of a gain"):
            ledger.add_features(run_id, [RATIO, replace(COUNT, unit="euro")])  # type: ignore[arg-type]
        with pytest.raises(LedgerError, match="no run none"):
            ledger.add_features("none", [RATIO])
        with pytest.raises(LedgerError, match="no run none"):
            ledger.record_screening("none", ScreeningRow(step=1, screened=2, passed=3))
        assert ledger.features(run_id) == ledger.features("none") == ledger.screenings("none") == []


def test_searches_are_numbered_and_the_last_is_not_repeated(url: str) -> None:
    with Ledger(url) as ledger:
        run_id = start(ledger)
        first = ScreeningRow(step=1, screened=5000, passed=40, seconds=3.5, note="pairs of numbers", parent=np.int64(3))
        ledger.record_screening(run_id, first)
        ledger.record_screening(run_id, first)
        ledger.record_screening(run_id, ScreeningRow(step=np.int64(2), screened=np.int64(100), passed=0))
        rows = ledger.screenings(run_id)
        assert [(row.number, row.step, row.screened, row.passed) for row in rows] == [(0, 1, 5000, 40), (1, 2, 100, 0)]
        assert (rows[0].seconds, rows[0].note, rows[1].note) == (3.5, "pairs of numbers", "")
        assert (rows[0].parent, rows[1].parent) == (3, None)
        assert rows[0].recorded is not None
        assert rows[1].recorded is not None
        assert rows[0].recorded <= rows[1].recorded


def test_a_screening_and_its_candidates_are_recorded_together_or_not_at_all(url: str) -> None:
    result = {"step": 1, "picks": [{"text": "a / b", "gain": 0.1}], "threshold": 4.5, "idle": ["c"]}
    row = ScreeningRow(step=1, screened=10, passed=1, result=result)
    with Ledger(url) as ledger:
        run_id = start(ledger)
        ledger.record_screening(run_id, row, [COUNT])
        ledger.record_screening(run_id, row, [COUNT])
        assert [r.result for r in ledger.screenings(run_id)] == [result]
        assert given_back(ledger.features(run_id)) == [COUNT]
        bad = replace(COUNT, status="splendid")  # type: ignore[arg-type]
        with pytest.raises(LedgerError, match="status of a feature"):
            ledger.record_screening(run_id, replace(row, step=2), [bad])
        assert len(ledger.screenings(run_id)) == len(ledger.features(run_id)) == 1


def test_many_processes_number_the_rows_of_one_run(url: str) -> None:
    with Ledger(url) as ledger:
        run_id = start(ledger)
    code = (
        "import sys\n"
        "from medalist.leaderboard.ledger.ledger import Ledger\n"
        "from medalist.leaderboard.ledger.rows import FeatureRow\n"
        "for n in range(10):\n"
        "    rows = [FeatureRow(f'f{sys.argv[3]}({n}, {k})', 'f', n, 'kept') for k in range(3)]\n"
        "    Ledger(sys.argv[1]).add_features(sys.argv[2], rows)"
    )
    crowd = [subprocess.Popen([sys.executable, "-c", code, url, run_id, str(k)], cwd=ROOT) for k in range(3)]
    assert [process.wait(timeout=120) for process in crowd] == [0] * 3
    with Ledger(url) as ledger:
        rows = ledger.features(run_id)
    assert [row.number for row in rows] == list(range(90))
    assert len({row.text for row in rows}) == 90
    for first in range(0, 90, 3):  # the rows of one call stay together
        assert len({row.text.rpartition(",")[0] for row in rows[first : first + 3]}) == 1
