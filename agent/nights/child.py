"""A slice of a night as a child process: `medalist run` or `resume` with a budget, watched until it has ended."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from medalist.competitions.clock import awake
from medalist.leaderboard.ledger.process import Process, beginning

COMMAND = (sys.executable, "-c", "from medalist.agent.cli.main import main; main()")
CLOSE_SECONDS = 60.0  # longest time from the request to close until the process is killed
OVERTIME = 15.0  # seconds beyond its budget after which a slice is asked to close
POLL_SECONDS = 0.1
INTERRUPTED = 3  # exit code of a run that closed on request

Event = Mapping[str, Any]


@dataclass
class Outcome:
    """How a slice ended.

    exit_code: negative for a signal. run: the id of its run, None where it did not get so far. summary: what the run
    printed last. start_up: seconds until the run began to work. said: the last line of its standard error.
    """

    exit_code: int = -signal.SIGKILL
    seconds: float = 0.0
    run: str | None = None
    summary: Event = field(default_factory=dict)
    start_up: float | None = None
    said: str = ""

    @property
    def status(self) -> str:
        """finished, interrupted, failed (with an error of its own) or killed (from outside)."""
        if self.exit_code in (0, INTERRUPTED):
            return "finished" if self.exit_code == 0 else "interrupted"
        return "killed" if self.exit_code < 0 or self.exit_code > 128 else "failed"

    @property
    def reason(self) -> str:
        """Why it did not finish, in a sentence; "" where it did."""
        if self.status == "finished":
            return ""
        if self.status == "interrupted":
            return "It was asked to close."
        error = self.summary.get("error")
        if error or self.said:
            return str(error or self.said)
        if self.status == "killed":
            return f"Its process was ended from outside ({_signal(self.exit_code)}), as for lack of memory."
        return "Every experiment failed: its log.txt says why." if self.exit_code == 4 else "It failed without a word."


def _signal(exit_code: int) -> str:
    number = -exit_code if exit_code < 0 else exit_code - 128
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return f"exit code {exit_code}"


def work(
    arguments: Sequence[str],
    seconds: float,
    log: Path,
    *,
    started: Callable[[Process], None],
    on_event: Callable[[Event], None],
    stop: Callable[[], bool],
    command: Sequence[str] = COMMAND,
) -> Outcome:
    """Run `medalist ARGUMENTS` for about so many seconds and wait for its end.

    log: where its standard error goes. started: called with the process. on_event: called with each event that it
    prints. stop: returns whether it shall close now. A process that takes more than its time is asked to close, and
    after CLOSE_SECONDS killed with all of its children. Raises OSError where it cannot be started.
    """
    began, outcome = awake(), Outcome()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as errors:
        offset = errors.tell()
        process = subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C is for the night, which asks the run to close
            text=True,
            encoding="utf-8",
            errors="replace",
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        )
    assert process.stdout is not None
    events: queue.Queue[Event] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process.stdout, events), daemon=True)
    reader.start()
    try:
        started(Process("", process.pid, beginning(process.pid)))
        asked: float | None = None
        while process.poll() is None:
            _take(events, outcome, began, on_event)
            now = awake()
            if asked is None and (stop() or now - began > seconds + OVERTIME):
                asked = now
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGTERM)
            elif asked is not None and now - asked > CLOSE_SECONDS:
                end_process(process.pid)
    finally:
        if process.poll() is None:
            end_process(process.pid)
        process.wait()
    reader.join(2.0)
    while not events.empty():
        _take(events, outcome, began, on_event)
    outcome.exit_code, outcome.seconds = process.returncode, awake() - began
    outcome.said = _last_line(log, offset)
    return outcome


def _read(stream: IO[str], events: queue.Queue[Event]) -> None:
    """Queue the events of a stream until it ends."""
    for line in stream:
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict):
                events.put(event)


def _take(events: queue.Queue[Event], outcome: Outcome, began: float, on_event: Callable[[Event], None]) -> None:
    """Wait a moment for an event, and take it in."""
    try:
        event = events.get(timeout=POLL_SECONDS)
    except queue.Empty:
        return
    if event.get("event") == "start":
        outcome.run = str(event["run"])
        outcome.start_up = awake() - began
    elif event.get("event") == "finish":
        outcome.summary = event
    on_event(event)


def _last_line(log: Path, offset: int) -> str:
    """The last line that was written into a log after `offset`, without the program's name."""
    try:
        with log.open("rb") as stream:
            stream.seek(offset)
            lines = stream.read()[-20_000:].decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    said = [line.strip() for line in lines if line.strip()]
    return said[-1].removeprefix("medalist: ") if said else ""


def end_process(pid: int) -> None:
    """Kill a process with all of its children."""
    import psutil

    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        below = process.children(recursive=True)
        for one in [process, *below]:
            with contextlib.suppress(psutil.Error):
                one.kill()


def end_left_over(process: Process, seconds: float = 10.0) -> bool:
    """End a slice's process that outlived its night, first by asking; whether there was one."""
    if not process.began or beginning(process.pid) != process.began:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGTERM)
    until = awake() + seconds
    while awake() < until and beginning(process.pid) == process.began:
        time.sleep(0.1)
    if beginning(process.pid) == process.began:
        end_process(process.pid)
    return True
