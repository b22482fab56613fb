"""Which process a run belongs to: a number that was given out again is another process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from medalist.leaderboard.ledger import process
from medalist.leaderboard.ledger.process import Process, beginning, is_alive, this_process

NOW = datetime.now(UTC)


@pytest.fixture(params=["as it is", "without /proc"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """This system, and one that shows processes through psutil alone."""
    if request.param == "without /proc":
        monkeypatch.setattr(process, "beginning", process.beginning_by_clock)


@contextlib.contextmanager
def another_process() -> Iterator[int]:
    """The number of a process that began later than this one, by more than a step of the clock."""
    time.sleep(0.05)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        yield child.pid
    finally:
        child.kill()
        child.wait()


@pytest.mark.usefixtures("system")
def test_a_process_lives_until_it_ends() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    seen = Process(this_process().host, child.pid, process.beginning(child.pid))
    assert seen.began
    assert is_alive(seen, NOW)
    child.terminate()
    deadline = time.monotonic() + 30
    while is_alive(seen, NOW) and time.monotonic() < deadline:  # a zombie until it is waited for
        time.sleep(0.01)
    assert is_alive(seen, NOW) is False
    child.wait()
    assert is_alive(seen, NOW) is False
    assert process.beginning(child.pid) == ""


@pytest.mark.usefixtures("system")
def test_a_number_that_another_process_has_now_is_not_taken_for_it() -> None:
    """Defect: in a container that was started again the run's number was another process, and resume was refused."""
    mine = this_process()
    assert is_alive(mine, NOW)
    assert is_alive(replace(mine, began="another beginning"), NOW) is False
    with another_process() as pid:
        assert is_alive(replace(mine, pid=pid), NOW) is False


def test_nobody_can_tell_of_another_machine() -> None:
    assert is_alive(replace(this_process(), host="elsewhere"), NOW) is None


def test_without_a_beginning_the_time_decides() -> None:
    unknown = replace(this_process(), began="")
    assert is_alive(unknown, NOW)
    assert is_alive(unknown, NOW - timedelta(days=3650)) is False
    assert is_alive(replace(unknown, pid=2**22 + 1), NOW) is False


def test_a_beginning_does_not_change() -> None:
    with another_process() as pid:
        assert beginning(os.getpid()) == beginning(os.getpid()) != beginning(pid)
