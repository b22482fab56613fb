"""`medalist.inspect`: what would be predicted, how it is scored, what the columns mean and what looks wrong."""

from __future__ import annotations

import tempfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from medalist.agent.inspecting import Inspected, inspect_competition
from medalist.agent.python.competition import given_competition
from medalist.agent.python.html import facts_html, html_table
from medalist.agent.python.options import (
    Names,
    PathLike,
    TaskOptions,
    optional_path,
    refuse_unknown,
    seed_of,
)
from medalist.competitions.inspection import inspection_document
from medalist.competitions.task.file import write_task
from medalist.competitions.task.task import Task

if TYPE_CHECKING:
    import pandas as pd


class Inspection:
    """What `medalist.inspect` has found."""

    def __init__(self, found: Inspected):
        self._found = found

    @property
    def task(self) -> Task:
        """The task: id, targets, problem_type, metric, classes, folds and notes, among others."""
        return self._found.task

    @cached_property
    def document(self) -> dict[str, Any]:
        """The document of `medalist inspect --json`."""
        found = self._found
        return inspection_document(found.competition, found.task, found.cards, found.findings)

    @property
    def files(self) -> pd.DataFrame:
        """A row for each file: path, role, rows, columns, and the reason for its role."""
        import pandas as pd

        return pd.DataFrame(
            self.document["competition"]["files"], columns=["path", "role", "rows", "columns", "reason"]
        )

    @property
    def columns(self) -> pd.DataFrame:
        """A row for each column that may be an input, under its name: kind, missing, distinct, unseen, drift …"""
        import pandas as pd

        return pd.DataFrame(self.document["columns"]).set_index("name") if self.document["columns"] else pd.DataFrame()

    @property
    def findings(self) -> pd.DataFrame:
        """A row for each finding of the audit: kind, severity, columns, message, value."""
        import pandas as pd

        return pd.DataFrame(self.document["audit"], columns=["kind", "severity", "columns", "message", "value"])

    @property
    def notes(self) -> list[str]:
        """What was decided in reading, in sentences."""
        return [*self._found.competition.notes, *self._found.task.notes]

    def write_task(self, path: PathLike) -> Path:
        """Write the task to a file, to be corrected and given to `medalist.run` as `task=`; returns its path."""
        write_task(self._found.task, Path(path))
        return Path(path)

    def _repr_html_(self) -> str:
        task, data = self.task, self._found.competition
        facts = [
            ("competition", data.name),
            ("rows", f"{len(data.train):,} train, {len(data.test):,} test"),
            ("targets", ", ".join(task.targets)),
            ("problem", task.problem_type),
            ("metric", f"{task.metric} ({task.metric_source})"),
            ("folds", f"{task.folds.n_splits} {task.folds.scheme}: {task.folds.reason}"),
        ]
        findings = [(f.severity, f.message) for f in self._found.findings]
        return facts_html(facts) + (html_table(("finding", "what"), findings) if findings else "")

    def __repr__(self) -> str:
        task = self.task
        targets = ", ".join(task.targets)
        return f"<Inspection of {task.name}: {task.problem_type} of {targets}, scored by {task.metric}>"


def inspect(
    path: PathLike | None = None,
    *,
    train: PathLike | pd.DataFrame | None = None,
    test: PathLike | pd.DataFrame | None = None,
    sample: PathLike | pd.DataFrame | None = None,
    target: Names | None = None,
    metric: str | None = None,
    name: str | None = None,
    task: PathLike | None = None,
    seed: int = 0,
    **options: Unpack[TaskOptions],
) -> Inspection:
    """Say what a run would work on, within seconds and without a model.

    Parameters
    ----------
    path : str or path, optional
        A folder, a zip, a table, or a Kaggle slug. Left out where DataFrames are given.
    train, test, sample, target, metric, name
        As of `medalist.run`.
    task : path, optional
        A task.yaml to obey.
    seed : int, default 0
        Of the folds.
    **options
        Further corrections: id, problem_type, folds, n_splits, positive, levels, transform, description.

    Returns
    -------
    Inspection

    Raises
    ------
    MedalistError
        Where the files cannot be read or the task is ambiguous; the message says what settles it.
    TypeError
        For an argument that there is not.

    Examples
    --------
    >>> medalist.inspect("titanic").columns  # doctest: +SKIP
    """
    refuse_unknown(options, TaskOptions, "inspect")
    more: dict[str, Any] = dict(options) | ({} if task is None else {"task": task})
    with tempfile.TemporaryDirectory() as home:  # of DataFrames, which are read back within the block
        given = given_competition(path, train, test, sample, target, metric, more, home=Path(home), name=name)
        found = inspect_competition(given.path, given.options, given.files, optional_path(task), seed_of(seed))
    return Inspection(found)
