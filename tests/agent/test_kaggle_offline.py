"""A competition named by its Kaggle slug, from the command line: a network that never answers, and credentials."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from command_line import call, start
from kaggle_server import SECRETS, TOKEN, KaggleServer, Refusal, Site, environment, price_zip, silent_network


@pytest.mark.slow
def test_a_run_says_what_it_waits_for_and_keeps_to_its_budget(tmp_path: Path) -> None:
    began = time.monotonic()
    with silent_network() as proxy:
        env = environment(tmp_path / "home", proxy)
        command = ("run", "some-prices", "--budget", "10s", "--json")
        with start(*command, env=env, cwd=tmp_path) as process:
            assert process.stderr is not None
            assert process.stderr.readline().startswith("Asking Kaggle for some-prices")
            out, errors = process.communicate(timeout=60)
    assert time.monotonic() - began < 20  # the budget, and what a busy machine adds to the start of a process
    assert process.returncode == 2
    assert "Kaggle did not give it:" in errors
    assert errors.count("\n") == 1
    assert out == ""
    assert not (tmp_path / "runs" / "some-prices").exists()


@pytest.mark.slow
@pytest.mark.parametrize("full", [False, True])
def test_where_nothing_answers_an_inspection_says_so_within_seconds(tmp_path: Path, full: bool) -> None:
    began = time.monotonic()
    with silent_network(full) as proxy:
        done = call("inspect", "some-prices", env=environment(tmp_path / "home", proxy), cwd=tmp_path, seconds=60)
    assert time.monotonic() - began < 15 + 10  # the start of two processes on a busy machine
    assert done.returncode == 2
    assert "or download the zip in a browser and give its path" in done.stderr


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_no_secrets(folder: Path, *texts: str) -> None:
    """No credential in the outputs, nor in any file below the folder."""
    for secret in SECRETS:
        assert not any(secret in text for text in texts)
        assert [p for p, data in files_of(folder).items() if secret.encode() in data] == []


@pytest.mark.slow
@pytest.mark.parametrize("account", ["key", "token"])
def test_from_slug_to_run_without_a_trace_of_the_credentials(tmp_path: Path, account: str) -> None:
    site = Site(archive=price_zip(rows=300), metadata={"evaluationMetric": "Mean Absolute Error", "maxTeamSize": 3})
    with KaggleServer(some_prices=site, closed=Site()) as server:
        tokens = {"KAGGLE_API_TOKEN": TOKEN} if account == "token" else {}
        env = environment(tmp_path / "home", server.address, account == "key", **tokens)

        def medalist(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
            done: Any = call(*arguments, env=env, cwd=tmp_path)
            assert done.returncode == code, done.stderr
            assert_no_secrets(tmp_path, done.stdout, done.stderr)
            return done

        done = medalist("run", "some-prices", "--max-experiments", "2", "--json")
        events = [json.loads(line) for line in done.stdout.splitlines()]
        assert any("teams of at most 3" in str(event) for event in events)
        assert (tmp_path / "runs" / "some-prices").is_dir()
        for command in (("inspect", "some-prices"), ("runs",), ("show", "last"), ("why", "last")):
            medalist(*command)
        medalist("resume", "last", "--max-experiments", "3")
        server.refusals["DownloadDataFiles"] = Refusal(403, f"Forbidden for {SECRETS[0]}, {SECRETS[1]}")
        medalist("run", "closed", code=2)
        server.refusals["DownloadDataFiles"] = Refusal(429, SECRETS[1])
        medalist("run", "closed", code=2)
        assert [method for method, _ in server.calls].count("file") == 1


@pytest.mark.slow
@pytest.mark.parametrize("account", ["key", "token"])
def test_no_command_that_speaks_to_kaggle_leaves_a_trace_of_the_credentials(tmp_path: Path, account: str) -> None:
    """Outputs, run folder with its pages, ledger, night folder and boards after each command, also those that fail."""
    secret = " ".join(SECRETS)
    metadata = {"evaluationMetric": "Mean Absolute Error", "userHasEntered": True, "maxDailySubmissions": 9}
    site = Site(archive=price_zip(rows=300), metadata=metadata, board=[("a", "0.1"), ("b", "0.3")])
    with KaggleServer(some_prices=site) as server:
        tokens = {"KAGGLE_API_TOKEN": TOKEN} if account == "token" else {}
        env = environment(tmp_path / "home", server.address, account == "key", **tokens)

        def medalist(*arguments: str, code: int = 0) -> None:
            done: Any = call(*arguments, env=env, cwd=tmp_path, seconds=300)
            assert done.returncode == code, done.stderr
            assert_no_secrets(tmp_path, done.stdout, done.stderr)

        medalist("run", "some-prices", "--max-experiments", "1", "--auto-submit", "1")
        assert len(site.submissions) == 1
        site.score = lambda _: f"Row 3 cannot be read by {secret}"
        for refusals in (
            {"CreateSubmission": Refusal(403, f"You must accept the rules, {secret}")},
            {"StartSubmissionUpload": Refusal(500, secret)},
            {"upload": Refusal(403, secret)},
            {"ListSubmissions": Refusal(429, secret, {"Retry-After": "3"})},
            {"ListSubmissions": Refusal(401, secret)},
        ):
            server.refusals = refusals
            medalist("submit", "last", "--again", code=2)
        medalist("submissions")
        server.refusals = {"DownloadLeaderboard": Refusal(403, secret)}
        medalist("leaderboard", "some-prices", "--download", code=2)
        server.refusals = {}
        medalist("submit", "last", "--again", "-m", "mine")  # which cannot be scored, for a reason with secrets
        medalist("submissions", "--json")
        medalist("leaderboard", "some-prices", "--download", "--run", "last")
        medalist("report", "last")
        if account == "token":  # a night is of the same commands: once is enough
            return
        medalist("night", "add", "some-prices", "--auto-submit", "5")
        medalist("night", "run", "--budget", "40s", "--slice", "14s", "--keep-going")
        medalist("night", "report", "--html")
        assert list(tmp_path.glob("runs/nights/*/report.html"))
