"""The task as the ledger stores it with a run, and the check that a resumed run still has the same task."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict

from medalist.competitions.errors import TaskError
from medalist.competitions.metrics.custom import split_custom
from medalist.competitions.task.task import Task
from medalist.leaderboard.ledger.rows import RunRow


def task_document(task: Task, evaluated: int, repeats: int, tables: Mapping[str, str]) -> dict[str, object]:
    """A task as a dictionary of plain values for the ledger.

    evaluated: number of folds that experiments are evaluated on. repeats: number of repetitions of the
    cross-validation.
    tables: hashes of the further tables, by name.
    """
    custom = split_custom(task.metric)
    plan = task.folds
    folds = {name: value for name, value in asdict(plan).items() if name != "reason"}
    return {
        "id": list(task.id),
        "targets": list(task.targets),
        "problem_type": task.problem_type,
        "metric": task.metric,
        "folds": folds | {"evaluated": evaluated, "repeats": repeats},
        "transform": task.transform,
        "row_keys": list(task.long.keys) if task.long else [],
        "classes": [str(c) for c in task.classes],
        "weights": task.weights,
        "drop": list(task.drop),
        "columns": dict(task.columns),
        "tables": dict(tables),
        **({"levels": list(task.levels)} if task.levels else {}),
        "code": hashlib.sha256(custom[0].read_bytes()).hexdigest()[:16] if custom else "",
    }


def refuse_changes(row: RunRow, document: Mapping[str, object], task_file: str) -> None:
    """Raise TaskError where the task of a resumed run (`document`, see `task_document`) is not the recorded one."""
    recorded, hashes = row.task.get("tables", {}), document["tables"]
    assert isinstance(hashes, dict)
    changed = [name for name, value in recorded.items() if hashes.get(name) != value]  # new tables are allowed
    if changed:
        raise TaskError(f"The table {changed[0]} has changed since run {row.id}: start a new run instead.")
    changed = [name for name, value in document.items() if name != "tables" and row.task.get(name, value) != value]
    if "code" in changed:
        raise TaskError(f"The file of {document['metric']} was changed since run {row.id}: start a new run instead.")
    if changed:
        raise TaskError(
            f"{task_file} was changed since run {row.id} began: start a new run that obeys it with --task {task_file}."
        )
