"""What cannot be a ledger is refused in one sentence, before anything is changed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from medalist.competitions.errors import LedgerError
from medalist.leaderboard.ledger.ledger import Ledger

ROOT = Path(__file__).resolve().parents[2]


def start(ledger: Ledger) -> str:
    return ledger.start_run("mine", {}, {}, "ab", 0, "x")


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Root may write everywhere: act as nobody."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="medalist-ledger-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def one_sentence(error: pytest.ExceptionInfo[LedgerError], *parts: str) -> None:
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith(".")
    for part in parts:
        assert part in text


def test_a_database_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "places.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (id INTEGER)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(LedgerError) as caught:
        Ledger(path)
    one_sentence(caught, str(path), "a database of something else", "bookmarks")
    assert path.read_bytes() == before


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    path.write_text("id,target\n" + "1,0\n" * 1000)
    before = path.read_bytes()
    with pytest.raises(LedgerError) as caught:
        Ledger(path)
    one_sentence(caught, str(path), "is not a SQLite database")
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.touch()
    with Ledger(path) as ledger:
        assert ledger.runs() == []
        start(ledger)
        assert len(ledger.runs()) == 1


def test_a_damaged_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        for _ in range(50):
            start(ledger)
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(bytes(data))
    with pytest.raises(LedgerError) as caught, Ledger(path) as ledger:
        ledger.runs()
    one_sentence(caught, "is damaged")


def test_a_newer_ledger(url: str) -> None:
    with Ledger(url) as ledger:
        start(ledger)
        with ledger._database.transaction() as execute:
            execute("UPDATE medalist_ledger SET version = 99", {})
    with pytest.raises(LedgerError) as caught:
        Ledger(url)
    one_sentence(caught, "newer medalist", "version 99", "update medalist")


def test_a_server_database_of_something_else(postgresql_url: str) -> None:
    import psycopg

    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE customers (id INTEGER)")
    with pytest.raises(LedgerError) as caught:
        Ledger(postgresql_url)
    one_sentence(caught, "a database of something else", "customers")
    assert "not-needed" not in str(caught.value)


def test_a_server_that_does_not_answer_and_keeps_its_password() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(LedgerError) as caught:
        Ledger("postgresql://user:geheim@127.0.0.1:1/nothing")
    one_sentence(caught, "check that the server runs")
    assert "geheim" not in str(caught.value)


def test_without_the_driver_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from medalist.leaderboard.ledger.ledger import Ledger\n"
        "from medalist.competitions.errors import LedgerError\n"
        "try: Ledger('postgresql://localhost/x')\n"
        "except LedgerError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "pip install '.[postgres]'" in done.stdout


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://localhost/x", "cannot be kept in mysql"),
        ("sqlite://", "cannot be kept in sqlite"),
        ("postgresql://host:port:more/x", "URL cannot be read"),
    ],
)
def test_urls_that_cannot_hold_a_ledger(url: str, message: str) -> None:
    with pytest.raises(LedgerError) as caught:
        Ledger(url)
    one_sentence(caught, message)


def test_a_sqlite_url_is_a_path(tmp_path: Path) -> None:
    with Ledger(f"sqlite:///{tmp_path}/ledger.sqlite") as ledger:
        start(ledger)
    assert len(Ledger(tmp_path / "ledger.sqlite").runs()) == 1


def test_odd_paths(tmp_path: Path) -> None:
    path = tmp_path / "a b%20?#ü" / "ledger.sqlite"
    with Ledger(path) as ledger:
        start(ledger)
        assert len(ledger.runs()) == 1
    assert path.exists()


def test_a_folder_instead_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(LedgerError) as caught:
        Ledger(tmp_path)
    one_sentence(caught, str(tmp_path), "cannot be opened")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError) as caught:
        start(Ledger(tmp_path / "file" / "more" / "ledger.sqlite"))
    one_sentence(caught, "cannot be made", "a folder that you may write to")


def test_a_folder_that_may_not_be_written(open_folder: Path) -> None:
    open_folder.chmod(0o555)
    with ordinary_user(), pytest.raises(LedgerError) as caught:
        start(Ledger(open_folder / "ledger.sqlite"))
    one_sentence(caught, str(open_folder), "a folder that you may write to")


def test_a_ledger_that_may_only_be_read_can_be_listed(open_folder: Path) -> None:
    path = open_folder / "ledger.sqlite"
    with Ledger(path) as ledger:
        run_id = start(ledger)
    path.chmod(0o444)
    open_folder.chmod(0o555)
    with ordinary_user(), Ledger(path) as ledger:
        assert [row.id for row in ledger.runs()] == [run_id]
        with pytest.raises(LedgerError) as caught:
            start(ledger)
        one_sentence(caught, str(path), "a folder that you may write to")


def test_listing_imports_nothing_heavy(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        start(ledger)
    code = (
        "import sys; from medalist.leaderboard.ledger.ledger import Ledger; ledger = Ledger(sys.argv[1])\n"
        "ledger.runs(), ledger.best_standings(), ledger.experiments(ledger.runs()[0].id)\n"
        "from medalist.leaderboard.boards import lookup, standing; lookup.find_board('titanic')\n"
        "print([m for m in ('sqlalchemy', 'numpy', 'pandas', 'scipy', 'psycopg') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, path], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
