"""The document of `medalist inspect --json`: files, task, columns and audit of a competition as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from medalist.competitions.audit.finding import Finding
from medalist.competitions.columns.cards import ColumnCard
from medalist.competitions.competition import Competition
from medalist.competitions.task.task import Task


def inspection_document(
    competition: Competition, task: Task, cards: Sequence[ColumnCard], findings: Sequence[Finding]
) -> dict[str, Any]:
    """Files, task, columns and findings as a dictionary that `json.dumps` takes."""
    named = task.classes if task.class_columns else task.targets
    keys = () if task.long is None or task.levels else task.class_columns or task.long.keys
    return {
        "competition": {
            "name": competition.name,
            "fingerprint": competition.fingerprint,
            "train": [len(competition.train), competition.train.shape[1]],
            "test": [len(competition.test), competition.test.shape[1]],
            "files": [
                {"path": f.path, "role": f.role, "rows": f.rows, "columns": list(f.columns), "reason": f.reason}
                for f in competition.files
            ],
            "notes": list(competition.notes),
        },
        "task": {
            "id": list(task.id),
            "targets": list(task.targets),
            "metric": task.metric,
            "metric_source": task.metric_source,
            "metric_quote": task.metric_quote,
            "problem_type": task.problem_type,
            "classes": list(task.classes),
            **({"transform": task.transform} if task.transform else {}),
            "layout": task.layout,
            **({"row_keys": {key: str(name) for key, name in zip(keys, named, strict=True)}} if keys else {}),
            "submission_columns": list(task.submission_columns),
            "class_columns": list(task.class_columns),
            "train_only": list(task.train_only),
            "drop": list(task.drop),
            "weights": task.weights,
            "folds": asdict(task.folds),
            "notes": list(task.notes),
            **({"levels": list(task.levels), "level_columns": list(task.level_columns)} if task.levels else {}),
        },
        "columns": [_plain(card) for card in cards],
        "audit": [asdict(finding) | {"columns": list(finding.columns)} for finding in findings],
    }


def _plain(card: ColumnCard) -> dict[str, Any]:
    """The fields of a card, its tuples as lists."""
    return asdict(card) | {"kind": str(card.kind), "examples": list(card.examples), "levels": list(card.levels)}
