"""`medalist resume`: go on with a run that was ended."""

from __future__ import annotations

from typing import Annotated

import typer

from medalist.agent.budget import parse_duration
from medalist.agent.cli.options import AsJson, RunArgument, RunsDir, Text, Threads
from medalist.agent.cli.process import begin, exit_with


def resume(
    context: typer.Context,
    run_id: RunArgument,
    budget: Annotated[Text, typer.Option(help="How long to go on; else what was left.", show_default=False)] = None,
    max_experiments: Annotated[int | None, typer.Option(help="Stop after so many in all.", show_default=False)] = None,
    threads: Threads = None,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """Go on with a run that was killed or interrupted, from its last finished experiment."""
    seconds = parse_duration(budget) if budget else None
    began, deadline = begin(context)

    from medalist.agent.run.display import display_for
    from medalist.agent.run.resume import resumed
    from medalist.agent.run.run import run

    row, config = resumed(run_id, runs_dir, seconds, max_experiments, threads)
    raise exit_with(run(config, display_for(json), began=began, resume=row, deadline=deadline))
