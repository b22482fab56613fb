"""One night: slices of work on several competitions until the window ends, whatever becomes of each of them."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from medalist.agent.nights.belief import Prior
from medalist.agent.nights.child import COMMAND
from medalist.agent.nights.division import SMALLEST, Candidate, Slice, expected_after, next_slice
from medalist.agent.nights.progress import NightProgress
from medalist.agent.nights.recording import Recorder
from medalist.agent.nights.roster import Roster, prior_of
from medalist.agent.nights.slices import SliceWorker, end_left_overs
from medalist.agent.nights.submitting import NightSubmissions
from medalist.agent.nights.tonight import Tonight
from medalist.agent.nights.window import Window
from medalist.competitions.clock import awake
from medalist.competitions.plural import count_text

LEAST_ROOM = 250 << 20  # free bytes on the disk of the runs below which no slice begins
WAIT_SECONDS = 60.0  # between two looks at a disk that is full
NAP_SECONDS = 0.5  # between two looks whether a person wants to stop


@dataclass
class Night:
    """Works through one night; `run` does all of it.

    Attributes
    ----------
    roster: its competitions, which are read again before each slice. recorder: of what happens.
    stopped: returns whether a person wants to stop.
    keep_going: whether competitions that have stopped gaining are worked on all the same.
    length: seconds of a slice, where a person has said so; None to let the night decide.
    after: called after each slice and at the end, such as to write the report.
    command: how medalist is started.
    prior: what is expected of a competition before it is worked on.
    auto_submit: submissions to Kaggle a day, at the end, for each competition whose entry does not say.
    """

    roster: Roster
    recorder: Recorder
    window: Window
    stopped: Callable[[], bool]
    keep_going: bool = False
    length: float | None = None
    after: Callable[[], None] = lambda: None
    command: Sequence[str] = COMMAND
    prior: Prior = field(default_factory=Prior)
    auto_submit: int = 0

    def __post_init__(self) -> None:
        self._submissions = NightSubmissions(self.roster, self.recorder, self.window, self.auto_submit, self.command)
        self._draw = random.Random(self.recorder.row.id)
        self._worker = SliceWorker(self.roster, self.recorder, self.window, self.stopped, self.command)

    @property
    def _all(self) -> list[Tonight]:
        """Its competitions, in the order of nights.yaml."""
        return list(self.roster.tonight.values())

    def run(self) -> str:
        """Work until the window ends, nothing is left to gain, or a person stops it; returns why it ended."""
        end_left_overs(self.recorder.state, self.roster.runs_dir)
        self.prior = prior_of(self.roster.runs_dir)
        reason = ""
        while not reason:
            reason = self._step()
        for t in self._all:
            if not t.slices and not self.recorder.spoke_of(t.name):
                self.recorder.say(t.name, "skipped", "It got no slice in this night.")
        if not self.stopped():
            self._submissions.submit()
        status = "interrupted" if self.stopped() else "finished"
        row = self.recorder.row
        self.recorder.record(lambda: self.recorder.state.end_night(row.id, status, reason))
        self.recorder.display.note(None, reason)
        return reason

    def _step(self) -> str:
        """One slice, or a pause; the reason to end the night, "" to go on."""
        if self.stopped():
            return "A person ended the night."
        if self.window.left < SMALLEST:
            return "The window is over."
        self.roster.refresh()
        left = self.window.left - self._submissions.reserve
        if not self.roster.tonight:
            return f"{self.roster.file} has no competitions: add one with medalist night add PATH."
        if not self._has_room():
            self._nap(min(WAIT_SECONDS, left))
            return ""
        if left < SMALLEST:
            return "The window is over, but for what is kept for submissions."
        ready = [t for t in self._all if self._is_ready(t)]
        candidates = [t.candidate(self.prior) for t in ready]
        found = next_slice(candidates, left, self.recorder.row.budget, self.roster.shares, self._draw, self.length)
        if found is not None:
            t, then = self.roster.tonight[found.name], self._likely_next(candidates, found, left)
            self._worker.work_on(t, found, lambda worked: self._show(t, found, worked, then))
            self.after()
            return ""
        waiting = [t.retry_at for t in self._all if not t.given_up and t.retry_at > awake()]
        if not ready and waiting and min(waiting) - awake() < left - SMALLEST:
            self._nap(min(waiting) - awake())
            return ""
        return self._why_over(ready)

    def _why_over(self, ready: Sequence[Tonight]) -> str:
        """Why nothing can be done any more."""
        if ready:
            return "What is left of the window is too short for another slice."
        flat = [t for t in self._all if not self.keep_going and t.plateau(self.prior)]
        rest = len(self.roster.tonight) - len(flat)
        if not rest:
            return "All competitions have stopped gaining: the night ends early, and the rest of its time is not used."
        others = f"the other {rest} failed or are over" if flat else "all of them failed or are over"
        return f"Nothing is left to work on: {len(flat)} have stopped gaining, {others}. The night ends early."

    def _is_ready(self, t: Tonight) -> bool:
        """Whether a competition may be worked on now; says why not, once."""
        if t.ends < SMALLEST:
            self.recorder.say_once(t.name, "skipped", "Its last day is over.")
            return False
        if t.given_up:
            self.recorder.say_once(
                t.name, "skipped", f"It failed {count_text(t.failures, 'time')} and is left alone tonight: {t.reason}"
            )
            return False
        if t.retry_at > awake():
            return False
        plateau = "" if self.keep_going else t.plateau(self.prior)
        if plateau:
            self.recorder.say_once(t.name, "plateau", f"{plateau} Its time goes to the others.")
            return False
        return True

    def _has_room(self) -> bool:
        """Whether the disk of the runs has room for a slice; says so, once, where it has not."""
        place = self.roster.runs_dir
        try:
            Path(place).mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(place).free
        except OSError as error:
            self.recorder.say_once(
                None, "failure", f"{place} cannot be used ({error.strerror}): the night waits for it."
            )
            return False
        if free >= LEAST_ROOM:
            self.recorder.said.discard(("", "failure"))
            return True
        text = f"The disk of {place} is full ({free >> 20} MB left): the night waits until there is room."
        self.recorder.say_once(None, "failure", text)
        return False

    def _nap(self, seconds: float) -> None:
        until = awake() + seconds
        while awake() < until and not self.stopped() and self.window.left > 0:
            time.sleep(min(NAP_SECONDS, max(0.0, until - awake())))
            self._show()

    def _likely_next(self, candidates: Sequence[Candidate], found: Slice, left: float) -> str:
        """Who gets the slice after this one if it gains what is expected; "" for nobody."""
        draw = random.Random()
        draw.setstate(self._draw.getstate())
        after, budget = expected_after(candidates, found), self.recorder.row.budget
        then = next_slice(after, left - found.seconds, budget, self.roster.shares, draw, self.length)
        return "" if then is None else then.name

    def _show(
        self, working: Tonight | None = None, found: Slice | None = None, worked: float = 0.0, then: str = ""
    ) -> None:
        """Show the state of the night, with the slice that is worked on."""
        progress = NightProgress(
            night=self.recorder.row.id,
            left=self.window.left,
            window=self.recorder.row.budget,
            tonight=self._all,
            working=working,
            slice_seconds=0.0 if found is None else found.seconds,
            worked=worked,
            next=then,
            keep_going=self.keep_going,
            prior=self.prior,
        )
        self.recorder.display.tick(progress)
