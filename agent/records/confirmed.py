"""The best submission whose score was confirmed on fresh folds, over all parts of a run.

A part of a run that goes on searches further, and its close scores what it found on the same fresh folds. Where that is
no better than the close of an earlier part, the earlier submission stays: it only ever changes for the better, by the
honest estimate.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medalist.competitions.atomic import replace_file

NAME = "confirmed"  # work/confirmed.csv, a copy of the submission, and work/confirmed.json


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
    place = folder / "work" / NAME
    try:
        contents = place.with_suffix(".csv").read_bytes()
        kept = Confirmed(**json.loads(place.with_suffix(".json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return (kept, contents) if hashlib.sha256(contents).hexdigest() == kept.sha256 else None


def keep_confirmed(submission: Path, score: float, standard_error: float, made_from: Mapping[str, Any]) -> None:
    """Keep a copy of a run's submission as its confirmed one. Raises OSError."""
    contents = submission.read_bytes()
    kept = Confirmed(score, standard_error, made_from, hashlib.sha256(contents).hexdigest())
    place = submission.parent / "work" / NAME
    replace_file(place.with_suffix(".csv"), contents)
    replace_file(place.with_suffix(".json"), json.dumps(asdict(kept)))
