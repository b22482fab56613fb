"""Sends a file to Kaggle, so that whatever fails in the middle it is known whether Kaggle has it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from medalist.agent.records.claim import locked
from medalist.agent.submitting.candidate import Candidate, board_of, metric_of, standing_of
from medalist.agent.submitting.checks import refuse_again, refuse_closed, refuse_without_room
from medalist.agent.submitting.copies import keep_copy
from medalist.agent.submitting.noise import evaluated_rows, expected_noise
from medalist.agent.submitting.recording import record
from medalist.agent.submitting.scores import settled, tag_of_row, with_scores
from medalist.competitions.errors import InputError, LedgerError
from medalist.competitions.kaggle import account as kaggle
from medalist.competitions.kaggle.account import Account, Undecided, Unsent
from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.ledger.kaggle_submissions import KaggleSubmissionRow
from medalist.leaderboard.ledger.ledger import Ledger

Note = Callable[[str], None]


@dataclass
class Desk:
    """Where submissions to one competition are made.

    slug: Kaggle's short name. late: whether one after its end is wanted. again: whether the same file may be sent
    twice. note: called with sentences for people.
    """

    slug: str
    ledger: Ledger
    runs_dir: str
    note: Note
    late: bool = False
    again: bool = False

    def alone(self) -> AbstractContextManager[None]:
        """The lock of the competition's submissions. Raises LedgerError where another process holds it."""
        held = f"Another process submits to {self.slug} just now: wait for its end."
        return locked(Path(self.runs_dir) / "submitting" / f"{self.slug}.lock", held)

    def rows(self) -> list[KaggleSubmissionRow]:
        """What was submitted to the competition, by the ledger."""
        return self.ledger.kaggle_submissions(self.slug)

    def ask(self) -> Account:
        """What Kaggle says of the competition; submissions that broke off are settled by its list. While the lock is
        held, no other process sends. Raises a MedalistError where Kaggle does not answer, or takes no files."""
        account = kaggle.look(self.slug)
        for row in self.rows():
            # under the lock nobody is sending: a row that says so is of a process that was killed
            broken = replace(row, state="unknown") if row.state == "sending" else row
            new = settled(broken, account.submissions)
            if new != row:
                self._record(new, row.run_id, None)
                if new.state == "pending":
                    self.note(f"Kaggle has the file that was being sent when something failed (its number {new.ref}).")
        refuse_closed(self.slug, account.facts, late=self.late)
        return account

    def submit(self, candidate: Candidate, message: str | None) -> KaggleSubmissionRow:
        """Submit a file, after all checks; returns its row, which is in the ledger.

        Raises a MedalistError, with one sentence, where it may not be submitted or that fails.
        """
        with self.alone():
            account = self.ask()
            return self.send(candidate, message, account)

    def send(self, candidate: Candidate, message: str | None, account: Account) -> KaggleSubmissionRow:
        """Submit a file after the checks of itself and of today's limit; `account` is what Kaggle has just said, and
        the lock is held."""
        rows = self.rows()
        if not self.again:
            refuse_again(self.slug, candidate, account, rows)
        refuse_without_room(self.slug, account, rows)
        row = predicted(candidate, self.slug, candidate.message(message))
        row = replace(row, message=f"{row.message} {row.id}")
        self._record(row, candidate.run.id, candidate.folder)
        try:
            with tempfile.TemporaryDirectory() as folder:  # the run may go on, and replace its file
                path = Path(folder) / candidate.name
                path.write_bytes(candidate.data)
                sent = kaggle.submit(self.slug, path, row.message, tag_of_row(row))
        except Unsent as error:
            self._record(replace(row, state="failed", reason=str(error)), candidate.run.id, candidate.folder)
            raise
        except Undecided as error:
            self._record(replace(row, state="unknown", reason=str(error)), candidate.run.id, candidate.folder)
            raise Undecided(
                f"{error} Whether Kaggle has the file is not known: medalist submissions {self.slug} says it once "
                f"Kaggle answers, and medalist submit never sends it twice by itself."
            ) from None
        except BaseException:
            self._record(
                replace(row, state="unknown", reason="It was interrupted."), candidate.run.id, candidate.folder
            )
            raise
        keep_copy(candidate.folder, candidate.sha256, candidate.data)
        row = replace(row, state="pending", ref=sent.ref, submitted=sent.date)
        self._record(row, candidate.run.id, candidate.folder)
        return row

    def await_score(
        self, candidate: Candidate, row: KaggleSubmissionRow, seconds: float, tick: Callable[[], None]
    ) -> KaggleSubmissionRow:
        """Wait for Kaggle's score for so many seconds, and record it. The row as it was where there is none yet, or
        Kaggle cannot be asked, which is noted: the submission is made."""
        if row.ref is None or seconds <= 0:
            return row
        try:
            found = kaggle.wait_for_score(self.slug, row.ref, seconds, tick)
        except InputError as error:
            self.note(f"It is submitted, but its score could not be fetched: {error}")
            return row
        if found is None:
            return row
        new = with_scores(row, found, board_of(candidate.run, self.slug, metric_of(candidate.run, candidate.folder)))
        self._record(new, candidate.run.id, candidate.folder)
        return new

    def _record(self, row: KaggleSubmissionRow, run_id: str, folder: Path | None) -> None:
        """Record a row; a ledger that takes it in no way is noted, once Kaggle may have the file."""
        try:
            record(self.ledger, row, run_id, folder, self.note)
        except LedgerError as error:
            if row.state == "sending":
                raise
            self.note(f"What became of the submission (state {row.state}) is not in the ledger: {error}")


def predicted(candidate: Candidate, slug: str, message: str) -> KaggleSubmissionRow:
    """The row of a submission that is about to be made, with what is predicted of it."""
    metric = metric_of(candidate.run, candidate.folder)
    board = board_of(candidate.run, slug, metric)
    rows = candidate.run.summary.get("scored_rows") or evaluated_rows(candidate.folder, candidate.made_from)
    error, sizes = candidate.standard_error, {"rows": rows, "test_rows": candidate.rows}
    standing = standing_of(candidate.score, error, board, measured=False, **sizes)
    interval = None if standing is None else standing.percentile_interval
    noise = None
    if metric is not None and not metric.assumed and candidate.confirmed:
        share = board.public_share if isinstance(board, Board) else None
        noise = expected_noise(candidate.standard_error, rows, candidate.rows, share)
    return KaggleSubmissionRow(
        id=os.urandom(6).hex(),
        competition=slug,
        sha256=candidate.sha256,
        message=message,
        state="sending",
        metric="" if metric is None else metric.name,
        greater_is_better=True if metric is None else metric.greater_is_better,
        score=candidate.score,
        standard_error=candidate.standard_error,
        percentile=None if standing is None else standing.percentile,
        percentile_low=None if interval is None else interval[0],
        percentile_high=None if interval is None else interval[1],
        predicted_medal=None if standing is None else standing.medal,
        public_noise=None if noise is None else noise[0],
        private_noise=None if noise is None else noise[1],
    )
