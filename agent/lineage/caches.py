"""Plans what to remove of caches, leftovers and downloads, which no single run owns."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from medalist.agent.lineage.disk import Kept, Removal, last_used, size_of
from medalist.agent.records.lineage_file import read_lineage
from medalist.competitions.atomic import ABANDONED
from medalist.leaderboard.ledger.rows import RunRow


@dataclass(frozen=True)
class Wishes:
    """What a person wants to keep.

    keep: seconds since their last use for which caches and runs stay. runs: number of the newest runs of each
    competition that stay whole; None for any. size: bytes that all may have together; None for any. downloads, whole:
    whether downloads, and the submissions and lineages of old runs, may go too.
    """

    keep: float
    runs: int | None = None
    size: int | None = None
    downloads: bool = False
    whole: bool = False


@dataclass
class Plan:
    """What would be removed, what is kept and why, and how many bytes there are in all."""

    removals: list[Removal] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    total: int = 0

    @property
    def freed(self) -> int:
        """Bytes of all removals."""
        return sum(removal.size for removal in self.removals)


def cache_folder() -> Path:
    """The folder of large tables and downloads."""
    import platformdirs

    return Path(os.environ.get("MEDALIST_CACHE") or platformdirs.user_cache_dir("medalist"))


def leftovers(made: Plan, places: Sequence[Path]) -> None:
    """Temporary files of writers that were killed."""
    found = [p for place in places if place.is_dir() for p in place.rglob(".*.tmp") if p.is_file()]
    old = [p for p in found if time.time() - last_used([p]) > ABANDONED]
    if old:
        text = "1 temporary file" if len(old) == 1 else f"{len(old)} temporary files"
        what = f"{text} of processes that were killed"
        made.removals.append(Removal("leftovers", what, tuple(old), size_of(old), last_used(old)))


def features(made: Plan, runs_dir: Path, busy: set[str], wishes: Wishes) -> None:
    """Computed features, which are computed again where they are needed."""
    for folder in sorted(runs_dir.glob("*/features/*")):
        competition, size, used = folder.parents[1].name, size_of([folder]), last_used([folder])
        what = f"computed features of {competition}"
        if competition in busy or time.time() - used < ABANDONED:
            made.kept.append(Kept(what, size, "a run works with them, or did within the last hour"))
        elif time.time() - used > wishes.keep:
            made.removals.append(Removal("features", what, (folder,), size, used))
        else:
            made.kept.append(Kept(what, size, "used lately; with a shorter --keep they go, and are computed again"))


def tables(made: Plan, cache: Path, wishes: Wishes) -> None:
    """Large tables in the form in which they are opened fast, which are read again from their files."""
    files = [p for p in cache.glob("tables/*.arrow") if time.time() - last_used([p]) > max(wishes.keep, ABANDONED)]
    if files:
        text = "1 large table" if len(files) == 1 else f"{len(files)} large tables"
        made.removals.append(Removal("tables", f"{text} read before", tuple(files), size_of(files), last_used(files)))


def downloads(
    made: Plan, cache: Path, rows: Sequence[RunRow], folders: Mapping[str, Path | None], wishes: Wishes
) -> None:
    """Kaggle's downloads: the raw files of runs, which a repetition needs."""
    for path in sorted(cache.glob("competitions/*")):
        size, used = size_of([path]), last_used([path])
        made_from = tuple(row.id for row in rows if _is_below(row, folders[row.id], path))
        what = f"the download {path.name}"
        if not wishes.downloads:
            why = f"the lineage of {_count(made_from)} needs it" if made_from else "with --downloads it goes"
            made.kept.append(Kept(what, size, why))
        elif time.time() - used > wishes.keep:
            loses = f"resume and reproduce of {_count(made_from)} need it to be downloaded again" if made_from else ""
            made.removals.append(Removal("downloads", what, (path,), size, used, loses=loses, affected=made_from))


def _is_below(row: RunRow, folder: Path | None, path: Path) -> bool:
    """Whether a run was made from a file or folder."""
    lineage = read_lineage(folder) if folder is not None else None
    root = Path(str((lineage or {}).get("path") or row.config.get("path", "")))
    return root == path.resolve() or path.resolve() in root.parents


def _count(runs: Sequence[str]) -> str:
    return f"run {runs[0]}" if len(runs) == 1 else f"{len(runs)} runs"
