"""Kaggle's real client against a server on this machine, in a process of its own: no account, no network."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from medalist.competitions.competition import read_competition
from medalist.competitions.errors import InputError
from medalist.competitions.kaggle import download as kaggle_download
from medalist.competitions.kaggle.download import download, slug_of
from medalist.competitions.task.file import read_task, task_text
from medalist.competitions.task.infer import infer_task

SCRIPT = """
import sys
from pathlib import Path
from medalist.competitions.errors import MedalistError
from medalist.competitions.kaggle import download
download.ANSWER_SECONDS, download.STALL_SECONDS = 20.0, 2.0
seconds = float(sys.argv[3]) if sys.argv[3] else None
announce = lambda text: print(text, file=sys.stderr, flush=True)
try:
    print(download.download(sys.argv[1], Path(sys.argv[2]), seconds=seconds, announce=announce))
except MedalistError as error:
    print(error)
    raise SystemExit(error.exit_code)
"""
STATUS = {"forbidden": 403, "unknown": 404, "signed-out": 401, "down": 503}


def competition_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        rows = "".join(f"{i},{i % 7},{i}.5\n" for i in range(10, 60))
        archive.writestr("train.csv", "id,size,price\n" + rows)
        archive.writestr("test.csv", "id,size\n4,2\n5,3\n")
        archive.writestr("sample_submission.csv", "id,price\n4,0\n5,0\n")
    return buffer.getvalue()


class Handler(BaseHTTPRequestHandler):
    """Plays the proxy for http://localhost: a POST asks for a competition, a GET is the file it is sent to."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        refused = next((name for name in STATUS if name in body), None)
        self.send_response(STATUS[refused] if refused else 302)
        if not refused:
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


@contextmanager
def serving(handler: type[Handler]) -> Iterator[str]:
    """The address of a server on this machine; `server.over` is set as it ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.over = threading.Event()  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.over.set()  # type: ignore[attr-defined]
        server.shutdown()
        server.server_close()


@pytest.fixture
def proxy() -> Iterator[str]:
    with serving(Handler) as address:
        yield address


def environment(home: Path, proxy: str, account: bool = True) -> dict[str, str]:
    """Variables that send Kaggle's client through the proxy, with an account of nobody's or with none."""
    home.mkdir(exist_ok=True)
    folder = str(Path(__file__).resolve().parents[2])
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "KAGGLE_CONFIG_DIR": str(home), "PYTHONPATH": folder}
    env |= {"KAGGLE_API_ENVIRONMENT": "LOCALHOST", "HTTP_PROXY": proxy, "http_proxy": proxy, "HTTPS_PROXY": proxy}
    return env | ({"KAGGLE_USERNAME": "nobody", "KAGGLE_KEY": "0"} if account else {})


def command(slug: str, folder: Path, proxy: str, account: bool = True, seconds: float | None = None) -> dict[str, Any]:
    """Arguments of `subprocess.run` or `Popen` for a download through the proxy."""
    env = environment(folder.parent / "home", proxy, account)
    given = "" if seconds is None else str(seconds)
    return {"args": [sys.executable, "-c", SCRIPT, slug, str(folder), given], "env": env, "text": True}


def run(
    slug: str, folder: Path, proxy: str, account: bool = True, seconds: float | None = None
) -> subprocess.CompletedProcess[str]:
    arguments = command(slug, folder, proxy, account, seconds)
    return subprocess.run(**arguments, capture_output=True, timeout=120, check=False)


def test_a_competition_is_downloaded_and_read(tmp_path: Path, proxy: str) -> None:
    done = run("some-prices", tmp_path / "data", proxy)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'data' / 'some-prices.zip'}\n"), done.stderr
    competition = read_competition(Path(done.stdout.strip()))
    assert competition.name == "some-prices"
    assert [f.role for f in competition.files] == ["train", "test", "sample"]
    assert download("some-prices", tmp_path / "data") == tmp_path / "data" / "some-prices.zip"  # kept, no client


@pytest.mark.parametrize(
    ("slug", "message"),
    [("forbidden", "accept its rules"), ("unknown", "no competition"), ("signed-out", "token"), ("down", "503")],
)
def test_refusals_are_one_sentence(tmp_path: Path, proxy: str, slug: str, message: str) -> None:
    done = run(slug, tmp_path / "data", proxy)
    assert done.returncode == 2, done.stderr
    assert message in done.stdout
    assert done.stdout.count("\n") == 1
    assert done.stderr == f"Asking Kaggle for {slug} (for at most 20 s without an answer) …\n"


def test_without_an_account(tmp_path: Path, proxy: str) -> None:
    done = run("some-prices", tmp_path / "data", proxy, account=False)
    assert done.returncode == 2, done.stderr
    assert "without an account" in done.stdout
    assert done.stdout.count("\n") == 1


def test_without_a_network(tmp_path: Path) -> None:
    done = run("some-prices", tmp_path / "data", "http://127.0.0.1:9")
    assert done.returncode == 2, done.stderr
    assert "check the network" in done.stdout


class Talking(Handler):
    """Says what the competition is scored by, and has pages of text."""

    METRIC = "Root Mean Squared Logarithmic Error"
    PAGES: tuple[dict[str, str], ...] = ()

    def do_POST(self) -> None:
        documents = {"GetCompetition": {"evaluationMetric": self.METRIC}, "ListCompetitionPages": {"pages": self.PAGES}}
        document = next((d for call, d in documents.items() if self.path.endswith(call)), None)
        if document is None:
            return super().do_POST()
        self.rfile.read(int(self.headers["Content-Length"]))
        data = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        return None


class Explaining(Talking):
    PAGES = (
        {"name": "description", "content": "<p>Prices of <b>houses</b>.</p>"},
        {"name": "evaluation", "content": "<h2>Goal</h2><p>Submissions are evaluated on the mean absolute error.</p>"},
    )


class Mumbling(Talking):
    METRIC = "Frobnication of Predictions"


class Hanging(Talking):
    """Never says anything of the competition."""

    def do_POST(self) -> None:
        if self.path.endswith(("GetCompetition", "ListCompetitionPages")):
            self.server.over.wait(60)  # type: ignore[attr-defined]
        else:
            Handler.do_POST(self)


@pytest.mark.parametrize(
    ("handler", "metric", "source", "quote"),
    [
        (Talking, "rmsle", "kaggle", "Root Mean Squared Logarithmic Error"),
        (Explaining, "mae", "description", "Submissions are evaluated on the mean absolute error."),
        (Mumbling, "rmse", "assumed", ""),
        (Handler, "rmse", "assumed", ""),
    ],
)
def test_what_kaggle_says_of_the_metric_is_kept_with_the_files(
    tmp_path: Path, handler: type[Handler], metric: str, source: str, quote: str
) -> None:
    with serving(handler) as proxy:
        done = run("some-prices", tmp_path / "data", proxy)
    assert done.returncode == 0, done.stderr
    task = infer_task(read_competition(Path(done.stdout.strip())))  # now without a network
    assert (task.metric, task.metric_source, task.metric_quote) == (metric, source, quote)
    assert any("Frobnication" in note and "--metric" in note for note in task.notes) == (handler is Mumbling)
    file = tmp_path / "task.yaml"
    file.write_text(task_text(task))
    again = read_task(file, read_competition(tmp_path / "data" / "some-prices.zip"))
    assert (again.metric_source, again.metric_quote) == (source, quote)


def test_where_kaggle_says_nothing_more_the_files_are_enough(tmp_path: Path) -> None:
    began = time.monotonic()
    with serving(Hanging) as proxy:
        done = run("some-prices", tmp_path / "data", proxy, seconds=6.0)
    assert done.returncode == 0, done.stdout
    assert zipfile.is_zipfile(tmp_path / "data" / "some-prices.zip")
    assert time.monotonic() - began < 6 + 10  # the start of Python


@contextmanager
def silent_server(full: bool) -> Iterator[str]:
    """Accepts and never answers; `full`: takes no further connections either, as where packets are swallowed."""
    with socket.create_server(("127.0.0.1", 0), backlog=0 if full else 16) as server, ExitStack() as waiting:
        for _ in range(4 if full else 0):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("full", [False, True])
def test_a_network_that_swallows_everything_costs_no_more_than_the_time_given(tmp_path: Path, full: bool) -> None:
    with silent_server(full) as proxy:
        began = time.monotonic()
        done = run("some-prices", tmp_path / "data", proxy, seconds=2.0)
        took = time.monotonic() - began
    assert done.returncode == 2, done.stderr
    assert "did not arrive within the 2 s" in done.stdout
    assert done.stdout.count("\n") == 1
    assert done.stderr == "Asking Kaggle for some-prices (for at most 2 s without an answer) …\n"
    assert took < 2 + 10  # the start of Python


def test_without_an_answer_the_wait_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kaggle_download, "ANSWER_SECONDS", 1.0)
    announced: list[tuple[str, float]] = []
    began = time.monotonic()
    with silent_server(full=False) as proxy:
        for name, value in environment(tmp_path / "home", proxy).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(InputError, match=r"no answer within 1 s: check the network, or download the zip"):
            download("some-prices", tmp_path, announce=lambda text: announced.append((text, time.monotonic() - began)))
    assert 1.0 <= time.monotonic() - began < 20
    assert [text for text, _ in announced] == ["Asking Kaggle for some-prices (for at most 1 s without an answer) …"]
    assert announced[0][1] < 0.5  # before anything is tried


class Stalling(Handler):
    """Sends half of the file and then nothing more."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/zip")
        self.send_header("Content-Length", str(3 << 20))
        self.send_header("Last-Modified", "Wed, 01 Nov 2023 10:00:00 GMT")
        self.end_headers()
        self.wfile.write(bytes(3 << 19))
        self.wfile.flush()
        self.server.over.wait(60)  # type: ignore[attr-defined]


def test_a_download_that_stands_still_is_ended(tmp_path: Path) -> None:
    with serving(Stalling) as proxy:
        began = time.monotonic()
        done = run("some-prices", tmp_path / "data", proxy)
        took = time.monotonic() - began
    assert done.returncode == 2, done.stderr
    assert "has stood still for 2 s after 1.0 MB: try again" in done.stdout
    assert took < 30


def test_the_client_ends_with_a_starter_that_is_killed(tmp_path: Path) -> None:
    with silent_server(full=False) as proxy:
        pipes: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        with subprocess.Popen(**command("some-prices", tmp_path / "data", proxy), **pipes) as starter:
            starter.stderr.readline()  # it asks
            process = psutil.Process(starter.pid)
            deadline = time.monotonic() + 30
            while not (children := process.children()) and time.monotonic() < deadline:
                time.sleep(0.02)
            starter.kill()
        assert children
        _, alive = psutil.wait_procs(children, timeout=30)
        assert not alive


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
        ("a" * 300, None),
    ],
)
def test_slugs(text: str, slug: str | None) -> None:
    assert slug_of(text) == slug


def test_what_is_no_slug_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="short name"):
        download("../evil", tmp_path)
