"""A competition named by its Kaggle slug, on a network that accepts connections and never answers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from medalist.competitions.kaggle.download import ANSWER_SECONDS


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Arguments of `subprocess.Popen` for a process that can reach nothing but such a network."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        proxy = f"http://127.0.0.1:{server.getsockname()[1]}"
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
        env |= dict.fromkeys(("HOME", "KAGGLE_CONFIG_DIR", "MEDALIST_CACHE"), str(tmp_path))
        env |= dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY"), proxy)
        env |= {"KAGGLE_API_ENVIRONMENT": "LOCALHOST", "KAGGLE_USERNAME": "nobody", "KAGGLE_KEY": "0"}
        yield {"env": env, "cwd": tmp_path, "text": True, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


def medalist(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from medalist.agent.cli.main import main; main()", *arguments]


@pytest.mark.slow
def test_a_run_says_what_it_waits_for_and_keeps_to_its_budget(silent: dict[str, Any], tmp_path: Path) -> None:
    began = time.monotonic()
    out = tmp_path / "out"
    command = medalist("run", "some-prices", "--budget", "10s", "--json")
    with out.open("w") as stdout, subprocess.Popen(command, **{**silent, "stdout": stdout}) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Asking Kaggle for some-prices")
        message = process.stderr.readline()
        assert time.monotonic() - began < 20  # the budget, and what a busy machine adds to the start of a process
        assert process.wait(timeout=60) == 2
    assert "Kaggle did not give it: some-prices did not arrive within the" in message
    assert "--budget" in message
    assert out.read_text() == ""
    assert not (tmp_path / "runs" / "some-prices").exists()


@pytest.mark.slow
def test_an_inspection_ends_after_the_seconds_that_it_announced(silent: dict[str, Any]) -> None:
    began = time.monotonic()
    with subprocess.Popen(medalist("inspect", "some-prices"), **silent) as process:
        assert process.stderr is not None
        assert f"at most {ANSWER_SECONDS:.0f} s" in process.stderr.readline()
        _, errors = process.communicate(timeout=120)
    assert ANSWER_SECONDS <= time.monotonic() - began < ANSWER_SECONDS + 15
    assert process.returncode == 2
    assert "check the network" in errors
