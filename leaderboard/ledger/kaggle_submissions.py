"""KaggleSubmissionLog: the part of the ledger that holds what was submitted to Kaggle, and what it came to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from medalist.leaderboard.ledger.base import Delivery, LedgerBase, one_of, recorded_at
from medalist.leaderboard.ledger.encoding import finite, text
from medalist.leaderboard.ledger.schema import Execute

#: sending: recorded before the file goes out. unknown: it broke off, and Kaggle could not be asked whether it has it.
#: failed: Kaggle does not have it. pending: Kaggle has it and scores it. complete: scored. error: Kaggle could not.
SubmissionState = Literal["sending", "unknown", "failed", "pending", "complete", "error"]
STATES: tuple[str, ...] = get_args(SubmissionState)
SENT: tuple[str, ...] = ("pending", "complete", "error")  # states of what Kaggle has

_FLOATS = (
    "score", "standard_error", "percentile", "percentile_low", "percentile_high", "public_noise", "private_noise",
    "public_score", "private_score",
)  # fmt: skip
_INTEGERS = ("ref", "place", "teams")


@dataclass(frozen=True, kw_only=True)
class KaggleSubmissionRow:
    """One submission to Kaggle: what was predicted of it, and what came of it.

    Attributes
    ----------
    id
        Chosen by whoever submits; the row is recorded again under it whenever more is known.
    competition
        Kaggle's short name (slug) of the competition.
    sha256
        Of the file's bytes.
    state
        See SubmissionState; `reason` says why where it failed.
    submitted, ref
        When Kaggle got it, and Kaggle's number of it; None where it has not.
    metric, greater_is_better, score, standard_error, percentile, percentile_low, percentile_high, predicted_medal
        The estimate of the run at that time: its score by its metric, the share of human teams beaten with its 80 %
        interval, and the medal that this would be.
    public_noise, private_noise
        Standard deviation that is expected of the difference between leaderboard and estimate; None where not known.
    public_score, private_score
        By Kaggle; None where it has not given them (yet).
    place, teams, medal, board
        Where the private score, else the public one, stands on the human leaderboard `board` of so many teams.
    number, recorded, run_id
        Set by the ledger: the order in which it got them, when it got the row first, and the run.
    """

    id: str
    competition: str
    sha256: str
    message: str
    state: str
    reason: str = ""
    submitted: datetime | None = None
    ref: int | None = None
    metric: str = ""
    greater_is_better: bool = True
    score: float | None = None
    standard_error: float | None = None
    percentile: float | None = None
    percentile_low: float | None = None
    percentile_high: float | None = None
    predicted_medal: str | None = None
    public_noise: float | None = None
    private_noise: float | None = None
    public_score: float | None = None
    private_score: float | None = None
    place: int | None = None
    teams: int | None = None
    medal: str | None = None
    board: str | None = None
    run_id: str = ""
    number: int = 0
    recorded: datetime | None = None

    @property
    def scored(self) -> float | None:
        """The score by Kaggle that counts: the private one, else the public one."""
        return self.public_score if self.private_score is None else self.private_score


class KaggleSubmissionLog(LedgerBase):
    """Submissions to Kaggle, of all runs."""

    def record_kaggle_submission(
        self, run_id: str, row: KaggleSubmissionRow, *, delivery: Delivery | None = None
    ) -> None:
        """Record a submission to Kaggle, or what became of one that is recorded under the same id."""
        values: dict[str, Any] = {
            "id": text(row.id),
            "run_id": run_id,
            "competition": text(row.competition),
            "sha256": text(row.sha256),
            "message": text(row.message),
            "state": one_of(STATES, row.state, "state of a submission"),
            "reason": text(row.reason),
            "submitted": _time(row.submitted),
            "metric": text(row.metric),
            "greater_is_better": int(row.greater_is_better),
            **{name: finite(getattr(row, name)) for name in _FLOATS},
            **{name: None if (n := getattr(row, name)) is None else int(n) for name in _INTEGERS},
            **{
                name: None if (word := getattr(row, name)) is None else text(word)
                for name in ("predicted_medal", "medal", "board")
            },
        }
        changes = ", ".join(f"{name} = excluded.{name}" for name in values if name not in ("id", "run_id"))

        def work(execute: Execute) -> None:
            last = execute("SELECT max(number) AS number FROM kaggle_submissions", {})[0]["number"]
            new = {**values, "number": int(last or 0) + 1, "recorded": recorded_at(delivery)}
            names, marks = ", ".join(new), ", ".join(f":{name}" for name in new)
            execute(
                f"INSERT INTO kaggle_submissions ({names}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {changes}",
                new,
            )

        self._write(run_id, work, delivery)

    def kaggle_submissions(self, competition: str | None = None) -> list[KaggleSubmissionRow]:
        """Submissions to Kaggle, of one competition (its slug) or all, the earliest first."""
        where = "" if competition is None else "WHERE competition = :competition"
        query = f"SELECT * FROM kaggle_submissions {where} ORDER BY number, recorded, id"
        return self._rows(KaggleSubmissionRow, query, {"competition": competition}, 5)


def _time(value: datetime | str | None) -> str | None:
    """An instant as the ledger stores it; an outbox holds it as text."""
    if value is None:
        return None
    return (datetime.fromisoformat(value) if isinstance(value, str) else value).isoformat(timespec="microseconds")
