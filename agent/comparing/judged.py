"""The rows on which entrants are compared, with what each predicts for them: answers, or out-of-fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from medalist.agent.comparing.out_of_fold import OutOfFold
from medalist.agent.comparing.paired import Predicted
from medalist.agent.comparing.submitted import named, refuse_other_rows
from medalist.agent.grading import scored_rows
from medalist.agent.run_data import dependent_rows
from medalist.competitions.competition import Competition
from medalist.competitions.errors import InputError, SubmissionError, TaskError
from medalist.competitions.layout.id_match import id_index
from medalist.competitions.task.task import Task
from medalist.leaderboard.boards.standing import Basis

ANSWERS = Path("private") / "answers.csv"


@dataclass(frozen=True)
class Judged:
    """What is compared on n rows: predicted, by the name of the entrant; weights, groups: (n,) of the rows, or None.
    task: by which they are scored. notes: sentences on the rows."""

    basis: Basis
    task: Task
    predicted: Mapping[str, Predicted]
    weights: np.ndarray | None
    groups: np.ndarray | None
    notes: tuple[str, ...] = ()


def answers_beside(root: Path) -> Path | None:
    """The answers that a competition's folder has beside its public part, as `medalist holdout` writes them; None
    where it has none."""
    places = [root / ANSWERS, *([root.parent / ANSWERS] if root.name.lower() == "public" else [])]
    return next((place for place in places if place.is_file()), None)


def on_answers(
    submissions: Mapping[str, pd.DataFrame], truth: pd.DataFrame, task: Task, competition: Competition | None
) -> Judged:
    """The submissions, by name, on the rows of the answers. Raises SubmissionError, which names the submission that
    does not fit them."""
    predicted, weights, ids, scored = {}, None, pd.Index([]), task
    for name, frame in submissions.items():
        refuse_other_rows(name, frame, truth, task, task.name)
        try:
            rows = scored_rows(task, frame, truth)
        except SubmissionError as error:
            raise named(name, error) from None
        predicted[name] = Predicted(rows.y, rows.predictions)
        weights, ids, scored = rows.weights, rows.ids, rows.task
    groups = None if competition is None else _groups_of_answers(task, competition, ids)
    return Judged("holdout", scored, predicted, weights, groups)


def _groups_of_answers(task: Task, competition: Competition, ids: pd.Index) -> np.ndarray | None:
    """The group or the span of time of each row of the answers, where the folds hold out whole ones; None where rows
    are independent, or are not those of test."""
    test = competition.test
    try:
        groups = dependent_rows(task.folds, test)
    except TaskError:  # the column is of train alone
        return None
    if groups is None or len(test) != len(ids) or not set(task.id) <= set(test):
        return None
    if not task.id or not ids.is_unique or isinstance(ids, pd.RangeIndex):
        return groups  # rows match by their order
    places = id_index(test[list(task.id)]).get_indexer(ids)
    return None if (places < 0).any() else groups[places]


def out_of_fold_rows(made: Mapping[str, OutOfFold], task: Task, competition: Competition) -> Judged:
    """Out-of-fold predictions, by name, on the training rows that all of them have. Raises InputError where there are
    none."""
    rows: np.ndarray | None = None
    for one in made.values():
        rows = one.rows if rows is None else np.intersect1d(rows, one.rows)
    if rows is None or not len(rows):
        raise InputError("The runs share no row that both predict out of fold: compare them on answers, by --answers.")
    y = task.encode(competition.train)[rows]
    weights, groups = task.metric_rows(competition.train), dependent_rows(task.folds, competition.train)
    notes = []
    if any(len(one.rows) != len(rows) for one in made.values()):
        notes.append(f"Of the training rows, the {len(rows):,} count that all of them predict out of fold.")
    if len({one.folds for one in made.values()}) > 1:
        notes.append(
            "The runs drew other folds, so part of their differences is of the draw: runs of one --seed share."
        )
    return Judged(
        "cross-validation",
        task,
        {name: Predicted(y, one.p[np.searchsorted(one.rows, rows)]) for name, one in made.items()},
        None if weights is None else weights[rows],
        None if groups is None else groups[rows],
        tuple(notes),
    )
