"""Submissions to Kaggle at the end of a night, of the competitions for which a person has allowed so many a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medalist.agent.nights.child import COMMAND
from medalist.agent.nights.recording import Recorder
from medalist.agent.nights.roster import Roster
from medalist.agent.nights.tonight import Tonight
from medalist.agent.nights.window import Window
from medalist.agent.submitting.automatic import SECONDS, submit_automatically

MOST_SHARE = 0.2  # of the window that is kept free for submissions
MOST_SECONDS = 60.0  # for one competition


@dataclass
class NightSubmissions:
    """Submits at the end of a night what its runs came to; nothing of it ends the night.

    most: submissions a day to each competition whose entry does not say. command: how medalist is started.
    """

    roster: Roster
    recorder: Recorder
    window: Window
    most: int = 0
    command: Sequence[str] = COMMAND

    def most_of(self, t: Tonight) -> int:
        """How many submissions a day are allowed to a competition."""
        return self.most if t.entry.auto_submit is None else t.entry.auto_submit

    @property
    def reserve(self) -> float:
        """Seconds at the end of the window that are kept free."""
        allowed = sum(bool(self.most_of(t)) for t in self.roster.tonight.values())
        return min(allowed * SECONDS, MOST_SHARE * self.recorder.row.budget)

    def submit(self) -> None:
        """Submit for each competition that allows it and has a run; what became of it is said."""
        ready = [t for t in self.roster.tonight.values() if self.most_of(t) and t.run is not None]
        for i, t in enumerate(ready):
            seconds = min(MOST_SECONDS, self.window.left / (len(ready) - i))
            made = submit_automatically(
                str(t.run), self.most_of(t), t.entry.kaggle, self.roster.runs_dir, seconds, self.command
            )
            for text in made.sentences:
                self.recorder.say(t.name, "kaggle", text)
