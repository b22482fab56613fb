"""A server on this machine that behaves like Kaggle's API, for the real client: in process and as a subprocess.

RPC is `POST …/v1/SERVICE/METHOD` with JSON in camel case; files come by redirect to an address with a signature.
Everything that may go wrong can be told to it: refusals (`refusals`), silence (`silent`), and transfers that are cut,
stand still, are slow, spoilt or a page of something else (`Transfer`). Credentials of nobody alone are accepted.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import re
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ACCOUNT, KEY = "nobody-of-medalist", "0123456789abcdef0123456789abcdef"
TOKEN = "KGAT_00112233445566778899aabbccddeeff"
SIGNATURE = "c2lnbmF0dXJlLW9mLWEtZG93bmxvYWQ"
SECRETS = (KEY, TOKEN, SIGNATURE, base64.b64encode(f"{ACCOUNT}:{KEY}".encode()).decode())
_CALL = re.compile(r"/v1/[A-Za-z]+\.[A-Za-z]+/([A-Za-z]+)$")
_MODIFIED = "Wed, 01 Nov 2023 10:00:00 GMT"
_CHUNK = 1 << 14  # bytes sent at once


def price_zip(rows: int = 50, padding: int = 0) -> bytes:
    """A competition of house prices. `padding`: bytes of a further file, stored as they are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        lines = "".join(f"{i},{i % 7},{i * 0.5 + i % 3}\n" for i in range(10, 10 + rows))
        archive.writestr("train.csv", "id,size,price\n" + lines)
        archive.writestr("test.csv", "id,size\n4,2\n5,3\n")
        archive.writestr("sample_submission.csv", "id,price\n4,0\n5,0\n")
        if padding:
            archive.writestr("images/pixels.bin", bytes(range(256)) * (padding // 256))
    return buffer.getvalue()


@dataclass
class Refusal:
    """An answer other than 200: `message` is Kaggle's sentence; `times`: how often, before it is granted."""

    status: int
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    times: float = float("inf")


@dataclass
class Transfer:
    """How a file is sent. `cuts`: how many answers end after `part` of what they should hold; `stalls`: how many send
    `part` and then nothing more; `rate`: bytes per second; `ranges`: whether parts may be asked for; `page`: an HTML
    page is sent instead, as hotels do; `spoilt`: one byte in the middle is another."""

    cuts: float = 0
    stalls: float = 0
    part: float = 0.5
    rate: float | None = None
    ranges: bool = True
    page: bool = False
    spoilt: bool = False


@dataclass
class Site:
    """One competition: its files, what GetCompetition and the pages say, its board, and what was handed in.

    `score`: from the bytes of a submission to (public, private) score, or an error's text. `pending`: how many times
    it is asked for before it is known.
    """

    archive: bytes = field(default_factory=price_zip)
    metadata: dict[str, Any] = field(default_factory=dict)
    pages: list[dict[str, str]] = field(default_factory=list)
    transfer: Transfer = field(default_factory=Transfer)
    board: list[tuple[str, str]] = field(default_factory=list)  # (team, score), best first
    daily: int = 5
    score: Callable[[bytes], tuple[str, str] | str] = lambda _: ("0.5", "0.5")
    pending: int = 1
    submissions: list[dict[str, Any]] = field(default_factory=list)


class KaggleServer(ThreadingHTTPServer):
    """`sites`: the competitions by slug. `refusals`: by method ("DownloadDataFiles", "file" for the file itself);
    `silent`: methods that are never answered; `lost`: those that are carried out, but whose answer is lost. `calls`:
    what was asked for, as (method, slug or range)."""

    daemon_threads = True
    block_on_close = False  # a handler may be waiting for `over`, or for a client that is gone

    def __init__(self, **sites: Site) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.sites = {name.replace("_", "-"): site for name, site in sites.items()}
        self.refusals: dict[str, Refusal] = {}
        self.silent: set[str] = set()
        self.lost: set[str] = set()
        self.calls: list[tuple[str, str]] = []
        self.uploads: dict[str, bytes] = {}
        self.over = threading.Event()
        self.address = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> KaggleServer:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """A client that was ended is no error."""


def environment(home: Path, proxy: str, account: bool = True, **more: str) -> dict[str, str]:
    """Variables that send Kaggle's client in a subprocess to a server, with an account of nobody's or with none."""
    home.mkdir(exist_ok=True, parents=True)
    folder = str(Path(__file__).resolve().parents[1])
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": folder}
    env |= dict.fromkeys(("HOME", "KAGGLE_CONFIG_DIR"), str(home))
    env |= {"MEDALIST_CACHE": str(home / "cache"), "MEDALIST_LEADERBOARDS": str(home / "boards")}
    env |= {"KAGGLE_API_ENVIRONMENT": "LOCALHOST", **dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY"), proxy)}
    return env | ({"KAGGLE_USERNAME": ACCOUNT, "KAGGLE_KEY": KEY} if account else {}) | more


def patch_endpoints(monkeypatch: Any, server: KaggleServer, home: Path) -> None:
    """Send Kaggle's client in this process to the server, with an account of nobody's."""
    from kagglesdk import kaggle_env

    for name in ("PROD", "LOCAL"):
        monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv[name], server.address)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(home))
    for name, value in (("KAGGLE_USERNAME", ACCOUNT), ("KAGGLE_KEY", KEY), ("NO_PROXY", "127.0.0.1")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("KAGGLE_API_TOKEN", raising=False)
    from kaggle.api.kaggle_api_extended import KaggleApi

    monkeypatch.setattr(KaggleApi, "config", str(home / "kaggle.json"))  # found at import, in a person's own folder


@contextmanager
def silent_network(full: bool = False) -> Iterator[str]:
    """The address of a network that accepts and never answers; `full`: one that takes no connections either, as where
    packets are swallowed."""
    with socket.create_server(("127.0.0.1", 0), backlog=0 if full else 16) as server, ExitStack() as waiting:
        for _ in range(4 if full else 0):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


class _Handler(BaseHTTPRequestHandler):
    """Asked directly, or as the proxy for http://localhost."""

    server: KaggleServer
    protocol_version = "HTTP/1.1"
    _loses = False  # whether the answer that is being made gets lost

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match = _CALL.search(self.path)
        request = json.loads(body or b"{}")
        if match is None:
            return self._refuse(Refusal(404, "Not found"))
        method = match[1]
        slug = str(request.get("competitionName") or request.get("search") or "")
        self.server.calls.append((method, slug))
        if self._hindered(method):
            return None
        if method == "IntrospectToken":
            active = request.get("token") == TOKEN
            return self._json({"active": active, **({"username": ACCOUNT} if active else {})})
        if not self._signed_in():
            return self._refuse(Refusal(401, "Unauthenticated"))
        if "competitionName" in request and slug not in self.server.sites:
            return self._refuse(Refusal(404, "Competition not found"))
        self._loses = method in self.server.lost
        answer = getattr(self, f"_{re.sub('(?<!^)(?=[A-Z])', '_', method).lower()}", None)
        return self._refuse(Refusal(404, "Not found")) if answer is None else answer(request, slug)

    def do_GET(self) -> None:
        slug = self.path.rpartition("/files/")[2].partition("/")[0]
        self.server.calls.append(("file", self.headers.get("Range") or ""))
        if self._hindered("file"):
            return None
        if slug not in self.server.sites:
            return self._refuse(Refusal(404, "Not found"))
        return self._send(self.server.sites[slug])

    def do_PUT(self) -> None:
        """The second step of a submission: the file itself, at the address that the first step gave."""
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        token = self.path.rpartition("/uploads/")[2].partition("?")[0]
        self.server.calls.append(("upload", token))
        if self._hindered("upload"):
            return
        self.server.uploads[token] = data
        self._json({})

    def _hindered(self, method: str) -> bool:
        """Whether the method is refused or met with silence, which then has been done."""
        if method in self.server.silent:
            self.server.over.wait(120)
            self.close_connection = True
            return True
        refusal = self.server.refusals.get(method)
        if refusal is None or refusal.times < 1:
            return False
        refusal.times -= 1
        self._refuse(refusal)
        return True

    def _signed_in(self) -> bool:
        given = self.headers.get("Authorization") or ""
        return given in (f"Bearer {TOKEN}", f"Basic {SECRETS[-1]}")

    def _refuse(self, refusal: Refusal) -> None:
        self._json({"code": refusal.status, "message": refusal.message}, refusal.status, refusal.headers)

    def _json(self, document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self._answer(status, json.dumps(document).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _answer(self, status: int, data: bytes, headers: Mapping[str, str]) -> None:
        if self._loses:
            self.server.over.wait(120)
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _list_competitions(self, _: dict[str, Any], search: str) -> None:
        words = search.lower().split()
        names = [n for n in self.server.sites if any(word in n for word in words) or not words]
        self._json({"competitions": [self._about(name) for name in names]})

    def _about(self, slug: str) -> dict[str, Any]:
        url = f"https://www.kaggle.com/competitions/{slug}"
        return {"ref": url, "url": url, "title": slug.title(), **self.server.sites[slug].metadata}

    def _get_competition(self, _: dict[str, Any], slug: str) -> None:
        self._json(self._about(slug))

    def _list_competition_pages(self, _: dict[str, Any], slug: str) -> None:
        self._json({"pages": self.server.sites[slug].pages})

    def _list_data_files(self, _: dict[str, Any], slug: str) -> None:
        with zipfile.ZipFile(io.BytesIO(self.server.sites[slug].archive)) as archive:
            files = [{"name": i.filename, "totalBytes": i.file_size} for i in archive.infolist()]
        self._json({"files": files})

    def _download_data_files(self, _: dict[str, Any], slug: str) -> None:
        self._redirect(slug)

    def _redirect(self, slug: str) -> None:
        where = f"{self._host()}/files/{slug}/archive.zip?Expires=1&Signature={SIGNATURE}"
        self._answer(302, b"", {"Location": where})

    def _host(self) -> str:
        return "http://localhost" if self.path.startswith("http://localhost") else self.server.address

    def _send(self, site: Site) -> None:
        """The zip, or the part of it that is asked for, as the site's transfer has it."""
        how, data = site.transfer, site.archive
        if how.page:
            return self._answer(200, b"<html>Welcome to the hotel</html>", {"Content-Type": "text/html"})
        if how.spoilt:
            middle = len(data) // 2
            data = data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :]
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        start = int(match[1]) if match and how.ranges else 0
        self.send_response(206 if match and how.ranges else 200)
        headers = {"Content-Type": "application/zip", "Last-Modified": _MODIFIED, "ETag": f'"{len(data)}"'}
        headers |= {"Accept-Ranges": "bytes"} if how.ranges else {}
        headers |= {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        for name, value in {**headers, "Content-Length": str(len(data) - start)}.items():
            self.send_header(name, value)
        self.end_headers()
        cut, stalls = how.cuts > 0, how.stalls > 0
        how.cuts, how.stalls = how.cuts - cut, how.stalls - stalls
        end = start + int((len(data) - start) * how.part) if cut or stalls else len(data)
        for i in range(start, end, _CHUNK):
            self.wfile.write(data[i : min(i + _CHUNK, end)])
            if how.rate:
                time.sleep(_CHUNK / how.rate)
        if stalls:
            self.wfile.flush()
            self.server.over.wait(120)
        if cut or stalls:
            self.close_connection = True
        return None

    def _get_submission_limits(self, _: dict[str, Any], slug: str) -> None:
        site = self.server.sites[slug]
        done = len(site.submissions)
        self._json({"numToday": done, "numTotal": done, "numAllowedNow": max(0, site.daily - done)})

    def _start_submission_upload(self, _: dict[str, Any], slug: str) -> None:
        token = f"{slug}-{len(self.server.uploads)}"
        self.server.uploads[token] = b""
        self._json({"token": token, "createUrl": f"{self._host()}/uploads/{token}?Signature={SIGNATURE}"})

    def _create_submission(self, request: dict[str, Any], slug: str) -> None:
        site = self.server.sites[slug]
        if len(site.submissions) >= site.daily:
            return self._refuse(
                Refusal(400, "Submission not allowed: your team has used its daily Submission allowance")
            )
        data = self.server.uploads.get(str(request.get("blobFileTokens")))
        if not data:
            return self._refuse(Refusal(400, "The file was not uploaded"))
        now = datetime.now(UTC).replace(tzinfo=None)
        made = {"ref": 1000 + len(site.submissions), "date": now.isoformat(timespec="milliseconds") + "Z"}
        made |= {"description": request.get("submissionDescription", ""), "totalBytes": len(data), "asked": 0}
        site.submissions.append({**made, "fileName": "submission.csv", "scores": site.score(data)})
        return self._json({"message": f"Successfully submitted to {slug.title()}", "ref": made["ref"]})

    def _list_submissions(self, _: dict[str, Any], slug: str) -> None:
        self._json(
            {"submissions": [self._submission(slug, one) for one in reversed(self.server.sites[slug].submissions)]}
        )

    def _get_submission(self, request: dict[str, Any], _: str) -> None:
        for slug, site in self.server.sites.items():
            for one in site.submissions:
                if one["ref"] == request.get("ref"):
                    return self._json(self._submission(slug, one))
        return self._refuse(Refusal(404, "Submission not found"))

    def _submission(self, slug: str, one: dict[str, Any]) -> dict[str, Any]:
        """What Kaggle says of a submission: its score only after it was asked for some times."""
        one["asked"] += 1
        known = {name: value for name, value in one.items() if name not in ("asked", "scores")}
        if one["asked"] <= self.server.sites[slug].pending:
            return {**known, "status": "PENDING"}
        if isinstance(one["scores"], str):
            return {**known, "status": "ERROR", "errorDescription": one["scores"]}
        public, private = one["scores"]
        return {**known, "status": "COMPLETE", "publicScore": public, "privateScore": private}

    def _rows(self, slug: str) -> list[dict[str, Any]]:
        when = "2023-11-01T10:00:00.000Z"
        board = enumerate(self.server.sites[slug].board, 1)
        return [{"teamId": i, "teamName": team, "submissionDate": when, "score": score} for i, (team, score) in board]

    def _get_leaderboard(self, _: dict[str, Any], slug: str) -> None:
        self._json({"submissions": self._rows(slug)})

    def _download_leaderboard(self, _: dict[str, Any], slug: str) -> None:
        table, buffer = io.StringIO(), io.BytesIO()
        writer = csv.writer(table)
        writer.writerow(("Rank", "TeamId", "TeamName", "LastSubmissionDate", "Score", "SubmissionCount"))
        for rank, row in enumerate(self._rows(slug), 1):
            writer.writerow((rank, row["teamId"], row["teamName"], row["submissionDate"], row["score"], 1))
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(f"{slug}-publicleaderboard.csv", table.getvalue())
        self._answer(200, buffer.getvalue(), {"Content-Type": "application/zip", "Last-Modified": _MODIFIED})

    def log_message(self, *_: object) -> None:
        pass
