"""Serves the report on a run or a night on this machine alone, while it goes on; each look draws it anew."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from medalist.competitions.errors import MedalistError

LOOPBACK = "127.0.0.1"
FRESH_SECONDS = 5.0  # a page that was drawn so short a time ago is shown again: looking must not slow the run
REFRESH = 15  # seconds after which a browser loads the page again


@dataclass
class Page:
    """A page that is drawn when somebody looks, at most once in FRESH_SECONDS, and by one thread at a time.

    draw: gives the HTML; a MedalistError becomes a sentence on a page of its own.
    """

    draw: Callable[[], str]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _html: str = ""
    _drawn: float = float("-inf")

    def html(self) -> str:
        """The page as it is now."""
        with self._lock:
            if time.monotonic() - self._drawn > FRESH_SECONDS:
                try:
                    self._html = self.draw()
                except MedalistError as error:
                    self._html = _sentence(str(error))
                self._drawn = time.monotonic()
            return self._html


def _sentence(text: str) -> str:
    from medalist.agent.report.page import page, render

    return page("medalist", render("live_error.html", text=text), [], refresh=REFRESH)


def server(draw: Callable[[], str], port: int = 0) -> ThreadingHTTPServer:
    """A server of one page on the loopback address, not serving yet. port: 0 for any that is free.

    It answers GET and HEAD of `/` alone, and only to requests that name this machine as their host: a page elsewhere
    that has its own name point here gets nothing. Raises OSError where the port is taken.
    """
    shown = Page(draw)

    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "medalist", ""

        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def _answer(self, *, body: bool) -> None:
            own = {f"{name}:{self.server.server_port}" for name in (LOOPBACK, "localhost")}  # type: ignore[attr-defined]
            if self.headers.get("Host", "") not in own:
                self.send_error(403)
                return
            if self.path.partition("?")[0] != "/":
                self.send_error(404)
                return
            contents = shown.html().encode("utf-8", "backslashreplace")
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(contents)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            if body:
                self.wfile.write(contents)

        def log_message(self, *_: Any) -> None:
            """Say nothing of each look."""

    return ThreadingHTTPServer((LOOPBACK, port), Handler)
