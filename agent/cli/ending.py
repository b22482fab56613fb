"""What a command does when its run has ended: the report on it, where there is time."""

from __future__ import annotations

import sys
import time

import typer

from medalist.agent.cli.printing import print_text
from medalist.agent.cli.process import exit_with
from medalist.agent.config import RunConfig
from medalist.agent.run.run import RunResult
from medalist.competitions.clock import awake

MARGIN = 1.5  # seconds before the deadline at which the command is about to exit: the supervisor ends it at 0.6


def end(result: RunResult, config: RunConfig, began: float, *, report: bool, json: bool) -> typer.Exit:
    """Write the report on a run where it is wanted and there is time, and say where it is; returns what to raise.

    began: the instant, on the clock of `awake()`, from which the budget counts.
    """
    if not report:
        return exit_with(result)
    from medalist.agent.report.in_time import report_in_time

    path, problem = report_in_time("run", result.run_id, config.runs_dir, seconds_left(config, began))
    if problem:
        print_text(problem, sys.stderr)
    elif not json:
        print_text(f"Report: {path}")
    return exit_with(result)


def seconds_left(config: RunConfig, began: float) -> float:
    """Seconds until MARGIN before the run's deadline; infinite where it has none."""
    ends = [float("inf")]
    if config.budget is not None:
        ends.append(began + config.budget - awake())
    if config.until is not None:
        ends.append(config.until - time.time())
    return min(ends) - MARGIN
