"""Scores a submission on a holdout's answers. Only `grade`, `compare` and `demo` do: no run reads answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from medalist.agent.holdout_error import holdout_error, interval_of
from medalist.competitions.errors import SubmissionError, TaskError
from medalist.competitions.layout.id_match import id_index, same_ids_in_order
from medalist.competitions.layout.long_ids import LongIds, as_text
from medalist.competitions.task.labels import submitted_codes
from medalist.competitions.task.spelling import spelling_key
from medalist.competitions.task.target_values import target_column
from medalist.competitions.task.task import Task
from medalist.competitions.task.transform import parse_transform
from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.comparing import NoStanding
from medalist.leaderboard.boards.standing import Standing, standing_on_board

NO_BOARD = NoStanding("No leaderboard was given.")


@dataclass(frozen=True)
class Grade:
    """A submission's score on a holdout, and its standing on a leaderboard, or why it has none.

    `standard_error`, `interval`: of the score, over other test rows of the same kind, the latter of 80 %; None where
    they cannot be estimated.
    """

    competition: str
    metric: str
    score: float
    standing: Standing | NoStanding
    standard_error: float | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class ScoredRows:
    """A submission and the answers as the metric takes them, in the order of the answers.

    Attributes
    ----------
    task: by which they are scored: with classes that occur in the answers only, and in columns where it was long.
    ids: (n,) of the rows; their positions where they have none, or where ids repeat.
    y, predictions: (n, T) encoded targets and (n, W) predictions.
    weights: (n,) of the rows, or what else the metric is told of them, (n, F); None where all count alike.
    """

    task: Task
    ids: pd.Index
    y: np.ndarray
    predictions: np.ndarray
    weights: np.ndarray | None


def grade(
    task: Task,
    submission: pd.DataFrame,
    answers: pd.DataFrame,
    board: Board | NoStanding = NO_BOARD,
    *,
    same_rows: bool = False,
) -> Grade:
    """Score a submission on the answers, and rank the score on a leaderboard with the task's metric.

    `same_rows`: whether the leaderboard's scores are on these answers.

    Raises SubmissionError where ids or columns of submission and answers do not fit, MetricError where the metric
    cannot be computed.
    """
    rows = scored_rows(task, submission, answers)
    metric = rows.task.scorer()
    score = float(metric.score(rows.y, rows.predictions, rows.weights))
    error = holdout_error(metric, rows.y, rows.predictions, rows.weights)
    standing = standing_on_board(score, board, "holdout", error, rows=len(rows.y), same_rows=same_rows)
    return Grade(task.name, task.metric, score, standing, error, interval_of(metric, score, error))


def scored_rows(task: Task, submission: pd.DataFrame, answers: pd.DataFrame) -> ScoredRows:
    """The rows of the answers with what a submission predicts for them; of several submissions they are the same.

    Raises SubmissionError where ids or columns of submission and answers do not fit.
    """
    long = task.long is not None
    if task.long is not None:
        submission, answers = wide_table(task.long, submission), wide_table(task.long, answers, task.targets)
        task = task.wide()
    keys = list(task.submission_id or task.id)
    shared = bool(keys) and set(keys) <= set(submission) & set(answers)
    repeated = shared and submission.duplicated(keys).any()
    if repeated and same_ids_in_order(submission, answers, keys):  # as in the sample
        predicted, truth = submission.reset_index(drop=True), answers.reset_index(drop=True)
    else:
        predicted, truth = by_id(submission, keys, "submission"), by_id(answers, keys, "answers")
    if len(predicted) != len(truth) or not predicted.index.isin(truth.index).all():
        raise SubmissionError("The ids of the submission are not those of the answers: grade it on its own holdout.")
    predicted = predicted.loc[truth.index]
    submitted = {c: t for c, t in zip(task.prediction_columns, task.targets, strict=False) if t not in truth.columns}
    if task.layout != "per_class" and submitted and set(submitted) <= set(truth.columns):
        truth = truth.rename(columns=submitted)  # answers in the form of a submission
        task = replace(task, transform="")
    missing = [t for t in task.targets if t not in truth.columns]
    if missing:
        raise SubmissionError(f"The answers have no column {missing[0]!r}: they must hold {', '.join(task.targets)}.")
    task = _with_new_classes(task, truth)
    if long and task.layout != "per_class":
        predicted = _without_unasked(task, predicted, truth)
    predictions = submitted_predictions(task, predicted)
    y = _encoded(task, truth, predictions)
    weighted = bool(task.scorer().columns) or task.weights in truth.columns
    weights = task.metric_rows(truth) if weighted else None
    return ScoredRows(task, truth.index, y, predictions, weights)


def wide_table(long: LongIds, frame: pd.DataFrame, targets: Sequence[str] = ()) -> pd.DataFrame:
    """A long table with one row for each id, as text, and a column for each key; one with a row for each id already,
    and with the `targets`, keeps its columns. Raises SubmissionError for rows that are named in neither way."""
    values = [long.value] if long.value in frame else [c for c in frame.columns if c not in long.columns][:1]
    if set(long.columns) <= set(frame.columns) and values:
        try:
            return long.wide(frame, values[0])
        except SubmissionError:
            if not targets or not {*targets, *long.ids} <= set(frame.columns) or frame.duplicated(list(long.ids)).any():
                raise
    return as_text(frame, [name for name in long.ids if name in frame])


def _without_unasked(task: Task, predicted: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """The submission with a number in place of the values that neither it nor the answers have, in rows for which
    the submission form has not every target."""
    pairs = zip(task.prediction_columns, task.targets, strict=False)
    unasked = {c: predicted[c].isna() & truth[t].isna() for c, t in pairs if c in predicted}
    return predicted.assign(**{c: predicted[c].mask(gaps, 0) for c, gaps in unasked.items() if gaps.any()})


def _encoded(task: Task, truth: pd.DataFrame, predictions: np.ndarray) -> np.ndarray:
    """The targets of the answers, (n, T), in the terms in which they are scored.

    Of a task with a transformation the answers may hold transformed values under the targets' names too: then they are
    taken as they are, since their median is nearer to that of the predictions.
    """
    column = parse_transform(task.transform).column
    if column is not None and column not in truth.columns:
        raise SubmissionError(f"The answers have no column {column!r}, which {task.transform!r} needs: add it to them.")
    if task.is_classification:
        try:
            return task.encode(truth)
        except TaskError:  # labels in the form that the sample asks for
            columns = [target_column(truth, t, gaps=task.n_targets > 1) for t in task.targets]
            return np.column_stack([submitted_codes(column, task.classes) for column in columns])
    if not task.transform:
        return task.encode(truth)
    plain = replace(task, transform="").encode(truth)
    try:
        changed = task.encode(truth)
    except TaskError:  # a value without a logarithm is a logarithm itself
        return plain
    middle = np.median(predictions, axis=0)
    away = [np.abs(np.median(y, axis=0) - middle).sum() for y in (plain, changed)]
    return plain if away[0] < away[1] else changed


def by_id(frame: pd.DataFrame, keys: list[str], what: str) -> pd.DataFrame:
    """The table under its ids as its index; SubmissionError where a column is missing or an id is there twice."""
    lacking = [k for k in keys if k not in frame.columns]
    if lacking:
        raise SubmissionError(f"The {what} has no column {lacking[0]!r}, the id.")
    indexed = frame.drop(columns=keys).set_axis(id_index(frame[keys]), axis=0) if keys else frame
    if indexed.index.has_duplicates:
        raise SubmissionError(f"The {what} holds the same id twice: each test row must stand in it once.")
    return indexed


def _with_new_classes(task: Task, truth: pd.DataFrame) -> Task:
    """The task with the classes that occur in the answers only, so that they can be encoded: rows of them count as
    wrong."""
    if task.problem_type != "multiclass" or task.scorer().needs != "label":
        return task
    classes = {spelling_key(c) for c in task.classes}
    new = sorted(v for v in truth[task.targets[0]].unique().tolist() if spelling_key(v) not in classes)
    return replace(task, classes=(*task.classes, *new))


def submitted_predictions(task: Task, frame: pd.DataFrame) -> np.ndarray:
    """A submission's predictions in the form that the metric takes: (n, T) values or class codes, (n, K)
    probabilities or ranking scores of classes, or (n, W) quantiles.

    Raises SubmissionError where a column is missing, or holds missing values or text in place of numbers.
    """
    metric = task.scorer()
    by_layout = {"per_class": task.class_columns, "per_level": task.level_columns}
    columns = list(by_layout.get(task.layout, task.prediction_columns))
    frame = frame.assign(**{"": 0.0}) if "" in columns else frame  # of classes that the sample has no column for
    lacking = [c for c in columns if c not in frame.columns]
    if lacking:
        raise SubmissionError(f"The submission has no column {lacking[0]!r}.")
    if frame[columns].isna().any().any():
        raise SubmissionError("The submission has missing values: every test row needs a prediction.")
    if metric.needs == "label" and task.layout != "per_class":
        return np.column_stack([submitted_codes(frame[c], task.classes) for c in columns])
    if metric.needs == "ranking" and task.layout != "per_class":
        return _ranking(frame[columns[0]], task)
    try:
        numbers = frame[columns].to_numpy(dtype=float)
    except (TypeError, ValueError):
        raise SubmissionError(f"The submission must hold numbers in {', '.join(columns)}.") from None
    if task.problem_type == "ordinal" and metric.needs == "value" and not isinstance(task.classes[0], str):
        return np.interp(numbers, np.asarray(task.classes, float), np.arange(task.n_classes))  # as it is scored
    if metric.needs == "label":
        return numbers.argmax(axis=1)[:, None].astype(float)
    return numbers[:, -1:] if task.problem_type == "binary" and task.layout == "per_class" else numbers


def _ranking(column: pd.Series, task: Task) -> np.ndarray:
    """(n, K) reciprocal ranks of the classes that each row lists; 0 for those that it does not."""
    place = {str(c): i for i, c in enumerate(task.classes)}
    out = np.zeros((len(column), task.n_classes))
    for row, text in enumerate(column.astype(str)):
        for rank, label in enumerate(text.replace(",", " ").split()):
            if label in place:
                out[row, place[label]] = 1.0 / (rank + 1)
    return out
