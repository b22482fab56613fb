"""Room on the disk of a run: nothing new is tried without it, and for a while the search waits for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from medalist.agent.budget import Budget
from medalist.agent.records.predictions import Predictions
from medalist.competitions.clock import awake

WAIT_SHARE = 0.4  # most of the budget that a run waits for room, before it is closed
LONGEST_WAIT = 3600.0  # seconds: the same, whatever the budget


@dataclass
class Room:
    """Whether a run has room for another experiment.

    note: called with a sentence for people. patience: seconds that it waits for room; 0 to close at once.
    """

    predictions: Predictions
    note: Callable[[str], None]
    patience: float
    _since: float | None = None

    @classmethod
    def of(cls, predictions: Predictions, note: Callable[[str], None], budget: Budget, *, counted: bool) -> Room:
        """That of a run, which waits where it works by the clock."""
        patience = 0.0 if counted or not budget.limited else min(LONGEST_WAIT, WAIT_SHARE * budget.seconds)
        return cls(predictions, note, patience)

    @property
    def ready(self) -> bool:
        """Whether there is room, as the disk is now; says so where that has changed."""
        if self.predictions.has_room():
            if self._since is not None:
                self.note("The disk has room again: the search goes on.")
            self._since = None
            return True
        if self._since is None:
            self._since = awake()
            what = "the search waits for room" if self.patience else "nothing more is tried, and the run is closed"
            self.note(f"The disk of {self.predictions.folder.parent} is nearly full: {what}.")
        return False

    @property
    def given_up(self) -> bool:
        """Whether it has waited long enough."""
        return self._since is not None and awake() - self._since >= self.patience

    @property
    def awaited(self) -> bool:
        """Whether the search waits for room."""
        return self._since is not None and not self.given_up
