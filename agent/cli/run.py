"""`medalist run`: work on a competition until the budget ends."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from medalist.agent.budget import parse_duration, seconds_until
from medalist.agent.cli.help import SEARCH
from medalist.agent.cli.options import (
    NONE_GIVEN,
    Artifacts,
    AsJson,
    AutoSubmit,
    Board,
    Cluster,
    CompetitionOptions,
    KaggleName,
    Memory,
    OptionalText,
    PathArgument,
    Report,
    RunsDir,
    Seed,
    TaskFile,
    Threads,
    memory_limit,
    names,
    with_competition_options,
)
from medalist.agent.cli.process import begin
from medalist.competitions.errors import BudgetError, TaskError


@with_competition_options
def run(
    context: typer.Context,
    path: PathArgument,
    budget: Annotated[
        OptionalText, typer.Option(metavar="TIME", help="How long to work: 90s, 10m, 8h.", show_default=False)
    ] = None,
    until: Annotated[
        OptionalText, typer.Option(metavar="HH:MM", help="Work until the clock shows HH:MM.", show_default=False)
    ] = None,
    max_experiments: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Stop after so many; repeatable to the byte with equal --threads.", show_default=False
        ),
    ] = None,
    plan: Annotated[
        OptionalText,
        typer.Option(metavar="TIME", help="How long it will go on in all, over later resumes: 8h.", show_default=False),
    ] = None,
    continue_: Annotated[
        bool, typer.Option("--continue", help="Go on with the last run of this competition, if there is one.")
    ] = False,
    seed: Seed = 0,
    threads: Threads = None,
    memory: Memory = None,
    cluster: Cluster = None,
    artifacts: Artifacts = None,
    given: CompetitionOptions = NONE_GIVEN,
    task: TaskFile = None,
    leaderboard: Board = None,
    families: Annotated[
        OptionalText,
        typer.Option(
            metavar="NAMES", rich_help_panel=SEARCH, help="Estimator families to use, with commas.", show_default=False
        ),
    ] = None,
    without: Annotated[
        OptionalText,
        typer.Option(
            metavar="NAMES", rich_help_panel=SEARCH, help="Estimator families to leave out.", show_default=False
        ),
    ] = None,
    stacking: Annotated[
        bool,
        typer.Option(
            "--stacking/--no-stacking",
            show_default=False,
            rich_help_panel=SEARCH,
            help="Whether models may be fitted on others' predictions.",
        ),
    ] = True,
    postprocessing: Annotated[
        bool,
        typer.Option(
            "--postprocessing/--no-postprocessing",
            show_default=False,
            rich_help_panel=SEARCH,
            help="Whether thresholds, roundings and the like are fitted.",
        ),
    ] = True,
    feature_search: Annotated[
        bool,
        typer.Option(
            "--feature-search/--no-feature-search",
            show_default=False,
            rich_help_panel=SEARCH,
            help="Whether to search for features.",
        ),
    ] = True,
    features: Annotated[
        OptionalText,
        typer.Option(
            metavar="FILE",
            rich_help_panel=SEARCH,
            help="A features.yaml to obey; else the one beside the task file or in the competition's folder.",
            show_default=False,
        ),
    ] = None,
    auto_submit: AutoSubmit = 0,
    kaggle: KaggleName = None,
    runs_dir: RunsDir = "runs",
    report: Report = True,
    json: AsJson = False,
) -> None:
    """Work on a competition until the budget ends, with a valid submission from the beginning."""
    if budget is not None and until is not None:
        raise BudgetError("Give either --budget or --until, not both.")
    seconds = parse_duration(budget) if budget else seconds_until(until) if until else None
    options, most = given.task(task), memory_limit(memory)
    began, deadline = begin(context)

    from medalist.agent.cli.ending import work
    from medalist.agent.config import RunConfig
    from medalist.agent.run.resume import last_run_of, resume_config

    instant = None if until is None or seconds is None else time.time() + seconds
    earlier = last_run_of(path, runs_dir) if continue_ else None
    if earlier is not None:
        changed = [*options.values(), *given.files().values(), task, leaderboard, families, without, features]
        if any(value is not None for value in changed) or seed or not (stacking and postprocessing and feature_search):
            raise TaskError(
                f"--continue goes on with run {earlier.id} as it began: leave out what else is given but for time, "
                f"threads and memory, or leave out --continue to start a new run."
            )
        row, config = resume_config(
            earlier.id,
            runs_dir,
            budget=seconds,
            until=instant,
            max_experiments=max_experiments,
            threads=threads,
            memory=most,
            cluster=cluster,
            artifacts=artifacts,
        )
        raise work(config, began, deadline, resume=row, most=auto_submit, slug=kaggle, report=report, json=json)

    config = RunConfig(
        path=path,
        budget=seconds,
        until=instant,
        max_experiments=max_experiments,
        planned=parse_duration(plan) if plan else None,
        seed=seed,
        threads=threads,
        memory=most,
        cluster=cluster,
        artifacts=artifacts,
        runs_dir=runs_dir,
        leaderboard=leaderboard,
        task_file=task,
        families=tuple(names(families or None) or ()),
        without=tuple(names(without or None) or ()),
        stacking=stacking,
        postprocessing=postprocessing,
        feature_search=feature_search,
        features_file=features,
        task_options=options,
        file_options=given.files(),
    )
    raise work(config, began, deadline, most=auto_submit, slug=kaggle, report=report, json=json)
