"""Submissions that nobody asks for one by one: at the end of a run or a night, where a person allows so many a day.

They are made by `medalist submit --choose` in a process of its own, which is ended when its time is over: whatever
fails, the run or the night goes on, and is reported in a sentence.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from medalist.agent.submitting.text import STATES

COMMAND = (sys.executable, "-c", "from medalist.agent.cli.main import main; main()")
SECONDS = 30.0  # that are kept free for it at the end of a run, or for each competition at the end of a night
LEAST_SECONDS = 3.0  # with less left it is not begun


@dataclass(frozen=True)
class Made:
    """Submissions that were made, as the ledger's rows in plain values, and what is said of them and of failures."""

    rows: tuple[dict[str, Any], ...]
    sentences: tuple[str, ...]


def submit_automatically(
    run: str,
    most: int,
    slug: str | None,
    runs_dir: str,
    seconds: float,
    command: Sequence[str] = COMMAND,
) -> Made:
    """Submit up to `most` files of a run's competition today; never raises a MedalistError.

    slug: Kaggle's name of it, where the run's data were a folder. seconds: that it may take.
    """
    by_hand = f"medalist submit {run} does it."
    if seconds < LEAST_SECONDS:
        return Made((), (f"Nothing was submitted to Kaggle, since no time was left: {by_hand}",))
    competition = [] if slug is None else ["--competition", slug]
    options = ["--choose", str(most), "--no-wait", "--json", "--runs-dir", runs_dir]
    try:
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as out,
            tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors,
        ):  # pipes would fill, and outlive the process
            process = subprocess.Popen(
                [*command, "submit", run, *competition, *options],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                start_new_session=True,
                env=os.environ | {"PYTHONIOENCODING": "utf-8"},
            )
            try:
                process.wait(seconds)
                over = False
            except subprocess.TimeoutExpired:
                over = True
            finally:
                process.kill()
                process.wait()
            out.seek(0)
            errors.seek(0)
            said = [line.strip().removeprefix("medalist: ") for line in errors if line.strip()]
            rows = _rows(out.read())
    except OSError as error:
        return Made((), (f"Nothing was submitted to Kaggle ({error.strerror or error}): {by_hand}",))
    sentences = [_sentence(row) for row in rows or ()] + said
    if over:
        sentences.append(
            f"Submitting to Kaggle took more than {seconds:.0f} s and was ended: medalist submissions says what Kaggle "
            "has."
        )
    elif process.returncode and not said:
        sentences.append(f"Nothing was submitted to Kaggle: {by_hand}")
    elif rows is None and not process.returncode:
        sentences.append("What was submitted to Kaggle cannot be read: medalist submissions says what Kaggle has.")
    return Made(tuple(rows or ()), tuple(sentences))


def _rows(text: str) -> list[dict[str, Any]] | None:
    """The submissions in the document that `medalist submit --json` prints; None where it printed no such document."""
    try:
        return list(json.loads(text)["submissions"])
    except (ValueError, KeyError, TypeError):
        return None


def _sentence(row: dict[str, Any]) -> str:
    """A submission in a sentence."""
    what = str(row.get("message", "")).rpartition(" [")[0]
    return f"Submitted to {row['competition']} on Kaggle ({STATES.get(row['state'], row['state'])}): {what}."
