"""`medalist medals`: what the best run in each competition is worth among humans."""

from __future__ import annotations

from dataclasses import asdict

from medalist.agent.cli.options import AsJson, RunsDir
from medalist.agent.cli.printing import number_text, print_json, print_table, print_text, time_text
from medalist.agent.cli.to_show import ledger_to_show
from medalist.leaderboard.boards.lookup import recorded_range
from medalist.leaderboard.boards.standing import percentage, whole_percent
from medalist.leaderboard.ledger.rows import StandingRow


def medals(runs_dir: RunsDir = "runs", json: AsJson = False) -> None:
    """The best standing in each competition."""
    with ledger_to_show(runs_dir) as ledger:
        rows = ledger.best_standings()
    if json:
        print_json([asdict(r) | {"percentile_within": _range(r)} for r in rows])
        return
    if not rows:
        print_text("No standings yet: a finished run or medalist grade adds one.")
        return
    lines = [
        (
            r.competition,
            r.medal or "—",
            "" if r.percentile is None else f"{percentage(r.percentile)} of {r.who}",
            whole_percent(_range(r)),
            number_text(r.score),
            r.metric,
            "on a holdout" if r.basis == "holdout" else "estimated by cross-validation",
            time_text(r.recorded),
        )
        for r in rows
    ]
    header = ("competition", "medal-equivalent", "beats or ties", "within one error", "score", "metric", "how", "when")
    print_table(header, lines, right=(2, 3, 4))


def _range(row: StandingRow) -> tuple[float, float] | None:
    """The percentiles within one standard error of a recorded standing; None where they are not known."""
    return recorded_range(row.board, row.metric, row.greater_is_better, row.teams, row.score, row.standard_error)
