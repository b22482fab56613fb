"""What is found of a competition before any run: its task, its columns, and what its audit says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from medalist.agent.run.reading import cards_of, read
from medalist.competitions.additional_rows import additional_rows
from medalist.competitions.audit.audit import audit
from medalist.competitions.audit.finding import Finding
from medalist.competitions.columns.cards import ColumnCard
from medalist.competitions.competition import Competition
from medalist.competitions.task.task import Task


@dataclass(frozen=True, eq=False)
class Inspected:
    """A competition with its task, the descriptions of its columns, and the findings of its audit."""

    competition: Competition
    task: Task
    cards: tuple[ColumnCard, ...]
    findings: tuple[Finding, ...]


def inspect_competition(
    path: str, options: Mapping[str, Any], files: Mapping[str, Any], task_file: str | None, seed: int
) -> Inspected:
    """Read a competition, infer its task and audit it; the arguments are those of `run.reading.read`.

    Raises a MedalistError where that is not possible.
    """
    competition, task = read(path, options, files, task_file, seed)
    cards = cards_of(competition, task)
    more = additional_rows(competition, task, task.features(competition.train, competition.test))
    findings = (*(() if more is None else more.findings), *audit(competition, task, cards, seed=seed))
    return Inspected(competition, task, cards, findings)
