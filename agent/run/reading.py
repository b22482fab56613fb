"""From a path to a competition and its task: downloaded where needed, read, inferred or taken from a task.yaml."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from medalist.agent.run.transfer import Transfer
from medalist.competitions.audit.target import exact_copies
from medalist.competitions.columns.cards import ColumnCard, Kind, describe_columns
from medalist.competitions.competition import Competition, read_competition
from medalist.competitions.errors import InputError, TaskError
from medalist.competitions.naming import did_you_mean_path
from medalist.competitions.task.file import read_task
from medalist.competitions.task.infer import infer_task
from medalist.competitions.task.task import Task

Options = Mapping[str, Any]
TASK_FILE = "task.yaml"


def read(
    path: str, options: Options, files: Options, task_file: str | None, seed: int, seconds: float | None = None
) -> tuple[Competition, Task]:
    """Read a competition, and infer its task or read it from `task_file`.

    options, files: arguments of `infer_task` and of `read_competition` with which a person corrects what is inferred;
    with a `task_file` the metric alone counts, in place of the file's. Without one a task.yaml in the competition's
    folder or its public/ part is obeyed.
    seed: of the folds. seconds: time limit of a download. Raises a MedalistError where that is not possible.
    """
    given = bool(options.get("id")) and bool(options.get("targets"))
    place = locate_or_download(path, seconds)
    beside = None if task_file is not None else task_file_beside(place)
    if beside is not None:
        _refuse_both(options, beside)
        task_file = str(beside)
    competition = read_competition(
        place,
        **files,
        need_sample=not given and task_file is None,
        targets=options.get("targets"),
    )
    if task_file is not None:
        task = read_task(Path(task_file), competition, options.get("metric"))
        if beside is not None:
            task = replace(task, notes=(f"The task is that of {beside}, which lies beside the data.", *task.notes))
        return competition, task
    return competition, _without_copies(competition, infer_task(competition, **options, seed=seed))


def task_file_beside(place: Path) -> Path | None:
    """The task.yaml in a competition's folder or its public/ part, which is obeyed where no other is named; None where
    there is none."""
    folders = (place, place / "public") if place.is_dir() else ()
    return next((folder / TASK_FILE for folder in folders if (folder / TASK_FILE).is_file()), None)


def _refuse_both(options: Options, beside: Path) -> None:
    """TaskError where an option contradicts a task file that lies beside the data; the metric may be given."""
    flags = {"targets": "target", "problem_type": "problem-type", "n_splits": "n-splits"}
    given = [flags.get(name, name) for name, value in options.items() if value is not None and name != "metric"]
    if given:
        raise TaskError(
            f"{beside} says what the task is: write what --{given[0]} is to say into it, or move it away, so that the "
            "task is inferred again."
        )


def _without_copies(competition: Competition, task: Task) -> Task:
    """The task with the columns that are copies of the target in `drop`; a person may take them out in task.yaml."""
    copies = exact_copies(competition.train, competition.test, task)
    if not copies:
        return task
    names = ", ".join(copies)
    note = f"{names} repeats the target and is set aside as a leak; to use it, take it out of drop in task.yaml."
    return replace(task, drop=(*task.drop, *copies), notes=(*task.notes, note))


def locate_or_download(path: str, seconds: float | None = None) -> Path:
    """The path of the competition's folder or zip. A path that does not exist and has the form of a Kaggle slug is
    downloaded, unless it is in the cache already.

    A download is announced on standard error, and its progress shown there. `seconds`: its time limit; None for no
    limit. Raises InputError where the competition is neither here nor on Kaggle, or does not arrive in time.
    """
    if not path.strip():
        raise InputError("The path of the competition is empty: give a folder, a zip or a Kaggle slug.")
    address = "kaggle.com/" in path.lower()
    if os.path.exists(path) or (not address and (Path(path).suffix or len(Path(path).parts) > 1)):
        return Path(path)
    from medalist.competitions.kaggle.download import download, slug_of

    if slug_of(path) is None:
        return Path(path)
    from platformdirs import user_cache_dir

    cache = Path(os.environ.get("MEDALIST_CACHE") or user_cache_dir("medalist"))
    with Transfer(slug_of(path) or path) as transfer:
        try:
            found = download(
                path, cache / "competitions", seconds=seconds, announce=transfer.announce, progress=transfer.progress
            )
        except InputError as error:
            if address:
                raise
            near = did_you_mean_path(path)
            raise InputError(
                f"There is no folder or zip {path} here{near}, and Kaggle did not give it: {error}"
            ) from None
    return found


def cards_of(competition: Competition, task: Task) -> tuple[ColumnCard, ...]:
    """Descriptions of the columns that may be used as inputs."""
    skip = set(competition.train.columns) - set(task.features(competition.train, competition.test))
    cards = describe_columns(competition.train, competition.test, skip, overrides=dict(task.columns))
    codes = {
        name for name, kind in task.columns if kind == Kind.CATEGORY
    }  # numbers that a person declares as categories
    return tuple(replace(card, numeric=False) if card.name in codes else card for card in cards)
