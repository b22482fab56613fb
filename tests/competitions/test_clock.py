"""The clock of working time: it stands still while nothing beats, and in all processes of a run alike."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medalist.competitions import clock
from medalist.competitions.clock import PATIENCE, STARVED, TICK, VARIABLE, Pulse, awake, beating


class Steady:
    """The machine's monotonic clock, set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> Steady:
    steady = Steady()
    monkeypatch.setattr(time, "monotonic", steady)
    return steady


def test_it_goes_on_while_the_pulse_beats(steady: Steady) -> None:
    pulse = Pulse.begin(shared=False)
    for _ in range(40):
        steady.now += TICK
        assert pulse.now() == steady.now
        pulse.beat()
    assert pulse.asleep == 0


def test_a_stop_costs_no_more_than_the_patience(steady: Steady) -> None:
    pulse = Pulse.begin(shared=False)
    steady.now += 500.0
    assert pulse.now() == 1000.0 + PATIENCE  # whoever looks before the pulse beats again sees no gap either
    pulse.beat(continued=True)
    assert pulse.now() == 1000.0 + PATIENCE
    steady.now += 0.5
    assert pulse.now() == 1000.5 + PATIENCE
    assert pulse.asleep == 500.0 - PATIENCE


def test_a_pulse_that_waits_for_a_processor_is_no_stop(steady: Steady) -> None:
    pulse = Pulse.begin(shared=False)
    steady.now += STARVED - 1
    pulse.beat()
    assert (pulse.now(), pulse.asleep) == (steady.now, 0)


def test_a_frozen_container_sends_no_signal(steady: Steady) -> None:
    pulse = Pulse.begin(shared=False)
    steady.now += 10 * STARVED
    pulse.beat()
    assert pulse.asleep == 10 * STARVED - PATIENCE


@given(st.lists(st.tuples(st.floats(0.0, 100.0), st.booleans(), st.booleans()), max_size=30))
def test_it_never_goes_back(gaps: list[tuple[float, bool, bool]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        steady = Steady()
        patch.setattr(time, "monotonic", steady)
        pulse = Pulse.begin(shared=False)
        last = pulse.now()
        for seconds, beats, continued in gaps:
            steady.now += seconds
            assert pulse.now() >= last - 1e-9
            last = pulse.now()
            if beats:
                pulse.beat(continued=continued)
            assert pulse.now() >= last - 1e-9
            last = pulse.now()
            assert last + pulse.asleep <= steady.now + 1e-9


def test_without_a_pulse_it_is_the_monotonic_clock(steady: Steady, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_own", None)
    assert awake() == steady.now


def test_a_thread_beats_for_a_process_without_a_supervisor() -> None:
    with beating():
        began = awake()
        time.sleep(PATIENCE + 2 * TICK)
        assert awake() - began > PATIENCE + TICK


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="other processes find the pulse on Linux only")
def test_processes_below_read_the_same_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")  # which is what it was, at the end
    began = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: began - 1e6)
        pulse = Pulse.begin(shared=True)
    pulse.beat(continued=True)
    code = "import time; from medalist.competitions.clock import awake; print(time.monotonic() - awake())"
    asleep = float(subprocess.check_output([sys.executable, "-c", code], text=True))
    assert asleep == pytest.approx(1e6, abs=60.0)


def test_what_is_no_pulse_is_none(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"x" * 100)
    (tmp_path / "short").write_bytes(b"x")
    assert [Pulse.at(str(tmp_path / name)) for name in ("other", "short", "missing")] == [None, None, None]
