"""The files of a run's folder that may be removed, and what is lost with them."""

from __future__ import annotations

import re
import time
from collections.abc import Collection
from pathlib import Path

from medalist.agent.lineage.disk import Removal, last_used, size_of
from medalist.agent.records.claim import claimed
from medalist.agent.records.outbox import NAME as OUTBOX
from medalist.competitions.atomic import ABANDONED
from medalist.competitions.errors import LedgerError
from medalist.leaderboard.ledger.rows import RunRow

STAYS = ("claim", "confirmed", "confirmed.csv", "confirmed.json")  # files of work/ that are not made again
_RUN = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")  # a run's id
MODELS = "the predictions of all models"


def at_work(row: RunRow, folder: Path | None) -> bool:
    """Whether a process works on a run, as far as this machine can tell."""
    if row.state == "running":
        return True
    if folder is None or not (folder / "work").is_dir():
        return False
    try:
        with claimed(folder):
            return False
    except LedgerError:
        return True


def waits_for_ledger(folder: Path) -> bool:
    """Whether rows of a run wait for a ledger that is away."""
    outbox = folder / OUTBOX
    return outbox.is_file() and outbox.stat().st_size > 0


def never_begun(runs_dir: Path, known: Collection[str]) -> list[Removal]:
    """Folders of runs that were killed in their first seconds: the ledger does not know them, no row of theirs waits
    for one, and there is no submission. known: ids of the ledger's runs."""
    found = []
    for folder in runs_dir.glob("*/*"):
        begun = folder.name in known or waits_for_ledger(folder) or (folder / "submission.csv").exists()
        if not _RUN.fullmatch(folder.name) or begun or time.time() - last_used([folder]) < ABANDONED:
            continue
        what = f"the folder of run {folder.name} of {folder.parent.name}, which was killed before it began"
        found.append(Removal("leftovers", what, (folder,), size_of([folder]), last_used([folder]), run=folder.name))
    return found


def work_files(row: RunRow, folder: Path) -> list[Removal]:
    """What child processes read while the run was at work: it is made again where the run goes on."""
    files = [p for p in (folder / "work").glob("*") if p.is_file() and p.name not in STAYS]
    size = size_of(files)
    if not size:
        return []
    what = f"work files of run {row.id} of {row.competition}"
    return [Removal("work", what, tuple(files), size, last_used(files), run=row.id, claim=folder)]


def without_models(row: RunRow, folder: Path, used: float) -> list[Removal]:
    """The predictions of all experiments of a run; [] where they are gone already."""
    predictions = folder / "predictions"
    size = size_of([predictions])
    if not size:
        return []
    loses = "resume cannot go on with it; submission and lineage stay, so why and reproduce can"
    what = f"{MODELS} of run {row.id} of {row.competition}"
    return [Removal("models", what, (predictions,), size, used, run=row.id, claim=folder, loses=loses)]


def whole_run(row: RunRow, folder: Path, used: float) -> Removal:
    """All of a run's folder."""
    inside = tuple(p for p in folder.iterdir() if p.name != "work")
    work = tuple(p for p in (folder / "work").glob("*") if p.name != "claim")
    size = size_of([*inside, *work])
    loses = "its submission and lineage go: why tells only what the ledger knows, reproduce and resume cannot"
    what = f"the whole folder of run {row.id} of {row.competition}"
    return Removal("runs", what, (*inside, *work), size, used, run=row.id, claim=folder, loses=loses)
