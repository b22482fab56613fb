"""`medalist show`: one run."""

from __future__ import annotations

from dataclasses import asdict
from typing import cast

from medalist.agent.cli.options import AsJson, RunArgument, RunsDir
from medalist.agent.cli.printing import number_text, print_json, print_table, print_text
from medalist.agent.cli.to_show import ledger_to_show
from medalist.leaderboard.boards.lookup import recorded_range
from medalist.leaderboard.boards.standing import WORDS, Basis, percentage_within
from medalist.leaderboard.ledger.rows import StandingRow


def show(run_id: RunArgument, runs_dir: RunsDir = "runs", json: AsJson = False) -> None:
    """Show a run: its experiments with verdicts and reasons, its submissions and standings."""
    with ledger_to_show(runs_dir) as ledger:
        run = ledger.run(run_id)
        experiments, submissions = ledger.experiments(run.id), ledger.submissions(run.id)
        standings = [s for s in ledger.standings(run.competition) if s.run_id == run.id]
    if json:
        print_json(
            {
                "run": asdict(run) | {"state": run.state},
                "experiments": [asdict(e) for e in experiments],
                "submissions": [asdict(s) for s in submissions],
                "standings": [asdict(s) for s in standings],
            }
        )
        return
    print_text(f"{run.id}  {run.competition}  {run.state}  seed {run.seed}  {run.folder}\n")
    rows = [
        (
            f"#{e.number}",
            e.verdict,
            number_text(e.score),
            "" if e.standard_error is None else f"± {e.standard_error:.2g}",
            f"{e.seconds:.1f} s",
            e.family,
            f"{e.reason} ({e.verdict_reason})",
        )
        for e in experiments
    ]
    if rows:
        print_table(("experiment", "verdict", "score", "error", "work", "family", "why"), rows, right=(2, 3, 4))
    print_text("")
    for s in submissions:
        print_text(f"submission {s.number}: {number_text(s.score)}  {s.reason}")
    for standing in standings:
        print_text(_standing_line(standing))
    if run.summary.get("text"):
        print_text("\n" + run.summary["text"])
    if run.state == "failed" and run.summary.get("error"):
        print_text(f"\nIt ended with an error: {run.summary['error']} (log.txt has all of it)")
    if run.state in ("interrupted", "failed") and not run.summary.get("text"):
        print_text(f"\nThis run did not end by itself: go on with medalist resume {run.id}")


def _standing_line(row: StandingRow) -> str:
    """A standing as one line."""
    if row.board is None:
        return f"score ({row.basis}): {number_text(row.score)}"
    worth = f"{row.medal or 'no'} {WORDS[cast(Basis, row.basis)]}"
    within = recorded_range(row.board, row.metric, row.greater_is_better, row.teams, row.score, row.standard_error)
    beaten = f"beats or ties {percentage_within(row.percentile or 0, within)} of {row.who}"
    return f"standing ({row.basis}): {number_text(row.score)} {beaten}: {worth}"
