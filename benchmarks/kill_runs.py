"""Trials of runs: they are killed several times, and go on each time."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kill_checks import got_worse, read_states, summary_estimate
from kill_processes import (
    CALL_KILLED,
    GONE_SECONDS,
    KILL_AGENT,
    KILL_ALL,
    Watched,
    agent_of,
    changes,
    kill_target,
    marked,
)
from kill_trials import INSTANT, TRIES, Kill, Trial

PHASES = ("first second", "setup", "screening", "search", "rows", "before a write", "close", "end", "after")
WEIGHTS = (2, 2, 2, 4, 3, 4, 4, 4, 1)  # how often each is drawn
COUNTED_WEIGHTS = (1, 2, 8, 4, 3, 4, 3, 3, 1)  # so short a run by the clock has no time for a screening
TARGETS = ("supervisor", "agent", "child", "all")
BUDGETS = (20, 25, 30)  # seconds
COUNT = 6  # experiments of a run whose budget is a number of them
PATIENCE = 300.0  # seconds that a run without a deadline may take
MOST_WRITES = 120  # files that a small run opens to write or renames, about
KILLED = (137, -9)  # exit codes of a supervisor whose run was killed, and of one that was killed itself


@dataclass
class RunTrial(Trial):
    """A run that is killed and resumed; `reference` gives the submission's hash of one that was not interrupted, for a
    run whose budget is a number of experiments (`counted`)."""

    competition: Path = Path()
    counted: bool = False
    reference: str | None = None
    run: str | None = None
    budget: int = 0
    process: Watched | None = None

    def go(self, kills: int) -> None:
        """Kill the run so many times, go on after each, and check the end."""
        for _ in range(TRIES * kills):
            if len(self.kills) >= kills or self.done:
                break
            phase = self.draw.choices(PHASES, COUNTED_WEIGHTS if self.counted else WEIGHTS)[0]
            if self.process is None or self.process.ended:
                if phase == "before a write":
                    self.before_a_write()
                    continue
                self.process = self.next_process()
            if not self.reach(self.process, phase):
                self.closed(self.process, self.limit)
                self.process = None
                continue
            self.kill(self.process, phase, self.draw.choice(TARGETS))
        process = self.process if self.process is not None and not self.process.ended else self.next_process()
        self.closed(process, self.limit)
        self.end()

    @property
    def done(self) -> bool:
        """Whether the run has done its number of experiments and was closed: nothing is left to be killed."""
        return self.counted and self.run is not None and self.states[-1][self.run].run["status"] == "finished"

    @property
    def limit(self) -> float:
        """Seconds that a process may take."""
        return PATIENCE if self.counted else float(self.budget)

    def before_a_write(self) -> None:
        """Let a process kill itself, or all of the run, just before one of its writes."""
        number, target = self.draw.randint(1, MOST_WRITES), self.draw.choice(("agent", "all"))
        kill_call = KILL_AGENT if target == "agent" else KILL_ALL
        process = self.next_process(CALL_KILLED.format(number=number, kill=kill_call))
        seconds = process.wait(self.limit + GONE_SECONDS)
        if seconds is None or process.process.returncode not in KILLED:
            self.closed(process, self.limit)
            return
        self.killed(Kill("before a write", target, round(seconds, 3), 0), ends=True)
        self.learn_run()

    def next_process(self, code: str = "") -> Watched:
        """`medalist resume`, or `run` again where the ledger has no run yet. code: see `Watched.start`."""
        self.budget = self.draw.choice(BUDGETS)
        end = ["--threads", 1] if self.counted else ["--threads", 1, "--budget", f"{self.budget}s"]
        if self.run is not None:
            return self.start("resume", self.run, *end, code=code)
        counted = ["--max-experiments", COUNT] if self.counted else []
        return self.start("run", self.competition, *counted, *end, code=code)

    def reach(self, process: Watched, phase: str) -> bool:
        """Wait for a random instant of a phase; False where the process ends before."""
        limit, draw = self.limit + 10, self.draw
        if phase == "first second":
            return process.pause(draw.uniform(0, 1))
        if phase == "setup":
            seconds = process.seconds + draw.uniform(0.3, 6)
            return process.until(lambda: process.seconds > seconds or process.count("start") > 0, limit)
        if not process.until(lambda: process.count("start") > 0, limit):
            return False
        folder = Path(process.events()[0]["folder"])
        if phase == "search":
            return process.pause(draw.uniform(0, 0.3 * min(30.0, self.limit)))
        if phase == "screening":
            screens, closes = newer(folder, "screen_*.npz", process), newer(folder, "folds_fresh_0.npz", process)
            return process.until(lambda: screens() or closes(), limit) and process.pause(draw.uniform(0, 2))
        if phase in ("rows", "before a write"):
            closes = newer(folder, "folds_fresh_0.npz", process)
            return self.at_a_write(process, draw.randint(1, 20), folder, folder / "predictions", or_when=closes)
        if phase == "after":
            return process.until(lambda: process.count("finish") > 0, limit) and process.pause(draw.uniform(0, 0.3))
        if not process.until(newer(folder, "folds_fresh_0.npz", process), limit):
            return False
        if phase == "close":
            return process.pause(draw.uniform(0, 3))
        over = lambda: process.count("finish") > 0  # noqa: E731
        return self.at_a_write(process, draw.randint(2, 8), folder, folder / "work", or_when=over)

    def at_a_write(self, process: Watched, number: int, *folders: Path, or_when: Callable[[], bool]) -> bool:
        """Wait for the so-many-th change of the ledger or of files in folders, at most until `or_when`, and a moment
        more."""
        changed = changes(*folders, self.runs / "ledger.sqlite-wal")
        if not process.until(lambda: changed() >= number or or_when(), self.limit + 10):
            return False
        time.sleep(self.draw.uniform(0, INSTANT))
        return True

    def kill(self, process: Watched, phase: str, target: str) -> None:
        at, agent = process.seconds, agent_of(process.process.pid)
        done = kill_target(process, target, self.draw, agent)
        if done is None:
            return
        if done != "child":
            process.wait(GONE_SECONDS)
            until = time.monotonic() + 2.0
            while agent is not None and agent in {p.pid for p in marked(self.mark)} and time.monotonic() < until:
                time.sleep(0.02)
        self.killed(Kill(self.phase_of(process, phase), done, round(at, 3), 0), ends=done != "child")
        self.learn_run()

    def phase_of(self, process: Watched, planned: str) -> str:
        """The phase that a process was killed in."""
        if process.count("finish"):
            return "after"
        if not process.count("start"):
            return "first second" if planned == "first second" else "setup"
        folder = Path(process.events()[0]["folder"])
        closes = newer(folder, "folds_fresh_0.npz", process)()
        if not closes and newer(folder, "screen_*.npz", process)() and not process.count("screening"):
            return "screening"
        if planned in ("rows", "end", "close"):
            return planned
        if planned == "before a write":
            return "rows"
        return "close" if closes else "search"

    def learn_run(self) -> None:
        """The run that goes on: the only one in the ledger. Two are a loss."""
        runs = list(self.states[-1])
        self.run = runs[0] if runs else None
        if len(runs) > 1:
            self.blame([f"there are {len(runs)} runs in place of one"])

    def closed(self, process: Watched, limit: float) -> None:
        """Wait for the end of a process that nobody kills any more, and check it."""
        seconds = process.wait(limit + GONE_SECONDS)
        states, problems = read_states(self.runs)
        problems += self.problems_of(states)
        said = process.err.read_text(errors="replace").strip()
        if seconds is None:
            kill_target(process, "all", self.draw, None)
            problems.append(f"it had not ended after {limit + GONE_SECONDS:.0f} s")
        elif seconds > limit:
            problems.append(f"it ended after {seconds:.2f} s, with a budget of {limit:.0f} s")
        elif "done its" not in said and process.process.returncode:
            problems.append(f"it ended with exit code {process.process.returncode}: {said[-300:]}")
        self.blame(problems)
        self.states.append(states)
        self.learn_run()
        if self.run is None:
            self.blame(["there is no run in the ledger at the end"])
            return
        state = states[self.run]
        finish = [e for e in process.events() if e["event"] == "finish"]
        after = summary_estimate(finish[-1]) if finish else state.estimate
        for earlier in self.states:
            if self.run in earlier:
                self.blame(got_worse(earlier[self.run], after))
        digest = hashlib.sha256(state.contents or b"").hexdigest()
        if self.counted and seconds is not None and self.reference not in (None, digest):
            self.blame(["the submission is not that of a run that was not interrupted"])
        if finish and state.submissions and state.submissions[-1]["sha256"] != digest:
            self.blame(["the last submission of the ledger is not the one on disk"])


def newer(folder: Path, pattern: str, process: Watched) -> Callable[[], bool]:
    """Whether a process has written a file of that name into the `work` of a run."""
    since = time.time() - process.seconds

    def found() -> bool:
        with suppress(OSError):
            return any(path.stat().st_mtime > since for path in (folder / "work").glob(pattern))
        return False

    return found
