"""The page that is served while a run goes on: on this machine alone, as the run now stands, and read-only."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from medalist.agent.report import live
from medalist.agent.report.loader import load_run
from medalist.agent.report.run_report import run_page
from medalist.competitions.errors import LedgerError
from tests.agent.test_report import recorded_run


@contextmanager
def serving(draw: object) -> Iterator[int]:
    """The port of a server of a page, within a `with` block."""
    server = live.server(draw)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def get(port: int, path: str = "/", host: str | None = None, method: str = "GET") -> tuple[int, str]:
    """Status and body of a request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, headers={"Host": host or f"127.0.0.1:{port}"})
    answer = connection.getresponse()
    return answer.status, answer.read().decode("utf-8")


def test_the_page_is_served_here_alone(tmp_path: Path) -> None:
    run = recorded_run(tmp_path)
    before = {p: p.read_bytes() for p in (tmp_path / "made").rglob("*") if p.is_file()}
    with serving(lambda: run_page(load_run(run, str(tmp_path)), refresh=live.REFRESH)) as port:
        status, html = get(port)
        assert status == 200
        assert "0.71234" in html
        assert f'http-equiv="refresh" content="{live.REFRESH}"' in html
        assert get(port, method="HEAD") == (200, "")
        assert get(port, "/../../etc/passwd")[0] == 404
        assert get(port, host="evil.example")[0] == 403  # a name that was made to point here
        assert get(port, method="POST")[0] == 501
        address = socket.gethostbyname(socket.gethostname())
        if not address.startswith("127."):
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((address, port), timeout=5)
    assert {p: p.read_bytes() for p in (tmp_path / "made").rglob("*") if p.is_file()} == before


def test_many_looks_draw_it_once_and_an_error_is_a_sentence() -> None:
    drawn = []

    def draw() -> str:
        drawn.append(1)
        raise LedgerError("The ledger <is> away.")

    with serving(draw) as port:
        looks = [threading.Thread(target=get, args=(port,)) for _ in range(5)]
        for look in looks:
            look.start()
        for look in looks:
            look.join(30)
        assert "The ledger &lt;is&gt; away." in get(port)[1]
    assert len(drawn) == 1


@pytest.mark.slow
def test_the_command_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    run = recorded_run(tmp_path)
    code = "from medalist.agent.cli.main import main; main()"
    command = [sys.executable, "-c", code, "report", run, "--live", "--runs-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        port = int(line.split("127.0.0.1:")[1].split("/")[0])
        assert "0.71234" in get(port)[1]
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
