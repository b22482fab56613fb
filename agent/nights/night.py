"""One night: slices of work on several competitions until the window ends, whatever becomes of each of them."""

from __future__ import annotations

import contextlib
import random
import shutil
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medalist.agent.nights.belief import Gain, Prior
from medalist.agent.nights.child import COMMAND, Outcome, end_left_over, work
from medalist.agent.nights.continuing import (
    History,
    child_seconds,
    command_line,
    identity,
    run_begun_by,
    run_by_hand,
    run_of_slices,
)
from medalist.agent.nights.display import NightDisplay
from medalist.agent.nights.division import SMALLEST, Slice, next_slice
from medalist.agent.nights.file import read_nights
from medalist.agent.nights.notify import Notifier
from medalist.agent.nights.schema import Entry
from medalist.agent.nights.state import NightRow, NightState, SliceRow, process_of
from medalist.agent.nights.tonight import USED, Tonight, better_medal
from medalist.agent.nights.window import Window
from medalist.agent.records.stores import open_ledger
from medalist.competitions.errors import InputError, LedgerError, MedalistError
from medalist.leaderboard.ledger.process import Process

LEAST_ROOM = 250 << 20  # free bytes on the disk of the runs below which no slice begins
WAIT_SECONDS = 60.0  # between two looks at a disk that is full
NAP_SECONDS = 0.5  # between two looks whether a person wants to stop
PLANNED = 4.0  # most times its first slice that a new run is planned for
LEAST_MINUTES = 3.0  # minutes of work from which on a run of the ledger says something about others
NEW_RUN = ("start a new run", "is gone from")  # in the reasons why a run cannot go on, but another one can begin


@dataclass
class Night:
    """Works through one night; `run` does all of it.

    Attributes
    ----------
    file: nights.yaml, which is read again before each slice. runs_dir: of the runs. row: of the night in `state`.
    stopped: returns whether a person wants to stop.
    keep_going: whether competitions that have stopped gaining are worked on all the same.
    length: seconds of a slice, where a person has said so; None to let the night decide.
    after: called after each slice and at the end, such as to write the report.
    command: how medalist is started.
    """

    file: Path
    runs_dir: str
    row: NightRow
    state: NightState
    window: Window
    display: NightDisplay
    notifier: Notifier
    stopped: Callable[[], bool]
    keep_going: bool = False
    length: float | None = None
    after: Callable[[], None] = lambda: None
    command: Sequence[str] = COMMAND
    tonight: dict[str, Tonight] = field(default_factory=dict)
    prior: Prior = field(default_factory=Prior)
    _draw: random.Random = field(init=False)
    _said: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._draw = random.Random(self.row.id)

    def run(self) -> str:
        """Work until the window ends, nothing is left to gain, or a person stops it; returns why it ended."""
        self.end_left_overs()
        self.prior = prior_of(self.runs_dir)
        reason = ""
        while not reason:
            reason = self._step()
        for t in self.tonight.values():
            if not t.slices and not any(name == t.name for name, _ in self._said):
                self._say(t, "skipped", "It got no slice in this night.")
        status = "interrupted" if self.stopped() else "finished"
        self._record(lambda: self.state.end_night(self.row.id, status, reason))
        self.display.note(None, reason)
        return reason

    def _step(self) -> str:
        """One slice, or a pause; the reason to end the night, "" to go on."""
        if self.stopped():
            return "A person ended the night."
        left = self.window.left
        if left < SMALLEST:
            return "The window is over."
        self.refresh()
        if not self.tonight:
            return f"{self.file} has no competitions: add one with medalist night add PATH."
        if not self._has_room():
            self._nap(min(WAIT_SECONDS, left))
            return ""
        ready = [t for t in self.tonight.values() if self._is_ready(t)]
        shares = sum(t.entry.share for t in self.tonight.values())
        candidates = [t.candidate(self.prior) for t in ready]
        found = next_slice(candidates, left, self.row.budget, shares, self._draw, self.length)
        if found is not None:
            self._work(self.tonight[found.name], found)
            self.after()
            return ""
        waiting = [t.retry_at for t in self.tonight.values() if not t.given_up and t.retry_at > time.monotonic()]
        if not ready and waiting and min(waiting) - time.monotonic() < left - SMALLEST:
            self._nap(min(waiting) - time.monotonic())
            return ""
        return self._why_over(ready)

    def _why_over(self, ready: Sequence[Tonight]) -> str:
        """Why nothing can be done any more."""
        if ready:
            return "What is left of the window is too short for another slice."
        flat = [t for t in self.tonight.values() if not self.keep_going and t.plateau(self.prior)]
        rest = len(self.tonight) - len(flat)
        if not rest:
            return "All competitions have stopped gaining: the night ends early, and the rest of its time is not used."
        others = f"the other {rest} failed or are over" if flat else "all of them failed or are over"
        return f"Nothing is left to work on: {len(flat)} have stopped gaining, {others}. The night ends early."

    def _is_ready(self, t: Tonight) -> bool:
        """Whether a competition may be worked on now; says why not, once."""
        if t.ends < SMALLEST:
            self._say_once(t, "skipped", "Its last day is over.")
            return False
        if t.given_up:
            self._say_once(t, "skipped", f"It failed {t.failures} times and is left alone tonight: {t.reason}")
            return False
        if t.retry_at > time.monotonic():
            return False
        plateau = "" if self.keep_going else t.plateau(self.prior)
        if plateau:
            self._say_once(t, "plateau", f"{plateau} Its time goes to the others.")
            return False
        return True

    # what is known

    def refresh(self) -> None:
        """Read nights.yaml again, and what each competition's run has come to. A file that a person has just broken
        counts as it was before."""
        try:
            entries: tuple[Entry, ...] = read_nights(self.file).competitions
        except InputError as error:
            if not self.tonight:
                raise
            self._say_once(None, "note", f"{error} The night goes on with the file as it was.")
            entries = tuple(t.entry for t in self.tonight.values())
        try:
            slices = self.state.slices()
        except LedgerError:
            slices = []
        kept = {}
        for entry in entries:
            name = str(entry.name)
            t = self.tonight.get(name)
            if t is None or identity(t.entry) != identity(entry) or t.entry.path != entry.path:
                t = self._begun(entry, slices)
            t.entry = entry
            if t.run is None and not t.anew:
                self._find_run(t, slices)
            kept[name] = t
        self.tonight = kept

    def _begun(self, entry: Entry, slices: Sequence[SliceRow]) -> Tonight:
        """A competition with what earlier slices, of this night and of others, have come to."""
        t = Tonight(entry)
        of_it = [s for s in slices if s.path == entry.path]
        done = [s for s in of_it if s.night == self.row.id and s.options == identity(entry)]
        t.seconds, t.slices = sum(s.seconds or 0.0 for s in done), len(done)
        t.start_up = next((s.start_up for s in reversed(of_it) if s.start_up), t.start_up)
        for s in of_it:
            t.medal = s.medal if better_medal(s.medal, t.medal) else t.medal
        return t

    def _find_run(self, t: Tonight, slices: Sequence[SliceRow]) -> None:
        """Find the run that a competition goes on with, as far as the ledger can be read: where it cannot, it is looked
        for again before the next slice."""
        t.run = run_of_slices(t.entry, slices)
        with contextlib.suppress(LedgerError), open_ledger(self.runs_dir) as ledger:
            t.run = t.run or run_by_hand(t.entry, ledger)
        self._look_up(t)

    def _look_up(self, t: Tonight) -> None:
        """Bring the history of a competition's run up to date, as far as the ledger can be read."""
        if t.run is None:
            t.history = History()
            return
        with contextlib.suppress(LedgerError), open_ledger(self.runs_dir) as ledger:
            row = ledger.run(t.run)
            t.history = History.of(row, ledger)
            standing = row.summary.get("standing") or {}
            t.medal = standing.get("medal") if better_medal(standing.get("medal"), t.medal) else t.medal

    # a slice

    def _work(self, t: Tonight, found: Slice) -> None:
        """Work on a competition for a slice. Nothing that goes wrong with it stops the night."""
        self.display.note(t.name, f"{found.seconds / 60:.1f} min: {found.why}")
        try:
            outcome = self._run_child(t, found)
        except Exception as error:  # noqa: BLE001 - whatever fails with one competition, the others are worked on
            text = " ".join(str(error).split()) or type(error).__name__
            self._failed(t, 0.0, text, None if isinstance(error, MedalistError | OSError) else traceback.format_exc())
            return
        if outcome.run is not None:
            t.run = outcome.run
        self._look_up(t)
        if outcome.status in ("finished", "interrupted"):
            exhausted = outcome.status == "finished" and outcome.seconds < USED * found.seconds
            t.worked(outcome.seconds, outcome.start_up, exhausted)
            self._tell_medal(t, outcome)
            return
        if outcome.run is None and t.run is not None and any(text in outcome.reason for text in NEW_RUN):
            self._say(t, "note", f"A new run begins, since {t.run} cannot go on: {outcome.reason}")
            t.run, t.anew = None, True
            t.history = History()
            t.seconds += outcome.seconds
            return
        self._failed(t, outcome.seconds, outcome.reason)

    def _failed(self, t: Tonight, seconds: float, reason: str, details: str | None = None) -> None:
        """Take in a slice that failed."""
        t.failed(seconds, reason, self.row.budget)
        again = (
            "left alone tonight" if t.given_up else f"tried again in {max(0.0, t.retry_at - time.monotonic()):.0f} s"
        )
        self._say(t, "failure", f"A slice failed ({again}): {reason}", details)
        self._notify("failure", f"{t.name}: a slice of the night failed: {reason}", t)

    def _run_child(self, t: Tonight, found: Slice) -> Outcome:
        """The child process of a slice, recorded before it is started and after it has ended."""
        log = Path(self.runs_dir) / "nights" / self.row.id / f"{safe(t.name)}.log"
        values: dict[str, Any] = {
            "competition": t.name,
            "path": t.entry.path,
            "options": identity(t.entry),
            "why": found.why,
            "budget": found.seconds,
            "run": t.run,
            "log": str(log),
        }
        number = self._record(lambda: self.state.begin_slice(self.row.id, values))
        fair = self.row.budget * t.entry.share / sum(o.entry.share for o in self.tonight.values())
        planned = min(fair, PLANNED * found.seconds)
        budget = child_seconds(found.seconds)

        def update(**changes: Any) -> None:
            if number is not None:
                self._record(lambda: self.state.update_slice(self.row.id, number, changes))

        def started(process: Process) -> None:
            update(pid=process.pid, process=process.began)

        def on_event(event: Mapping[str, Any]) -> None:
            if event.get("event") == "start":
                update(run=str(event["run"]))
            self.display.event(t.name, event)

        def stop() -> bool:
            self.display.tick(list(self.tonight.values()), t, self.window.left)
            return self.stopped() or self.window.left < -1.0

        arguments = command_line(t.entry, t.run, budget, self.runs_dir, planned)
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
        self._say(t, "medal", text)
        self._notify("medal", f"{t.name}: {text}", t)

    def _slices_of(self, t: Tonight) -> list[SliceRow]:
        with contextlib.suppress(LedgerError):
            return [s for s in self.state.slices() if s.path == t.entry.path]
        return []

    # what may go wrong

    def end_left_overs(self) -> None:
        """End the processes of slices whose night was killed, and record that they were, with the run that each had
        begun."""
        with contextlib.suppress(LedgerError):
            slices = self.state.slices()
            for s in slices:
                if s.status == "running":
                    process = process_of(s)
                    if process is not None:
                        end_left_over(process)
                    if s.run is None:
                        self._adopt(s, slices)
                    seconds = min(s.budget, max(0.0, time.time() - s.began))
                    lost = {"status": "killed", "reason": "The night's process was killed.", "seconds": seconds}
                    self.state.update_slice(s.night, s.number, lost)
            for night in self.state.nights():
                if night.state == "killed":
                    self.state.end_night(night.id, "killed", "Its process was killed.")

    def _adopt(self, row: SliceRow, slices: Sequence[SliceRow]) -> None:
        """Let later slices go on with the run that a slice had begun when its night was killed, and end a process that
        still works on it."""
        with contextlib.suppress(LedgerError), open_ledger(self.runs_dir) as ledger:
            run = run_begun_by(row, slices, ledger)
            if run is not None:
                self.state.update_slice(row.night, row.number, {"run": run.id})
                if run.state == "running":
                    end_left_over(Process(run.host, run.pid, run.process))

    def _has_room(self) -> bool:
        """Whether the disk of the runs has room for a slice; says so, once, where it has not."""
        try:
            Path(self.runs_dir).mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.runs_dir).free
        except OSError as error:
            self._say_once(
                None, "failure", f"{self.runs_dir} cannot be used ({error.strerror}): the night waits for it."
            )
            return False
        if free >= LEAST_ROOM:
            self._said.discard(("", "failure"))
            return True
        text = f"The disk of {self.runs_dir} is full ({free >> 20} MB left): the night waits until there is room."
        self._say_once(None, "failure", text)
        return False

    def _nap(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.stopped() and self.window.left > 0:
            time.sleep(min(NAP_SECONDS, max(0.0, until - time.monotonic())))
            self.display.tick(list(self.tonight.values()), None, self.window.left)

    def _record(self, call: Callable[[], Any]) -> Any:
        """Write into the state of nights; where that is not possible (a full disk) the night goes on without."""
        try:
            return call()
        except LedgerError as error:
            if ("", "state") not in self._said:
                self._said.add(("", "state"))
                self.display.note(None, str(error))
            return None

    def _say(self, t: Tonight | None, kind: str, text: str, details: str | None = None) -> None:
        """Record and show something that happened."""
        name = None if t is None else t.name
        self._record(
            lambda: self.state.note(self.row.id, kind, text if details is None else f"{text}\n{details}", name)
        )
        self.display.note(name, text)

    def _say_once(self, t: Tonight | None, kind: str, text: str) -> None:
        key = ("" if t is None else t.name, kind)
        if key not in self._said:
            self._said.add(key)
            self._say(t, kind, text)

    def _notify(self, kind: str, text: str, t: Tonight | None) -> None:
        """Tell whoever wants to be told; that this failed is recorded, and stops nothing."""
        document = {"event": kind, "night": self.row.id, "competition": None if t is None else t.name, "text": text}
        for failure in self.notifier.tell(document, text):
            self._say(t, "notify", failure)


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


def prior_of(runs_dir: str) -> Prior:
    """What the runs of the ledger let a night expect of a competition; each competition counts once, by its longest
    run. The built-in prior where the ledger cannot be read."""
    longest: dict[str, tuple[list[Gain], float]] = {}
    with contextlib.suppress(LedgerError), open_ledger(runs_dir) as ledger:
        for row in ledger.runs():
            history = History.of(row, ledger)
            minutes = history.seconds / 60
            if minutes >= LEAST_MINUTES and minutes > longest.get(row.competition, ([], 0.0))[1]:
                longest[row.competition] = (list(history.gains), minutes)
    return Prior.of(longest.values())


def safe(name: str) -> str:
    """A name as that of a file."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)[:80]
