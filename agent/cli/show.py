"""`medalist show`: one run."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import cast

from medalist.agent.cli.options import AsJson, RunArgument, RunsDir
from medalist.agent.cli.printing import number_text, print_json, print_table
from medalist.agent.records.stores import open_ledger
from medalist.leaderboard.boards.standing import WORDS, Basis, share
from medalist.leaderboard.ledger.rows import StandingRow


def show(run_id: RunArgument, runs_dir: RunsDir = "runs", json: AsJson = False) -> None:
    """Show a run: its experiments with verdicts and reasons, its submissions and standings."""
    with open_ledger(runs_dir) as ledger:
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
    out = sys.stdout.write
    out(f"{run.id}  {run.competition}  {run.state}  seed {run.seed}  {run.folder}\n\n")
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
    out("\n")
    for s in submissions:
        out(f"submission {s.number}: {number_text(s.score)}  {s.reason}\n")
    for standing in standings:
        out(_standing_line(standing) + "\n")
    if run.summary.get("text"):
        out("\n" + run.summary["text"] + "\n")
    if run.state == "failed" and run.summary.get("error"):
        out(f"\nIt ended with an error: {run.summary['error']} (log.txt has all of it)\n")
    if run.state in ("interrupted", "failed") and not run.summary.get("text"):
        out(f"\nThis run did not end by itself: go on with medalist resume {run.id}\n")


def _standing_line(row: StandingRow) -> str:
    if row.board is None:
        return f"score ({row.basis}): {number_text(row.score)}"
    worth = f"{row.medal or 'no'} {WORDS[cast(Basis, row.basis)]}"
    beaten = f"beats or ties {share(row.percentile or 0)} of {row.who}"
    return f"standing ({row.basis}): {number_text(row.score)} {beaten}: {worth}"
