"""Kaggle's real client against a server on this machine, in a process of its own: no account, no network."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import psutil
import pytest
from kaggle_server import KaggleServer, Site, Transfer, environment, price_zip, silent_network

from medalist.competitions.competition import read_competition
from medalist.competitions.errors import InputError
from medalist.competitions.kaggle import child
from medalist.competitions.kaggle.download import download, slug_of
from medalist.competitions.task.file import read_task, task_text
from medalist.competitions.task.infer import infer_task

SCRIPT = """
import sys
from pathlib import Path
from medalist.competitions.kaggle.download import download
announce = lambda text: print(text, file=sys.stderr, flush=True)
print(download(sys.argv[1], Path(sys.argv[2]), announce=announce))
"""
EVALUATION = "<h2>Goal</h2><p>Submissions are evaluated on the mean absolute error.</p>"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("KAGGLE_") or n.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.fixture
def fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`download` into tmp_path / "data", with a proxy's address first: the client is led there."""

    def call(proxy: str, slug: str = "some-prices", account: bool = True, **options: Any) -> Path:
        for name, value in environment(tmp_path / "home", proxy, account).items():
            monkeypatch.setenv(name, value)
        return download(slug, tmp_path / "data", **options)

    return call


def test_a_competition_is_downloaded_and_read(tmp_path: Path, fetch: Any) -> None:
    announced: list[str] = []
    seen: list[tuple[int, int | None]] = []
    site = Site(archive=price_zip(padding=1 << 18), transfer=Transfer(rate=1e6))
    with KaggleServer(some_prices=site) as server:
        show = {"announce": announced.append, "progress": lambda *sizes: seen.append(sizes)}
        path = fetch(server.address, "https://www.kaggle.com/competitions/some-prices/data", **show)
    assert announced == ["Asking Kaggle for some-prices (for at most 7 s without an answer) …"]
    assert path == tmp_path / "data" / "some-prices.zip"
    assert {total for _, total in seen} == {len(site.archive)}
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert any(0 < done < len(site.archive) for done, _ in seen)
    assert [f.role for f in read_competition(path).files][:3] == ["train", "test", "sample"]
    assert fetch("http://127.0.0.1:9", announce=announced.append) == path  # kept: nobody is asked
    assert len(announced) == 1


@pytest.mark.parametrize(
    ("metric", "evaluation", "expected", "source", "quote"),
    [
        ("Root Mean Squared Logarithmic Error", "", "rmsle", "kaggle", "Root Mean Squared Logarithmic Error"),
        ("", EVALUATION, "mae", "description", "Submissions are evaluated on the mean absolute error."),
        ("Frobnication of Predictions", "", "rmse", "assumed", ""),
    ],
)
def test_what_kaggle_says_is_kept_with_the_files(
    tmp_path: Path, fetch: Any, metric: str, evaluation: str, expected: str, source: str, quote: str
) -> None:
    pages = [{"name": "evaluation", "content": evaluation}] if evaluation else []
    metadata = {"evaluationMetric": metric, "deadline": "2020-01-07T23:59:00Z", "maxDailySubmissions": 7}
    with KaggleServer(some_prices=Site(metadata=metadata, pages=pages)) as server:
        path = fetch(server.address)
    competition = read_competition(path)  # now without a network
    assert any("it ended on 2020-01-07" in note for note in competition.notes)
    assert any("at most 7 submissions a day" in note for note in competition.notes)
    task = infer_task(competition)
    assert (task.metric, task.metric_source, task.metric_quote) == (expected, source, quote)
    assert any("Frobnication" in note and "--metric" in note for note in task.notes) == ("Frob" in metric)
    file = tmp_path / "task.yaml"
    file.write_text(task_text(task))
    again = read_task(file, read_competition(path))
    assert (again.metric_source, again.metric_quote) == (source, quote)


def test_a_download_that_was_killed_continues(tmp_path: Path, fetch: Any) -> None:
    site = Site(archive=price_zip(padding=3 << 20), transfer=Transfer(rate=3e6))
    data = tmp_path / "data"
    with KaggleServer(some_prices=site) as server:
        env = environment(tmp_path / "home", server.address)
        command = [sys.executable, "-c", SCRIPT, "some-prices", str(data)]
        with subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL) as process:
            wait_for(
                lambda: (data / "some-prices.zip").exists() and (data / "some-prices.zip").stat().st_size > 1 << 19
            )
            client = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            assert not psutil.wait_procs(client, timeout=30)[1]
        here = (data / "some-prices.zip").stat().st_size
        site.transfer.rate = None
        path = fetch(server.address)
        ranges = [what for method, what in server.calls if method == "file"]
    assert path.read_bytes() == site.archive
    assert int(ranges[-1].removeprefix("bytes=").removesuffix("-")) >= here // 2  # not from the beginning


@pytest.mark.slow
def test_two_processes_download_a_competition_once(tmp_path: Path, fetch: Any) -> None:
    site = Site(archive=price_zip(padding=1 << 20), transfer=Transfer(rate=2e6))
    announced: list[str] = []
    with KaggleServer(some_prices=site) as server:
        env = environment(tmp_path / "home", server.address)
        command = [sys.executable, "-c", SCRIPT, "some-prices", str(tmp_path / "data")]
        with subprocess.Popen(
            command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            assert process.stderr.readline().startswith("Asking Kaggle")
            assert fetch(server.address, announce=announced.append).read_bytes() == site.archive
            assert process.wait(60) == 0
        assert [method for method, _ in server.calls].count("file") == 1
    assert announced == ["Another process downloads some-prices: waiting for it …"]


def test_a_zip_that_arrives_broken_is_removed_and_downloaded_anew(tmp_path: Path, fetch: Any) -> None:
    site = Site(transfer=Transfer(spoilt=True))
    with KaggleServer(some_prices=site) as server:
        with pytest.raises(InputError, match="the zip of some-prices arrived broken and was removed: try again"):
            fetch(server.address)
        assert not list((tmp_path / "data").glob("some-prices.zip*"))
        site.transfer = Transfer()
        assert zipfile.is_zipfile(fetch(server.address))
        site.archive = b"PK\x03\x04" + bytes(1000)
        (tmp_path / "data" / "some-prices.zip").unlink()
        with pytest.raises(InputError, match="is no zip and was removed"):
            fetch(server.address)


def test_half_of_a_zip_that_ends_with_another_zip_is_not_taken_for_a_whole_one(tmp_path: Path, fetch: Any) -> None:
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.writestr("images.zip", price_zip())
        archive.writestr("train.csv", "id,y\n1,2\n" * 1000)
    whole = (tmp_path / "outer.zip").read_bytes()
    end = whole.rindex(b"PK\x05\x06", 0, len(whole) - 30)  # of the inner zip
    (tmp_path / "data").mkdir()
    part = tmp_path / "data" / "some-prices.zip"
    part.write_bytes(whole[: end + 22])
    assert zipfile.is_zipfile(part)
    with KaggleServer(some_prices=Site(archive=whole)) as server:
        assert fetch(server.address).read_bytes() == whole


def test_a_disk_without_room_is_noticed_at_once(tmp_path: Path, fetch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(archive=price_zip(padding=1 << 18), transfer=Transfer(rate=1e5))
    free = len(site.archive) // 2
    usage = type("Usage", (), {"free": free})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)  # of the system, whose disks a test cannot fill
    with (
        KaggleServer(some_prices=site) as server,
        pytest.raises(InputError, match=r"has 0.3 MB, but .* room for 0.1 MB"),
    ):
        fetch(server.address)


def test_without_an_account_or_a_network(tmp_path: Path, fetch: Any) -> None:
    with KaggleServer() as server, pytest.raises(InputError, match="without an account: make an API token"):
        fetch(server.address, account=False)
    with pytest.raises(InputError, match="the proxy does not lead to Kaggle"):
        fetch("http://127.0.0.1:9")


def test_where_kaggle_says_nothing_more_the_files_are_enough(tmp_path: Path, fetch: Any) -> None:
    began = time.monotonic()
    with KaggleServer(some_prices=Site()) as server:
        server.silent = {"GetCompetition", "ListCompetitionPages"}
        assert zipfile.is_zipfile(fetch(server.address, seconds=3.0))
    assert time.monotonic() - began < 3 + 10  # the start of Python


@pytest.mark.parametrize("full", [False, True])
def test_a_network_that_swallows_everything_costs_no_more_than_the_time_given(fetch: Any, full: bool) -> None:
    began = time.monotonic()
    with silent_network(full) as proxy, pytest.raises(InputError, match="did not arrive within the 1 s"):
        fetch(proxy, seconds=1.0)
    assert time.monotonic() - began < 1 + 10


def test_without_an_answer_the_wait_ends_by_itself(fetch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "ANSWER_SECONDS", 1.0)
    announced: list[tuple[str, float]] = []
    began = time.monotonic()
    with silent_network() as proxy, pytest.raises(InputError, match=r"no answer within 1 s: check the network"):
        fetch(proxy, announce=lambda text: announced.append((text, time.monotonic() - began)))
    assert 1.0 <= time.monotonic() - began < 20
    assert announced[0][1] < 0.5  # before anything is tried


def test_a_download_that_stands_still_is_ended(fetch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "STALL_SECONDS", 1.0)
    site = Site(archive=price_zip(padding=3 << 20), transfer=Transfer(stalls=99))
    with (
        KaggleServer(some_prices=site) as server,
        pytest.raises(InputError, match=r"stood still for 1 s after 1\.\d MB"),
    ):
        fetch(server.address)


@pytest.mark.slow
def test_a_transfer_that_stands_still_once_is_taken_up_again(fetch: Any) -> None:
    site = Site(archive=price_zip(padding=1 << 20), transfer=Transfer(stalls=1))
    with KaggleServer(some_prices=site) as server:
        assert fetch(server.address).read_bytes() == site.archive


@pytest.mark.slow
def test_a_transfer_that_always_begins_again_ends_long_before_15_seconds(fetch: Any) -> None:
    site = Site(archive=price_zip(padding=1 << 20), transfer=Transfer(cuts=999, ranges=False))
    ends = "begins from nothing|stood still"  # by whether the file is seen while it is shorter again
    with KaggleServer(some_prices=site) as server, pytest.raises(InputError, match=ends):
        fetch(server.address)


def test_the_client_ends_with_a_starter_that_is_killed(tmp_path: Path) -> None:
    with silent_network() as proxy:
        env = environment(tmp_path / "home", proxy)
        command = [sys.executable, "-c", SCRIPT, "some-prices", str(tmp_path / "data")]
        with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as starter:
            assert starter.stderr is not None
            starter.stderr.readline()  # it asks
            process = psutil.Process(starter.pid)
            wait_for(process.children)
            children = process.children()
            starter.kill()
        _, alive = psutil.wait_procs(children, timeout=30)
        assert not alive


def wait_for(what: Any, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not what() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert what()


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("titanic", "titanic"),
        ("playground-series-s4e1", "playground-series-s4e1"),
        ("https://www.kaggle.com/competitions/titanic/data", "titanic"),
        ("https://www.kaggle.com/c/titanic", "titanic"),
        ("kaggle.com/competitions/titanic/overview?rvi=1#evaluation", "titanic"),
        ("https://www.kaggle.com/competitions/Titanic", "titanic"),
        ("Titanic", "titanic"),
        ("https://www.kaggle.com/datasets/owner/titanic", None),
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
