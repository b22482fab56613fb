"""What trials share: their kills, what each has left, and what must hold of it and at the end."""

from __future__ import annotations

import random
import shutil
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kill_checks import State, lost_rows, read_states
from kill_processes import (
    GONE_SECONDS,
    Orphans,
    Watched,
    kill,
    marked,
)

INSTANT = 0.004  # seconds after a write within which a kill falls between it and the next
NO_SUBMISSION = "The budget ended before a first submission"  # what such a run says
TRIES = 4  # most attempts for each kill: a run may end before the instant of one comes


@dataclass
class Kill:
    """One kill, and what was lost by it (`reasons`; none where it was survived)."""

    phase: str
    target: str
    at: float
    experiments: int
    orphans_seconds: float | None = None
    reasons: list[str] = field(default_factory=list)


@dataclass
class Trial:
    """What all trials share: a folder of runs, the kills so far, and what was there at each of them."""

    number: int
    place: Path
    draw: random.Random
    mode: str = ""
    kind: str = ""
    kills: list[Kill] = field(default_factory=list)
    states: list[dict[str, State]] = field(default_factory=list)
    orphans: list[tuple[Kill, Orphans]] = field(default_factory=list)

    def __post_init__(self) -> None:
        shutil.rmtree(self.place, ignore_errors=True)
        self.runs.mkdir(parents=True)

    @property
    def runs(self) -> Path:
        return self.place / "runs"

    @property
    def mark(self) -> str:
        return str(self.place)

    def start(self, *arguments: object, code: str = "") -> Watched:
        given = [*map(str, arguments), "--runs-dir", str(self.runs), "--json"]
        return Watched.start(given, self.place, self.mark, code)

    def killed(self, kill: Kill, *, ends: bool, watch: bool = True) -> None:
        """Take in a kill: what it has left must be whole, and what it ended must leave no process. ends: whether the
        run's process has ended by it."""
        if ends and watch:
            self.orphans.append((kill, Orphans(marked(self.mark))))
        states, problems = read_states(self.runs)
        kill.experiments = sum(len(state.experiments) for state in states.values())
        kill.reasons += problems + self.problems_of(states)
        self.kills.append(kill)
        self.states.append(states)

    def problems_of(self, states: dict[str, State]) -> list[str]:
        """What is wrong in the ledger and the folders now, also against what there was at all earlier kills."""
        problems = [problem for state in states.values() for problem in state.problems]
        for earlier in self.states:
            for run, state in earlier.items():
                problems += lost_rows(state, states[run]) if run in states else [f"run {run} is lost"]
        return list(dict.fromkeys(problems))

    def blame(self, problems: list[str]) -> None:
        """Lay what is wrong at the end to the last kill."""
        if problems and not self.kills:
            self.kills.append(Kill("none", "none", 0.0, 0))
        if problems:
            self.kills[-1].reasons += [p for p in problems if p not in self.kills[-1].reasons]

    def end(self) -> None:
        """What holds after the last process: no process is left."""
        for one, orphans in self.orphans:
            orphans.join(GONE_SECONDS)
            one.orphans_seconds = None if orphans.seconds is None else round(orphans.seconds, 2)
            if orphans.seconds is None or orphans.seconds > GONE_SECONDS:
                one.reasons.append(f"{len(orphans.left)} processes lived on for more than {GONE_SECONDS:.0f} s")
        until = time.monotonic() + GONE_SECONDS
        while (left := marked(self.mark)) and time.monotonic() < until:
            time.sleep(0.2)
        if left:
            self.blame([f"{len(left)} processes are left at the end"])
        for process in left:
            kill_quietly(process.pid)

    def rows(self, code: str) -> list[dict[str, Any]]:
        """A JSON-like row for each kill."""
        shared = {"trial": self.number, "mode": self.mode, "kind": self.kind, "code": code}
        shared["when"] = time.strftime("%Y-%m-%d %H:%M:%S")
        return [shared | {"status": status_of(kill)} | asdict(kill) for kill in self.kills]


def status_of(kill: Kill) -> str:
    """survived; lost; or "no kill", where the run ended before its first one since its budget was too short for a first
    submission, as on a busy machine."""
    if not kill.reasons:
        return "survived"
    return "no kill" if kill.phase == "none" and all(NO_SUBMISSION in r for r in kill.reasons) else "lost"


def kill_quietly(pid: int) -> None:
    with suppress(OSError):
        kill(pid)
