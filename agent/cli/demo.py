"""`medalist demo`: a run on the embedded competition, whose submission is graded on the held-out answers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from medalist.agent.budget import Budget, parse_duration
from medalist.agent.cli.help import OUTPUT
from medalist.agent.cli.options import AsJson, Memory, Report, RunsDir, memory_limit
from medalist.agent.cli.printing import print_text
from medalist.agent.cli.process import begin


def demo(
    context: typer.Context,
    budget: Annotated[str, typer.Option(metavar="TIME", help="How long to work.")] = "60s",
    folder: Annotated[
        str, typer.Option(metavar="FOLDER", rich_help_panel=OUTPUT, help="Where the competition is written.")
    ] = "runs/demo",
    memory: Memory = None,
    runs_dir: RunsDir = "runs",
    report: Report = True,
    json: AsJson = False,
) -> None:
    """Run on the embedded competition and grade the submission on its held-out answers."""
    seconds = Budget.of(parse_duration(budget)).seconds  # refused before anything is written
    most = memory_limit(memory)
    began, deadline = begin(context)

    import pandas as pd

    from medalist.agent.cli.ending import end, has_ended, with_time_for_its_end
    from medalist.agent.config import RunConfig
    from medalist.agent.grade_files import log_grade
    from medalist.agent.grading import grade
    from medalist.agent.records.stores import open_ledger
    from medalist.agent.run.display import display_for
    from medalist.agent.run.reading import read
    from medalist.agent.run.run import run
    from medalist.competitions.demo.late_parcels import reference_field, write_demo
    from medalist.leaderboard.boards.board import board_from_scores
    from medalist.leaderboard.boards.standing import Standing, sentence

    display = display_for(json)
    home = write_demo(Path(folder))
    config = RunConfig(path=str(home / "public"), budget=seconds, memory=most, runs_dir=runs_dir)
    work = with_time_for_its_end(config, 0, report=report)
    result = run(work, display, began=began, deadline=deadline)
    has_ended(config, began, deadline)
    competition, task = read(str(home / "public"), {}, {}, None, 0)
    scores = [score for _, score in reference_field()]
    better = task.scorer().greater_is_better
    board = board_from_scores(
        competition.name, scores, better, source="demo", who="reference models", metric=task.metric
    )
    submission = result.folder / "submission.csv"
    answers = pd.read_csv(home / "private" / "answers.csv")
    graded = grade(task, pd.read_csv(submission), answers, board, same_rows=True)
    with open_ledger(runs_dir) as ledger:
        log_grade(ledger, result.run_id, competition.name, task, graded, submission)
    if isinstance(graded.standing, Standing):
        out = sys.stderr if json else sys.stdout
        field = f"a field of {len(scores)} reference models, not of humans"
        print_text(f"\nOn the held-out answers ({field}):\n{sentence(graded.standing)}", out)
    raise end(result, config, began, report=report, json=json)
