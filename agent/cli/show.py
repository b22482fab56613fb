"""`medalist show`: one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

from medalist.agent.cli.layout import GAP
from medalist.agent.cli.options import AsJson, RunArgument, RunsDir
from medalist.agent.cli.printing import at, number_text, print_json, print_next, print_table, print_text, print_wrapped
from medalist.agent.cli.to_show import ledger_to_show, where_run_is
from medalist.leaderboard.boards.lookup import recorded_board
from medalist.leaderboard.boards.standing import (
    WORDS,
    Basis,
    Standing,
    percentage_within,
    standing_on_board,
    whole_percent,
)
from medalist.leaderboard.ledger.rows import StandingRow


def show(run_id: RunArgument, runs_dir: RunsDir = "runs", json: AsJson = False) -> None:
    """Show a run: its experiments with verdicts and reasons, its submissions and standings."""
    runs_dir = where_run_is(run_id, runs_dir)
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
    print_text(f"{run.id}  {run.competition}  {run.state}  seed {run.seed}")
    print_text(f"{run.folder}\n")
    rows = [
        (
            f"#{e.number}",
            e.verdict,
            number_text(e.score, 5),
            "" if e.standard_error is None else f"± {e.standard_error:.2g}",
            f"{e.seconds:.0f} s",
            e.family,
            f"{e.reason} ({e.verdict_reason})",
        )
        for e in experiments
    ]
    if rows:
        print_table(("", "verdict", "score", "error", "work", "family", "why"), rows, right=(2, 3, 4))
    print_text("")
    for s in submissions:
        print_wrapped(f"submission {s.number}: {number_text(s.score)}  {s.reason}", GAP)
    for standing in standings:
        print_wrapped(_standing_line(standing, run.summary.get("standing") or {}), GAP)
    if run.summary.get("text"):
        print_text("")
        for line in str(run.summary["text"]).splitlines():
            print_wrapped(line, " " * (len(line) - len(line.lstrip()) + len(GAP)) if line.startswith(" ") else "")
    if run.state == "failed" and run.summary.get("error"):
        print_text("")
        print_wrapped(f"It ended with an error: {run.summary['error']} (log.txt has all of it)")
    if run.state in ("interrupted", "failed"):
        print_next(
            (f"medalist resume {run.id}{at(runs_dir)}", "go on with it: it did not end by itself"),
            (f"medalist clean{at(runs_dir)}", "what it leaves on the disk"),
        )
    elif submissions:
        print_next(
            (f"medalist report {run.id}{at(runs_dir)}", "the same as a page, with pictures"),
            (f"medalist features {run.id}{at(runs_dir)}", "which features helped"),
            (f"medalist why {run.id}{at(runs_dir)}", "what the submission is made of"),
            (f"medalist submit {run.id}{at(runs_dir)}", "send it to Kaggle"),
        )


def _standing_line(row: StandingRow, recorded: Mapping[str, Any]) -> str:
    """A standing as one line. recorded: the one in the run's summary, whose interval counts its numbers of rows."""
    if row.board is None:
        return f"score ({row.basis}): {number_text(row.score)}"
    worth = f"{row.medal or 'no'} {WORDS[cast(Basis, row.basis)]}"
    board = recorded_board(row.board, row.metric, row.greater_is_better, row.teams)
    rows = recorded.get("test_rows") if row.basis == "holdout" else None  # the answers to the run's test rows
    basis, error = cast(Basis, row.basis), row.standard_error
    found = None if board is None else standing_on_board(row.score, board, basis, error, rows=rows)
    within = found.percentile_within if isinstance(found, Standing) else None
    interval = found.percentile_interval if isinstance(found, Standing) else None
    if (recorded.get("basis"), recorded.get("score"), recorded.get("board")) == (row.basis, row.score, row.board):
        interval = recorded.get("percentile_interval") or interval
    beaten = f"beats or ties {percentage_within(row.percentile or 0, within)} of {row.who}"
    spread = f"; 80 % interval {whole_percent(interval)}" if interval else ""
    return f"standing ({row.basis}): {number_text(row.score)} {beaten}: {worth}{spread}"
