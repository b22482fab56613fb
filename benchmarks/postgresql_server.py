"""A real PostgreSQL on loopback, made for a test or a benchmark, that can be restarted, stopped and cut off."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

START_SECONDS = 120.0  # longest wait for a server that starts, on a busy machine


def programs() -> Path | None:
    """Folder that holds initdb, pg_ctl and postgres; None where they are not installed."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((f for f in folders if all((f / p).exists() for p in ("initdb", "pg_ctl", "postgres"))), None)


class Server:
    """A running server in a temporary folder; `url` is without the name of a database.

    fsync: whether commits are synced to the disk, which slows tests down and matters for power cuts alone.
    """

    def __init__(self, programs: Path, *, fsync: bool):
        self._programs = programs
        self._options = [] if fsync else ["-F"]
        # the server refuses to run as root
        self._who: dict[str, Any] = (
            {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid} if os.geteuid() == 0 else {}
        )
        self.folder = Path(tempfile.mkdtemp(prefix="medalist-postgresql-"))
        if self._who:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        make = ["initdb", "--pgdata", self.folder / "data", "--username", "medalist", "--auth", "trust", "--no-sync"]
        self._call(*make)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"postgresql://medalist:not-needed@127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        """Start the server, and wait until it answers. TimeoutError where it does not."""
        options = " ".join(["-p", str(self._port), "-h", "127.0.0.1", "-k", str(self.folder), *self._options])
        self._call("pg_ctl", "start", "--no-wait", "-D", self.folder / "data", "-l", self.folder / "log", "-o", options)
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if time.monotonic() > deadline:
                raise TimeoutError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()}")
            time.sleep(0.1)

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server: "immediate" as by a crash, "fast" in order."""
        self._call("pg_ctl", "stop", "-D", self.folder / "data", "-m", mode, "-t", str(int(START_SECONDS)))

    def restart(self) -> None:
        """Stop the server as a crash would, and start it again."""
        self.stop()
        self.start()

    def end_connections(self) -> int:
        """End every other client's connection, and return how many there were."""
        import psycopg

        others = "pid <> pg_backend_pid() AND datname LIKE 'ledger%'"
        query = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {others}"
        with psycopg.connect(f"{self.url}/postgres", autocommit=True) as connection:
            row = connection.execute(query.encode()).fetchone()
        return 0 if row is None else int(row[0])

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Suspend all processes of the server within a block: connections stay open, and nothing answers."""
        import psutil

        first = psutil.Process(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]))
        processes = [first, *first.children()]
        try:
            for process in processes:
                with suppress(psutil.NoSuchProcess):  # a connection that has just ended
                    process.send_signal(signal.SIGSTOP)
            yield
        finally:
            for process in reversed(processes):
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)

    def create(self, name: str) -> str:
        """Make an empty database, and return its URL."""
        import psycopg

        with psycopg.connect(f"{self.url}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"{self.url}/{name}"

    def answers(self) -> bool:
        """Whether the server takes connections."""
        import psycopg

        try:
            psycopg.connect(f"{self.url}/postgres", connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def close(self) -> None:
        """Stop the server and remove its folder."""
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _call(self, program: str, *arguments: str | Path) -> None:
        quiet: dict[str, Any] = {
            "stdout": subprocess.DEVNULL,
            "stderr": subprocess.DEVNULL,
            "stdin": subprocess.DEVNULL,
        }
        command: list[str | Path] = [self._programs / program, *arguments]
        subprocess.run(command, check=True, timeout=2 * START_SECONDS, cwd=self.folder, **quiet, **self._who)
