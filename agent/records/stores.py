"""Finds the ledger and the folders of runs on disk."""

from __future__ import annotations

import os
from pathlib import Path

from medalist.competitions.errors import LedgerError
from medalist.leaderboard.ledger.database import PATIENCE
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import RunRow


def open_ledger(runs_dir: str, patience: float = PATIENCE, *, may_be_away: bool = False) -> Ledger:
    """The ledger of a folder of runs, or the one that MEDALIST_LEDGER names (a path or a URL); see `Ledger`."""
    named = os.environ.get("MEDALIST_LEDGER")
    return Ledger(named or Path(runs_dir) / "ledger.sqlite", patience, may_be_away=may_be_away)


def folder_of(row: RunRow, runs_dir: str) -> Path:
    """A run's folder: within `runs_dir`, which may have been moved or copied with its ledger, or at the recorded path
    (which is tried first where MEDALIST_LEDGER names the ledger). LedgerError where it is in neither."""
    beside, before = Path(runs_dir) / row.competition / row.id, Path(row.folder)
    for folder in (before, beside) if os.environ.get("MEDALIST_LEDGER") else (beside, before):
        if folder.is_dir():
            return folder
    raise LedgerError(
        f"The folder of run {row.id} is gone from {row.folder}: say with --runs-dir where the runs are now."
    )
