"""The best submission whose score was confirmed on fresh folds, over all parts of a run.

A part of a run that goes on searches further, and its close scores what it found on the same fresh folds. Where that is
no better than the close of an earlier part, the earlier submission stays: it only ever changes for the better, by the
honest estimate, wherever the part is killed.

A confirmed submission is kept here before it replaces submission.csv, and in one file, which is replaced at once: so
whatever a killed process has left, the best confirmed one is there as a whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medalist.competitions.atomic import replacing

NAME = "confirmed"  # a file in work/: a line of JSON, then the bytes of the submission


@dataclass(frozen=True)
class Confirmed:
    """A confirmed submission: its score on fresh folds, what it was made from (see `Submissions`), and its hash."""

    score: float
    standard_error: float
    made_from: Mapping[str, Any]
    sha256: str

    def at_least(self, score: float, *, greater_is_better: bool) -> bool:
        """Whether it is as good as another score or better."""
        return self.score >= score if greater_is_better else self.score <= score


def confirmed_in(folder: Path) -> tuple[Confirmed, bytes] | None:
    """The confirmed submission of a run's folder, with the contents of its file; None where there is none, or a power
    cut has left one that is not whole."""
    try:
        document, _, contents = (folder / "work" / NAME).read_bytes().partition(b"\n")
        kept = Confirmed(**json.loads(document))
    except (OSError, ValueError, TypeError):
        return None
    return (kept, contents) if hashlib.sha256(contents).hexdigest() == kept.sha256 else None


def keep_confirmed(
    folder: Path, contents: bytes, score: float, standard_error: float, made_from: Mapping[str, Any]
) -> Confirmed:
    """Keep the contents of a submission as the confirmed one of a run's folder. Raises OSError."""
    kept = Confirmed(score, standard_error, made_from, hashlib.sha256(contents).hexdigest())
    with replacing(folder / "work" / NAME) as stream:
        stream.write(json.dumps(asdict(kept)).encode() + b"\n")
        stream.write(contents)
    return kept
