"""Submissions to Kaggle in words."""

from __future__ import annotations

from medalist.agent.submitting.alarm import difference
from medalist.leaderboard.boards.standing import percentage, whole_percent
from medalist.leaderboard.ledger.kaggle_submissions import KaggleSubmissionRow

STATES = {
    "sending": "being sent",
    "unknown": "not known whether Kaggle has it",
    "failed": "not submitted",
    "pending": "waits for its score",
    "complete": "scored",
    "error": "Kaggle could not score it",
}


def predicted_text(row: KaggleSubmissionRow) -> str:
    """What was predicted of a submission; "" where nothing was."""
    if row.score is None:
        return ""
    error = "" if row.standard_error is None else f" ± {row.standard_error:.2g}"
    return f"{row.score:.6g}{error}"


def place_text(row: KaggleSubmissionRow) -> str:
    """The place on the human leaderboard; "" where there is none."""
    return "" if row.place is None or row.teams is None else f"{row.place:,} of {row.teams:,}"


def message_text(row: KaggleSubmissionRow) -> str:
    """The message of a submission, without what tells it from others."""
    return row.message.rpartition(" [")[0] or row.message


def _interval(row: KaggleSubmissionRow) -> str:
    """The 80 % interval of the percentile that was predicted, in brackets; "" where it is not known."""
    if row.percentile_low is None or row.percentile_high is None:
        return ""
    return f" (80 % interval {whole_percent((row.percentile_low, row.percentile_high))})"


def submission_text(row: KaggleSubmissionRow) -> str:
    """What became of a submission, beside what was predicted of it: a few lines."""
    number = "" if row.ref is None else f" (Kaggle's number {row.ref})"
    lines = [f"{row.competition}{number}: {STATES.get(row.state, row.state)}. {row.reason}".rstrip()]
    if row.score is not None:
        beats = "" if row.percentile is None else f"; beats or ties {percentage(row.percentile)}{_interval(row)}"
        medal = "" if row.percentile is None else f", {row.predicted_medal or 'no'} medal-equivalent"
        lines.append(f"  predicted {predicted_text(row)}{beats}{medal}")
    if row.public_score is not None:
        private = "" if row.private_score is None else f", private {row.private_score:.6g}"
        off = difference(row)
        away = "" if off is None else f"; {abs(off):.1f} times the expected noise {'better' if off > 0 else 'worse'}"
        lines.append(f"  public {row.public_score:.6g}{private}{away}")
    if row.place is not None:
        part = "public" if row.private_score is None else "private"
        lines.append(
            f"  place {place_text(row)} on {row.board} by its {part} score: {row.medal or 'no'} medal-equivalent"
        )
    if row.state == "pending":
        lines.append(f"  medalist submissions {row.competition} fetches its score later.")
    return "\n".join(lines)
