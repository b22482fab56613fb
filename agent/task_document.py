"""A task as the ledger keeps it with a run, and whether a run that goes on still has it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict

from competitions.competition import Competition
from competitions.errors import TaskError
from competitions.metric_custom import split_custom
from competitions.task import Task
from leaderboard.schema import RunRow


def task_document(task: Task, evaluated: int, repeats: int, tables: str) -> dict[str, object]:
    """A task as the ledger keeps it, plain values only; `evaluated`: the folds that experiments are evaluated on, drawn
    `repeats` times; `tables`: the fingerprint of all that features are computed from."""
    custom = split_custom(task.metric)
    plan = task.folds
    folds = {name: value for name, value in asdict(plan).items() if name != "reason"}
    return {
        "id": list(task.id),
        "targets": list(task.targets),
        "problem_type": task.problem_type,
        "metric": task.metric,
        "folds": folds | {"evaluated": evaluated, "repeats": repeats},
        "classes": [str(c) for c in task.classes],
        "weights": task.weights,
        "drop": list(task.drop),
        "columns": dict(task.columns),
        "tables": tables,
        "code": hashlib.sha256(custom[0].read_bytes()).hexdigest()[:16] if custom else "",
    }


def refuse_changes(row: RunRow, document: Mapping[str, object], competition: Competition, task_file: str) -> None:
    """TaskError where a run that goes on would not go on with what it began with."""
    changed = [name for name, value in document.items() if row.task.get(name, value) != value]
    if "tables" in changed:
        raise TaskError(
            f"Further tables of {competition.root}, or how they are read, have changed since run {row.id}: start a new "
            f"run instead."
        )
    if "code" in changed:
        raise TaskError(f"The file of {document['metric']} was changed since run {row.id}: start a new run instead.")
    if changed:
        raise TaskError(
            f"{task_file} was changed since run {row.id} began: start a new run that obeys it with --task {task_file}."
        )
