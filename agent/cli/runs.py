"""`medalist runs`: the runs in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from medalist.agent.cli.options import AsJson, OptionalText, RunsDir
from medalist.agent.cli.printing import number_text, print_json, print_table, print_text, time_text
from medalist.agent.cli.to_show import ledger_to_show
from medalist.leaderboard.boards.comparing import board_metric, same_metric
from medalist.leaderboard.boards.standing import percentage, whole_percent


def runs(
    competition: Annotated[OptionalText, typer.Argument(help="Only of this competition.", show_default=False)] = None,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """List the runs in the ledger."""
    with ledger_to_show(runs_dir) as ledger:
        rows = ledger.runs(competition)
    if json:
        print_json([asdict(r) | {"state": r.state} for r in rows])
    elif not rows:
        print_text("No runs yet: start one with medalist run PATH --budget 10m.")
    else:
        lines = []
        for row in rows:
            standing = _standing_of(row.summary)
            lines.append(
                (
                    row.id,
                    row.competition,
                    time_text(row.started),
                    row.state,
                    str(row.n_experiments),
                    number_text(row.summary.get("score")),
                    percentage(standing["percentile"]) if standing else "",
                    whole_percent(standing.get("percentile_interval")),
                    standing.get("medal") or "",
                )
            )
        header = (
            "run",
            "competition",
            "started",
            "state",
            "experiments",
            "score",
            "beats",
            "80 % interval",
            "medal-equivalent (estimated)",
        )
        print_table(header, lines, right=(4, 5, 6, 7))


def _standing_of(summary: Mapping[str, Any]) -> Mapping[str, Any]:
    """The standing in a run's summary; {} where there is none, or the leaderboard turned out to have another metric."""
    standing: Mapping[str, Any] = summary.get("standing") or {}
    metric = board_metric(standing.get("board") or "")
    return standing if not metric or same_metric(summary.get("metric") or "", metric) else {}
