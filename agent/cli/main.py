"""The command line `medalist`: registers all commands. Each imports heavy modules only when it is called."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

import typer

from medalist.agent.cli.clean import clean
from medalist.agent.cli.compare import compare
from medalist.agent.cli.demo import demo
from medalist.agent.cli.features import features
from medalist.agent.cli.grade import grade
from medalist.agent.cli.holdout import holdout
from medalist.agent.cli.inspect import inspect
from medalist.agent.cli.leaderboard import leaderboard
from medalist.agent.cli.medals import medals
from medalist.agent.cli.night import add, list_, remove
from medalist.agent.cli.night_install import install as night_install
from medalist.agent.cli.night_install import status as night_status
from medalist.agent.cli.night_install import uninstall as night_uninstall
from medalist.agent.cli.night_run import report as night_report
from medalist.agent.cli.night_run import run as night_run
from medalist.agent.cli.predict import predict
from medalist.agent.cli.printing import print_text
from medalist.agent.cli.process import INPUT_ERROR, INTERRUPTED, Process
from medalist.agent.cli.report import report
from medalist.agent.cli.reproduce import reproduce
from medalist.agent.cli.resume import resume
from medalist.agent.cli.run import run
from medalist.agent.cli.runs import runs
from medalist.agent.cli.show import show
from medalist.agent.cli.streams import make_streams_tolerant
from medalist.agent.cli.submissions import submissions
from medalist.agent.cli.submit import submit
from medalist.agent.cli.why import why
from medalist.agent.run.supervisor import SIGNALLED
from medalist.competitions.errors import MedalistError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="An autonomous agent for tabular machine-learning competitions.",
)
for command in (
    run, resume, demo, inspect, grade, compare, holdout, runs, show, predict, report, why, reproduce, clean, features,
    medals, leaderboard, submit, submissions,
):  # fmt: skip
    app.command()(command)
night = typer.Typer(help="Work on several competitions within a window, night after night.", no_args_is_help=True)
for name, below in (
    ("add", add),
    ("remove", remove),
    ("list", list_),
    ("run", night_run),
    ("status", night_status),
    ("report", night_report),
    ("install", night_install),
    ("uninstall", night_uninstall),
):
    night.command(name)(below)
app.add_typer(night, name="night")


def _remedy(error: OSError) -> str:
    """What a person may do about an OSError, as the end of a sentence."""
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "allow it, or choose another place, such as with --runs-dir"
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR):
        return "check that path"
    return "free what is missing there and try again"


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command, and exit with its code; a MedalistError becomes one sentence and exit code 2.

    Without `arguments` they come from the command line: the process runs this command only, so that a budget counts
    from its start, and a supervisor ends it at its deadline. With them, the caller is a program that goes on: the
    budget counts from now, and nothing ends the process.
    """
    process = None
    if arguments is None:
        process = Process()
        make_streams_tolerant()
    exit_code = _exit_code(arguments, process)
    if process is not None:
        process.deadline.exiting(exit_code)
        if process.deadline.supervised:  # all that lasts was closed: the interpreter's own end takes seconds at times
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError):
                    stream.flush()
            os._exit(exit_code)
    sys.exit(exit_code)


def _exit_code(arguments: Sequence[str] | None, process: Process | None) -> int:
    """Run a command and return its exit code; errors that a person can mend are printed."""
    try:
        try:
            app(arguments, obj=process)
            return 0
        finally:
            if process is not None:
                sys.stdout.flush()
    except SystemExit as end:
        if end.code == SIGNALLED + signal.SIGINT:  # typer's exit code for a KeyboardInterrupt
            print_text("medalist: Interrupted.", sys.stderr)
            return INTERRUPTED
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except MedalistError as error:
        print_text(f"medalist: {error}", sys.stderr)
        return error.exit_code
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        print_text(f"medalist: {error.strerror or error}{place}; {_remedy(error)}.", sys.stderr)
        return INPUT_ERROR
