"""What a run's folder keeps of its submissions to Kaggle: copies of the files, which the next ones are compared with,
and what was said of the last automatic ones."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from medalist.agent.records.stores import folder_of
from medalist.competitions.atomic import replace_file, replacing
from medalist.competitions.errors import LedgerError
from medalist.leaderboard.ledger.kaggle_submissions import SENT, KaggleSubmissionRow
from medalist.leaderboard.ledger.ledger import Ledger

FOLDER = "submitted"
WORDS = "said.txt"  # in that folder


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


def keep_words(folder: Path, sentences: Sequence[str]) -> None:
    """Keep what was said of automatic submissions, for the report on the run."""
    with contextlib.suppress(OSError):
        (folder / FOLDER).mkdir(exist_ok=True)
        replace_file(folder / FOLDER / WORDS, "".join(f"{' '.join(text.split())}\n" for text in sentences))


def last_words(folder: Path) -> list[str]:
    """What was said of the last automatic submissions; [] where there were none."""
    try:
        return (folder / FOLDER / WORDS).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
