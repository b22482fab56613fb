"""What became of submissions: Kaggle's scores taken into their rows, and fetched for all that lack some."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from medalist.agent.records.stores import folder_of
from medalist.agent.submitting.candidate import board_of, metric_of, standing_of, tag_of
from medalist.agent.submitting.recording import record
from medalist.competitions.errors import InputError, LedgerError
from medalist.competitions.kaggle import account
from medalist.competitions.kaggle.account import Submitted, with_tag
from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.comparing import NoStanding
from medalist.leaderboard.boards.standing import Standing
from medalist.leaderboard.ledger.kaggle_submissions import KaggleSubmissionRow
from medalist.leaderboard.ledger.ledger import Ledger

OPEN = ("sending", "unknown")  # states in which Kaggle's list decides
SENDING = timedelta(minutes=10)  # in which another process may still be sending a file
MOST_COMPETITIONS = 12  # that are asked for at once, the newest ones
SECONDS = 12.0  # for all of them together


@dataclass
class Refreshed:
    """Rows with what Kaggle says of them; `changed`: ids of those that are others now; `problems`: a sentence for each
    competition that could not be asked."""

    rows: list[KaggleSubmissionRow]
    changed: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


def with_scores(row: KaggleSubmissionRow, found: Submitted, board: Board | NoStanding) -> KaggleSubmissionRow:
    """The row with what Kaggle says of the submission, and the place of its score on the human leaderboard."""
    state = {"COMPLETE": "complete", "ERROR": "error"}.get(found.status, "pending")
    row = replace(
        row,
        ref=found.ref,
        state=state,
        reason=found.error if state == "error" else "",
        submitted=found.date or row.submitted,
        public_score=row.public_score if found.public is None else found.public,
        private_score=row.private_score if found.private is None else found.private,
    )
    return placed(row, board)


def placed(row: KaggleSubmissionRow, board: Board | NoStanding) -> KaggleSubmissionRow:
    """The row with the place of its score by Kaggle on the human leaderboard, where there is one."""
    standing = standing_of(row.scored, None, board, measured=True)
    if standing is None:
        return row
    return replace(
        row, place=place_of(standing), teams=standing.teams, medal=standing.medal, board=standing.board
    )  # fmt: skip


def place_of(standing: Standing) -> int:
    """The place of a score that beats or ties that share of the teams of a board."""
    return min(max(1, round((1 - standing.percentile) * standing.teams) + 1), standing.teams)


def tag_of_row(row: KaggleSubmissionRow) -> str:
    """What the message of this submission, and of no other, ends with."""
    return f"{tag_of(row.sha256)} {row.id}"


def settled(row: KaggleSubmissionRow, listed: Sequence[Submitted], now: datetime | None = None) -> KaggleSubmissionRow:
    """A row whose sending broke off, once Kaggle's list is known: Kaggle has it (pending), or has not (failed). One
    that another process may be sending now stays as it is."""
    if row.state not in OPEN:
        return row
    found = with_tag(tuple(listed), tag_of_row(row))
    if found is not None:
        return replace(row, state="pending", ref=found.ref, submitted=found.date, reason="")
    recent = row.recorded is not None and (now or datetime.now(UTC)) - row.recorded < SENDING
    if row.state == "sending" and recent:
        return row
    return replace(row, state="failed", reason=row.reason or "It broke off, and Kaggle does not have the file.")


def lacks_something(row: KaggleSubmissionRow) -> bool:
    """Whether Kaggle may know more of a submission than the row."""
    return row.state in (*OPEN, "pending") or (row.state == "complete" and row.private_score is None)


def refresh(ledger: Ledger, rows: Sequence[KaggleSubmissionRow], runs_dir: str) -> Refreshed:
    """Ask Kaggle for what the rows lack, and record what is new; within SECONDS in all."""
    wanted = list(dict.fromkeys(r.competition for r in reversed(rows) if lacks_something(r)))[:MOST_COMPETITIONS]
    answers, problems = _ask(wanted)
    result = Refreshed(list(rows), set(), problems)
    for i, row in enumerate(rows):
        asked = row.competition in answers and lacks_something(row)
        if not asked and (row.scored is None or row.place is not None):
            continue
        run, folder, board = _run_of(ledger, row, runs_dir)
        new = placed(row, board)  # on a leaderboard that was added since
        if asked:
            listed = answers[row.competition]
            new = settled(new, listed)
            found = next((s for s in listed if s.ref == new.ref), None) if new.ref is not None else None
            new = new if found is None else with_scores(new, found, board)
        if new != row:
            result.rows[i] = new
            result.changed.add(row.id)
            with contextlib.suppress(LedgerError):  # it is asked for again
                record(ledger, new, run, folder, result.problems.append)
    return result


def _run_of(ledger: Ledger, row: KaggleSubmissionRow, runs_dir: str) -> tuple[str, Path | None, Board | NoStanding]:
    """The run of a submission, its folder where it is there, and the board on which its scores have a place."""
    run, folder = ledger.run(row.run_id), None
    with contextlib.suppress(LedgerError):
        folder = folder_of(run, runs_dir)
    try:
        return run.id, folder, board_of(run, row.competition, metric_of(run, folder))
    except InputError as error:  # a board of the user's that cannot be read
        return run.id, folder, NoStanding(str(error))


def _ask(names: Sequence[str]) -> tuple[Mapping[str, tuple[Submitted, ...]], list[str]]:
    """The account's submissions to each competition, and a sentence for each that Kaggle did not give."""
    answers: dict[str, tuple[Submitted, ...]] = {}
    problems: dict[str, str] = {}

    def one(name: str) -> Callable[[], None]:
        def work() -> None:
            try:
                answers[name] = account.submissions(name)
            except InputError as error:
                problems[name] = str(error)

        return work

    threads = [threading.Thread(target=one(name), daemon=True) for name in names]
    for thread in threads:
        thread.start()
    end = time.monotonic() + SECONDS
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    late = [name for name in names if name not in answers and name not in problems]
    return answers, [*problems.values(), *(f"Kaggle gave no answer for {name} in time: try again." for name in late)]
