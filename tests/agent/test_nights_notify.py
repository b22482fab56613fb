"""Whoever wants to be told is told, by a command or a POST, and holds nobody up."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from medalist.agent.nights.notify import Notifier

DOCUMENT = {"event": "end", "night": "n", "text": "the night – ended"}


class Listener(ThreadingHTTPServer):
    """Remembers what was posted; paths say how it behaves."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.posted: list[tuple[str, dict[str, str], str]] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.posted.append((self.path, dict(self.headers), text))  # type: ignore[attr-defined]
        if self.path == "/refuses":
            self.send_error(403)
            return
        if self.path == "/hangs":
            time.sleep(5)
            return
        self.send_response(200)
        self.send_header("Content-Length", "200")
        self.end_headers()
        for _ in range(30 if self.path == "/drips" else 0):
            self.wfile.write(b".")
            self.wfile.flush()
            time.sleep(0.1)
        if self.path != "/drips":
            self.wfile.write(b"." * 200)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = Listener()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()


def test_an_address_gets_a_readable_text(listener: Listener) -> None:
    assert list(Notifier([listener.url("/topic")]).tell(DOCUMENT, "Night n: titanic gained.\n\nall – of it")) == []
    ((path, headers, text),) = listener.posted
    assert (path, text) == ("/topic", "Night n: titanic gained.\n\nall – of it")
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert headers["Title"] == "medalist: the night has ended"


def test_a_command_gets_a_document(tmp_path: Path) -> None:
    script = tmp_path / "tell.py"
    script.write_text("import sys\nopen(sys.argv[1], 'w').write(sys.stdin.read())\n", encoding="utf-8")
    told = tmp_path / "told me.json"
    assert list(Notifier([f"{sys.executable} {script} '{told}'"]).tell(DOCUMENT, "text")) == []
    assert json.loads(told.read_text(encoding="utf-8")) == DOCUMENT


@pytest.mark.parametrize(
    ("path", "said"),
    [("/refuses", "answered 403 Forbidden"), ("/hangs", "timed out"), ("/drips", "within 0.4 s")],
)
def test_an_address_that_fails_is_said_and_holds_nobody_up(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, path: str, said: str
) -> None:
    monkeypatch.setattr("medalist.agent.nights.notify.GRACE", 0.2)
    began = time.monotonic()
    (failure,) = Notifier([listener.url(path)], seconds=0.4).tell(DOCUMENT, "text")
    assert said in failure
    assert time.monotonic() - began < 2.5


def test_nobody_there(listener: Listener) -> None:
    address = listener.url("/")
    listener.shutdown()
    listener.server_close()
    (failure,) = Notifier([address]).tell(DOCUMENT, "text")
    assert "at 127.0.0.1 could not be told: " in failure
    assert "refused" in failure


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("no-such-program-here", "No such file"),
        (f"{sys.executable} -c 'import sys; sys.exit(\"no account\")'", "exit code 1: no account"),
        (f"{sys.executable} -c 'import time; time.sleep(30)'", "did not end within 1 s"),
        ("'unbalanced", "No closing quotation"),
        (f"{sys.executable} -c pass", ""),  # reads nothing of what it is told
    ],
)
def test_a_command_that_fails_is_said(command: str, said: str) -> None:
    failures = list(Notifier([command], seconds=1.0).tell({**DOCUMENT, "much": "x" * 500_000}, "text"))
    assert [said in failure for failure in failures] == ([True] if said else [])


def test_one_that_fails_does_not_keep_the_others_from_being_told(listener: Listener) -> None:
    targets = ["no-such-program-here", listener.url("/one"), listener.url("/refuses"), listener.url("/two")]
    assert len(list(Notifier(targets).tell(DOCUMENT, "text"))) == 2
    assert [path for path, _, _ in listener.posted] == ["/one", "/refuses", "/two"]
