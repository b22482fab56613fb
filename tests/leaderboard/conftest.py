"""A SQLite file, and a real PostgreSQL on loopback where its programs and driver are installed."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


def _programs() -> Path | None:
    """Folder that holds initdb and postgres."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if all((folder / p).exists() for p in ("initdb", "postgres"))), None)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """URL of a server without a database name; the server is made for the tests and ends with them."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL's initdb is not installed")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed: pip install '.[postgres]'")
    # the server refuses to run as root
    who: dict[str, Any] = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="medalist-postgresql-"))
    if who:
        os.chown(folder, pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **who}
    make: list[str | Path] = [programs / "initdb", "--pgdata", folder / "data", "--username", "medalist"]
    make += ["--auth", "trust", "--no-sync"]
    subprocess.run(make, check=True, timeout=120, **quiet)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [programs / "postgres", "-D", folder / "data", "-p", str(port), "-h", "127.0.0.1", "-k", folder, "-F"], **quiet
    )
    try:
        deadline = time.monotonic() + 60
        url = f"postgresql://medalist:not-needed@127.0.0.1:{port}"
        while not _answers(url):
            assert server.poll() is None, "PostgreSQL ended while starting"
            assert time.monotonic() < deadline, "PostgreSQL did not start within a minute"
            time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def _answers(server: str) -> bool:
    import psycopg

    try:
        psycopg.connect(f"{server}/postgres").close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture
def postgresql_url(postgresql_server: str) -> str:
    """URL of a new, empty database."""
    import psycopg

    name = f"ledger_{uuid.uuid4().hex}"
    with psycopg.connect(f"{postgresql_server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{postgresql_server}/{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a fresh ledger may be made: a path, then a PostgreSQL URL."""
    if request.param == "sqlite":
        return str(tmp_path / "folder" / "ledger.sqlite")
    return str(request.getfixturevalue("postgresql_url"))
