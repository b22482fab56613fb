"""`medalist inspect`: what is inferred about a competition, and the findings of the audit, as tables or JSON."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from medalist.agent.cli.layout import columns
from medalist.agent.cli.options import (
    NONE_GIVEN,
    AsJson,
    CompetitionOptions,
    OptionalText,
    PathArgument,
    Seed,
    TaskFile,
    with_competition_options,
)
from medalist.agent.cli.printing import print_json, print_next

if TYPE_CHECKING:
    from rich.console import Console

    from medalist.competitions.audit.finding import Finding
    from medalist.competitions.columns.cards import ColumnCard
    from medalist.competitions.competition import Competition
    from medalist.competitions.task.task import Task

_CORRECTABLE = re.compile(r"--[a-z]|\btask\.yaml\b")  # a note that names what decides otherwise


@with_competition_options
def inspect(
    path: PathArgument,
    given: CompetitionOptions = NONE_GIVEN,
    task: TaskFile = None,
    seed: Seed = 0,
    write: Annotated[
        OptionalText,
        typer.Option(metavar="FILE", help="Write the task to this file, to be corrected.", show_default=False),
    ] = None,
    json: AsJson = False,
) -> None:
    """Say what would be predicted, how it is scored, what the columns mean and what looks wrong."""
    options = given.task(task)
    from medalist.agent.inspecting import inspect_competition
    from medalist.competitions.inspection import inspection_document
    from medalist.competitions.task.file import write_task

    found = inspect_competition(path, options, given.files(), task, seed)
    competition, inferred, cards, findings = found.competition, found.task, found.cards, found.findings
    if write is not None:
        write_task(inferred, Path(write))
    if json:
        document = inspection_document(competition, inferred, cards, findings)
        print_json(document)
        return
    _print_tables(competition, inferred, cards, findings)
    print_next(
        (f"medalist run {quote(path)} --budget 10m", "work on it as it is understood here"),
        (f"medalist inspect {quote(path)} --write task.yaml", "correct it in a file, for --task"),
    )


def _print_tables(
    competition: Competition, task: Task, cards: Sequence[ColumnCard], findings: Sequence[Finding]
) -> None:
    from medalist.agent.run.console import DataConsole

    console = DataConsole(width=columns())
    with console.capture() as shown:
        _draw(console, competition, task, cards, findings)
    sys.stdout.write("\n".join(line.rstrip() for line in shown.get().splitlines()) + "\n")  # rich pads to the width


def _draw(
    console: Console, competition: Competition, task: Task, cards: Sequence[ColumnCard], findings: Sequence[Finding]
) -> None:
    """Print what is known about a competition on a console."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=competition.name, title_justify="left", show_header=False, box=None)
    table.add_column(style="dim")
    table.add_column()
    table.add_row("rows", f"{len(competition.train):,} train, {len(competition.test):,} test")
    table.add_row("id", ", ".join(task.id) or "—")
    table.add_row("targets", ", ".join(task.targets))
    if task.transform:
        table.add_row("submitted", f"their {task.transform}")
    table.add_row("problem", task.problem_type + (f", {task.n_classes} classes" if task.n_classes > 2 else ""))
    quote = f" — “{task.metric_quote.strip()}”" if task.metric_quote else ""
    table.add_row("metric", f"{task.metric} ({task.metric_source}){quote}")
    if task.levels:
        pairs = ", ".join(f"{name} = {level:g}" for name, level in zip(task.level_columns, task.levels, strict=True))
        table.add_row("quantiles", pairs)
    table.add_row("folds", f"{task.folds.n_splits} {task.folds.scheme}: {task.folds.reason}")
    if task.train_only:
        table.add_row("only in train", ", ".join(task.train_only))
    notes = [*competition.notes, *task.notes]
    decided = [note for note in notes if _CORRECTABLE.search(note)]
    for note in decided:
        table.add_row(Text("check", style="bold yellow"), note)
    for note in notes:
        if note not in decided:
            table.add_row("note", note)
    console.print(table)
    console.print()
    files = Table(box=None, header_style="dim")
    files.add_column("file", overflow="fold")
    files.add_column("role", no_wrap=True)
    files.add_column("rows", justify="right", no_wrap=True)
    files.add_column("why")
    for file in competition.files:
        files.add_row(file.path, file.role, "" if file.rows is None else f"{file.rows:,}", file.reason)
    console.print(files)
    console.print()
    described = Table(box=None, header_style="dim")
    described.add_column("column", overflow="fold")
    described.add_column("kind", no_wrap=True)
    for name in ("missing", "distinct", "unseen", "drift"):
        described.add_column(name, justify="right", no_wrap=True)
    described.add_column("examples", overflow="fold")
    described.add_column("note")
    for card in cards:
        described.add_row(
            card.name,
            str(card.kind),
            f"{card.missing:.1%}" if card.missing else "",
            f"{card.distinct:,}",
            f"{card.unseen:.1%}" if card.unseen else "",
            f"{card.drift:.2f}" if card.drift >= 0.05 else "",
            ", ".join(e[:16] for e in card.examples[:2]),
            card.note,
        )
    console.print(described)
    console.print()
    styles = {"info": "dim", "warning": "yellow", "danger": "bold red"}
    for finding in findings:
        console.print(finding.severity, style=styles[finding.severity], end="  ")
        console.print(finding.message, highlight=False)
    if not findings:
        console.print("The audit found nothing.")
