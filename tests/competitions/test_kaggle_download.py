"""Kaggle's real client against a server on this machine, in a process of its own: no account, no network."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from medalist.competitions.competition import read_competition
from medalist.competitions.errors import InputError
from medalist.competitions.kaggle.download import download, slug_of

SCRIPT = """
import sys
from pathlib import Path
from medalist.competitions.errors import MedalistError
from medalist.competitions.kaggle.download import download
try:
    print(download(sys.argv[1], Path(sys.argv[2])))
except MedalistError as error:
    print(error)
    raise SystemExit(error.exit_code)
"""
STATUS = {"forbidden": 403, "unknown": 404, "signed-out": 401, "down": 503}


def competition_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("train.csv", "id,size,price\n1,2,3\n2,3,4\n3,1,1\n")
        archive.writestr("test.csv", "id,size\n4,2\n5,3\n")
        archive.writestr("sample_submission.csv", "id,price\n4,0\n5,0\n")
    return buffer.getvalue()


class Handler(BaseHTTPRequestHandler):
    """Plays the proxy for http://localhost: a POST asks for a competition, a GET is the file it is sent to."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = next((name for name in STATUS if name in body), None)
        self.send_response(STATUS[asked] if asked else 302)
        if not asked:
            self.send_header("Location", "http://localhost/files/archive.zip?token=1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        data = competition_zip()
        self.send_response(200)
        self.send_header("Content-Type", "application/zip")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Last-Modified", "Wed, 01 Nov 2023 10:00:00 GMT")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def proxy() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def run(slug: str, folder: Path, proxy: str, account: bool = True) -> subprocess.CompletedProcess[str]:
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "KAGGLE_CONFIG_DIR": str(home),
        "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
        "HTTP_PROXY": proxy,
        "http_proxy": proxy,
        "HTTPS_PROXY": proxy,
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    }
    if account:
        env |= {"KAGGLE_USERNAME": "nobody", "KAGGLE_KEY": "0"}
    command = [sys.executable, "-c", SCRIPT, slug, str(folder)]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_a_competition_is_downloaded_and_read(tmp_path: Path, proxy: str) -> None:
    done = run("some-prices", tmp_path / "data", proxy)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'data' / 'some-prices.zip'}\n"), done.stderr
    competition = read_competition(Path(done.stdout.strip()))
    assert competition.name == "some-prices"
    assert [f.role for f in competition.files] == ["train", "test", "sample"]
    assert download("some-prices", tmp_path / "data") == tmp_path / "data" / "some-prices.zip"  # kept, no client


@pytest.mark.parametrize(
    ("slug", "said"),
    [("forbidden", "accept its rules"), ("unknown", "no competition"), ("signed-out", "token"), ("down", "503")],
)
def test_refusals_are_one_sentence(tmp_path: Path, proxy: str, slug: str, said: str) -> None:
    done = run(slug, tmp_path / "data", proxy)
    assert done.returncode == 2, done.stderr
    assert said in done.stdout
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_without_an_account(tmp_path: Path, proxy: str) -> None:
    done = run("some-prices", tmp_path / "data", proxy, account=False)
    assert done.returncode == 2, done.stderr
    assert "without an account" in done.stdout
    assert done.stdout.count("\n") == 1


def test_without_a_network(tmp_path: Path) -> None:
    done = run("some-prices", tmp_path / "data", "http://127.0.0.1:9")
    assert done.returncode == 2, done.stderr
    assert "check the network" in done.stdout


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("titanic", "titanic"),
        ("playground-series-s4e1", "playground-series-s4e1"),
        ("https://www.kaggle.com/competitions/titanic/data", "titanic"),
        ("https://www.kaggle.com/c/titanic", "titanic"),
        ("./titanic", None),
        ("data/titanic", None),
        ("Titanic data", None),
        ("", None),
    ],
)
def test_slugs(text: str, slug: str | None) -> None:
    assert slug_of(text) == slug


def test_what_is_no_slug_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="short name"):
        download("../evil", tmp_path)
