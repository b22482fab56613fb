"""The window of a night, with clocks that jump and machines that sleep, and the displays of a night."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import re
import subprocess
import sys
import time

import pytest

from medalist.agent.nights.display import NightJson, NightLines
from medalist.agent.nights.progress import NightProgress
from medalist.agent.nights.schema import Entry
from medalist.agent.nights.tonight import Tonight, better_medal
from medalist.agent.nights.window import Window


class Clocks:
    """The clock on the wall and the monotonic one, set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall, self.steady = 1_000_000.0, 50.0
        monkeypatch.setattr(time, "time", lambda: self.wall)
        monkeypatch.setattr(time, "monotonic", lambda: self.steady)

    def work(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks(monkeypatch)


def test_a_window_ends_at_its_hour(clocks: Clocks) -> None:
    window = Window(100.0, clocks.wall + 100.0)
    clocks.work(40)
    assert window.left == pytest.approx(60)


def test_a_clock_that_jumps_back_does_not_lengthen_a_night(clocks: Clocks) -> None:
    window = Window(100.0, clocks.wall + 100.0)
    clocks.work(40)
    clocks.wall -= 3600
    assert window.left == pytest.approx(60)


def test_a_machine_that_slept_past_its_hour_is_over(clocks: Clocks) -> None:
    window = Window(100.0, clocks.wall + 100.0)
    clocks.wall += 3600
    assert window.left < 0


def test_time_asleep_does_not_count_where_no_hour_was_named(clocks: Clocks) -> None:
    window = Window(100.0)
    clocks.work(40)
    clocks.wall += 3600
    assert window.left == pytest.approx(60)


def test_failures_are_retried_later_and_later_and_then_no_more(clocks: Clocks) -> None:
    t, waits = Tonight(Entry.model_validate({"path": "a", "name": "a"})), []
    while not t.given_up:
        t.failed(1.0, "no network", 8 * 3600.0)
        waits.append(t.retry_at - clocks.steady)
    assert waits[:3] == [60.0, 600.0, 2700.0]
    assert len(waits) == 4
    t.worked(10.0, 2.0, exhausted=False)
    assert (t.failures, t.reason, t.seconds) == (0, "", 14.0)


def test_medals_are_in_order() -> None:
    assert better_medal("bronze", None)
    assert better_medal("gold", "silver")
    assert not better_medal("silver", "gold")
    assert not better_medal(None, None)


START = {"event": "start", "run": "r", "text": "tides: regression of [bold]price\x1b[2J"}
FINISH = {"event": "finish", "metric": "rmse", "score": 0.5, "standard_error": 0.01, "experiments": 3}


@pytest.mark.parametrize("kind", [NightLines, NightJson])
def test_what_happens_is_shown_without_control_characters(kind: type) -> None:
    out = io.StringIO()
    display = kind(out)
    display.note(None, "begins")
    for event in (START, FINISH, {"event": "begin", "family": "lightgbm"}):
        display.event("tides", event)
    display.tick(NightProgress("2026-11-30-220000", 10.0, 20.0, []))
    display.close()
    assert "\x1b" not in out.getvalue()
    lines = out.getvalue().splitlines()
    if kind is NightJson:
        assert [json.loads(line)["event"] for line in lines] == ["night", "start", "finish", "begin"]
    else:
        assert len(lines) == 3
        assert lines[1].count("tides") == 1
        assert lines[2].endswith("tides: rmse 0.5 ± 0.01 (not confirmed), 3 experiments so far")


TABLE = """
import time
from medalist.agent.nights.belief import Gain
from medalist.agent.nights.continuing import History
from medalist.agent.nights.display import NightTable
from medalist.agent.nights.progress import NightProgress
from medalist.agent.nights.schema import Entry
from medalist.agent.nights.tonight import Tonight

names = ("tides", "qu[bold]akes\\x1b[2J", "a-competition-with-a-long-name", "flat", "broken", "over", "winds")
tonight = [Tonight(Entry.model_validate({"path": n, "name": n})) for n in names]
tides, quakes, long, flat, broken, over, winds = tonight
tides.seconds, tides.gained, tides.history = 60.0, 0.4, History(120.0, [Gain(1, 0.4)], 10)
flat.run, flat.history = "r", History(360000.0, (), 9000)
broken.failed(1.0, "no train table was found", 3600.0)
display = NightTable()
display.note("tides", "12 min: nothing was done on it yet" + ", and more" * 20)
display.event("tides", {"event": "experiment", "verdict": "keep", "number": 7, "family": "catboost",
                        "reason": "a reason as long as it may be, " * 9})
display.tick(NightProgress("2026-11-30-220000", 3700.0, 7200.0, tonight, tides, 240.0, 75.0, "winds"))
time.sleep(0.8)
display.close()
"""


def on_a_terminal(script: str, columns: int) -> str:
    """What a script prints on a terminal so many columns wide."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": "30"}
    done = subprocess.Popen([sys.executable, "-c", script], stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    out = b""
    with contextlib.suppress(OSError):  # the end of a terminal is an error on Linux
        while part := os.read(ours, 65536):
            out += part
    os.close(ours)
    assert done.wait(30) == 0
    return out.decode()


@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_shows_all_competitions_in_a_table(columns: int) -> None:
    text = on_a_terminal(TABLE, columns)
    assert text.count("\x1b[?25h")  # the cursor is shown again
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).splitlines()
    assert max(map(len, lines)) == columns
    panel = list(dict.fromkeys(line for line in lines if line.startswith("│")))  # it is drawn more than once
    assert "1 h 01 min left of 2 h 00 min" in panel[0]
    assert len(panel) == 1 + 1 + 7 + 1  # the bar, the header, a line each, what it means
    head, rows = panel[1], panel[2:9]
    assert all(line.endswith("│") for line in panel)
    assert "> tides" in rows[0]
    assert "0.40" in rows[0]
    assert "1:15 of 4:00: #7 k" in rows[0]
    assert rows[0][: head.index("tonight") + 7].endswith("2:15")  # in the columns of their names
    assert rows[0][: head.index("in all") + 6].endswith("3:15")
    assert "qu[bold]akes\\x1b[2J" in rows[1]
    assert "a-competition-with-a-lo…" in rows[2]
    assert "has stopped gaining" in rows[3]
    assert "failed, again in " in rows[4]
    assert "+ winds" in rows[6]
    assert "next" in rows[6]
