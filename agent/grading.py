"""Scores submissions on a holdout's answers. Only the commands `grade` and `demo` do: no run reads answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from medalist.agent.records.stores import open_ledger
from medalist.agent.run.reading import read
from medalist.competitions.competition import Competition, read_competition
from medalist.competitions.errors import InputError, LedgerError, SubmissionError, TaskError
from medalist.competitions.layout.id_match import id_index, same_ids_in_order
from medalist.competitions.layout.long_ids import LongIds, as_text
from medalist.competitions.metrics.registry import get_metric
from medalist.competitions.naming import name_of
from medalist.competitions.tables.reading import read_headerless, read_table
from medalist.competitions.task.infer import infer_task
from medalist.competitions.task.labels import submitted_codes
from medalist.competitions.task.spelling import spelling_key
from medalist.competitions.task.target_values import target_column
from medalist.competitions.task.task import Task
from medalist.competitions.task.transform import parse_transform
from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.comparing import NoStanding
from medalist.leaderboard.boards.lookup import board_for, find_board, named_board
from medalist.leaderboard.boards.standing import Standing, standing_on_board
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import RunRow

_MISSING = {"None", "NA", "N/A", "NaN", "nan", "null", "NULL", "n/a"}  # words that pandas reads as missing

NO_BOARD = NoStanding("No leaderboard was given.")


@dataclass(frozen=True)
class Grade:
    """A submission's score on a holdout, and its standing on a leaderboard, or why it has none."""

    competition: str
    metric: str
    score: float
    standing: Standing | NoStanding


def grade(task: Task, submission: pd.DataFrame, answers: pd.DataFrame, board: Board | NoStanding = NO_BOARD) -> Grade:
    """Score a submission on the answers, and rank the score on a leaderboard with the task's metric.

    Raises SubmissionError where ids or columns of submission and answers do not fit, MetricError where the metric
    cannot be computed.
    """
    long = task.long is not None
    if task.long is not None:
        submission, answers = _wide(task.long, submission), _wide(task.long, answers, task.targets)
        task = task.wide()
    keys = list(task.submission_id or task.id)
    shared = bool(keys) and set(keys) <= set(submission) & set(answers)
    repeated = shared and submission.duplicated(keys).any()
    if repeated and same_ids_in_order(submission, answers, keys):  # as in the sample
        predicted, truth = submission.reset_index(drop=True), answers.reset_index(drop=True)
    else:
        predicted, truth = _by_id(submission, keys, "submission"), _by_id(answers, keys, "answers")
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
    metric = task.scorer()
    weights = truth[task.weights].to_numpy(float) if task.weights and task.weights in truth.columns else None
    score = float(metric.score(y, predictions, weights))
    return Grade(task.name, task.metric, score, standing_on_board(score, board, "holdout"))


def _wide(long: LongIds, frame: pd.DataFrame, targets: Sequence[str] = ()) -> pd.DataFrame:
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
    """The submission with a number in place of the values that neither it nor the answers have, of rows of which not
    every target is asked for."""
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


def _by_id(frame: pd.DataFrame, keys: list[str], what: str) -> pd.DataFrame:
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


def grade_files(
    submission: Path, answers: Path, competition: str | None, metric: str | None, leaderboard: str | None, runs_dir: str
) -> tuple[str, Task, Grade]:
    """Grade a submission file and record the grade in the ledger.

    The task is that of `competition` (a path), else of the run that the submission lies in, else inferred from
    submission and answers with a `metric`. Returns the competition's name, the task and the grade. Raises a
    MedalistError where a file cannot be read, or where submission, answers and task do not fit.
    """
    frame, truth = _table(submission, "submission"), _table(answers, "answers")
    with open_ledger(runs_dir) as ledger:
        run = _run_of(ledger, submission)
        name = leaderboard or name_of(answers)
        graded, task, test = _task(run, competition, metric, frame, truth, submission.resolve().parent, name)
        frame = _with_names(frame, submission, task)
        truth = _with_operand(truth, task, test)
        frame, truth = (_with_labels(t, path, task) for t, path in ((frame, submission), (truth, answers)))
        result = grade(task, frame, truth, _board(task, leaderboard))
        log_grade(ledger, None if run is None else run.id, graded, task, result, submission)
    return graded, task, result


def _board(task: Task, named: str | None) -> Board | NoStanding:
    """The leaderboard to rank the task's scores on, or the reason why there is none.

    Raises LedgerError where the one that a person has `named` has another metric.
    """
    better, assumed = task.scorer().greater_is_better, task.metric_source == "assumed"
    if named:
        return named_board(named, better, task.metric, assumed)
    if find_board(task.name) is None:
        reason = f"No human leaderboard named {task.name} is known: another one can be named with --leaderboard."
        return NoStanding(reason)
    return board_for(task.name, task.metric, better, assumed)


def log_grade(ledger: Ledger, run_id: str | None, name: str, task: Task, result: Grade, submission: Path) -> None:
    """Record a grade in the ledger."""
    if isinstance(result.standing, Standing):
        ledger.add_standing(run_id, name, result.standing, submission=str(submission), metric=task.metric)
    elif math.isfinite(result.score):
        better = task.scorer().greater_is_better
        ledger.add_score(run_id, name, result.score, "holdout", better, submission=str(submission), metric=task.metric)


def _table(path: Path, what: str) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(f"There is no {what} file {path}: check its path.")
    try:
        return read_table(path)
    except InputError as error:
        raise InputError(f"The {what} cannot be read as CSV: {error}") from None


def _with_names(table: pd.DataFrame, path: Path, task: Task) -> pd.DataFrame:
    """The submission with the task's names of columns, where its file has no header line as the sample had none."""
    names = list(task.submission_columns)
    if set(names) & set(map(str, table.columns)) or len(names) != table.shape[1]:
        return table
    named = read_headerless(path, names)
    return table if named is None else named


def _with_labels(table: pd.DataFrame, path: Path, task: Task) -> pd.DataFrame:
    """The table with class labels such as None and NA as text, which pandas has read as missing values."""
    columns = {*task.targets, *task.prediction_columns} & set(table.columns)
    lost = [c for c in columns if table[c].isna().any()]
    if not lost or not _MISSING & {str(label) for label in task.classes}:
        return table
    exact = read_table(path, exact=lost)
    return table.assign(**{c: exact[c].fillna("") for c in lost})


def _run_of(ledger: Ledger, submission: Path) -> RunRow | None:
    folder = submission.resolve().parent
    return next((r for r in ledger.runs() if Path(r.folder).resolve() == folder or r.id == folder.name), None)


def _task(
    run: RunRow | None,
    competition: str | None,
    metric: str | None,
    frame: pd.DataFrame,
    truth: pd.DataFrame,
    folder: Path,
    name: str,
) -> tuple[str, Task, pd.DataFrame | None]:
    """The competition's name, the task to grade by and the test table: of `competition` (a path), else of the run in
    whose `folder` the submission is, else inferred from submission and answers, with `name` as its name."""
    if competition is not None:
        data, task = read(competition, {"metric": metric}, {}, None, 0)
        return data.name, task, data.test
    if run is not None:
        if not Path(run.config["path"]).exists():
            raise LedgerError(f"The competition {run.config['path']} is gone: say where it is with --competition.")
        files = run.config.get("file_options") or {}
        data = read_competition(Path(run.config["path"]), **files, need_sample=False)
        from medalist.competitions.task.file import read_task

        task = read_task(folder / "task.yaml", data)
        return run.competition, replace(task, metric=metric, metric_source="given") if metric else task, data.test
    if metric is None:
        raise InputError(
            "This submission is of no run in the ledger: say how to score it with --competition or --metric."
        )
    return name, _task_of_files(metric, frame, truth, name), None


def _with_operand(truth: pd.DataFrame, task: Task, test: pd.DataFrame | None) -> pd.DataFrame:
    """The answers with the column that the task's transformation needs, from the test rows of the same ids."""
    column = parse_transform(task.transform).column
    keys = dict(zip(task.id, task.id if task.long else task.submission_id, strict=True))
    if column is None or column in truth or test is None or column not in test or not set(keys.values()) <= set(truth):
        return truth
    return truth.merge(test[[*keys, column]].rename(columns=keys), on=list(keys.values()), how="left")


def _task_of_files(metric: str, frame: pd.DataFrame, truth: pd.DataFrame, name: str) -> Task:
    """The task inferred from submission and answers: the id is their first common column with unique values."""
    shared = [c for c in truth.columns if c in frame.columns]
    keys = [c for c in shared if truth[c].is_unique and frame[c].is_unique][:1]
    targets = [c for c in shared if c not in keys]
    asked = [c for c in frame.columns if c not in keys]
    if keys and not targets and len(truth.columns) == 2:  # the answers call it otherwise
        targets = [c for c in truth.columns if c not in keys]
        if len(asked) > 1:
            raise InputError(
                f"The submission has {', '.join(map(str, asked[:6]))} where the answers have {targets[0]}, and what "
                f"they stand for is told by the competition alone: name it with --competition."
            )
    if not keys or not targets:
        raise InputError(
            "Submission and answers share no id and target columns: name the competition with --competition."
        )
    names = dict(zip(targets, asked, strict=True)) if not set(targets) & set(asked) else {}
    train, sample = truth, truth[keys + targets].rename(columns=names)
    if get_metric(metric, len(targets)).needs == "label":  # a submission may hold labels that the answers lack
        submitted = frame.rename(columns={new: old for old, new in names.items()})
        two = all(truth[t].nunique() == 2 and not submitted[t].isin(truth[t]).any() for t in targets)
        train = truth if two else pd.concat([truth, submitted], ignore_index=True)
        sample = submitted[keys + targets].rename(columns=names) if two else sample
    competition = Competition(name, Path(), train, truth[keys], sample, "", (), "", ())
    return infer_task(competition, id=keys, targets=targets, metric=metric, folds="random", drop=())
