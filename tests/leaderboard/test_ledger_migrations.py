"""Ledgers that earlier versions wrote, as their own code wrote them, brought up to the present one."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medalist.leaderboard.ledger.kaggle_submissions import KaggleSubmissionRow
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.opening import open_database
from medalist.leaderboard.ledger.rows import ExperimentRow, FeatureRow, ScreeningRow
from medalist.leaderboard.ledger.schema import MARKER, TABLES, VERSION

DATA = Path(__file__).parent / "data"
DUMPS = ("ledger_version_1_first", "ledger_version_1", "ledger_version_2", "ledger_version_3", "ledger_version_4")
FINISHED, KILLED = "20261130-152328-30cd", "20261130-152741-baf3"


def load(url: str, dump: str, runs: Path) -> None:
    """Make the database that a dump describes; its runs lie in the folder `runs`."""
    script = (DATA / f"{dump}.sql").read_text(encoding="utf-8").replace("@RUNS@", str(runs))
    if "://" in url:
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(script.encode())
        return
    Path(url).parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(url) as connection:
        connection.executescript(script)


def tables_of(url: str) -> dict[str, Any]:
    """For each table its columns with what is known of them; the version of a ledger that is there."""
    if "://" in url:
        import psycopg

        query = (
            "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns "
            "WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
        )
        with psycopg.connect(url) as connection:
            rows = connection.execute(query).fetchall()
            version = connection.execute(f"SELECT version FROM {MARKER}").fetchall()
    else:
        with sqlite3.connect(url) as connection:
            names = [r[0] for r in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            rows = [(name, *row[1:]) for name in names for row in connection.execute(f"PRAGMA table_info({name})")]
            version = connection.execute(f"SELECT version FROM {MARKER}").fetchall()
    tables: dict[str, Any] = {}
    for name, *column in rows:
        tables.setdefault(name, []).append(tuple(column))
    return tables | {"version": [tuple(v) for v in version]}


def touch(ledger: Ledger) -> None:
    """Write something, which brings the ledger up to date."""
    ledger.start_run("other", {}, {}, "cd", 0, "x", "20270101-000000-aaaa")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """The runs' folders, with the files that version 2 kept in them."""
    return shutil.copytree(DATA / "run_folders", tmp_path / "runs")


@pytest.mark.parametrize("dump", DUMPS)
def test_every_version_is_read_as_it_is_and_is_the_same_when_it_is_up_to_date(url: str, runs: Path, dump: str) -> None:
    load(url, dump, runs)
    before = tables_of(url)
    with Ledger(url) as ledger:

        def everything() -> list[Any]:
            old = [run for run in ledger.runs() if run.competition == "late-parcels"]
            return [
                [replace(run, noise_floor=None) for run in old],
                [ledger.experiments(run.id) for run in old],
                [ledger.submissions(run.id) for run in old],
                [ledger.features(run.id) for run in old],
                [[replace(s, parent=None, result={}) for s in ledger.screenings(run.id)] for run in old],
                [replace(standing, number=0) for standing in ledger.standings()],
                [replace(standing, number=0) for standing in ledger.best_standings()],
            ]

        as_it_was = everything()
        assert all(as_it_was[:3])
        assert tables_of(url) == before  # reading changes nothing
        touch(ledger)
        assert everything() == as_it_was
    assert tables_of(url)["version"] == [(VERSION,)]
    with Ledger(url) as again:
        again.start_run("third", {}, {}, "ef", 0, "x")  # a ledger that is up to date is not migrated again
        assert len(again.runs()) == len(as_it_was[0]) + 2


@pytest.mark.parametrize("dump", DUMPS[1:])
def test_a_ledger_that_was_brought_up_to_date_has_the_tables_of_a_new_one(
    url: str, tmp_path: Path, runs: Path, dump: str, request: pytest.FixtureRequest
) -> None:
    load(url, dump, runs)
    with Ledger(url) as ledger:
        touch(ledger)
    migrated = tables_of(url)
    new = str(tmp_path / "new.sqlite")
    if "://" in url:
        import psycopg

        new = url.rpartition("/")[0] + "/" + url.rpartition("/")[2] + "_new"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {new.rpartition('/')[2]}")
    with Ledger(new) as ledger:
        touch(ledger)
    assert migrated == tables_of(new)
    assert set(migrated) == {*TABLES, MARKER, "version"}


def test_what_version_2_kept_aside_becomes_columns(url: str, runs: Path) -> None:
    load(url, "ledger_version_2", runs)
    with Ledger(url) as ledger:
        touch(ledger)
        rows = {row.number: row for row in ledger.experiments(FINISHED)}
        assert all("aside" not in row.pipeline and "features" in row.pipeline for row in rows.values())
        assert (rows[0].arm, rows[0].idea, rows[0].gain_in_noise, rows[0].run_seconds) == ("start", None, 0.0, 3.24)
        assert rows[0].fold_losses[0] == -0.6911959984032716
        assert (rows[1].arm, rows[1].idea, rows[1].gain_in_noise) == ("features", "0:encode", 1.889)
        assert (rows[2].arm, rows[2].idea) == ("portfolio:linear", "4057e1f8")
        assert (rows[23].verdict, rows[23].gain_in_noise, rows[23].fold_losses) == ("timeout", None, ())
        with ledger._database.transaction() as execute:
            stored = execute("SELECT count(*) AS n FROM experiments WHERE pipeline LIKE '%aside%'", {})
        assert stored[0]["n"] == 0


def test_files_of_version_2_become_rows(url: str, runs: Path) -> None:
    load(url, "ledger_version_2", runs)
    with Ledger(url) as ledger:
        assert ledger.run(KILLED).noise_floor is None  # nothing was written yet
        touch(ledger)
        assert ledger.run(FINISHED).noise_floor == 0.004880944549429436
        assert (ledger.run(KILLED).noise_floor or 0) > 0
        (search,) = ledger.screenings(FINISHED)
        assert (search.parent, search.result["screened"]) == (1, search.screened)
        assert search.result["used"][0]["text"].startswith("distance_km - mean(distance_km)")
        assert ledger.screenings(KILLED)[0].result["redundant"]


def test_a_ledger_whose_runs_are_gone_comes_up_to_date_without_their_files(url: str, tmp_path: Path) -> None:
    load(url, "ledger_version_2", tmp_path / "gone")
    with Ledger(url) as ledger:
        touch(ledger)
        assert ledger.run(FINISHED).noise_floor == 0.004880944549429436  # its summary says so too
        assert ledger.run(KILLED).noise_floor is None
        assert [(s.parent, s.result) for s in ledger.screenings(KILLED)] == [(None, {})]


def test_files_are_read_beside_a_ledger_that_was_moved_with_its_runs(tmp_path: Path, runs: Path) -> None:
    url = str(runs / "ledger.sqlite")
    load(url, "ledger_version_2", tmp_path / "before")
    with Ledger(url) as ledger:
        touch(ledger)
        assert (ledger.run(KILLED).noise_floor or 0) > 0
        assert ledger.screenings(KILLED)[0].parent == 0


@pytest.mark.parametrize("dump", DUMPS)
def test_submissions_to_kaggle_are_none_before_and_kept_from_the_first_one_on(url: str, runs: Path, dump: str) -> None:
    load(url, dump, runs)
    with Ledger(url) as ledger:
        assert ledger.kaggle_submissions() == []
        run = ledger.runs()[-1].id
        row = KaggleSubmissionRow(id="a", competition="late-parcels", sha256="ab", message="m", state="pending", ref=7)
        ledger.record_kaggle_submission(run, row)
        (kept,) = ledger.kaggle_submissions("late-parcels")
        assert replace(kept, run_id="", number=0, recorded=None) == row
        assert (kept.run_id, kept.number) == (run, 1)
        assert ledger.kaggle_submissions("another") == []


def test_a_migration_that_fails_changes_nothing(url: str, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from medalist.leaderboard.ledger import database

    def fails(execute: Any, tables: Any) -> None:
        database_migrations[2](execute, tables)
        raise KeyboardInterrupt

    load(url, "ledger_version_2", runs)
    before, database_migrations = tables_of(url), dict(database.MIGRATIONS)
    monkeypatch.setattr(database, "MIGRATIONS", {**database_migrations, 2: fails})
    with Ledger(url) as ledger:
        with pytest.raises(KeyboardInterrupt):
            touch(ledger)
        assert tables_of(url) == before
        monkeypatch.undo()
        touch(ledger)
        assert ledger.experiments(KILLED)[0].arm == "start"


def test_rows_that_an_older_medalist_adds_beside_are_read_alike(url: str, runs: Path) -> None:
    """A run of version 2 that goes on while another process brings the ledger up to date."""
    load(url, "ledger_version_2", runs)
    with Ledger(url) as ledger:
        touch(ledger)
        with ledger._database.transaction() as execute:
            execute(
                "INSERT INTO experiments (run_id, number, recorded, pipeline, pipeline_hash, family, reason, verdict, "
                "verdict_reason, fold_scores, seconds, fit_seconds) VALUES (:run, 99, '2026-11-30T15:30:00+00:00', "
                ":pipeline, 'h', 'linear', 'r', 'keep', 'v', '[]', 1, 1)",
                {
                    "run": KILLED,
                    "pipeline": '{"family": "linear", "aside": {"arm": "seed", "idea": null, "gain": 0.5}}',
                },
            )
        row = ledger.experiments(KILLED)[-1]
        assert (row.arm, row.gain_in_noise, row.pipeline) == ("seed", 0.5, {"family": "linear"})


def test_runs_of_version_2_go_on(url: str, runs: Path) -> None:
    load(url, "ledger_version_2", runs)
    with Ledger(url) as ledger:
        assert ledger.run(KILLED).state in ("running", "interrupted")
        ledger.resume_run(KILLED, config={"max_experiments": 40})
        number = len(ledger.experiments(KILLED))
        row = ExperimentRow(
            number=number, pipeline={}, pipeline_hash="x", family="f", reason="r", verdict="keep", verdict_reason="v"
        )
        ledger.record_experiment(KILLED, row, [FeatureRow("a / b", "number / number", 1, "kept")])
        ledger.record_screening(KILLED, ScreeningRow(step=1, screened=5, passed=1))
        assert ledger.experiments(KILLED)[-1].pipeline_hash == "x"
        assert ledger.features(KILLED)[-1].text == "a / b"
        assert [s.step for s in ledger.screenings(KILLED)] == [0, 1]
        assert ledger.run(KILLED).state == "running"


def test_an_engine_is_chosen_by_the_path_or_url(tmp_path: Path) -> None:
    assert open_database(tmp_path / "l.sqlite", 3.0).patience == 3.0
    assert open_database(f"sqlite:///{tmp_path}/l.sqlite").shown == f"{tmp_path}/l.sqlite"
