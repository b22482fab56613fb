"""What may be removed from the disk, and what is kept for which reason."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from medalist.competitions.errors import BudgetError

DAY = 86_400.0
_AGE = re.compile(r"(\d+(?:\.\d+)?)([dhw])", re.IGNORECASE)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
_HOURS = {"h": 3600.0, "d": DAY, "w": 7 * DAY}


@dataclass(frozen=True)
class Removal:
    """Something that may be removed.

    kind: one word for what it is, as in the sums. what: in words. paths: files and folders. size: bytes. used: when it
    was last written or used, in seconds since the epoch. run: the run that it belongs to, "" for none; claim: its
    folder, which nobody may work in meanwhile. loses: what cannot be done any more without it, "" for nothing that
    would not be made again by itself. affected: runs to note the loss for.
    """

    kind: str
    what: str
    paths: tuple[Path, ...]
    size: int
    used: float
    run: str = ""
    claim: Path | None = None
    loses: str = ""
    affected: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kept:
    """Something that is kept, and why."""

    what: str
    size: int
    why: str


def size_of(paths: Iterable[Path]) -> int:
    """Bytes of files, and of all files below folders; what is gone meanwhile counts as nothing."""
    return sum(size for path in paths for size, _ in _files(path))


def last_used(paths: Iterable[Path]) -> float:
    """When one of the files, or of those below folders, was last written or marked as used; 0 for none."""
    return max((changed for path in paths for _, changed in _files(path)), default=0.0)


def _files(path: Path) -> Iterator[tuple[int, float]]:
    """(bytes, time of change) of a file, or of the files below a folder; links are not followed."""
    found = path.rglob("*") if path.is_dir() and not path.is_symlink() else [path]
    for one in found:
        try:
            status = one.lstat()
        except OSError:
            continue
        if not one.is_dir():
            yield status.st_size, status.st_mtime


def parse_age(text: str) -> float:
    """Seconds of an age such as 30d, 12h or 2w. Raises BudgetError where it is none."""
    match = _AGE.fullmatch(text.strip())
    if match is None:
        raise BudgetError(f"Cannot read the age {text!r}: write 30d, 12h or 2w.")
    return float(match[1]) * _HOURS[match[2].lower()]


def parse_size(text: str) -> int:
    """Bytes of a size such as 20G, 500M or 1.5T. Raises BudgetError where it is none."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise BudgetError(f"Cannot read the size {text!r}: write 20G, 500M or 1.5T.")
    return int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " "))


def size_text(size: float) -> str:
    """Bytes for people: 1.2 GB."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size) < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def age_text(used: float) -> str:
    """How long ago something was used."""
    days = max(0.0, time.time() - used) / DAY
    return f"{days:.0f} days ago" if days >= 2 else f"{24 * days:.0f} hours ago"
