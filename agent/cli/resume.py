"""`medalist resume`: go on with a run that was ended."""

from __future__ import annotations

from typing import Annotated

import typer

from medalist.agent.cli.options import AsJson, RunArgument, RunsDir, Text, Threads


def resume(
    run_id: RunArgument,
    budget: Annotated[Text, typer.Option(help="How long to go on; else what was left.", show_default=False)] = None,
    max_experiments: Annotated[int | None, typer.Option(help="Stop after so many in all.", show_default=False)] = None,
    threads: Threads = None,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """Go on with a run that was killed or interrupted, from its last finished experiment."""
    from medalist.agent.budget import parse_duration, process_began
    from medalist.agent.run.display import display_for
    from medalist.agent.run.resume import resumed
    from medalist.agent.run.run import run

    row, config = resumed(run_id, runs_dir, parse_duration(budget) if budget else None, max_experiments, threads)
    run(config, display_for(json), began=process_began(), resume=row)
