"""Starts the supervisor of a command's process, and the exit codes of runs."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import typer

from medalist.agent.budget import process_began
from medalist.agent.run.deadline import Deadline
from medalist.agent.run.supervisor import supervise
from medalist.competitions.clock import awake

if TYPE_CHECKING:
    from medalist.agent.run.run import RunResult

INPUT_ERROR = 2  # exit code
INTERRUPTED = 3  # exit code
EXIT_CODES = {"finished": 0, "interrupted": INTERRUPTED, "failed": 4}  # by the status of a run that was closed


@dataclass
class Process:
    """A process that was started for one command, and ends with it; typer's context object (`context.obj`)."""

    began: float = field(default_factory=process_began)  # on the clock of awake()
    deadline: Deadline = field(default_factory=Deadline)


def begin(context: typer.Context) -> tuple[float, Deadline]:
    """The instant from which the budget counts, on the clock of `awake()`, and the reports to the supervisor.

    A process that was started for this command forks here (see `supervise`): the budget counts from the start of the
    process, and the supervisor ends it at its deadline. In a program that calls a command (`context.obj` is None), or
    that has started threads or imported numpy, whose thread pools would not survive a fork, there is no supervisor: the
    budget counts from now, and nothing ends the process.
    """
    process = context.obj
    if process is None or threading.active_count() > 1 or "numpy" in sys.modules:
        return awake(), Deadline()
    process.deadline = supervise()
    return process.began, process.deadline


def exit_with(result: RunResult) -> typer.Exit:
    """The exception to raise at the end of a command, with the exit code of its run."""
    return typer.Exit(EXIT_CODES[result.summary["status"]])
