"""`medalist grade`: scores a submission on a holdout's answers. Only it, `compare` and `demo` read answers."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from medalist.agent.cli.options import AsJson, Board, MetricName, OptionalText, RunsDir
from medalist.agent.cli.printing import at, print_json, print_next, print_text
from medalist.agent.cli.to_show import where_run_is


def grade(
    submission: Annotated[str, typer.Argument(metavar="FILE", help="A submission.")],
    answers: Annotated[str, typer.Option(metavar="FILE", help="The holdout's answers.")],
    competition: Annotated[
        OptionalText,
        typer.Option(
            metavar="PATH",
            help="The competition (a path), for its task; else the submission's run tells.",
            show_default=False,
        ),
    ] = None,
    metric: MetricName = None,
    leaderboard: Board = None,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """Score a submission on a holdout, say what that is worth among humans, and log it."""
    from medalist.agent.grade_files import grade_files

    if Path(submission).is_file():
        runs_dir = where_run_is(submission, runs_dir)
    name, task, result = grade_files(Path(submission), Path(answers), competition, metric, leaderboard, runs_dir)
    from medalist.leaderboard.boards.standing import Standing, sentence

    if json:
        standing = result.standing if isinstance(result.standing, Standing) else None
        print_json(
            {
                "competition": name,
                "metric": result.metric,
                "score": result.score,
                "standard_error": result.standard_error,
                "interval": result.interval,
                "standing": None if standing is None else asdict(standing),
                "no_standing": None if isinstance(result.standing, Standing) else result.standing.reason,
            },
            indent=None,
        )
        return
    error = "" if result.standard_error is None else f" ± {result.standard_error:.2g}"
    between = (
        "" if result.interval is None else f" (80 % interval {result.interval[0]:.4g} to {result.interval[1]:.4g})"
    )
    print_text(f"{task.scorer().title} on the holdout: {result.score:.6g}{error}{between}")
    print_text(sentence(result.standing))
    data = "" if competition is None else f" --data {quote(competition)}"
    beside = f"medalist compare {quote(submission)} baseline:lightgbm --answers {quote(answers)}{data}{at(runs_dir)}"
    print_next(
        (beside, "is it better than a plain LightGBM?"),
        (f"medalist medals{at(runs_dir)}", "what all that was graded is worth"),
    )
