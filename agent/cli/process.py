"""The process that a command runs in: when it began, who supervises it, and the exit codes of its runs."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import typer

from medalist.agent.budget import process_began
from medalist.agent.run.deadline import Deadline
from medalist.agent.run.supervisor import supervise

if TYPE_CHECKING:
    from medalist.agent.run.run import RunResult

INPUT_ERROR = 2
INTERRUPTED = 3
EXIT_CODES = {"finished": 0, "interrupted": INTERRUPTED, "failed": 4}  # by the status of a run that was closed


@dataclass
class Process:
    """A process that was started for one command, and ends with it."""

    began: float = field(default_factory=process_began)  # on the clock of time.monotonic()
    deadline: Deadline = field(default_factory=Deadline)


def begin(context: typer.Context) -> tuple[float, Deadline]:
    """The instant from which the budget counts, and the deadline to report to.

    A process that was started for this command counts from its start, and goes on under a supervisor, which ends it at
    its deadline. A program that calls a command counts from now and is never ended: one that says so, and one that has
    threads or numpy already, whose thread pools would not survive a fork.
    """
    process = context.obj
    if process is None or threading.active_count() > 1 or "numpy" in sys.modules:
        return time.monotonic(), Deadline()
    process.deadline = supervise()
    return process.began, process.deadline


def exit_with(result: RunResult) -> typer.Exit:
    """The end of a command whose run has this result: to be raised."""
    return typer.Exit(EXIT_CODES[result.summary["status"]])
