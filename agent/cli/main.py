"""The command line `medalist`: runs one command, and ends with its exit code."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import typer

from medalist.agent.cli.interrupting import interrupted_text
from medalist.agent.cli.printing import print_message, print_text
from medalist.agent.cli.process import INPUT_ERROR, INTERRUPTED, Process
from medalist.agent.cli.registry import make_app
from medalist.agent.cli.streams import make_streams_tolerant
from medalist.agent.run.supervisor import SIGNALLED
from medalist.competitions.errors import MedalistError
from medalist.competitions.naming import did_you_mean_path

app = make_app()
_UsageError: type[Any] = typer.BadParameter.__bases__[0]  # of the click that typer uses, which it may bring along


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
            ended = app(arguments, obj=process, prog_name="medalist", standalone_mode=False)
        finally:
            if process is not None:
                sys.stdout.flush()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except _UsageError as error:
        return _usage(error)
    except MedalistError as error:
        print_message(f"medalist: {error}")
        return error.exit_code
    except OSError as error:
        near = did_you_mean_path(str(error.filename)) if error.filename and error.errno == errno.ENOENT else ""
        place = f" ({error.filename}){near}" if error.filename else ""
        print_message(f"medalist: {error.strerror or error}{place}; {_remedy(error)}.")
        return INPUT_ERROR
    if ended == SIGNALLED + signal.SIGINT:  # typer's exit code for a KeyboardInterrupt
        print_message(f"medalist: {interrupted_text(sys.argv[1:] if arguments is None else arguments)}")
        return INTERRUPTED
    return ended if isinstance(ended, int) else 0


def _usage(error: Any) -> int:
    """Say what is wrong with the options of a command in one sentence; the help where nothing was given."""
    command = "medalist" if error.ctx is None else error.ctx.command_path
    if type(error).__name__ == "NoArgsIsHelpError":
        print_text(error.ctx.get_help())
        return 0
    said = " ".join(error.format_message().split()).rstrip(".")
    said, _, meant = re.sub(r"[.]? Did you mean |[ ]?[(]Possible options: ", "\0", said).partition("\0")
    if meant:
        said += f": did you mean {meant.rstrip('?)').replace(', ', ' or ')}?"
    end = "" if said.endswith("?") else "."
    print_message(f"medalist: {said}{end} {command} --help says what can be given.")
    return INPUT_ERROR
