"""The ledger: every run, experiment, feature, submission and standing, on disk. It is the only state."""

from __future__ import annotations

from medalist.leaderboard.ledger.experiments import ExperimentLog
from medalist.leaderboard.ledger.kaggle_submissions import KaggleSubmissionLog
from medalist.leaderboard.ledger.memory import Memory
from medalist.leaderboard.ledger.runs import RunLog
from medalist.leaderboard.ledger.standings import StandingLog


class Ledger(RunLog, ExperimentLog, StandingLog, KaggleSubmissionLog, Memory):
    """What was done, kept so that nothing finished is ever lost.

    Each call is one transaction that is on disk when the call returns; a process killed at any instant leaves all
    finished rows. Several processes may write at once. Every writing call may be repeated: the second time changes
    nothing. Values in dicts come back as JSON would bring them: lists as lists, paths as text, NaN as None.

    Parameters
    ----------
    url_or_path
        Path of a SQLite file (made with the first row, together with its folder), or `postgresql://…`.
    patience
        Seconds that a call waits for another process's transaction, or for a server that has gone away since the ledger
        was opened.
    may_be_away
        Whether a ledger that cannot be reached now is opened all the same, to be asked again with each call.

    Raises
    ------
    LedgerUnavailable
        By every method: if the ledger cannot be read or written now, such as during a restart of the server; the
        call may be repeated later.
    LedgerError
        By every method: if the database cannot be opened or written, belongs to something else, or was written by
        a newer version; if there is no such run.
    """
