"""`medalist grade`: a submission against a holdout's answers; nothing but this, and the demo by it, reads answers."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from medalist.agent.cli.options import AsJson, Board, MetricName, RunsDir, Text


def grade(
    submission: Annotated[str, typer.Argument(help="A submission.")],
    answers: Annotated[str, typer.Option(help="The holdout's answers.")],
    competition: Annotated[
        Text,
        typer.Option(
            help="The competition (a path), for its task; else the submission's run tells.", show_default=False
        ),
    ] = None,
    metric: MetricName = None,
    leaderboard: Board = None,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """Score a submission on a holdout, say what that is worth among humans, and log it."""
    from medalist.agent.grading import grade_files

    name, task, result = grade_files(Path(submission), Path(answers), competition, metric, leaderboard, runs_dir)
    from medalist.leaderboard.boards.standing import Standing, sentence

    if json:
        from json import dumps

        from medalist.leaderboard.ledger.encoding import plain

        document: Mapping[str, Any] = {
            "competition": name,
            "metric": result.metric,
            "score": result.score,
            "standing": asdict(result.standing) if isinstance(result.standing, Standing) else None,
            "no_standing": None if isinstance(result.standing, Standing) else result.standing.reason,
        }
        sys.stdout.write(dumps(plain(document)) + "\n")
        return
    sys.stdout.write(f"{task.scorer().title} on the holdout: {result.score:.6g}\n")
    sys.stdout.write(sentence(result.standing) + "\n")
