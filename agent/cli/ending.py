"""A run within a command, and what follows it: submissions that were allowed, and the report where there is time."""

from __future__ import annotations

import sys

import typer

from medalist.agent.cli.interrupting import RunNoting
from medalist.agent.cli.printing import at, print_json, print_message, print_next, print_text
from medalist.agent.cli.process import INTERRUPTED, exit_with
from medalist.agent.config import RunConfig
from medalist.agent.ending import report_at_end, run_to_end, seconds_left
from medalist.agent.run.deadline import Deadline
from medalist.agent.run.run import RunResult

MOST_SECONDS = 120.0  # for submissions at the end of a run without a budget


def work(
    config: RunConfig,
    began: float,
    deadline: Deadline,
    *,
    resume: str | None = None,
    most: int = 0,
    slug: str | None = None,
    report: bool,
    json: bool,
) -> typer.Exit:
    """Run, submit up to `most` files and write the report, all within the budget; returns what to raise.

    began: the instant, on the clock of `awake()`, from which the budget counts. resume: id of the run that goes on.
    slug: Kaggle's name of the competition, where the run's data were a folder. Raises a MedalistError where the options
    do not allow a run, and KeyboardInterrupt where it is interrupted before there is a run.
    """
    from medalist.agent.run.display import display_for

    display = RunNoting(display_for(json), resume)
    try:
        result = run_to_end(config, display, began, deadline, resume=resume, most=most, report=report)
        submit_at_end(result, config, began, most, slug, json=json)
        return end(result, config, began, report=report, json=json)
    except KeyboardInterrupt:
        if display.run is None:
            raise
        print_message(f"medalist: Interrupted; medalist resume {display.run}{at(config.runs_dir)} goes on.")
        return typer.Exit(INTERRUPTED)


def submit_at_end(
    result: RunResult, config: RunConfig, began: float, most: int, slug: str | None, *, json: bool
) -> None:
    """Submit up to `most` files of a run that has finished, within its budget, and say what became of it.

    config: with the whole budget. slug: Kaggle's name of the competition, where the run's data were a folder.
    """
    if not most:
        return
    from medalist.agent.submitting.automatic import Made, submit_automatically
    from medalist.agent.submitting.copies import keep_words

    if result.summary["status"] != "finished":
        made = Made((), (f"Nothing was submitted to Kaggle, since the run did not finish: {result.run_id}.",))
    else:
        left = min(seconds_left(config, began), MOST_SECONDS)
        made = submit_automatically(result.run_id, most, slug, config.runs_dir, left)
    keep_words(result.folder, made.sentences)
    if json:
        print_json({"event": "kaggle", "submissions": made.rows, "notes": made.sentences}, indent=None)
        return
    for text in made.sentences:
        print_text(text)


def end(result: RunResult, config: RunConfig, began: float, *, report: bool, json: bool) -> typer.Exit:
    """Write the report on a run where it is wanted and there is time, and say where it is; returns what to raise.

    began: the instant, on the clock of `awake()`, from which the budget counts.
    """
    if not report:
        if not json:
            _next(result, config)
        return exit_with(result)
    path, problem = report_at_end(result, config, began)
    if problem:
        print_text(problem, sys.stderr)
    elif not json:
        print_text(f"Report: {path}")
    if not json:
        _next(result, config)
    return exit_with(result)


def _next(result: RunResult, config: RunConfig) -> None:
    """Say which commands go on from here."""
    where = at(config.runs_dir)
    going_on = (f"medalist resume {result.run_id}{where}", "go on from here; --budget 1h says how long")
    if result.summary["status"] == "finished":
        print_next(
            (f"medalist show {result.run_id}{where}", "what was tried, and why it was kept or not"),
            (f"medalist features {result.run_id}{where}", "which features helped"),
            going_on,
        )
    else:
        print_next(going_on, (f"medalist show {result.run_id}{where}", "what was done until now"))
