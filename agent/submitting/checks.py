"""Whether a file may be submitted now: what Kaggle says of the competition, today's limit, and what it has already."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from medalist.agent.submitting.candidate import Candidate
from medalist.competitions.errors import SubmissionError
from medalist.competitions.kaggle.about import Facts
from medalist.competitions.kaggle.account import Account, with_tag
from medalist.competitions.kaggle.account_refusals import closed, code_only, disabled, join, used_up
from medalist.leaderboard.ledger.kaggle_submissions import SENT, KaggleSubmissionRow


def refuse_closed(slug: str, facts: Facts, *, late: bool) -> None:
    """Raise SubmissionError where Kaggle takes no files for the competition, or not from this account; or where it has
    ended, unless `late` submissions are wanted."""
    if facts.code_only:
        raise SubmissionError(code_only(slug))
    if facts.disabled:
        raise SubmissionError(disabled(slug))
    if facts.is_over() and not late:
        raise SubmissionError(closed(slug, facts))
    if facts.entered is False:
        raise SubmissionError(join(slug))


def refuse_again(slug: str, candidate: Candidate, account: Account, rows: Sequence[KaggleSubmissionRow]) -> None:
    """Raise SubmissionError where the same file was submitted already, by the ledger or by Kaggle's list."""
    known = [r for r in rows if r.sha256 == candidate.sha256 and r.state in SENT]
    listed = with_tag(account.submissions, candidate.tag)
    if not known and listed is None:
        return
    when = known[-1].submitted if known else listed.date if listed else None
    public = known[-1].public_score if known else listed.public if listed else None
    at = "" if when is None else f" on {when.astimezone():%Y-%m-%d %H:%M}"
    score = "" if public is None else f" (public score {public:.6g})"
    raise SubmissionError(
        f"Kaggle has this file for {slug} already, submitted{at}{score}: let the run go on for a better one, or add "
        f"--again to send it once more."
    )


def left_today(account: Account, rows: Sequence[KaggleSubmissionRow], now: datetime | None = None) -> int | None:
    """How many submissions may still be made today (UTC): the least of what Kaggle says is left, and of its daily limit
    less those of today that Kaggle lists or the ledger knows; None where no limit is known."""
    today = (now or datetime.now(UTC)).date()
    listed = sum(
        1 for s in account.submissions if s.date and s.date.astimezone(UTC).date() == today and s.status != "ERROR"
    )
    used = max(listed, own_today(rows, now), account.today or 0)
    known = []
    if account.facts.daily:
        known.append(account.facts.daily - used)
    if account.left is not None and (account.left or account.today):  # both 0: Kaggle knows of no team yet
        known.append(account.left)
    return max(0, min(known)) if known else None


def own_today(rows: Sequence[KaggleSubmissionRow], now: datetime | None = None) -> int:
    """How many of the submissions in the ledger are of today (UTC)."""
    today = (now or datetime.now(UTC)).date()
    return sum(
        r.state in SENT and r.submitted is not None and r.submitted.astimezone(UTC).date() == today for r in rows
    )


def refuse_without_room(slug: str, account: Account, rows: Sequence[KaggleSubmissionRow]) -> None:
    """Raise SubmissionError where today's submissions are used up."""
    if left_today(account, rows) == 0:
        raise SubmissionError(used_up(slug, account.facts.daily))
