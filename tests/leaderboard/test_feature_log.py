"""What the ledger remembers of features, on SQLite and on PostgreSQL alike, and ledgers from before there were any."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medalist.competitions.errors import LedgerError
from medalist.leaderboard.ledger.database import open_database
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.schema import INDEXES, MARKER, TABLES, VERSION, FeatureRow

ROOT = Path(__file__).resolve().parents[2]
RATIO = FeatureRow("a / b", "number / number", 1, "kept", 0.02, 0.005, "loss", 4, "better on 9 of 10 folds")
COUNT = FeatureRow("count(city)", "count(category)", 1, "redundant", 0.01, None, "residual", None, "as code(city)")


def start(ledger: Ledger, competition: str = "titanic") -> str:
    return ledger.start_run(competition, {}, {}, "ab", 0, "runs/x")


def given_back(rows: list[FeatureRow]) -> list[FeatureRow]:
    """Rows without what the ledger added."""
    return [replace(row, run_id="", number=-1, recorded=None) for row in rows]


def make_version_1(url: str) -> None:
    """A ledger as the first version made it, with one run."""
    database = open_database(url)
    old = {name: columns for name, columns in TABLES.items() if name not in ("features", "searches")}
    with database._writing() as execute:
        execute(f"CREATE TABLE {MARKER} (version INTEGER NOT NULL)", {})
        for name, columns in old.items():
            execute(f"CREATE TABLE {name} ({columns})", {})
        for statement in INDEXES:
            execute(statement, {})
        execute(f"INSERT INTO {MARKER} (version) VALUES (1)", {})
        row = {"id": "20260101-000000-aaaa", "competition": "titanic", "started": "2026-01-01T00:00:00.000000+00:00"}
        row |= {"status": "finished", "config": "{}", "task": "{}", "summary": "{}", "fingerprint": "ab", "seed": 0}
        row |= {"folder": "runs/x", "host": "here", "pid": 1, "attached": row["started"]}
        names = ", ".join(row)
        execute(f"INSERT INTO runs ({names}) VALUES ({', '.join(f':{name}' for name in row)})", row)
    database.close()


def tables_of(url: str) -> set[str]:
    database = open_database(url)
    with database._reading() as execute:
        assert execute is not None
        return database._tables(execute)


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
            ledger.add_search("none", 1, 2, 3)
        assert ledger.features(run_id) == ledger.features("none") == ledger.searches("none") == []


def test_searches_are_numbered_and_the_last_is_not_repeated(url: str) -> None:
    with Ledger(url) as ledger:
        run_id = start(ledger)
        ledger.add_search(run_id, 1, 5000, 40, 3.5, "pairs of numbers")
        ledger.add_search(run_id, 1, 5000, 40, 3.5, "pairs of numbers")
        ledger.add_search(run_id, np.int64(2), np.int64(100), 0)
        rows = ledger.searches(run_id)
        assert [(row.number, row.step, row.screened, row.passed) for row in rows] == [(0, 1, 5000, 40), (1, 2, 100, 0)]
        assert (rows[0].seconds, rows[0].note, rows[1].note) == (3.5, "pairs of numbers", "")
        assert rows[0].recorded <= rows[1].recorded


def test_shapes_count_last_verdicts_of_other_runs(url: str) -> None:
    def row(text: str, status: str, shape: str = "number / number") -> FeatureRow:
        return FeatureRow(text, shape, 1, status)  # type: ignore[arg-type]

    with Ledger(url) as ledger:
        assert ledger.shapes() == {}
        one, two, own = start(ledger, "a"), start(ledger, "b"), start(ledger, "b")
        ledger.add_features(one, [row("a / b", "dropped"), row("b / c", "kept"), row("c / d", "candidate")])
        ledger.add_features(one, [row("a / b", "kept"), row("b / c", "redundant")])  # the last verdict counts
        ledger.add_features(two, [row("a / b", "kept"), row("x / y", "dropped")])
        ledger.add_features(two, [row("count(k)", "dropped", "count(key)")])
        ledger.add_features(two, [row("a / b", "removed"), row("y / z", "forced", "forced alone")])
        ledger.add_features(own, [row("a / b", "kept"), row("rank(a)", "kept", "rank(number)")])
        assert ledger.shapes(exclude=own) == {"number / number": (2, 3), "count(key)": (0, 1)}
        assert ledger.shapes() == {"number / number": (3, 4), "count(key)": (0, 1), "rank(number)": (1, 1)}


STATUSES = st.sampled_from(["kept", "dropped", "redundant", "forced", "removed", "candidate"])


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from("abc"), STATUSES), max_size=15))
def test_shapes_agree_with_counting_by_hand(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str, str]]
) -> None:
    with Ledger(tmp_path_factory.mktemp("ledger") / "ledger.sqlite") as ledger:
        runs = [start(ledger) for _ in range(3)]
        last: dict[tuple[int, str], str] = {}
        for run, text, status in steps:
            ledger.add_features(runs[run], [FeatureRow(text, text.upper(), 1, status)])  # type: ignore[arg-type]
            if status not in ("redundant", "candidate"):
                last[run, text] = status
        expected: dict[str, tuple[int, int]] = {}
        for (run, text), status in last.items():
            if run != 0 and status in ("kept", "dropped"):
                kept, tested = expected.get(text.upper(), (0, 0))
                expected[text.upper()] = (kept + (status == "kept"), tested + 1)
        assert ledger.shapes(exclude=runs[0]) == expected


def test_a_ledger_of_version_1_is_read_as_it_is_and_brought_up_to_date_by_the_first_row(url: str) -> None:
    if "://" not in url:
        Path(url).parent.mkdir()
    make_version_1(url)
    with Ledger(url) as ledger:
        (run,) = ledger.runs()
        assert (ledger.features(run.id), ledger.searches(run.id), ledger.shapes()) == ([], [], {})
        assert "features" not in tables_of(url)  # reading changes nothing
        ledger.add_features(run.id, [RATIO])
        ledger.add_search(run.id, 1, 10, 1)
        assert given_back(ledger.features(run.id)) == [RATIO]
    assert {*TABLES, MARKER} == tables_of(url)
    with Ledger(url) as again, again._database.transaction() as execute:
        assert [row["version"] for row in execute(f"SELECT version FROM {MARKER}", {})] == [VERSION]
    with Ledger(url) as again:
        assert again.run("20260101").id == run.id
        assert len(again.features(run.id)) == len(again.searches(run.id)) == 1
        start(again)  # an up-to-date ledger is not migrated twice


def test_a_ledger_brought_up_to_date_is_as_one_that_is_new(tmp_path: Path) -> None:
    old, new = str(tmp_path / "old.sqlite"), str(tmp_path / "new.sqlite")
    make_version_1(old)
    form = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
    forms = []
    for url in (old, new):
        with Ledger(url) as ledger:
            start(ledger)
            forms.append(ledger._database.read(form, {}))
    assert forms[0] == forms[1]


def test_many_processes_number_the_rows_of_one_run(url: str) -> None:
    with Ledger(url) as ledger:
        run_id = start(ledger)
    code = (
        "import sys\n"
        "from medalist.leaderboard.ledger.ledger import Ledger\n"
        "from medalist.leaderboard.ledger.schema import FeatureRow\n"
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
