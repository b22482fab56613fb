"""A slice of a night: its child process, what it came to, and what becomes of its competition after it."""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medalist.agent.nights.child import COMMAND, Outcome, end_left_over, work
from medalist.agent.nights.continuing import History, child_seconds, command_line, identity, run_begun_by
from medalist.agent.nights.division import Slice
from medalist.agent.nights.recording import Recorder
from medalist.agent.nights.roster import Roster
from medalist.agent.nights.state import NightState, SliceRow, process_of
from medalist.agent.nights.tonight import USED, Tonight, better_medal
from medalist.agent.nights.window import Window
from medalist.agent.records.stores import open_ledger
from medalist.competitions.clock import awake
from medalist.competitions.errors import LedgerError, MedalistError
from medalist.leaderboard.ledger.process import Process

PLANNED = 4.0  # most times its first slice that a new run is planned for
NEW_RUN = ("start a new run", "is gone from")  # in the reasons why a run cannot go on, but another one can begin


@dataclass
class SliceWorker:
    """Works on one competition of a roster for a slice.

    window: of the night. stopped: returns whether a person wants to stop. command: how medalist is started.
    """

    roster: Roster
    recorder: Recorder
    window: Window
    stopped: Callable[[], bool]
    command: Sequence[str] = COMMAND

    def work_on(self, t: Tonight, found: Slice, show: Callable[[float], None]) -> None:
        """Work on a competition for a slice. Nothing that goes wrong with it stops the night.

        show: called several times a second with the seconds since it began.
        """
        self.recorder.display.note(t.name, f"{found.seconds / 60:.1f} min: {found.why}")
        try:
            outcome = self._run_child(t, found, show)
        except Exception as error:  # noqa: BLE001 - whatever fails with one competition, the others are worked on
            text = " ".join(str(error).split()) or type(error).__name__
            self._failed(t, 0.0, text, None if isinstance(error, MedalistError | OSError) else traceback.format_exc())
            return
        if outcome.run is not None:
            t.run = outcome.run
        self.roster.look_up(t)
        if outcome.status in ("finished", "interrupted"):
            exhausted = outcome.status == "finished" and outcome.seconds < USED * found.seconds
            t.worked(outcome.seconds, outcome.start_up, exhausted)
            self._tell_medal(t, outcome)
            return
        if outcome.run is None and t.run is not None and any(text in outcome.reason for text in NEW_RUN):
            self.recorder.say(t.name, "note", f"A new run begins, since {t.run} cannot go on: {outcome.reason}")
            t.run, t.anew = None, True
            t.history = History()
            t.seconds += outcome.seconds
            return
        self._failed(t, outcome.seconds, outcome.reason)

    def _failed(self, t: Tonight, seconds: float, reason: str, details: str | None = None) -> None:
        """Take in a slice that failed."""
        t.failed(seconds, reason, self.recorder.row.budget)
        again = "left alone tonight" if t.given_up else f"tried again in {max(0.0, t.retry_at - awake()):.0f} s"
        self.recorder.say(t.name, "failure", f"A slice failed ({again}): {reason}", details)
        self.recorder.notify("failure", f"{t.name}: a slice of the night failed: {reason}", t.name)

    def _run_child(self, t: Tonight, found: Slice, show: Callable[[float], None]) -> Outcome:
        """The child process of a slice, recorded before it is started and after it has ended."""
        log = Path(self.roster.runs_dir) / "nights" / self.recorder.row.id / f"{safe(t.name)}.log"
        values: dict[str, Any] = {
            "competition": t.name,
            "path": t.entry.path,
            "options": identity(t.entry),
            "why": found.why,
            "budget": found.seconds,
            "run": t.run,
            "log": str(log),
        }
        number = self.recorder.record(lambda: self.recorder.state.begin_slice(self.recorder.row.id, values))
        fair = self.recorder.row.budget * t.entry.share / self.roster.shares
        planned = min(fair, PLANNED * found.seconds)
        budget = child_seconds(found.seconds)

        def update(**changes: Any) -> None:
            if number is not None:
                self.recorder.record(lambda: self.recorder.state.update_slice(self.recorder.row.id, number, changes))

        def started(process: Process) -> None:
            update(pid=process.pid, process=process.began)

        def on_event(event: Mapping[str, Any]) -> None:
            if event.get("event") == "start":
                update(run=str(event["run"]))
            if event.get("event") == "experiment":
                t.gained += max(0.0, event.get("gain_in_noise") or 0.0)
            self.recorder.display.event(t.name, event)

        def stop() -> bool:
            show(awake() - began)
            return self.stopped() or self.window.left < -1.0

        began = awake()
        arguments = command_line(t.entry, t.run, budget, self.roster.runs_dir, planned)
        try:
            outcome = work(arguments, budget, log, started=started, on_event=on_event, stop=stop, command=self.command)
        except BaseException as error:
            update(status="failed", reason=f"{type(error).__name__}: {error}", seconds=0.0)
            raise
        update(
            run=outcome.run or t.run,
            seconds=outcome.seconds,
            start_up=outcome.start_up,
            status=outcome.status,
            reason=outcome.reason,
            **estimate(outcome.summary),
        )
        return outcome

    def _tell_medal(self, t: Tonight, outcome: Outcome) -> None:
        """Say, once, that a better medal-equivalent was reached."""
        standing = outcome.summary.get("standing") or {}
        medal = standing.get("medal")
        before = t.medal
        known = {s.medal for s in self._slices_of(t)[:-1]}
        if medal is None or medal in known or any(better_medal(old, medal) for old in known):
            return
        t.medal = medal if better_medal(medal, before) else before
        text = f"{medal} medal-equivalent (estimated by cross-validation): {outcome.summary.get('score'):.6g}"
        self.recorder.say(t.name, "medal", text)
        self.recorder.notify("medal", f"{t.name}: {text}", t.name)

    def _slices_of(self, t: Tonight) -> list[SliceRow]:
        with contextlib.suppress(LedgerError):
            return [s for s in self.recorder.state.slices() if s.path == t.entry.path]
        return []


def end_left_overs(state: NightState, runs_dir: str) -> None:
    """End the processes of slices whose night was killed, and record that they were, with the run that each had
    begun."""
    with contextlib.suppress(LedgerError):
        slices = state.slices()
        for s in slices:
            if s.status == "running":
                process = process_of(s)
                if process is not None:
                    end_left_over(process)
                if s.run is None:
                    _adopt(s, slices, state, runs_dir)
                seconds = min(s.budget, max(0.0, time.time() - s.began))
                lost = {"status": "killed", "reason": "The night's process was killed.", "seconds": seconds}
                state.update_slice(s.night, s.number, lost)
        for night in state.nights():
            if night.state == "killed":
                state.end_night(night.id, "killed", "Its process was killed.")


def _adopt(row: SliceRow, slices: Sequence[SliceRow], state: NightState, runs_dir: str) -> None:
    """Let later slices go on with the run that a slice had begun when its night was killed, and end a process that
    still works on it."""
    with contextlib.suppress(LedgerError), open_ledger(runs_dir) as ledger:
        run = run_begun_by(row, slices, ledger)
        if run is not None:
            state.update_slice(row.night, row.number, {"run": run.id})
            if run.state == "running":
                end_left_over(Process(run.host, run.pid, run.process))


def estimate(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The honest estimate in a run's summary, as columns of a slice."""
    standing = summary.get("standing") or {}
    return {
        "score": summary.get("score"),
        "standard_error": summary.get("standard_error"),
        "confirmed": int(bool(summary.get("confirmed_on_fresh_folds"))) if summary else None,
        "percentile": standing.get("percentile"),
        "teams": standing.get("teams"),
        "medal": standing.get("medal"),
    }


def safe(name: str) -> str:
    """A name as that of a file."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)[:80]
