"""Trials of nights: they are killed, or the slice that they work on, and the next night goes on."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kill_checks import State, got_worse, read_states, summary_estimate
from kill_processes import GONE_SECONDS, Watched, agent_of, changes, kill, kill_target, marked
from kill_trials import INSTANT, TRIES, Kill, Trial

NIGHT_TARGETS = ("night", "slice", "agent", "child", "all")


LEAST_WINDOW = 30.0  # seconds that must be left of a window for a night to go on within it
START_SECONDS = 12.0  # that a night may take to begin on a busy machine


@dataclass
class NightTrial(Trial):
    """Nights over several competitions that are killed and go on."""

    competitions: list[Path] = field(default_factory=list)
    seconds: int = 60
    process: Watched | None = None
    window_ends: float = 0.0

    def go(self, kills: int) -> None:
        """Kill nights so many times, go on after each, and check the end."""
        file = self.place / "nights.yaml"
        options = "    threads: 1\n    seed: 1\n"  # a run of their own: none that was made by hand goes on
        entries = [f"  - path: {path}\n    name: {path.name}\n{options}" for path in self.competitions]
        file.write_text("competitions:\n" + "".join(entries), encoding="utf-8")
        for _ in range(TRIES * kills):
            if len(self.kills) >= kills:
                break
            if self.process is None:
                self.process = self.night(file)
            if self.instant(self.process):
                self.process = None if self.kill(self.process) else self.process
            else:
                self.ended(self.process)
                self.process = None
        self.ended(self.process or self.night(file))
        states, _ = read_states(self.runs)
        worked: dict[str, list[str]] = {}
        for run, state in states.items():
            if state.experiments:
                worked.setdefault(state.run["competition"], []).append(run)
            for earlier in self.states:
                if run in earlier:
                    self.blame(got_worse(earlier[run], self.after(state)))
        self.blame(
            [f"{name} has {len(runs)} runs in place of one: {runs}" for name, runs in worked.items() if len(runs) > 1]
        )
        self.end()

    @staticmethod
    def after(state: State) -> Any:
        summary = json.loads(state.run["summary"] or "{}")
        return summary_estimate(summary) if summary.get("score") is not None else state.estimate

    def night(self, file: Path) -> Watched:
        """The next night: within the window of the one that was killed while it lasts, else a new one. One that was
        killed before it was recorded has no window."""
        goes_on = self.unended() - time.time() > LEAST_WINDOW + START_SECONDS and self.draw.random() < 0.7
        given = [] if goes_on else ["--budget", f"{self.seconds}s"]
        if not goes_on:
            self.window_ends = time.time() + self.seconds
        return self.start("night", "run", "--file", file, *given, "--slice", "18s", "--keep-going")

    def instant(self, process: Watched) -> bool:
        """Wait for a random instant of a night; False where it ends before."""
        if self.draw.random() < 0.5:
            return process.pause(self.draw.uniform(0, 45))
        changed = changes(self.runs / "ledger.sqlite-wal", self.runs / "nights.sqlite-wal", self.runs / "nights.sqlite")
        number = self.draw.randint(1, 160)
        if not process.until(lambda: changed() >= number, self.seconds + 20):
            return False
        time.sleep(self.draw.uniform(0, INSTANT))
        return True

    def kill(self, process: Watched) -> bool:
        """Kill a part of a night; whether the night itself has ended by that."""
        target, at = self.draw.choice(NIGHT_TARGETS), process.seconds
        mine = process.process.pid
        others = [p.pid for p in marked(self.mark)]
        slices = [s for s in self.slices() if s in others]
        done = target if target == "all" or slices else "night"
        agents = [a for a in map(agent_of, slices) if a is not None]
        if done == "night":
            kill(mine)
        elif done == "all":
            for pid in others:
                kill(pid)
        elif done == "slice":
            kill(slices[-1])
        elif agents:
            below = [p for p in others if p not in (mine, *slices, *agents)]
            done = "child" if done == "child" and below else "agent"
            kill(self.draw.choice(below) if done == "child" else agents[-1])
        else:
            done = "slice"
            kill(slices[-1])
        ends = done in ("night", "all")
        if ends:
            process.wait(GONE_SECONDS)
        self.killed(Kill("night", done, round(at, 3), 0), ends=ends, watch=done == "all")
        return ends

    def unended(self) -> float:
        """When the window of the last night ends, in seconds since 1970, where that night was not ended; else 0."""
        rows = self.ask("SELECT ends, ended FROM nights ORDER BY began DESC, id DESC LIMIT 1")
        return float(rows[0][0]) if rows and rows[0][1] is None else 0.0

    def slices(self) -> list[int]:
        """Process ids of the slices that work."""
        return [pid for (pid,) in self.ask("SELECT pid FROM slices WHERE status = 'running'") if pid]

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The rows that the file of nights answers; [] where it is not there yet."""
        address = f"{(self.runs / 'nights.sqlite').absolute().as_uri()}?mode=rw"
        with suppress(sqlite3.Error), closing(sqlite3.connect(address, uri=True, timeout=20)) as database:
            return list(database.execute(query))
        return []

    def ended(self, process: Watched) -> None:
        """Wait for a night's end, and check it."""
        limit = max(0.0, self.window_ends - time.time()) + START_SECONDS
        seconds = process.wait(limit + GONE_SECONDS)
        recorded = self.ask("SELECT max(ends) FROM nights")
        late = time.time() - max([self.window_ends, *(ends for (ends,) in recorded if ends)])
        refused = "Say how long" in process.err.read_text(errors="replace")  # it began too late for what was left
        states, problems = read_states(self.runs)
        problems += self.problems_of(states)
        if seconds is None:
            kill_target(process, "all", self.draw, None)
            problems.append(f"the night had not ended {late:.0f} s after its window")
        elif process.process.returncode and not (refused and self.unended() - time.time() < LEAST_WINDOW):
            problems.append(
                f"the night ended with exit code {process.process.returncode}: {process.err.read_text()[-300:]}"
            )
        elif late > 5.0:
            problems.append(f"the night ended {late:.1f} s after its window")
        self.blame(problems)
        self.states.append(states)
