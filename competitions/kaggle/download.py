"""Downloads a competition from Kaggle by its slug: within limits of time, continued where it broke, and checked.

The client itself runs in a child process, see `child.py`. Nothing is unpacked to disk: `read_competition` reads the
zip, and refuses paths that lead out of it and contents out of proportion.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from medalist.competitions.clock import awake
from medalist.competitions.errors import InputError
from medalist.competitions.kaggle import about, child
from medalist.competitions.kaggle.archive import PARTIAL, check_contents, is_whole, remove
from medalist.competitions.kaggle.refusals import DISK

_SLUG = re.compile(
    r"(?:(?:https?://)?(?:www\.)?kaggle\.com/(?:competitions|c)/)?([a-z0-9]+(?:-[a-z0-9]+)*)(?:[/?#].*)?", re.IGNORECASE
)
_LONGEST_SLUG = 100  # characters
_OTHER_SUFFIXES = (".7z", ".tar", ".tar.gz", ".tgz", ".csv", ".csv.zip", ".gz")  # of single files in place of a zip


def slug_of(text: str) -> str | None:
    """The slug in "titanic" or "https://www.kaggle.com/competitions/titanic/data"; None for anything else."""
    match = _SLUG.fullmatch(text.strip())
    if match is None or len(match[1]) > _LONGEST_SLUG:
        return None
    return match[1].lower() if match[1] == text.strip() or "kaggle.com/" in text.lower() else None


def download(
    slug: str,
    folder: Path,
    *,
    seconds: float | None = None,
    announce: Callable[[str], None] | None = None,
    progress: child.Progress | None = None,
) -> Path:
    """Download all files of a competition; returns the path of its zip in `folder`, for `read_competition`.

    A whole zip that is there already is taken as it is, without a look at the network; a part of one is continued. What
    Kaggle says of the competition and its pages of text are kept beside it (see `about.read_about`).
    `seconds`: time limit of the whole download, None for none. In any case it ends after child.ANSWER_SECONDS without
    an answer, and after child.STALL_SECONDS in which it does not grow. `announce` is called with a sentence before the
    network is used, `progress` with the bytes that are here and all bytes, several times a second. Where another
    process downloads the same competition, it is waited for.

    Raises InputError when there is no account, the competition's rules are not accepted, there is no such competition,
    the network or the disk fails, or the time is over.
    """
    name = slug_of(slug)
    if name is None:
        raise InputError(f"{slug!r} is no competition of Kaggle: give its short name, as in its address.")
    path = folder / f"{name}.zip"
    if is_whole(path):
        return path
    end = float("inf") if seconds is None else awake() + max(0.0, seconds)
    try:
        (folder / about.FOLDER).mkdir(parents=True, exist_ok=True)
        with _alone(name, folder, end, announce):
            return path if is_whole(path) else _fetch(name, folder, end, announce, progress)
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error.strerror or error}): {DISK}.") from error


@contextmanager
def _alone(name: str, folder: Path, end: float, announce: Callable[[str], None] | None) -> Iterator[None]:
    """Hold the lock on the competition's download; two clients would write into one file. Raises InputError."""
    lock = FileLock(folder / about.FOLDER / f"{name}.lock")
    told = False
    while True:
        try:
            lock.acquire(timeout=0)
            break
        except Timeout:
            if announce is not None and not told:
                announce(f"Another process downloads {name}: waiting for it …")
            told = True
        if awake() > end:
            raise InputError(f"{name} is being downloaded by another process: give more time with --budget.")
        child.wait_a_little()
    try:
        yield
    finally:
        lock.release()


def _fetch(
    name: str,
    folder: Path,
    end: float,
    announce: Callable[[str], None] | None,
    progress: child.Progress | None,
) -> Path:
    """Download, check and keep what Kaggle says. Raises InputError."""
    seconds = max(0.0, end - awake())
    if announce is not None:
        wait = min(child.ANSWER_SECONDS, seconds)
        announce(f"Asking Kaggle for {name} (for at most {wait:.0f} s without an answer) …")
    path = folder / f"{name}.zip"
    document = child.run_client(name, folder, seconds, progress)
    if document:  # the client was not ended: a mark that is left is of an earlier one, killed after the last byte
        path.with_name(path.name + PARTIAL).unlink(missing_ok=True)
    if not is_whole(path):
        others = [p for p in sorted(folder.glob(f"{name}.*")) if p.name[len(name) :].lower() in _OTHER_SUFFIXES]
        if others and not path.exists():
            return others[0]
        remove(path)
        raise InputError(f"what came from Kaggle as {name} is no zip and was removed: try again, or in a browser.")
    check_contents(path, name)
    about.keep_about(path, document.get("about"))
    return path
