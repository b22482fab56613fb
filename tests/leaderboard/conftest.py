"""A SQLite file, and a real PostgreSQL on loopback where its programs and driver are installed."""

from __future__ import annotations

import importlib.util
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from postgresql_server import Server, programs


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server that is made for the tests and ends with them."""
    found = programs()
    if found is None:
        pytest.skip("PostgreSQL's initdb, pg_ctl and postgres are not installed")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed: pip install '.[postgres]'")
    server = Server(found, fsync=False)
    yield server
    server.close()


@pytest.fixture
def postgresql_url(server: Server) -> str:
    """URL of a new, empty database."""
    return server.create(f"ledger_{uuid.uuid4().hex}")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a fresh ledger may be made: a path, then a PostgreSQL URL."""
    if request.param == "sqlite":
        return str(tmp_path / "folder" / "ledger.sqlite")
    return str(request.getfixturevalue("postgresql_url"))
