"""What is compared, from what was typed: a run, a submission file, or a baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from medalist.agent.comparing.baselines import BASELINES, PREFIX, baseline_named
from medalist.agent.lineage.find import Found, find
from medalist.agent.records.lineage_file import file_hash
from medalist.competitions.errors import InputError, LedgerError
from medalist.competitions.naming import did_you_mean_path

Kind = Literal["run", "file", "baseline"]
TASK_FIELDS = ("targets", "problem_type", "transform", "classes")  # of a run's task, which decide what is predicted


@dataclass(frozen=True)
class Entrant:
    """One of those that are compared. name: what it is shown as. found: the run that it is of, None for others. path:
    of its submission; None for a baseline, which is fitted first."""

    name: str
    kind: Kind
    path: Path | None = None
    found: Found | None = None


def entrants_of(given: Sequence[str], runs_dir: str | Callable[[str], str]) -> list[Entrant]:
    """The entrants that the arguments name; of a single one, itself and all baselines. runs_dir: the folder of runs, or
    a function that returns it for an argument that is no baseline.

    Raises InputError or LedgerError, which says what to do, for what is no run, no file and no baseline.
    """
    if len(given) == 1 and not given[0].startswith(PREFIX):
        given = [*given, *(PREFIX + name for name in BASELINES)]
    if len(given) < 2:
        raise InputError("Name what is to be compared: runs, submission files or baselines, two or more.")
    entrants = [_entrant(text, runs_dir) for text in given]
    names = [e.name for e in entrants]
    entrants = [
        replace(e, name=text) if e.kind == "file" and names.count(e.name) > 1 else e
        for e, text in zip(entrants, given, strict=True)
    ]
    names = [e.name for e in entrants]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{twice} is named twice: name each once.")
    return entrants


def _entrant(text: str, runs_dir: str | Callable[[str], str]) -> Entrant:
    if text.startswith(PREFIX):
        baseline_named(text)
        return Entrant(text, "baseline")
    place = Path(text).expanduser()
    if place.is_file():
        try:
            found = find(text, runs_dir if isinstance(runs_dir, str) else runs_dir(text))
        except LedgerError:  # of no run
            return Entrant(place.name, "file", place)
        return Entrant(found.run, "run", place, found)
    if not place.exists() and place.suffix.lower() in (".csv", ".gz", ".zip", ".parquet"):
        raise InputError(f"There is no submission file {text}{did_you_mean_path(place)}: check its path.")
    found = find(text, runs_dir if isinstance(runs_dir, str) else runs_dir(text))
    if found.folder is None:
        raise LedgerError(f"The folder of run {found.run} is gone: say with --runs-dir where the runs are now.")
    path = found.folder / "submission.csv"
    if not path.is_file():
        raise LedgerError(f"Run {found.run} has no submission.csv: resume it, or leave it out.")
    if found.submission is not None and file_hash(path) != found.sha256:
        raise LedgerError(
            f"{path} is not submission {found.submission.number} of run {found.run}: a later one has replaced it, or "
            f"it was changed; give {found.run} for the present one, or a copy of the file."
        )
    return Entrant(found.run, "run", path, found)


def runs_of(entrants: Sequence[Entrant]) -> list[Found]:
    """The runs among the entrants. Raises InputError where they are of different competitions or tasks."""
    runs = [e.found for e in entrants if e.found is not None]
    for run in runs[1:]:
        refuse_other_data(run, runs[0].competition, fingerprint_of(runs[0]))
        refuse_other_task(runs[0], run)
    return runs


def fingerprint_of(run: Found) -> str:
    """The hash of the data that a run was made from; "" where it is not known."""
    data = (run.document or {}).get("data", {})
    return run.row.fingerprint if run.row is not None else str(data.get("fingerprint", ""))


def refuse_other_data(run: Found, competition: str, fingerprint: str) -> None:
    """Raise InputError where a run is not of this competition, or of other files of it."""
    own = fingerprint_of(run)
    if not own or not fingerprint or own == fingerprint:
        return
    if run.competition != competition:
        raise InputError(
            f"Run {run.run} is of {run.competition}, the others are of {competition}: compare what is of one "
            f"competition."
        )
    raise InputError(
        f"Run {run.run} was made from other files of {competition} than are compared here: give the data that it was "
        f"made from with --data, or start a new run."
    )


def refuse_other_task(one: Found, other: Found) -> None:
    """Raise InputError where two runs predict different things, or were scored by different metrics."""
    tasks = [{} if run.row is None else run.row.task for run in (one, other)]
    for name in TASK_FIELDS:
        values = [task.get(name) for task in tasks]
        if None not in values and values[0] != values[1]:
            raise InputError(
                f"Runs {one.run} and {other.run} have different tasks ({name.replace('_', ' ')} {values[0]} and "
                f"{values[1]}): compare runs of one task."
            )


def metrics_of(runs: Sequence[Found]) -> list[str]:
    """The metrics that the runs were scored by, each once."""
    found = [str(run.row.task.get("metric", "")) for run in runs if run.row is not None]
    return list(dict.fromkeys(filter(None, found)))
