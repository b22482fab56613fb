"""Budgets as people write them."""

import datetime as dt
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medalist.agent.budget import CLOSE_SECONDS, Budget, parse_duration, seconds_until
from medalist.competitions.errors import BudgetError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("8h", 28800), ("1h30m", 5400), ("45", 45), ("1.5h", 5400), ("2min", 120)],
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@given(st.integers(0, 99), st.integers(0, 59), st.integers(1, 59))
def test_any_combination(hours, minutes, seconds):
    assert parse_duration(f"{hours}h{minutes}m{seconds}s") == hours * 3600 + minutes * 60 + seconds


@pytest.mark.parametrize("text", ["", "soon", "10x", "-5m", "0s", "h", "1h30"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(BudgetError, match="90s"):
        parse_duration(text)


def test_until_is_today_or_tomorrow():
    now = dt.datetime(2026, 3, 1, 22, 0)
    assert seconds_until("23:30", now) == 5400
    assert seconds_until("07:00", now) == 9 * 3600
    with pytest.raises(BudgetError, match="HH:MM"):
        seconds_until("7 o'clock", now)


def test_a_night_in_which_clocks_change_is_shorter_or_longer(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert seconds_until("07:00", dt.datetime(2026, 3, 28, 23, 0)) == 7 * 3600
        assert seconds_until("07:00", dt.datetime(2026, 10, 24, 23, 0)) == 9 * 3600
    finally:
        monkeypatch.undo()
        time.tzset()


def test_when_this_process_began():
    code = (
        "import time; time.sleep(1); from medalist.agent.budget import process_began; "
        "print(time.monotonic(), process_began())"
    )
    began = time.monotonic()
    now, then = map(float, subprocess.check_output([sys.executable, "-c", code], text=True).split())
    assert began - 0.05 <= then  # the clock of a machine is one for all its processes
    assert now - then >= (0.99 if sys.platform == "linux" else 0.0)


def test_a_budget_keeps_time_for_its_end():
    budget = Budget.of(100.0, time.monotonic() - 40)
    assert 55 < budget.left < 60
    with pytest.raises(BudgetError, match="too small"):
        Budget.of(2.0)
    assert Budget(0.0, float("inf")).left == float("inf")


class Clocks:
    """The clock on the wall and the monotonic one, set by hand."""

    def __init__(self, monkeypatch):
        self.wall, self.steady = 1_000_000.0, 50.0
        monkeypatch.setattr(time, "time", lambda: self.wall)
        monkeypatch.setattr(time, "monotonic", lambda: self.steady)

    def work(self, seconds):
        self.wall += seconds
        self.steady += seconds

    def until(self, seconds):
        """The budget of a run that begins now and works until the clock shows the hour in so many seconds."""
        return Budget.of(seconds, self.steady, self.wall + seconds)


@pytest.fixture
def clocks(monkeypatch):
    return Clocks(monkeypatch)


def test_until_ends_at_its_hour(clocks):
    budget = clocks.until(1000.0)
    clocks.work(400.0)
    assert budget.deadline - clocks.steady == pytest.approx(600.0)
    clocks.work(599.0)
    assert budget.deadline - clocks.steady == pytest.approx(1.0)  # no grace where nothing jumped
    clocks.work(2.0)
    assert budget.left < 0


def test_sleep_does_not_move_the_hour(clocks):
    budget = clocks.until(1000.0)
    clocks.wall += 300.0  # a suspended machine, whose monotonic clock stands still
    assert budget.deadline - clocks.steady == pytest.approx(700.0)


def test_a_run_that_slept_past_its_hour_has_some_seconds_to_close_in(clocks):
    budget = clocks.until(1000.0)
    clocks.work(10.0)
    assert budget.left > 0
    clocks.wall += 5000.0
    assert budget.deadline - clocks.steady == pytest.approx(CLOSE_SECONDS)
    for _ in range(4):
        clocks.work(CLOSE_SECONDS / 4)
        assert budget.deadline == pytest.approx(60.0 + CLOSE_SECONDS)


def test_a_clock_that_jumps_moves_only_the_hour_and_only_closer(clocks):
    budget, seconds = clocks.until(1000.0), Budget.of(1000.0, clocks.steady)
    clocks.wall -= 3600.0
    assert budget.deadline == seconds.deadline == pytest.approx(1050.0)
    clocks.wall += 3600.0 + 200.0
    assert budget.deadline == pytest.approx(850.0)
    assert seconds.deadline == pytest.approx(1050.0)
