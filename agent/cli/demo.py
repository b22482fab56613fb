"""`medalist demo`: the main job on the embedded competition, ended by a true holdout score."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from medalist.agent.budget import Budget, parse_duration
from medalist.agent.cli.grade import grade, log_grade
from medalist.agent.records.stores import open_ledger
from medalist.agent.run.display import Display, JsonLines
from medalist.agent.run.reading import read
from medalist.agent.run.run import RunConfig, run
from medalist.competitions.demo.late_parcels import reference_field, write_demo
from medalist.leaderboard.boards.board import board_from_scores
from medalist.leaderboard.boards.standing import sentence


def show_demo(folder: Path, budget: str, runs_dir: str, display: Display, *, began: float) -> None:
    """Write the competition, run the agent on it, and grade what it submitted on answers that it never saw."""
    seconds = Budget.of(parse_duration(budget), began).seconds  # refused before anything is written
    home = write_demo(folder)
    result = run(RunConfig(path=str(home / "public"), budget=seconds, runs_dir=runs_dir), display, began=began)
    competition, task = read(str(home / "public"), {}, {}, None, 0)
    field = reference_field()
    scores = [score for _, score in field]
    better = task.scorer().greater_is_better
    board = board_from_scores(competition.name, scores, better, source="demo", who="reference models")
    submission = result.folder / "submission.csv"
    graded = grade(task, pd.read_csv(submission), pd.read_csv(home / "private" / "answers.csv"), board)
    with open_ledger(runs_dir) as ledger:
        log_grade(ledger, result.run_id, competition.name, task, graded, submission)
    out = sys.stderr if isinstance(display, JsonLines) else sys.stdout
    if graded.standing is not None:
        out.write(f"\nOn the held-out answers (a field of {len(scores)} reference models, not of humans):\n")
        out.write(sentence(graded.standing) + "\n")
