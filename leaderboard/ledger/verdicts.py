"""What a run came to think of each feature, from the rows of all its steps."""

from __future__ import annotations

from collections.abc import Iterable

from medalist.leaderboard.ledger.rows import FeatureRow

UNTESTED = ("redundant", "candidate")  # statuses of features that no experiment has tested


def latest_verdicts(rows: Iterable[FeatureRow]) -> list[FeatureRow]:
    """One row for each expression, the largest gain first: its last row with a verdict, else its last row."""
    last: dict[str, FeatureRow] = {}
    for row in rows:
        if row.text not in last or row.status not in UNTESTED or last[row.text].status in UNTESTED:
            last[row.text] = row
    return sorted(last.values(), key=lambda r: (r.unit, r.gain is None, -(r.gain or 0.0), r.number))
