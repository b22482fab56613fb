"""Copies of the files that were submitted, in the folders of their runs: what the next ones are compared with."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from medalist.agent.records.stores import folder_of
from medalist.competitions.atomic import replacing
from medalist.competitions.errors import LedgerError
from medalist.leaderboard.ledger.kaggle_submissions import SENT, KaggleSubmissionRow
from medalist.leaderboard.ledger.ledger import Ledger

FOLDER = "submitted"


def keep_copy(folder: Path, sha256: str, data: bytes) -> None:
    """Keep a copy of a file that was submitted; a disk that has no room for it is not worth a failure."""
    with contextlib.suppress(OSError):
        path = folder / FOLDER / f"{sha256}.csv"
        path.parent.mkdir(exist_ok=True)
        with replacing(path, durable=False) as stream:
            stream.write(data)


def submitted_files(rows: Iterable[KaggleSubmissionRow], ledger: Ledger, runs_dir: str) -> list[bytes]:
    """The files that Kaggle has, as far as there are copies."""
    found: dict[str, bytes] = {}
    for row in rows:
        if row.state in SENT and row.sha256 not in found:
            with contextlib.suppress(LedgerError, OSError):
                folder = folder_of(ledger.run(row.run_id), runs_dir)
                found[row.sha256] = (folder / FOLDER / f"{row.sha256}.csv").read_bytes()
    return list(found.values())
