"""The timeline of experiments, with verdicts and reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup

from medalist.agent.report.loader import RunContents
from medalist.agent.report.page import render
from medalist.leaderboard.ledger.rows import ExperimentRow

TITLE = "Experiments"
MOST_ROWS = 1000  # experiments in the table: all that were kept, and the last of the others
MOST_CHARACTERS = 600  # of a reason


def section(contents: RunContents) -> Markup | None:
    """All experiments as a table; None before the first."""
    if not contents.experiments:
        return None
    shown = _shown(contents.experiments)
    return render(
        "timeline.html",
        experiments=shown,
        left_out=len(contents.experiments) - len(shown),
        verdicts=Counter(e.verdict for e in contents.experiments).most_common(),
        ensemble=contents.ensemble,
        metric=contents.metric_title,
        short=_short,
    )


def _shown(rows: Sequence[ExperimentRow]) -> list[ExperimentRow]:
    if len(rows) <= MOST_ROWS:
        return list(rows)
    kept = [e.number for e in rows if e.verdict == "keep"][-MOST_ROWS:]
    room = MOST_ROWS - len(kept)
    others = [e.number for e in rows if e.verdict != "keep"]
    numbers = {*kept, *(others[-room:] if room else ())}
    return [e for e in rows if e.number in numbers]


def _short(text: str) -> str:
    """A reason that is not longer than a table bears."""
    return text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + " …"
