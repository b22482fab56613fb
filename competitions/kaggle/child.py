"""Runs Kaggle's client in a child process, which is killed where it makes no progress or exceeds its time limit.

The client waits for ever on a network that swallows packets, and a thread cannot be ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from medalist.competitions.clock import awake
from medalist.competitions.errors import InputError
from medalist.competitions.kaggle.archive import is_whole
from medalist.competitions.kaggle.refusals import DISK, INSTEAD, disk_sentence, sentence

START_SECONDS = 60.0  # until the client is imported, which takes under a second where the machine is idle
ANSWER_SECONDS = 7.0  # from then until the first byte of the download is on disk, sign-in included
STALL_SECONDS = 8.0  # in which a download that has begun must grow
_LOOK_SECONDS = 0.1  # between two looks at the child and its files
_MOST_BYTES = 64 << 20  # of what the child prints
_RESTARTS = 2  # how often a download may begin again from nothing, as where the file is another one now
_RESTART_SECONDS = 3.0  # after the last time that counted, when one begins again and again

Progress = Callable[[int, int | None], None]  # (bytes that are here, all bytes or None where Kaggle does not say)


@dataclass
class _State:
    """What is known of a client at work. `changed`: when it last made progress."""

    changed: float
    asking: bool = False
    receiving: bool = False
    total: int | None = None
    size: int = 0
    restarts: int = 0
    read: int = 0
    last: dict[str, Any] = field(default_factory=dict)


def run_client(name: str, folder: Path, seconds: float, progress: Progress | None = None) -> dict[str, Any]:
    """Download the competition `name` into `folder`; returns the client's document. Raises InputError.

    seconds: time limit. Where it ends while the whole zip is there, what the client was still waiting for is done
    without.
    """
    program = Path(__file__).with_name("client.py")
    command = [sys.executable, "-P", str(program), name, str(folder)]
    try:
        with tempfile.TemporaryFile() as out:
            child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.DEVNULL)
            try:
                document = _watch(child, out, name, folder, seconds, progress)
            except InputError:
                if is_whole(folder / f"{name}.zip"):
                    return {}
                raise
            finally:
                child.kill()
                child.wait()
                if child.stdin is not None:
                    child.stdin.close()
    except OSError as error:
        raise InputError(f"{name} cannot be downloaded ({error.strerror or error}): {DISK}.") from error
    if "error" not in document:
        document = {"error": "client", "text": f"exit status {child.returncode}"}
    problem = sentence(name, document)
    if problem is not None:
        raise InputError(problem)
    return document


def _watch(
    child: subprocess.Popen[bytes], out: IO[bytes], name: str, folder: Path, seconds: float, progress: Progress | None
) -> dict[str, Any]:
    """Wait for the end of the child; returns its last document, {} where it gave none. Raises InputError where
    `seconds` are over, the disk has no room, or there is no progress."""
    start = awake()
    state = _State(start)
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_LOOK_SECONDS)
        now = awake()
        _read_stages(out, state, now)
        _read_size(folder / f"{name}.zip", state, now)
        if state.receiving and progress is not None:
            progress(state.size, state.total)
        if child.returncode is not None:
            return state.last
        if now - start > seconds:
            raise InputError(
                f"{name} did not arrive within the {seconds:.0f} s that there were for it: give more with --budget, or "
                "download it before with medalist inspect."
            )
        if state.receiving and state.total is not None:
            _check_room(name, folder, state)
        _check_progress(name, state, now)


def _read_stages(out: IO[bytes], state: _State, now: float) -> None:
    """Read the lines that the child has printed since the last look."""
    *lines, _ = os.pread(out.fileno(), _MOST_BYTES, 0).split(b"\n")  # the child writes at the position of the file
    for line in lines[state.read :]:
        with contextlib.suppress(ValueError):
            document = json.loads(line)
            stage = document.get("stage")
            if stage == "asking":
                state.asking, state.changed = True, now
            elif stage == "receiving":
                state.receiving, state.total, state.changed = True, document["bytes"], now
            elif "error" in document:
                state.last = document
    state.read = len(lines)


def _read_size(path: Path, state: _State, now: float) -> None:
    """See whether the file has grown; one that begins again has grown, but not time after time."""
    try:
        size = path.stat().st_size
    except OSError:
        return
    state.restarts += size < state.size
    if size > state.size and state.restarts <= _RESTARTS:
        state.changed = now
    state.size = size


def _check_room(name: str, folder: Path, state: _State) -> None:
    missing = (state.total or 0) - state.size
    free = shutil.disk_usage(folder).free
    if missing > free:
        raise InputError(disk_sentence(name, state.total or 0, free, folder))


def _check_progress(name: str, state: _State, now: float) -> None:
    """Raise InputError where nothing has happened for too long."""
    waited = now - state.changed
    if not state.asking:
        if waited > START_SECONDS:
            raise InputError(f"Kaggle's client did not start within {START_SECONDS:.0f} s: try again.")
    elif not state.receiving:
        if waited > ANSWER_SECONDS:
            raise InputError(f"Kaggle gave no answer within {ANSWER_SECONDS:.0f} s: {INSTEAD}.")
    elif state.restarts > _RESTARTS and waited > _RESTART_SECONDS:
        raise InputError(
            f"the download of {name} breaks time after time and then begins from nothing, for the network does not let "
            f"it continue: try again later, or {INSTEAD}."
        )
    elif waited > STALL_SECONDS:
        raise InputError(
            f"the download of {name} has stood still for {STALL_SECONDS:.0f} s after {state.size / 1e6:,.1f} MB: try "
            f"again, it continues where it ended, or {INSTEAD}."
        )


def wait_a_little() -> None:
    """Pause between two looks at something that another process does."""
    time.sleep(_LOOK_SECONDS)
