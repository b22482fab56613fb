"""Downloads a competition from Kaggle by its slug, within limits of time.

Kaggle's client waits for ever on a network that swallows packets, and a thread cannot be ended; so it runs in a child
process (`client.py`), which is killed where it makes no progress or exceeds its time limit.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from medalist.competitions.errors import InputError
from medalist.competitions.kaggle.about import keep_about

ANSWER_SECONDS = 30.0  # from the start until the first byte of the download is on disk, sign-in included
STALL_SECONDS = 60.0  # in which a download that has begun must grow
_LOOK_SECONDS = 0.1  # between two looks at the child and its files
_SLUG = re.compile(r"(?:https?://(?:www\.)?kaggle\.com/(?:competitions|c)/)?([a-z0-9]+(?:-[a-z0-9]+)*)(?:/.*)?")
_LONGEST_SLUG = 100  # characters
_ACCOUNT = "put an API token of your Kaggle account into ~/.kaggle, or download the zip in a browser"
_INSTEAD = "check the network, or download the zip in a browser and give its path"


def slug_of(text: str) -> str | None:
    """The slug in "titanic" or "https://www.kaggle.com/competitions/titanic/data"; None for anything else."""
    match = _SLUG.fullmatch(text.strip())
    if match is None or len(match[1]) > _LONGEST_SLUG:
        return None
    return match[1] if "/" not in text or "kaggle.com/" in text else None


def download(
    slug: str, folder: Path, *, seconds: float | None = None, announce: Callable[[str], None] | None = None
) -> Path:
    """Download all files of a competition; returns the path of its zip in `folder`, for `read_competition`.

    A whole zip that is there already is taken as it is, without a look at the network; a part of one is continued. What
    Kaggle says of the metric and its pages of text are kept beside it (see `about.read_about`).
    `seconds`: time limit of the whole download, None for none. In any case it ends after ANSWER_SECONDS without an
    answer, and after STALL_SECONDS in which it does not grow. `announce` is called with a sentence before the network
    is used.

    Raises InputError when there is no account, the competition's rules are not accepted, there is no such competition,
    the network or the disk fails, or the time is over.
    """
    name = slug_of(slug)
    if name is None:
        raise InputError(f"{slug!r} is no competition of Kaggle: give its short name, as in its address.")
    path = folder / f"{name}.zip"
    if zipfile.is_zipfile(path):
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error.strerror or error}): give another folder.") from error
    if announce is not None:
        wait = ANSWER_SECONDS if seconds is None else max(0.0, min(ANSWER_SECONDS, seconds))
        announce(f"Asking Kaggle for {name} (for at most {wait:.0f} s without an answer) …")
    document = _run_client(name, folder, float("inf") if seconds is None else max(0.0, seconds))
    if not zipfile.is_zipfile(path):
        others = sorted(p for p in folder.glob(f"{name}.*") if not p.name.endswith(".kaggle-partial"))
        if others and path not in others:
            return others[0]
        raise InputError(f"the download of {name} is not complete: try again, it continues where it ended.")
    keep_about(path, document.get("about"))
    return path


def _run_client(name: str, folder: Path, seconds: float) -> dict[str, Any]:
    """Run the client in a child process until it ends or makes no progress; returns its document. Raises InputError.

    Where the time ends while the whole zip is there, what the client was still waiting for is done without.
    """
    program = Path(__file__).with_name("client.py")
    command = [sys.executable, "-P", str(program), name, str(folder)]
    try:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=errors)
            try:
                _watch(child, name, folder, seconds)
            except InputError:
                if zipfile.is_zipfile(folder / f"{name}.zip"):
                    return {}
                raise
            finally:
                child.kill()
                child.wait()
                if child.stdin is not None:
                    child.stdin.close()
            document = _report(out, errors, child.returncode)
    except OSError as error:
        raise InputError(f"{name} cannot be downloaded ({error.strerror or error}): check the disk.") from error
    problem = _sentence(name, document)
    if problem is not None:
        raise InputError(problem)
    return document


def _watch(child: subprocess.Popen[bytes], name: str, folder: Path, seconds: float) -> None:
    """Wait for the end of the child. Raises InputError where `seconds` are over, or it makes no progress."""
    start = changed = time.monotonic()
    before = files = _files(name, folder)
    while True:
        try:
            child.wait(_LOOK_SECONDS)
            return
        except subprocess.TimeoutExpired:
            pass
        now = time.monotonic()
        latest = _files(name, folder)
        if latest != files:
            files, changed = latest, now
        size = max((size for _, size, _ in files), default=0)
        if now - start > seconds:
            raise InputError(
                f"{name} did not arrive within the {seconds:.0f} s that there were for it: give more with --budget, or "
                "download it before with medalist inspect."
            )
        if files == before and now - start > ANSWER_SECONDS:
            raise InputError(f"Kaggle gave no answer within {ANSWER_SECONDS:.0f} s: {_INSTEAD}.")
        if files != before and now - changed > STALL_SECONDS:
            raise InputError(
                f"the download of {name} has stood still for {STALL_SECONDS:.0f} s after {size / 1e6:,.1f} MB: try "
                f"again, it continues where it ended; or {_INSTEAD}."
            )


def _files(name: str, folder: Path) -> list[tuple[str, int, int]]:
    """(name, bytes, time of the last change) of the files that the client writes."""
    files = []
    for path in folder.glob(f"{name}.*"):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        files.append((path.name, status.st_size, status.st_mtime_ns))
    return sorted(files)


def _report(out: IO[bytes], errors: IO[bytes], code: int) -> dict[str, Any]:
    """The document that the client printed, or one with its last error line or exit status where it printed none."""
    out.seek(0)
    try:
        document = json.loads(out.read())
    except ValueError:
        errors.seek(0)
        lines = errors.read().decode(errors="replace").strip().splitlines()
        return {"error": "client", "text": lines[-1] if lines else f"exit status {code}"}
    return dict(document)


def _sentence(name: str, document: dict[str, Any]) -> str | None:
    """The error message for the client's `document`, with what the user can do; None where the download succeeded."""
    error, text = document["error"], document.get("text", "")
    if error is None:
        return None
    if error == "status":
        return _refusal(name, document["status"])
    if error == "import":
        return f"Kaggle's client cannot be imported ({text}): install `kaggle` and `six`."
    if error == "account":
        return f"{name} cannot be downloaded without an account: {_ACCOUNT}."
    if error == "sign-in files":
        return f"{name} cannot be downloaded, the sign-in files cannot be read: {_ACCOUNT}."
    if error == "network":
        return f"{name} cannot be downloaded ({text}): check the network and the disk."
    return f"{name} cannot be downloaded, since Kaggle's client failed ({text}): download the zip in a browser."


def _refusal(name: str, status: int) -> str:
    if status == 401:
        return f"Kaggle does not accept the account's token for {name}: {_ACCOUNT}."
    if status == 403:
        return f"Kaggle refuses {name}: join it and accept its rules at kaggle.com/competitions/{name}/rules."
    if status == 404:
        return f"Kaggle has no competition {name}: give its short name, as in its address."
    return f"Kaggle answers with status {status} for {name}: try again later, or give a folder."
