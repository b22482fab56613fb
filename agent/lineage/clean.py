"""Plans what to remove from the disk: caches, leftovers, predictions and old runs; and removes it.

Nothing goes by default that a submission's lineage needs: `lineage.json`, `task.yaml`, `submission.csv` and the rest of
a run's small files stay, and downloads too. What is removed of a run is noted, so that `why`, `reproduce` and `resume`
can say it.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from medalist.agent.lineage.caches import Plan, Wishes, cache_folder, downloads, features, leftovers, tables
from medalist.agent.lineage.disk import Kept, Removal, last_used, size_of
from medalist.agent.lineage.run_files import (
    at_work,
    never_begun,
    waits_for_ledger,
    whole_run,
    without_models,
    work_files,
)
from medalist.agent.lineage.unneeded import unneeded_predictions
from medalist.agent.nights.state import STATE, NightState
from medalist.agent.records.claim import claimed
from medalist.agent.records.removed import note_removal
from medalist.agent.records.stores import folder_of, open_ledger
from medalist.competitions.atomic import ABANDONED
from medalist.competitions.errors import LedgerError
from medalist.leaderboard.ledger.rows import RunRow

RECENT_NIGHTS = 10  # nights whose runs are kept, since the next one goes on with them


def plan(runs_dir: Path, wishes: Wishes) -> Plan:
    """What to remove from a folder of runs, and from the cache folder of this user. Nothing is removed.

    Raises LedgerError where the ledger cannot be read.
    """
    made = Plan()
    cache = cache_folder()
    with open_ledger(str(runs_dir)) as ledger:
        rows = ledger.runs()
        folders = {row.id: _folder(row, runs_dir) for row in rows}
        working = {row.id for row in rows if at_work(row, folders[row.id])}
        nightly = _nightly(runs_dir)
        seen: dict[str, int] = {}
        for row in rows:  # the newest first
            folder = folders[row.id]
            place = seen[row.competition] = seen.get(row.competition, 0) + 1
            if folder is None:
                continue
            if row.id in working:
                made.kept.append(Kept(f"run {row.id} of {row.competition}", size_of([folder]), "it is being worked on"))
                continue
            made.removals += work_files(row, folder)
            used = max(last_used([folder / "summary.json", folder / "log.txt"]), row.attached.timestamp())
            is_old = time.time() - used > wishes.keep or (wishes.runs is not None and place > wishes.runs)
            models = without_models(row, folder, used)
            if waits_for_ledger(folder):
                made.kept.append(Kept(f"run {row.id}", size_of([folder]), "rows of it wait for the ledger"))
            elif row.id in nightly:
                made.kept.append(Kept(f"models of run {row.id}", size_of([folder]), "nights go on with it"))
            elif is_old and wishes.whole:
                made.removals.append(whole_run(row, folder, used))
            elif is_old:
                made.removals += models
            else:
                some = unneeded_predictions(row, folder, ledger.experiments(row.id), ledger.submissions(row.id))
                made.removals += some
                rest = sum(m.size for m in models) - sum(s.size for s in some)
                made.kept.append(Kept(f"models of run {row.id} of {row.competition}", rest, "resume goes on from them"))
    made.removals += never_begun(runs_dir, set(folders))
    busy = {row.competition for row in rows if row.id in working}
    leftovers(made, (runs_dir, cache))
    features(made, runs_dir, busy, wishes)
    tables(made, cache, wishes)
    downloads(made, cache, rows, folders, wishes)
    made.total = size_of([runs_dir, cache])
    if wishes.size is not None:
        _shrink(made, runs_dir, rows, folders, working | nightly, busy, wishes)
    return made


def _folder(row: RunRow, runs_dir: Path) -> Path | None:
    try:
        return folder_of(row, str(runs_dir))
    except LedgerError:
        return None


def _nightly(runs_dir: Path) -> set[str]:
    """Runs that the next night goes on with: the last one of each competition in recent nights."""
    state = NightState(runs_dir / STATE)
    recent = {night.id for night in state.nights()[:RECENT_NIGHTS]}
    last = {s.competition: s.run for s in state.slices() if s.night in recent and s.run}
    return {run for run in last.values() if run}


def _shrink(
    made: Plan,
    runs_dir: Path,
    rows: Sequence[RunRow],
    folders: dict[str, Path | None],
    guarded: set[str],
    busy: set[str],
    wishes: Wishes,
) -> None:
    """Plan further removals, those first that cost least, until all have at most the bytes that are wanted: computed
    features, the least recently used first, then the models of the oldest runs."""
    assert wishes.size is not None
    planned = {path for removal in made.removals for path in removal.paths}
    further: list[Removal] = []
    for folder in runs_dir.glob("*/features/*"):
        used, competition = last_used([folder]), folder.parents[1].name
        if folder not in planned and competition not in busy and time.time() - used > ABANDONED:
            what = f"computed features of {competition}"
            further.append(Removal("features", what, (folder,), size_of([folder]), used))
    further.sort(key=lambda removal: removal.used)
    cleaned = {removal.run for removal in made.removals if removal.kind in ("models", "runs")}
    for row in reversed(rows):
        place = folders[row.id]
        if place is not None and row.id not in guarded | cleaned:
            further += without_models(row, place, row.attached.timestamp())
    for removal in further:
        if made.total - made.freed <= wishes.size:
            break
        if removal.kind == "models":  # all of them, with those that were not needed
            made.removals = [r for r in made.removals if (r.run, r.kind) != (removal.run, "predictions")]
        gone = {removal.what, f"{removal.what} of {removal.run}"}
        made.kept = [k for k in made.kept if k.what not in gone and (removal.run == "" or removal.run not in k.what)]
        made.removals.append(removal)


def apply(made: Plan, runs_dir: Path) -> tuple[list[Removal], list[Kept]]:
    """Remove what is planned. Returns what was removed, and what was not since somebody works on its run by now or the
    system refused."""
    done: list[Removal] = []
    left: list[Kept] = []
    for removal in made.removals:
        with ExitStack() as claims:
            try:
                if removal.claim is not None:
                    claims.enter_context(claimed(removal.claim))
                for run in removal.affected or ((removal.run,) if removal.run and removal.loses else ()):
                    when = datetime.now(UTC).isoformat(timespec="seconds")
                    entry = {"when": when, "run": run, "what": removal.what, "bytes": removal.size}
                    note_removal(runs_dir, entry)  # first: what is removed without a note would be a riddle
                for path in removal.paths:
                    _remove(path)
            except LedgerError:
                left.append(Kept(removal.what, removal.size, "it is being worked on by now"))
                continue
            except OSError as error:
                left.append(Kept(removal.what, removal.size, error.strerror or str(error)))
                continue
        done.append(removal)
    return done, left


def _remove(path: Path) -> None:
    """Remove a file or a folder. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
