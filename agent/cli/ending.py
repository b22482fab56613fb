"""A run within a command, and what follows it: submissions that were allowed, and the report where there is time."""

from __future__ import annotations

import sys
import time

import typer

from medalist.agent.cli.printing import at, print_json, print_next, print_text
from medalist.agent.cli.process import exit_with
from medalist.agent.config import RunConfig
from medalist.agent.run.deadline import Deadline
from medalist.agent.run.run import RunResult
from medalist.competitions.clock import awake
from medalist.competitions.errors import BudgetError

MARGIN = 1.5  # seconds before the deadline at which the command is about to exit: the supervisor ends it at 0.6
MOST_SECONDS = 120.0  # for submissions at the end of a run without a budget
REPORT_SECONDS = 4.0  # of the budget that are kept for the report: it takes about one on an idle machine
REPORT_SHARE = 0.1  # most of the budget that is kept for it
LEAST_BUDGET = 20.0  # seconds of a budget from which on time is kept for it


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
    do not allow a run.
    """
    from medalist.agent.run.display import display_for
    from medalist.agent.run.run import run

    shorter = with_time_for_its_end(config, most, report=report)
    result = run(shorter, display_for(json), began=began, resume=resume, deadline=deadline)
    has_ended(config, began, deadline)
    submit_at_end(result, config, began, most, slug, json=json)
    return end(result, config, began, report=report, json=json)


def with_time_for_its_end(config: RunConfig, most: int, *, report: bool) -> RunConfig:
    """The options of a run that leaves time for up to `most` submissions and for the report at its end.

    Raises BudgetError where its budget is too small for the submissions.
    """
    if config.budget is None:
        return config
    kept = min(REPORT_SECONDS, REPORT_SHARE * config.budget) if report and config.budget >= LEAST_BUDGET else 0.0
    if most:
        from medalist.agent.submitting.automatic import SECONDS

        if config.budget < 2 * SECONDS:
            raise BudgetError(
                f"--auto-submit keeps the last {SECONDS:.0f} s of the budget for Kaggle: give at least "
                f"{2 * SECONDS:.0f} s."
            )
        kept = SECONDS
    until = None if config.until is None else config.until - kept
    return config.model_copy(update={"budget": config.budget - kept, "until": until})


def has_ended(config: RunConfig, began: float, deadline: Deadline) -> None:
    """Report that the run has ended, so that from now on the whole budget holds. config: with the whole budget."""
    if config.budget is not None:
        from medalist.agent.budget import Budget

        deadline.start(Budget.of(config.budget, began, config.until))
        deadline.stop()


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
    from medalist.agent.report.in_time import report_in_time

    path, problem = report_in_time("run", result.run_id, config.runs_dir, seconds_left(config, began))
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


def seconds_left(config: RunConfig, began: float) -> float:
    """Seconds until MARGIN before the run's deadline; infinite where it has none."""
    ends = [float("inf")]
    if config.budget is not None:
        ends.append(began + config.budget - awake())
    if config.until is not None:
        ends.append(config.until - time.time())
    return min(ends) - MARGIN
