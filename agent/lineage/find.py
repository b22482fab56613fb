"""Finds a submission, with the lineage of its run, by a run or by the bytes of a file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medalist.agent.records.lineage_file import NAME, file_hash, read_lineage
from medalist.agent.records.removed import removed_from
from medalist.agent.records.stores import folder_of, open_ledger
from medalist.competitions.errors import LedgerError
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import ExperimentRow, RunRow, SubmissionRow

Document = Mapping[str, Any]
_NUMBERED = re.compile(r"(?P<run>.+):(?P<number>\d+)")


@dataclass(frozen=True)
class Found:
    """A submission that was looked for.

    run: the id of its run. folder: the run's folder, None where it is gone. row: of the run in the ledger; None where
    the ledger has none, as for a folder that was copied. experiments: in the ledger. submission: its row there; None
    where there is none. document: the run's lineage, None where it has none. made: of the submission, what the lineage
    says it is made of; None where it says nothing. sha256: of the submission. removed: sentences on what
    `medalist clean` has taken from the run.
    """

    run: str
    folder: Path | None
    row: RunRow | None
    experiments: Sequence[ExperimentRow]
    submission: SubmissionRow | None
    document: Document | None
    made: Document | None
    sha256: str
    removed: Sequence[str] = ()

    @property
    def competition(self) -> str:
        """The competition's name."""
        return self.row.competition if self.row else str((self.document or {}).get("competition", ""))


def find(target: str, runs_dir: str) -> Found:
    """The submission at a path, of a run's folder or of a run: its present one, or with RUN:N that of number N.

    Raises LedgerError where there is no such run or submission.
    """
    place = Path(target).expanduser()
    with open_ledger(runs_dir) as ledger:
        if place.is_file():
            return _by_file(place, ledger, runs_dir)
        if place.is_dir() and (place / NAME).is_file():
            return _by_folder(place, ledger)
        match = _NUMBERED.fullmatch(target)
        row = ledger.run(match["run"] if match else target)
        submissions = ledger.submissions(row.id)
        if match is None:
            return _of_run(row, ledger, runs_dir, submissions[-1] if submissions else None)
        number = int(match["number"])
        chosen = next((s for s in submissions if s.number == number), None)
        if chosen is None:
            raise LedgerError(f"Run {row.id} has {len(submissions)} submissions, and none of number {number}.")
        return _of_run(row, ledger, runs_dir, chosen)


def _of_run(row: RunRow, ledger: Ledger, runs_dir: str, submission: SubmissionRow | None) -> Found:
    try:
        folder: Path | None = folder_of(row, runs_dir)
    except LedgerError:
        folder = None
    document = None if folder is None else read_lineage(folder)
    sha256 = "" if submission is None else submission.sha256
    made = None if document is None else _made(document, sha256, submission)
    removed = removed_from(Path(runs_dir), row.id)
    return Found(row.id, folder, row, ledger.experiments(row.id), submission, document, made, sha256, removed)


def _by_file(place: Path, ledger: Ledger, runs_dir: str) -> Found:
    """The submission with the bytes of a file: one of the run that has its folder there, else of any run."""
    sha256 = file_hash(place)
    beside = read_lineage(place.parent)
    if beside is not None and _made(beside, sha256) is not None:
        return _by_folder(place.parent, ledger, sha256)
    for row in ledger.runs():
        for submission in reversed(ledger.submissions(row.id)):
            if submission.sha256 == sha256:
                return _of_run(row, ledger, runs_dir, submission)
    for path in sorted(Path(runs_dir).glob(f"*/*/{NAME}"), reverse=True):  # a run whose ledger is another one
        document = read_lineage(path.parent)
        if document is not None and _made(document, sha256) is not None:
            return _by_folder(path.parent, ledger, sha256)
    raise LedgerError(
        f"No run has written {place} (its SHA-256 begins with {sha256[:12]}): say with --runs-dir where its run is, or "
        "give the run; a file that was changed since has no lineage."
    )


def _by_folder(folder: Path, ledger: Ledger, sha256: str = "") -> Found:
    """The submission of a run's folder: that with these bytes, else the present one."""
    document = read_lineage(folder)
    if document is None:
        raise LedgerError(
            f"{folder / NAME} cannot be read: give the run by its id, and the ledger tells what it knows."
        )
    present = folder / "submission.csv"
    sha256 = sha256 or (file_hash(present) if present.is_file() else "")
    made = _made(document, sha256)
    if made is None and document["submissions"]:
        made = document["submissions"][-1]
    row = next((r for r in ledger.runs() if r.id == document["run"]), None)
    experiments = ledger.experiments(row.id) if row else []
    submissions = ledger.submissions(row.id) if row else []
    submission = next((s for s in reversed(submissions) if s.sha256 == sha256), None)
    sha256 = sha256 if made is None else str(made["sha256"])
    return Found(str(document["run"]), folder, row, experiments, submission, document, made, sha256)


def _made(document: Document, sha256: str, submission: SubmissionRow | None = None) -> Document | None:
    """What the submission with this hash is made of: of several with equal bytes the one with the score of the ledger's
    row, else the last. None where the document has none."""
    equal = [made for made in document["submissions"] if made["sha256"] == sha256]
    if submission is not None:
        scored = [made for made in equal if made.get("score") == submission.score]
        equal = scored or equal
    return equal[-1] if equal else None
