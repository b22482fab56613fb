"""The deadline and the signals end a run from outside, whatever the run is doing, with an exit code for scripts."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from command_line import assert_gone, assert_valid, call, demo, only_run

from medalist.agent.budget import Budget
from medalist.agent.run.deadline import Deadline, Interrupts
from medalist.agent.run.supervisor import LAST_SECONDS, MOST_SECONDS, Lateness
from medalist.competitions.clock import PATIENCE

HELD = "__import__('re').match('(a+)+$', 'a' * 60 + 'b')"  # years in C code that never yields to another thread
SUPERVISED = """
import atexit, os, signal, subprocess, sys, time
from medalist.agent.budget import Budget
from medalist.agent.run import supervisor
supervisor.EXIT_SECONDS = 0.3
began = time.monotonic()
deadline = supervisor.supervise()
"""
ENDS_SOON = "deadline.start(Budget(began, 1.5))\n"


def script(*lines: str) -> subprocess.Popen[str]:
    """A process that does these lines under a supervisor."""
    code = SUPERVISED + "\n".join(lines)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("stages", "code", "message"),
    [
        ((), 2, "medalist: The budget ended before a first submission: give more with --budget.\n"),
        (
            ("resuming",),
            2,
            "medalist: The budget ended before the run could be read again: give more with --budget.\n",
        ),
        (("replaying",), 0, "The budget ended while the run was read again: its submission stays as it was.\n"),
        (
            ("replaying", "submitted"),
            0,
            "The deadline was reached while closing; submission.csv is the last one written.\n",
        ),
        (("submitted", "stop"), 0, ""),
    ],
)
def test_the_deadline_holds_behind_c_code_that_never_yields(stages: tuple[str, ...], code: int, message: str) -> None:
    began = time.monotonic()
    process = script(ENDS_SOON, *(f"deadline.{stage}()" for stage in stages), HELD)
    _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (code, message)
    assert 0.5 < time.monotonic() - began < 20  # 1.5 s, and what a busy machine adds to the start of a process


def test_where_turns_come_late_the_end_begins_earlier() -> None:
    lateness = Lateness()
    lateness.see(0.0002)
    assert lateness.margin < 0.001  # a quiet machine
    lateness.see(0.3)
    assert 0.3 < lateness.margin <= MOST_SECONDS
    lateness.see(20.0)
    assert lateness.margin == MOST_SECONDS
    for _ in range(120):
        lateness.see(0.0002)
    assert lateness.margin < 0.001  # half a minute later it is forgotten


def test_at_the_deadline_all_children_are_ended() -> None:
    sleeps = "subprocess.Popen([sys.executable, '-c', 'import subprocess; subprocess.run([\"sleep\", \"600\"])'])"
    process = script(f"child = {sleeps}", "time.sleep(0.5)", "print('ready', flush=True)", ENDS_SOON, HELD)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    below = psutil.Process(process.pid).children(recursive=True)
    assert len(below) == 3
    process.communicate(timeout=60)
    assert_gone(below)


def test_an_hour_that_passes_is_a_deadline_too() -> None:
    hour = "import medalist.agent.budget as budget\nbudget.CLOSE_SECONDS = 0.5\n"
    begins = "deadline.start(budget.Budget.of(3600.0, began, time.time() - 10))\n"
    began = time.monotonic()
    code = hour + SUPERVISED + begins + HELD
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
    assert process.wait(timeout=60) == 2
    assert time.monotonic() - began < 10


@pytest.mark.slow
def test_children_end_with_a_killed_run_even_in_c_code(tmp_path: Path) -> None:
    """Each process that a run starts is tied to the one above it by the kernel, whatever it is doing."""
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{SUPERVISED}"
        "from medalist.agent.workers import processes\n"
        "import held\n"
        "processes.warm_up()\n"
        "child, pipe = processes.start_child(held.hold)\n"
        "pipe.recv()\n"
        "print(os.getpid(), child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    (tmp_path / "held.py").write_text(f"def hold(pipe):\n    pipe.send(1)\n    {HELD}\n", encoding="utf-8")
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    agent, child = (psutil.Process(int(pid)) for pid in process.stdout.readline().split())
    below = [child, *agent.children(recursive=True)]
    agent.kill()
    assert process.wait(timeout=60) == 128 + signal.SIGKILL
    assert_gone(below)


@pytest.mark.slow
def test_time_in_which_all_are_stopped_does_not_count() -> None:
    begins = "print(os.getpid(), flush=True)\ndeadline.start(Budget(began, 4.0))\n"
    began = time.monotonic()
    process = script(begins, "while True:\n    time.sleep(0.05)")
    assert process.stdout is not None
    both = [psutil.Process(process.pid), psutil.Process(int(process.stdout.readline()))]
    for one in both:
        one.suspend()
    time.sleep(6.0)
    for one in both:
        one.resume()
    woken = time.monotonic()
    assert process.wait(timeout=60) == 2
    assert time.monotonic() - began > 6.0 + 4.0 - PATIENCE - LAST_SECONDS - 0.5
    assert time.monotonic() - woken < 4.0


def test_an_exit_that_hangs_is_ended_with_its_exit_code() -> None:
    process = script(f"atexit.register(lambda: {HELD})", "deadline.exiting(3)", "sys.exit(3)")
    assert process.wait(timeout=60) == 3
    assert process.stderr is not None
    assert process.stderr.read() == ""


def test_the_exit_code_of_a_run_is_that_of_its_supervisor() -> None:
    assert script("sys.exit(4)").wait(timeout=60) == 4


def test_a_run_that_is_killed_says_how_to_go_on() -> None:
    process = script("os.kill(os.getpid(), signal.SIGKILL)")
    _, error = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGKILL
    assert error == ("medalist: The run was ended by SIGKILL: if medalist runs lists it, go on with medalist resume.\n")


def test_a_run_ends_with_its_supervisor() -> None:
    process = script("print(os.getpid(), flush=True)", "time.sleep(600)")
    assert process.stdout is not None
    agent = psutil.Process(int(process.stdout.readline()))
    process.kill()
    assert_gone([agent])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_reach_the_run(number: signal.Signals) -> None:
    signal_default = "signal.signal(signal.SIGHUP, signal.SIG_DFL)"  # whatever started the tests
    code = f"import signal\n{signal_default}\n{SUPERVISED}"
    code += "try:\n    print('ready', flush=True)\n    time.sleep(600)\nexcept KeyboardInterrupt:\n    sys.exit(3)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    assert process.wait(timeout=60) == 3


def test_signals_that_come_together_are_one_request(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    interrupts = Interrupts(graceful=True)
    interrupts(signal.SIGINT)
    now = 100.1
    interrupts(signal.SIGINT)  # from the supervisor, beside the terminal's
    assert interrupts.requested
    now = 102.0
    with pytest.raises(KeyboardInterrupt):
        interrupts(signal.SIGINT)


def test_nohup_stays_in_force() -> None:
    code = "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    code = f"import signal\n{code}{SUPERVISED}print('ready', flush=True)\ntime.sleep(1)\nsys.exit(0)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    for one in (psutil.Process(process.pid), *psutil.Process(process.pid).children()):
        one.send_signal(signal.SIGHUP)
    assert process.wait(timeout=60) == 0


def test_without_a_supervisor_nothing_is_reported_and_nothing_ended() -> None:
    deadline = Deadline()
    deadline.start(Budget(time.monotonic() - 100, 10))
    deadline.submitted()
    deadline.exiting(0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("begins", "code", "message"),
    [
        (HELD, 2, "medalist: The budget ended before a first submission"),
        (f"calls = 0\ndef wait():\n    global calls\n    calls += 1\n    calls > 100 and {HELD}", 0, "last one"),
    ],
    ids=["before it can begin", "in the middle"],
)
def test_a_metric_in_c_that_never_yields_does_not_move_the_deadline(
    tmp_path: Path, begins: str, code: int, message: str
) -> None:
    public = demo(tmp_path / "demo")
    metric = tmp_path / "metric.py"
    body = "def score(y, p):\n    if 'wait' in globals():\n        wait()\n    return -np.mean((y - p) ** 2)\n"
    metric.write_text(f"import numpy as np\nneeds = 'probability'\n{begins}\n{body}", encoding="utf-8")
    began = time.monotonic()
    done = call("run", public, "--budget", "12s", "--metric", f"{metric}:score", "--runs-dir", tmp_path / "runs")
    assert time.monotonic() - began <= 12
    assert done.returncode == code
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    if code == 0:
        assert_valid(only_run(tmp_path / "runs") / "submission.csv", public / "sample_submission.csv")
