"""`medalist.holdout`: cuts a competition into a public part and held-out answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from medalist.agent.python.options import (
    Names,
    PathLike,
    TaskOptions,
    path_of,
    refuse_unknown,
    seed_of,
    task_options,
)
from medalist.agent.run.reading import read
from medalist.competitions.holdout import cut_holdout


@dataclass(frozen=True)
class Holdout:
    """A competition that was cut: `public`, the folder to run on; `answers`, the file to grade with."""

    public: Path
    answers: Path


def holdout(
    path: PathLike,
    out: PathLike,
    *,
    fraction: float = 0.2,
    target: Names | None = None,
    metric: str | None = None,
    seed: int = 0,
    **options: Unpack[TaskOptions],
) -> Holdout:
    """Cut a competition into a public and a private part, the way its organiser cut it.

    Parameters
    ----------
    path : str or path
        A folder, a zip, a table, or a Kaggle slug.
    out : path
        The folder in which public/ and private/ are made; it must be empty or not exist.
    fraction : float, default 0.2
        The share of the training rows to hold out.
    target, metric
        As of `medalist.run`.
    seed : int, default 0
        Of the rows that are held out.
    **options
        Further corrections: id, problem_type, folds, n_splits, positive, levels, transform, description.

    Returns
    -------
    Holdout

    Raises
    ------
    MedalistError
        Where the competition cannot be read, or the folder cannot be written.
    TypeError
        For an argument that there is not.

    Examples
    --------
    >>> cut = medalist.holdout("titanic", "cut")  # doctest: +SKIP
    >>> medalist.grade(medalist.run(cut.public, budget="5m"), cut.answers)  # doctest: +SKIP
    """
    refuse_unknown(options, TaskOptions, "holdout")
    more: dict[str, Any] = dict(options)
    files = {"description": more.get("description")}
    competition, task = read(path_of(path), task_options(target, metric, more), files, None, seed_of(seed))
    made = cut_holdout(competition, task, Path(out), fraction, seed)
    return Holdout(made / "public", made / "private" / "answers.csv")
