"""After a stop: no job has lost time, a run works the rest of its budget, a night goes on or is over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_workers import long, training_input

from medalist.agent.budget import Budget
from medalist.agent.nights.window import Window
from medalist.agent.workers.local import Workers
from medalist.competitions import clock
from medalist.competitions.clock import PATIENCE, Pulse


@pytest.fixture
def pulse(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pulse]:
    """The clock of this process, which stands still unless a test has it beat."""
    pulse = Pulse.begin(shared=False)
    monkeypatch.setattr(clock, "_own", pulse)
    return pulse


class Clocks:
    """The clock on the wall and the monotonic one, set by hand; the machine's processes can be stopped."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall, self.steady = 1_000_000.0, 50.0
        monkeypatch.setattr(time, "time", lambda: self.wall)
        monkeypatch.setattr(time, "monotonic", lambda: self.steady)
        self.pulse = Pulse.begin(shared=False)
        monkeypatch.setattr(clock, "_own", self.pulse)

    def stop_for(self, seconds: float) -> None:
        """All processes are stopped for so long."""
        self.wall += seconds
        self.steady += seconds
        self.pulse.beat(continued=True)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks(monkeypatch)


def test_a_job_is_not_ended_for_the_time_asleep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pulse: Pulse) -> None:
    monkeypatch.setattr(clock, "PATIENCE", 0.05)
    workers = Workers(1)
    workers.start(training_input(tmp_path))
    try:
        workers.submit(long(1, seconds=0.3))
        time.sleep(0.6)
        assert workers.poll(0.05) == []  # nothing beats: everything sleeps
        pulse.beat(continued=True)
        assert workers.poll(0.05) == []
        for _ in range(100):
            time.sleep(0.02)
            pulse.beat()
            if ended := workers.poll(0.0):
                break
        assert [outcome.status for outcome in ended] == ["timeout"]
    finally:
        workers.close()


def test_a_stop_moves_the_end_of_a_budget(clocks: Clocks) -> None:
    budget = Budget.of(600.0)
    clocks.stop_for(7200.0)
    assert budget.used == PATIENCE
    assert budget.left == pytest.approx(600.0 - PATIENCE - budget.reserve)


def test_a_night_that_wakes_within_its_window_goes_on(clocks: Clocks) -> None:
    to_an_hour, of_work = Window(28800.0, clocks.wall + 28800.0), Window(28800.0)
    clocks.stop_for(7200.0)
    assert to_an_hour.left == pytest.approx(28800.0 - 7200.0)
    assert of_work.left == pytest.approx(28800.0 - PATIENCE)


def test_a_night_that_wakes_after_its_window_is_over(clocks: Clocks) -> None:
    window = Window(28800.0, clocks.wall + 28800.0)
    clocks.stop_for(40000.0)
    assert window.left < 0
