"""A file that may be submitted: the best submission of a run, with what was predicted of it."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medalist.agent.records.stores import folder_of
from medalist.competitions.errors import InputError, MetricError, SubmissionError
from medalist.competitions.kaggle.about import FOLDER
from medalist.competitions.kaggle.download import slug_of
from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.comparing import NoStanding
from medalist.leaderboard.boards.lookup import board_for
from medalist.leaderboard.boards.standing import Basis, Standing, standing_on_board
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import RunRow

TAG_DIGITS = 12  # of a file's hash, in the message of its submission
LONGEST_MESSAGE = 400  # characters


@dataclass(frozen=True)
class Candidate:
    """A submission file of a run.

    data: its bytes. name: of the file. score, standard_error: its estimate; None where it has none. confirmed: whether
    that is from fresh folds: only such a one is to be compared with a leaderboard, since one that won a search is too
    good. made_from: see `Submissions`. what: what it is, in words.
    """

    run: RunRow
    folder: Path
    data: bytes
    name: str
    score: float | None
    standard_error: float | None
    made_from: dict[str, Any]
    what: str
    confirmed: bool = False

    @property
    def sha256(self) -> str:
        """Of its bytes, in hex."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def tag(self) -> str:
        """What the message of its submission ends with, by which Kaggle's list shows whether Kaggle has it."""
        return tag_of(self.sha256)

    @property
    def rows(self) -> int:
        """Number of its rows, a header not counted."""
        return max(0, self.data.count(b"\n") - 1)

    def message(self, given: str | None) -> str:
        """The message to submit it with: a person's, else what it is and its estimate; with the tag at its end."""
        estimate = "" if self.score is None else f", estimated {self.score:.6g} ± {self.standard_error or 0:.2g}"
        text = f"medalist {self.run.id}: {self.what}{estimate}" if given is None else given
        return f"{' '.join(text.split())[:LONGEST_MESSAGE]} {self.tag}"


def tag_of(sha256: str) -> str:
    """The tag of the file with that hash."""
    return f"[{sha256[:TAG_DIGITS]}]"


def best_of(run: RunRow, runs_dir: str, ledger: Ledger) -> Candidate:
    """The best submission of a run: its submission.csv, as the run wrote and checked it.

    Raises SubmissionError where there is none, or it is not a file that the run wrote.
    """
    folder = folder_of(run, runs_dir)
    path = folder / "submission.csv"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SubmissionError(
            f"{path} cannot be read ({error.strerror}): go on with medalist resume {run.id}."
        ) from None
    sha256 = hashlib.sha256(data).hexdigest()
    row = next((s for s in reversed(ledger.submissions(run.id)) if s.sha256 == sha256), None)
    if row is None:
        raise SubmissionError(
            f"{path} is not as run {run.id} wrote it, so nothing vouches for its form and score: make it again with "
            f"medalist reproduce {run.id}, or submit it in a browser."
        )
    if not data.strip():
        raise SubmissionError(f"{path} is empty: go on with medalist resume {run.id}.")
    made = dict(row.made_from)
    what = "the best constant" if made.get("constant") else "one fold's model" if "folds" in made else "ensemble"
    confirmed = bool(run.summary.get("confirmed_on_fresh_folds")) and run.summary.get("score") == row.score
    return Candidate(run, folder, data, path.name, row.score, row.standard_error, made, what, confirmed)


def slug_of_run(run: RunRow, given: str | None, submitted: str | None = None) -> str:
    """Kaggle's short name of a run's competition.

    given: by a person, a slug or an address. submitted: that of an earlier submission of the run. Raises InputError
    where the run's data were a folder, so that it is not known.
    """
    if given is not None:
        slug = slug_of(given)
        if slug is None:
            raise InputError(f"{given!r} is no competition of Kaggle: give its short name, as in its address.")
        return slug
    path = Path(str(run.config.get("path") or ""))
    downloaded = path.suffix.lower() == ".zip" and (path.parent / FOLDER).is_dir()
    slug = slug_of(path.stem) if downloaded else submitted
    if slug is None:
        raise InputError(
            f"Run {run.id} worked on {path}, so what Kaggle calls it is not known: name it with --competition SLUG."
        )
    return slug


@dataclass(frozen=True)
class Metric:
    """The metric of a run, its direction, and whether nobody named it (`assumed`), so that Kaggle's may be another."""

    name: str
    greater_is_better: bool
    assumed: bool


def metric_of(run: RunRow, folder: Path | None) -> Metric | None:
    """The metric of a run; None where it is not known any more."""
    from medalist.competitions.metrics.registry import get_metric

    name = str(run.task.get("metric") or "")
    standing = run.summary.get("standing") or {}
    try:
        better = bool(get_metric(name, len(run.task.get("targets") or ()) or 1).greater_is_better)
    except MetricError:
        if "greater_is_better" not in standing:
            return None
        better = bool(standing["greater_is_better"])
    return Metric(name, better, _assumed(folder))


def _assumed(folder: Path | None) -> bool:
    """Whether the metric in a run's task.yaml was assumed from the type of problem."""
    import yaml

    if folder is None:
        return False
    try:
        document = yaml.safe_load((folder / "task.yaml").read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return False
    sources = document.get("metric_source") if isinstance(document, dict) else None
    return isinstance(sources, dict) and "assumed" in sources.values()


def board_of(run: RunRow, slug: str, metric: Metric | None) -> Board | NoStanding:
    """The human leaderboard on which a run's scores have a place."""
    if metric is None:
        return NoStanding("The run's metric is not known any more, so no standing is given.")
    names = dict.fromkeys(str(n) for n in (run.config.get("leaderboard"), slug, run.competition) if n)
    found = [board_for(n, metric.name, metric.greater_is_better, metric.assumed) for n in names]
    return next((b for b in found if isinstance(b, Board)), found[0])


def standing_of(
    score: float | None,
    error: float | None,
    board: Board | NoStanding,
    *,
    measured: bool,
    rows: int | None = None,
    test_rows: int | None = None,
) -> Standing | None:
    """The standing of an estimate on so many rows, or of a score by Kaggle (`measured`); None where there is none."""
    if score is None or not math.isfinite(score):
        return None
    basis: Basis = "given" if measured else "cross-validation"
    standing = standing_on_board(score, board, basis, error, rows=rows, test_rows=test_rows)
    return standing if isinstance(standing, Standing) else None
