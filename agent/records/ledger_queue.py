"""LedgerQueue: what a run gives to the ledger, through its outbox, however long the ledger is away."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from medalist.agent.records.outbox import DAMAGED, Outbox, address_of
from medalist.competitions.clock import awake
from medalist.competitions.errors import LedgerError, LedgerUnavailable
from medalist.competitions.plural import count_text
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.operations import Operation

RETRY_SECONDS = 60.0  # between two attempts to write to a ledger that cannot be reached
PATIENCE = 5.0  # longest wait of a run for another process's transaction or for a server: the search stands still
PATIENCE_WHILE_AWAY = 1.0  # the same at an attempt to reach a ledger that was away
OUTBOX_SECONDS = 30.0  # longest wait for another process that delivers the rows of an earlier part of the run

Answer = TypeVar("Answer")


class LedgerQueue:
    """The calls of the ledger's writing methods for a run, in order.

    Each is in the outbox of the run's folder before the ledger is given it. note: called with sentences for people.
    """

    def __init__(self, run_id: str, folder: Path, ledger: Ledger, note: Callable[[str], None]):
        self._run_id, self._folder, self._ledger, self._note = run_id, folder, ledger, note
        self._box: Outbox | None = None
        self._retry_at = 0.0  # on the clock of `awake`; 0 while the ledger is there

    @property
    def outbox(self) -> Outbox:
        """What waits for the ledger; what an earlier process left is taken in."""
        if self._box is None:
            box = Outbox(self._folder, address_of(self._ledger, self._folder))
            damaged = box.open(OUTBOX_SECONDS)
            self._box = box
            if damaged:
                self._note(
                    f"Of {box.path} {count_text(damaged, 'damaged line')} could not be read and is lost; "
                    f"{DAMAGED} is a copy of it."
                )
        return self._box

    def write(self, method: str, **arguments: Any) -> None:
        """Queue a call of the ledger's method, and flush the queue unless the ledger was away a moment ago."""
        self._append(method, **arguments)
        if awake() >= self._retry_at:
            self.flush()
        else:
            self.outbox.sync()

    def flush(self, *, insist: bool = False) -> None:
        """Deliver the rows that wait for the ledger, in order. Where it cannot be reached they go on waiting, or with
        `insist` LedgerUnavailable is raised. LedgerError where the ledger fails for another reason."""
        was_away = self._retry_at > 0
        while self.outbox.waiting:
            try:
                self.outbox.waiting[0].perform(self._ledger)
            except LedgerUnavailable as error:
                self.outbox.sync()
                if insist:
                    raise
                self._retry_at = awake() + RETRY_SECONDS
                self._ledger.wait_at_most(PATIENCE_WHILE_AWAY)
                if not was_away:
                    self._note(f"{error} The run goes on, and what it records waits for the ledger.")
                return
            except LedgerError:
                self.outbox.sync()
                self._retry_at = float("inf")  # the run is closed without the ledger, which is tried again at its end
                raise
            self.outbox.delivered()
        self._retry_at = 0.0
        if was_away:
            self._ledger.wait_at_most(PATIENCE)
            self._note("The ledger is there again and has all that waited for it.")

    def ask(self, question: Callable[[], Answer], otherwise: Answer) -> Answer:
        """What the ledger answers; `otherwise` where it is away, or does not know of this run yet."""
        if self._retry_at > 0:
            return otherwise
        try:
            return question()
        except LedgerUnavailable:
            return otherwise

    def end(self, status: str, summary: Mapping[str, Any]) -> None:
        """Record the run's status with all rows that wait for the ledger, and let go of the outbox.

        Where the ledger still cannot be reached they wait on, and a note says so. LedgerError where it refuses a row.
        """
        try:
            self._append("finish_run", status=status, summary=summary)
            try:
                self.flush()
            except LedgerError:  # of a row before it, which stays in the outbox with all after it
                with contextlib.suppress(LedgerError):
                    self._ledger.finish_run(self._run_id, status, summary)
                raise
            if rows := self.outbox.rows:
                self._note(
                    f"{rows} rows wait for the ledger in {self.outbox.path}: medalist runs delivers them, once it is "
                    f"there again."
                )
        finally:
            self.outbox.close()

    def _append(self, method: str, **arguments: Any) -> None:
        """Put a call of the ledger's method into the outbox."""
        failed_before = self.outbox.failure
        self.outbox.append(Operation.of(method, self._run_id, **arguments))
        if failed_before is None and (failure := self.outbox.failure) is not None:
            self._note(f"{self.outbox.path} cannot be written ({failure.strerror or failure}): free its disk.")
