"""Grades a submission file on a file of answers, by the task of its competition or run, and records the grade."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pandas as pd

from medalist.agent.graded_tables import answers_for, submission_for, table_of
from medalist.agent.grading import Grade, grade
from medalist.agent.records.stores import open_ledger
from medalist.agent.run.reading import read
from medalist.competitions.competition import Competition, read_competition
from medalist.competitions.errors import InputError, LedgerError
from medalist.competitions.metrics.registry import get_metric
from medalist.competitions.naming import name_of
from medalist.competitions.task.infer import infer_task
from medalist.competitions.task.task import Task
from medalist.leaderboard.boards.board import Board
from medalist.leaderboard.boards.comparing import NoStanding
from medalist.leaderboard.boards.lookup import board_for, find_board, named_board
from medalist.leaderboard.boards.standing import Standing
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import RunRow


def grade_files(
    submission: Path, answers: Path, competition: str | None, metric: str | None, leaderboard: str | None, runs_dir: str
) -> tuple[str, Task, Grade]:
    """Grade a submission file and record the grade in the ledger.

    The task is that of `competition` (a path), else of the run that the submission lies in, else inferred from
    submission and answers with a `metric`. Returns the competition's name, the task and the grade. Raises a
    MedalistError where a file cannot be read, or where submission, answers and task do not fit.
    """
    frame, truth = table_of(submission, "submission"), table_of(answers, "answers")
    with open_ledger(runs_dir) as ledger:
        run = _run_of(ledger, submission)
        name = leaderboard or name_of(answers)
        graded, task, test = _task(run, competition, metric, frame, truth, submission.resolve().parent, name)
        frame, truth = submission_for(frame, submission, task), answers_for(truth, answers, task, test)
        result = grade(task, frame, truth, board_of_task(task, leaderboard))
        log_grade(ledger, None if run is None else run.id, graded, task, result, submission)
    return graded, task, result


def board_of_task(task: Task, named: str | None) -> Board | NoStanding:
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
        error = result.standard_error
        ledger.add_score(run_id, name, result.score, "holdout", better, error, str(submission), task.metric)


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
    return name, task_of_files(metric, frame, truth, name), None


def task_of_files(metric: str, frame: pd.DataFrame, truth: pd.DataFrame, name: str) -> Task:
    """The task inferred from submission and answers: the id is their first common column with unique values."""
    shared = [c for c in truth.columns if c in frame.columns]
    keys = [c for c in shared if truth[c].is_unique and frame[c].is_unique][:1]
    targets = [c for c in shared if c not in keys]
    submitted_columns = [c for c in frame.columns if c not in keys]
    if keys and not targets and len(truth.columns) == 2:  # the answers call it otherwise
        targets = [c for c in truth.columns if c not in keys]
        if len(submitted_columns) > 1:
            raise InputError(
                f"The submission has {', '.join(map(str, submitted_columns[:6]))} where the answers have {targets[0]}: "
                f"what they stand for only the competition shows; name it with --competition."
            )
    if not keys or not targets:
        raise InputError(
            "Submission and answers share no id and target columns: name the competition with --competition."
        )
    renamed = not set(targets) & set(submitted_columns)
    names = dict(zip(targets, submitted_columns, strict=True)) if renamed else {}
    train, sample = truth, truth[keys + targets].rename(columns=names)
    if get_metric(metric, len(targets)).needs == "label":  # a submission may hold labels that the answers lack
        submitted = frame.rename(columns={new: old for old, new in names.items()})
        two = all(truth[t].nunique() == 2 and not submitted[t].isin(truth[t]).any() for t in targets)
        train = truth if two else pd.concat([truth, submitted], ignore_index=True)
        sample = submitted[keys + targets].rename(columns=names) if two else sample
    competition = Competition(name, Path(), train, truth[keys], sample, "", (), "", ())
    return infer_task(competition, id=keys, targets=targets, metric=metric, folds="random", drop=())
