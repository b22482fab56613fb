"""A task as the ledger keeps it with a run, and whether a run that goes on still has it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict

from medalist.competitions.errors import TaskError
from medalist.competitions.metrics.custom import split_custom
from medalist.competitions.task.task import Task
from medalist.leaderboard.ledger.rows import RunRow


def task_document(task: Task, evaluated: int, repeats: int, tables: Mapping[str, str]) -> dict[str, object]:
    """A task as the ledger keeps it, plain values only; `evaluated`: the folds that experiments are evaluated on, drawn
    `repeats` times; `tables`: the fingerprints of further tables by name."""
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
        "tables": dict(tables),
        "code": hashlib.sha256(custom[0].read_bytes()).hexdigest()[:16] if custom else "",
    }


def refuse_changes(row: RunRow, document: Mapping[str, object], task_file: str) -> None:
    """TaskError where a run that goes on would not go on with what it began with."""
    known, now = row.task.get("tables", {}), document["tables"]
    assert isinstance(now, dict)
    changed = [name for name, told in known.items() if now.get(name) != told]  # others may have come beside them
    if changed:
        raise TaskError(f"The table {changed[0]} has changed since run {row.id}: start a new run instead.")
    changed = [name for name, value in document.items() if name != "tables" and row.task.get(name, value) != value]
    if "code" in changed:
        raise TaskError(f"The file of {document['metric']} was changed since run {row.id}: start a new run instead.")
    if changed:
        raise TaskError(
            f"{task_file} was changed since run {row.id} began: start a new run that obeys it with --task {task_file}."
        )
