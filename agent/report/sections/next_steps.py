"""What to try next."""

from __future__ import annotations

from markupsafe import Markup

from medalist.agent.report.loader import RunContents
from medalist.agent.report.page import render
from medalist.leaderboard.boards.medals import MEDALS

TITLE = "What to try next"
FAILED = ("crash", "timeout", "memory")


def section(contents: RunContents) -> Markup:
    """What the run would go on with, what stands in its way, and commands for a person."""
    failed: dict[tuple[str, str], list[int]] = {}
    for e in contents.experiments:
        if e.verdict in FAILED and e.error:
            failed.setdefault((e.family, e.verdict), []).append(e.number)
    standing = contents.standing
    short = None
    if standing.get("next_medal") in MEDALS and standing.get("to_next") is not None:
        error = contents.standard_error
        short = (standing["next_medal"], standing["to_next"], standing["to_next"] / error if error else None)
    return render(
        "next.html",
        next=contents.summary.get("next"),
        short=short,
        failed=sorted(failed.items()),
        untested=sum(row.status == "candidate" for row in {r.text: r for r in contents.features}.values()),
        run=contents.run,
        runs_dir=contents.run.config.get("runs_dir"),
        finished=contents.run.state != "running",
        by_experiment={e.number: e.verdict_reason for e in contents.experiments},
    )
