"""A run within its whole budget, with the report at its end: the same from the command line and from Python."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from medalist.agent.config import RunConfig
from medalist.agent.run.deadline import Deadline, never
from medalist.agent.run.display import Display
from medalist.agent.run.run import RunResult
from medalist.competitions.clock import awake
from medalist.competitions.errors import BudgetError

MARGIN = 1.5  # seconds before the deadline at which the command is about to exit: the supervisor ends it at 0.6
REPORT_SECONDS = 4.0  # of the budget that are kept for the report: it takes about one on an idle machine
REPORT_SHARE = 0.1  # most of the budget that is kept for it
LEAST_BUDGET = 20.0  # seconds of a budget from which on time is kept for it


def run_to_end(
    config: RunConfig,
    display: Display,
    began: float,
    deadline: Deadline,
    *,
    resume: str | None = None,
    most: int = 0,
    report: bool,
    asked: Callable[[], bool] = never,
) -> RunResult:
    """Run so that of the whole budget enough is left for up to `most` submissions and the report.

    began: the instant, on the clock of `awake()`, from which the budget counts. resume: id of the run that goes on.
    asked: whether somebody has asked for an orderly close. Raises a MedalistError where the options do not allow a run.
    """
    from medalist.agent.run.run import run

    shorter = with_time_for_its_end(config, most, report=report)
    result = run(shorter, display, began=began, resume=resume, deadline=deadline, asked=asked)
    has_ended(config, began, deadline)
    return result


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


def report_at_end(result: RunResult, config: RunConfig, began: float) -> tuple[Path | None, str]:
    """Write the report on a run in what is left of its budget; returns where it is and "", or None and why there is
    none. config: with the whole budget."""
    from medalist.agent.report.in_time import report_in_time

    return report_in_time("run", result.run_id, config.runs_dir, seconds_left(config, began))


def seconds_left(config: RunConfig, began: float) -> float:
    """Seconds until MARGIN before the run's deadline; infinite where it has none."""
    ends = [float("inf")]
    if config.budget is not None:
        ends.append(began + config.budget - awake())
    if config.until is not None:
        ends.append(config.until - time.time())
    return min(ends) - MARGIN
