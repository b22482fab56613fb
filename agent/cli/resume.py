"""`medalist resume`: go on with a run that was ended."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from medalist.agent.budget import parse_duration, seconds_until
from medalist.agent.cli.options import (
    Artifacts,
    AsJson,
    AutoSubmit,
    Cluster,
    KaggleName,
    Memory,
    OptionalText,
    Report,
    RunArgument,
    RunsDir,
    Threads,
    memory_limit,
)
from medalist.agent.cli.process import begin
from medalist.competitions.errors import BudgetError


def resume(
    context: typer.Context,
    run_id: RunArgument,
    budget: Annotated[
        OptionalText, typer.Option(metavar="TIME", help="How long to go on; else what was left.", show_default=False)
    ] = None,
    until: Annotated[
        OptionalText, typer.Option(metavar="HH:MM", help="Work until the clock shows HH:MM.", show_default=False)
    ] = None,
    max_experiments: Annotated[
        int | None, typer.Option(metavar="N", help="Stop after so many in all.", show_default=False)
    ] = None,
    data: Annotated[
        OptionalText,
        typer.Option(metavar="PATH", help="Where the competition is now, if it moved.", show_default=False),
    ] = None,
    threads: Threads = None,
    memory: Memory = None,
    cluster: Cluster = None,
    artifacts: Artifacts = None,
    auto_submit: AutoSubmit = 0,
    kaggle: KaggleName = None,
    runs_dir: RunsDir = "runs",
    report: Report = True,
    json: AsJson = False,
) -> None:
    """Go on with a run that was killed or interrupted, from its last finished experiment."""
    if budget is not None and until is not None:
        raise BudgetError("Give either --budget or --until, not both.")
    seconds = parse_duration(budget) if budget else seconds_until(until) if until else None
    most = memory_limit(memory)
    began, deadline = begin(context)
    deadline.resuming()

    from medalist.agent.cli.ending import work
    from medalist.agent.cli.to_show import where_run_is
    from medalist.agent.run.resume import resume_config

    instant = None if until is None or seconds is None else time.time() + seconds
    runs_dir = where_run_is(run_id, runs_dir)
    row, config = resume_config(
        run_id,
        runs_dir,
        data=data,
        budget=seconds,
        until=instant,
        max_experiments=max_experiments,
        threads=threads,
        memory=most,
        cluster=cluster,
        artifacts=artifacts,
    )
    raise work(config, began, deadline, resume=row, most=auto_submit, slug=kaggle, report=report, json=json)
