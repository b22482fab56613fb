"""What an account does on Kaggle beside downloads of data: submit a file, list submissions, wait for scores, fetch a
board. Each call is a child process (`account_client.py`), which is ended where it makes no progress."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from medalist.competitions.clock import awake
from medalist.competitions.errors import InputError
from medalist.competitions.kaggle.about import Facts, facts_of
from medalist.competitions.kaggle.account_refusals import account_sentence, no_answer
from medalist.competitions.kaggle.child import START_SECONDS, wait_a_little

ANSWER_SECONDS = 7.0  # without any sign of life, once the client is imported
WAIT_SECONDS = 14.5  # the same while a score is waited for: the longest pause, and an answer
LOOK_SECONDS = 4.0  # for another look at the list of submissions after a failure
PROGRAM = "medalist.competitions.kaggle.account_client"
_MOST_BYTES = 16 << 20  # of what the child prints

Document = dict[str, Any]


class Unsent(InputError):  # noqa: N818 - a state
    """A submission failed, and Kaggle does not have the file."""


class Undecided(InputError):  # noqa: N818 - a state
    """A submission broke off, and whether Kaggle has the file is not known."""


@dataclass(frozen=True)
class Submitted:
    """A submission as Kaggle lists it.

    ref: Kaggle's number of it. date: when it was made. description: the message. error: why it could not be scored.
    public, private: its scores; None where there are none yet. status: PENDING, COMPLETE or ERROR.
    """

    ref: int
    date: datetime | None
    description: str
    error: str
    public: float | None
    private: float | None
    status: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Submitted:
        """The submission that the client told of."""
        return cls(
            int(document["ref"]),
            _instant(document.get("date")),
            str(document.get("description") or ""),
            str(document.get("error") or ""),
            _number(document.get("public")),
            _number(document.get("private")),
            str(document.get("status") or "PENDING").upper(),
        )


@dataclass(frozen=True)
class Account:
    """What Kaggle says of a competition for an account: its limits (`facts`), the submissions of today in UTC (`today`)
    and how many may still be made (`left`), None where Kaggle does not say; and its submissions, the newest first."""

    facts: Facts
    today: int | None
    left: int | None
    submissions: tuple[Submitted, ...]


def look(name: str) -> Account:
    """What Kaggle says of a competition for the account. Raises InputError."""
    document = _call("look", name, {})
    limits = document.get("limits") or {}
    return Account(facts_of(document.get("about") or {}), limits.get("today"), limits.get("left"), _listed(document))


def submissions(name: str, seconds: float = ANSWER_SECONDS) -> tuple[Submitted, ...]:
    """The account's submissions to a competition, the newest first. Raises InputError."""
    return _listed(_call("list", name, {}, quiet=seconds))


def submit(name: str, path: Path, message: str, tag: str) -> Submitted:
    """Submit a file and return the submission. `tag`: a part of the message by which Kaggle's list shows whether it has
    the file.

    Raises Unsent where Kaggle does not have the file, Undecided where nobody can say; after a failure in the middle
    Kaggle is asked.
    """
    stages: list[str] = []
    arguments = {"path": str(path.absolute()), "message": message}
    try:
        document = _run("submit", name, arguments, ANSWER_SECONDS, float("inf"), lambda d: stages.append(d["stage"]))
    except InputError as error:
        if "creating" not in stages:
            raise Unsent(str(error)) from None
        return _found_after(name, tag, None, str(error))
    if document["error"] is None:
        ref = document.get("ref")
        if ref is None:
            return _found_after(name, tag, None, "Kaggle took the file without a number.")
        return Submitted(int(ref), datetime.now(UTC), message, "", None, None, "PENDING")
    problem = account_sentence(name, document) or ""
    if not document.get("created"):
        raise Unsent(problem)
    return _found_after(name, tag, _listed(document) if "submissions" in document else None, problem)


def _found_after(name: str, tag: str, listed: tuple[Submitted, ...] | None, problem: str) -> Submitted:
    """The submission with the tag after a failure in the middle; Unsent or Undecided where Kaggle has none."""
    if listed is None:
        try:
            listed = submissions(name, LOOK_SECONDS)
        except InputError:
            raise Undecided(problem) from None
    found = with_tag(listed, tag)
    if found is None:
        raise Unsent(f"{problem} By its list of submissions Kaggle does not have the file.")
    return found


def with_tag(listed: tuple[Submitted, ...], tag: str) -> Submitted | None:
    """The newest of the submissions whose message holds the tag; None where there is none."""
    return next((one for one in listed if tag in one.description), None)


def wait_for_score(name: str, ref: int, seconds: float, tick: Callable[[], None] = lambda: None) -> Submitted | None:
    """The submission once it is scored or refused; None where that takes more than so many seconds. `tick` is called
    each time that Kaggle was asked. Raises InputError where Kaggle cannot be asked."""
    try:
        document = _run("wait", name, {"ref": ref}, WAIT_SECONDS, seconds, lambda _: tick())
    except TimeoutError:
        return None
    if problem := account_sentence(name, document):
        raise InputError(problem)
    found = document.get("submission")
    return None if found is None else Submitted.of(found)


def download_board(name: str, folder: Path) -> Path:
    """Download a competition's present public leaderboard; returns the path of its zip in `folder`. InputError."""
    _call("board", name, {"folder": str(folder.absolute())})
    path = folder / f"{name}.zip"
    if not path.is_file():
        raise InputError(f"Kaggle gave no leaderboard of {name}: look at kaggle.com/competitions/{name}/leaderboard.")
    return path


def _listed(document: Mapping[str, Any]) -> tuple[Submitted, ...]:
    return tuple(Submitted.of(one) for one in document.get("submissions") or ())


def _call(task: str, name: str, arguments: Document, *, quiet: float = ANSWER_SECONDS) -> Document:
    """The document of a task that succeeded. Raises InputError."""
    document = _run(task, name, arguments, quiet, float("inf"), lambda _: None)
    if problem := account_sentence(name, document):
        raise InputError(problem)
    return document


def _run(
    task: str, name: str, arguments: Document, quiet: float, seconds: float, told: Callable[[Document], None]
) -> Document:
    """Run the client for one task; returns its last document.

    quiet: seconds without a word after which it is ended. told: called with each stage. Raises TimeoutError where it
    takes more than `seconds`, InputError where it does not answer.
    """
    command = [sys.executable, "-P", "-m", PROGRAM, task, name, json.dumps(arguments)]
    try:
        with tempfile.TemporaryFile() as out:
            child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.DEVNULL)
            try:
                last = _watch(child, out, name, quiet, seconds, told)
            finally:
                child.kill()
                child.wait()
                if child.stdin is not None:
                    child.stdin.close()
    except TimeoutError:
        raise
    except OSError as error:
        raise InputError(f"Kaggle's client cannot be started ({error.strerror or error}): try again.") from error
    return last or {"error": "client", "text": f"exit status {child.returncode}"}


def _watch(
    child: subprocess.Popen[bytes],
    out: IO[bytes],
    name: str,
    quiet: float,
    seconds: float,
    told: Callable[[Document], None],
) -> Document:
    """Wait for the end of the child; its last document, {} where it gave none."""
    began = changed = awake()
    read, asking, last = 0, False, Document()
    while True:
        ended = child.poll() is not None
        *lines, _ = os.pread(out.fileno(), _MOST_BYTES, 0).split(b"\n")
        for line in lines[read:]:
            with contextlib.suppress(ValueError):
                document = json.loads(line)
                changed = awake()
                if "error" in document:
                    last = document
                elif "stage" in document:
                    asking = True
                    told(document)
        read = len(lines)
        if ended or last:
            return last
        if awake() - began > seconds:
            raise TimeoutError
        if awake() - changed > (quiet if asking else START_SECONDS):
            raise InputError(no_answer(name, quiet))
        wait_a_little()


def _number(value: Any) -> float | None:
    try:
        return None if value in (None, "") else float(value)
    except (TypeError, ValueError):
        return None


def _instant(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value)) if value else None
    except ValueError:
        return None
