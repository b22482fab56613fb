"""`medalist runs`, `show`, `medals`, `leaderboard`: the ledger and the boards as tables or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from medalist.competitions.errors import LedgerError
from medalist.leaderboard.boards.standing import WORDS, Basis, share
from medalist.leaderboard.ledger.encoding import plain
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import RunRow, StandingRow


def open_ledger(runs_dir: str) -> Ledger:
    """The ledger of a folder of runs, or the one that MEDALIST_LEDGER names (a path or a URL)."""
    import os

    return Ledger(os.environ.get("MEDALIST_LEDGER") or Path(runs_dir) / "ledger.sqlite")


def folder_of(row: RunRow, runs_dir: str) -> Path:
    """A run's folder: where it lies in the folder of runs, which may have been moved or copied with its ledger, or
    where it was. LedgerError if in neither."""
    import os

    beside, before = Path(runs_dir) / row.competition / row.id, Path(row.folder)
    for folder in (before, beside) if os.environ.get("MEDALIST_LEDGER") else (beside, before):
        if folder.is_dir():
            return folder
    raise LedgerError(
        f"The folder of run {row.id} is gone from {row.folder}: say with --runs-dir where the runs are now."
    )


def print_json(document: Any) -> None:
    """A document for machines; times as text, and null for what is no number."""
    sys.stdout.write(json.dumps(plain(document), indent=2, allow_nan=False) + "\n")


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Columns padded with blanks: what a terminal shows and `cut` understands."""
    widths = [max(len(str(r[i])) for r in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        cells = [
            str(c).rjust(w) if i in right else str(c).ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def number_text(value: float | None, digits: int = 6) -> str:
    """A number with so many significant digits; nothing for None."""
    return "" if value is None else f"{value:.{digits}g}"


def _when(instant: datetime | None) -> str:
    return "" if instant is None else f"{instant.astimezone():%Y-%m-%d %H:%M}"


def show_runs(runs_dir: str, competition: str | None, as_json: bool) -> None:
    """List runs, the newest first."""
    with open_ledger(runs_dir) as ledger:
        rows = ledger.runs(competition)
    if as_json:
        print_json([asdict(r) | {"state": r.state} for r in rows])
    elif not rows:
        sys.stdout.write("No runs yet: start one with medalist run PATH --budget 10m.\n")
    else:
        lines = []
        for row in rows:
            standing = row.summary.get("standing") or {}
            medal = standing.get("medal") or ""
            beaten = share(standing["percentile"]) if standing else ""
            score = number_text(row.summary.get("score"))
            lines.append(
                (row.id, row.competition, _when(row.started), row.state, str(row.n_experiments), score, beaten, medal)
            )
        header = (
            "run",
            "competition",
            "started",
            "state",
            "experiments",
            "score",
            "beats",
            "medal-equivalent (estimated)",
        )
        print_table(header, lines, right=(4, 5, 6))


def show_run(runs_dir: str, run_id: str, as_json: bool) -> None:
    """Show one run."""
    with open_ledger(runs_dir) as ledger:
        run = ledger.run(run_id)
        experiments, submissions = ledger.experiments(run.id), ledger.submissions(run.id)
        standings = [s for s in ledger.standings(run.competition) if s.run_id == run.id]
    if as_json:
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


def show_medals(runs_dir: str, as_json: bool) -> None:
    """The best standing of each competition."""
    with open_ledger(runs_dir) as ledger:
        rows = ledger.best_standings()
    if as_json:
        print_json([asdict(r) for r in rows])
        return
    if not rows:
        sys.stdout.write("No standings yet: a finished run or medalist grade adds one.\n")
        return
    lines = [
        (
            r.competition,
            r.medal or "—",
            "" if r.percentile is None else f"{share(r.percentile)} of {r.who}",
            number_text(r.score),
            r.metric,
            "on a holdout" if r.basis == "holdout" else "estimated by cross-validation",
            _when(r.recorded),
        )
        for r in rows
    ]
    header = ("competition", "medal-equivalent", "beats or ties", "score", "metric", "how", "when")
    print_table(header, lines, right=(2, 3))


def show_leaderboards(name: str | None, add: str | None, higher: bool | None, as_json: bool) -> None:
    """List leaderboards, show one, or add one."""
    from medalist.leaderboard.boards.known import add_board, find_board, list_boards

    if add is not None:
        if name is None:
            raise LedgerError("Name the leaderboard that is added: medalist leaderboard NAME --add FILE.")
        board = add_board(add, name, higher)
        if as_json:
            print_json(asdict(board))
            return
        better = "higher" if board.greater_is_better else "lower"
        sys.stdout.write(f"Added {board.name}: {board.teams:,} teams; {better} scores are better.\n")
        return
    boards = list_boards() if name is None else [find_board(name)]
    if boards == [None]:
        raise LedgerError(f"No leaderboard named {name} is known: medalist leaderboard lists those that are.")
    found = [b for b in boards if b is not None]
    if as_json:
        print_json([asdict(b) for b in found])
        return
    lines = [
        (
            b.name,
            f"{b.teams:,}",
            "higher" if b.greater_is_better else "lower",
            *map(number_text, (b.gold, b.silver, b.bronze, b.median)),
        )
        for b in found
    ]
    print_table(("leaderboard", "teams", "better", "gold", "silver", "bronze", "median"), lines, right=(1, 3, 4, 5, 6))
