"""Real medalist processes that are watched and killed: by the clock, by what they print, or by what they write."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

CALL = [sys.executable, "-c", "from medalist.agent.cli.main import main; main()"]
#: The same, killed by itself just before it opens a file to write, or renames one, for the so-many-th time.
CALL_KILLED = """
import os, signal, sys
count = 0
def audit(event, given):
    global count
    if event == "os.rename" or (event == "open" and isinstance(given[1], str) and set("wax+") & set(given[1])):
        count += 1
        if count == {number}:
            os.{kill}, signal.SIGKILL)
sys.addaudithook(audit)
from medalist.agent.cli.main import main
main()
"""
KILL_AGENT, KILL_ALL = "kill(os.getpid()", "killpg(0"
ROOT = Path(__file__).parents[1]
MARK = "MEDALIST_KILLS_TRIAL"  # environment variable by which every process of a trial is found
GONE_SECONDS = 10.0  # within which what is left of a killed run must have ended
LOOK_SECONDS = 0.001  # between two looks whether it is time to kill


@dataclass
class Watched:
    """`medalist ARGUMENTS` in a session of its own; what it prints goes to the files `out` and `err`."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path
    began: float = field(default_factory=time.monotonic)
    _seen: int = 0
    _events: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def start(cls, arguments: Sequence[str], place: Path, mark: str, code: str = "") -> Watched:
        """Start it; `place`: the folder for what it prints. code: that calls medalist in place of the usual one."""
        place.mkdir(parents=True, exist_ok=True)
        number = len(list(place.glob("*.out")))
        out, err = place / f"{number:02d}.out", place / f"{number:02d}.err"
        environment = os.environ | {
            MARK: mark,
            "PYTHONPATH": str(ROOT),
            "MEDALIST_CACHE": str(place / "cache"),
            "MEDALIST_LEADERBOARDS": str(place / "leaderboards"),
        }
        environment.pop("MEDALIST_LEDGER", None)
        began = time.monotonic()
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                [*CALL[:2], code or CALL[2], *arguments],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=environment,
                start_new_session=True,
            )
        return cls(process, out, err, began)

    @property
    def seconds(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self.began

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def events(self) -> list[dict[str, Any]]:
        """The whole lines of JSON that it has printed so far."""
        if self.out.stat().st_size > self._seen:
            with self.out.open("rb") as stream:
                stream.seek(self._seen)
                text = stream.read()
            whole = text[: text.rfind(b"\n") + 1]
            self._seen += len(whole)
            for line in whole.splitlines():
                with contextlib.suppress(ValueError):
                    self._events.append(json.loads(line))
        return self._events

    def count(self, kind: str) -> int:
        """How many events of a kind it has printed."""
        return sum(event.get("event") == kind for event in self.events())

    def wait(self, seconds: float) -> float | None:
        """Wait for its end; returns the seconds that it took in all, None where it has not ended by then."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        return self.seconds

    def until(self, reached: Callable[[], bool], seconds: float) -> bool:
        """Wait until `reached` returns true; False where the process ends, or the time, before."""
        end = time.monotonic() + seconds
        while not reached():
            if self.ended or time.monotonic() > end:
                return False
            time.sleep(LOOK_SECONDS)
        return not self.ended

    def pause(self, seconds: float) -> bool:
        """Wait for some seconds, exactly; whether it still runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds) if seconds > 0.05 else time.sleep(seconds)
        return not self.ended


def changes(*paths: Path) -> Callable[[], int]:
    """A function that returns how often any of these files or folders has changed since now, as far as it was looked
    at in between."""

    def signature() -> tuple[int, ...]:
        found = []
        for path in paths:
            try:
                found.append(path.stat().st_mtime_ns)
            except OSError:
                found.append(0)
        return tuple(found)

    last, count = signature(), 0

    def changed() -> int:
        nonlocal last, count
        now = signature()
        if now != last:
            last, count = now, count + 1
        return count

    return changed


# processes


def marked(mark: str) -> list[psutil.Process]:
    """The processes of a trial that live."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == mark:
                found.append(process)
    return found


def agent_of(pid: int) -> int | None:
    """The process that a supervisor has forked for the run; None where there is none yet."""
    with contextlib.suppress(psutil.Error):
        children = psutil.Process(pid).children()
        return children[0].pid if children else None
    return None


def children_of(pid: int) -> list[int]:
    """All below the process of a run: its fork server, the workers and the audit."""
    with contextlib.suppress(psutil.Error):
        return [p.pid for p in psutil.Process(pid).children(recursive=True)]
    return []


def kill(pid: int) -> bool:
    """kill -9; whether there was such a process."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def kill_target(process: Watched, target: str, draw: random.Random, agent: int | None) -> str | None:
    """Kill a part of a run: "supervisor", "agent", "child" (one of its children) or "all" of its session. Returns what
    was killed in fact, since early there is no agent and no child yet; None where nothing was."""
    pid = process.process.pid
    if target == "all":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
            return "all"
        return None
    agent = agent or agent_of(pid)
    if target == "child" and agent is not None:
        below = children_of(agent)
        if below and kill(draw.choice(below)):
            return "child"
    if target != "supervisor" and agent is not None and kill(agent):
        return "agent"
    return "supervisor" if kill(pid) else None


class Orphans(threading.Thread):
    """Watches how long processes live that should end by themselves; `seconds` is None while any of them does."""

    def __init__(self, processes: Sequence[psutil.Process]):
        super().__init__(daemon=True)
        self.left = list(processes)
        self.seconds: float | None = None
        self.start()

    def run(self) -> None:
        began = time.monotonic()
        while time.monotonic() - began < 3 * GONE_SECONDS:
            self.left = [p for p in self.left if _lives(p)]
            if not self.left:
                self.seconds = time.monotonic() - began
                return
            time.sleep(0.1)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
