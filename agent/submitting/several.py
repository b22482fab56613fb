"""Several submissions of a day, chosen: the best, and then those most different from what Kaggle has already.

A second submission that predicts the same tells nothing new of the leaderboard. Those that differ do: by how much the
estimate is off, and which of two models of equal estimate is better on the test rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from medalist.agent.submitting.candidate import Candidate, best_of
from medalist.agent.submitting.checks import left_today, own_today
from medalist.agent.submitting.copies import submitted_files
from medalist.agent.submitting.sending import Desk
from medalist.competitions.errors import InputError, LedgerError, MedalistError, SubmissionError
from medalist.competitions.kaggle.account import Account, with_tag
from medalist.leaderboard.ledger.kaggle_submissions import SENT, KaggleSubmissionRow

ALIKE = 0.9995  # similarity from which on a file is not worth a submission


def submit_several(
    desk: Desk, best: Candidate, most: int, message: str | None, seconds: float
) -> list[KaggleSubmissionRow]:
    """Submit up to `most` files to a competition today, those of today that are made already included, and never more
    than Kaggle allows. Returns the rows of those that were made now.

    seconds: to wait for the scores, all together. Raises a MedalistError where none could be made; where a later one
    fails, that is noted.
    """
    made: list[tuple[Candidate, KaggleSubmissionRow]] = []
    with desk.alone():
        account = desk.ask()
        room = room_today(account, desk.rows(), most)
        if room < 1:
            desk.note(f"Nothing is submitted to {desk.slug}: today's submissions ({most} of one's own) are made.")
            return []
        try:
            if _is_new(best, account, desk.rows()):
                made.append((best, desk.send(best, message, account)))
            while len(made) < room:
                further = most_different(_candidates(best, desk, account), _known(best, desk), _ids(best))
                if further is None:
                    break
                made.append((further, desk.send(further, message, account)))
        except MedalistError as error:
            if not made:
                raise
            desk.note(f"No further file was submitted to {desk.slug}: {error}")
    if not made:
        desk.note(f"Nothing is submitted to {desk.slug}: what there is has been, or is hardly different.")
    return [desk.await_score(one, row, seconds / len(made), lambda: None) for one, row in made]


def room_today(account: Account, rows: Sequence[KaggleSubmissionRow], most: int) -> int:
    """How many of at most `most` submissions a day (UTC) may still be made, by Kaggle's limit too."""
    left = left_today(account, rows)
    return max(0, min(most - own_today(rows), most if left is None else left))


def most_different(candidates: Iterable[Candidate], known: Sequence[bytes], ids: Sequence[str]) -> Candidate | None:
    """The candidate whose nearest file among the known ones is the least like it; None where all are hardly different.
    Among equals the first."""
    from medalist.agent.submitting.similarity import similarity, table_of

    tables = [table for data in known if (table := table_of(data)) is not None]
    found: tuple[float, Candidate] | None = None
    for candidate in candidates:
        table = table_of(candidate.data)
        if table is None:
            continue
        nearest = max((similarity(table, other, ids) for other in tables), default=-1.0)
        if nearest < ALIKE and (found is None or nearest < found[0]):
            found = nearest, candidate
    return None if found is None else found[1]


def _known(best: Candidate, desk: Desk) -> list[bytes]:
    """What Kaggle has, and the best one whether it has it or not."""
    return [*submitted_files(desk.rows(), desk.ledger, desk.runs_dir), best.data]


def _candidates(best: Candidate, desk: Desk, account: Account) -> Iterable[Candidate]:
    """Further files: the best ones of other runs of the same data, and single experiments of this run."""
    from medalist.agent.submitting.experiments import experiments_of

    rows = desk.rows()
    for run in desk.ledger.runs(best.run.competition):
        if run.id == best.run.id or run.fingerprint != best.run.fingerprint or run.status != "finished":
            continue
        try:
            other = best_of(run, desk.runs_dir, desk.ledger)
        except (InputError, LedgerError, SubmissionError):
            continue
        if other.score is not None and not other.made_from.get("constant") and _is_new(other, account, rows):
            yield other
    try:
        yield from (c for c in experiments_of(best, desk.ledger) if _is_new(c, account, rows))
    except (InputError, LedgerError) as error:
        desk.note(f"No single experiment can be submitted: {error}")


def _is_new(candidate: Candidate, account: Account, rows: Sequence[KaggleSubmissionRow]) -> bool:
    """Whether Kaggle does not have the file, by the ledger and by its list."""
    known = any(r.sha256 == candidate.sha256 and r.state in SENT for r in rows)
    return not known and with_tag(account.submissions, candidate.tag) is None


def _ids(best: Candidate) -> tuple[str, ...]:
    """Columns that name the rows."""
    return tuple(map(str, best.run.task.get("id") or ()))
