"""`medalist reproduce`: make a submission again from the raw files, and compare bytes."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from medalist.agent.cli.options import AsJson, OptionalText, RunsDir, SubmissionArgument, Threads
from medalist.agent.cli.printing import at, print_json, print_next, print_text
from medalist.agent.cli.to_show import where_run_is
from medalist.competitions.errors import BudgetError

DIFFERS = 1  # exit code where the bytes are not the recorded ones


def reproduce(
    submission: SubmissionArgument,
    out: Annotated[
        OptionalText,
        typer.Option(metavar="FOLDER", help="The new folder; else reproduced/ and the run's id.", show_default=False),
    ] = None,
    path: Annotated[
        OptionalText,
        typer.Option(metavar="PATH", help="Where the competition is now, if it was moved.", show_default=False),
    ] = None,
    threads: Threads = None,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """Make a submission again from the raw files in a new folder, and compare it byte by byte."""
    from medalist.agent.lineage.find import find
    from medalist.agent.lineage.reproduce import reproduce

    if threads is not None and threads < 1:
        raise BudgetError("At least one child process is needed: give --threads 1 or more.")
    runs_dir = where_run_is(submission, runs_dir)
    found = find(submission, runs_dir)
    folder = Path(out) if out else _new_folder(found.run)
    if not json:
        print_text(f"{found.run}  {found.competition}  submission {found.sha256[:16]}…\n")
    result = reproduce(found, folder, path=path, cores=threads or all_cores(), tell=_silent if json else _tell)
    if json:
        print_json(result.as_dict())
        raise typer.Exit(0 if result.equal else DIFFERS)
    print_text("")
    for difference in result.differing:
        print_text(f"version   {difference}")
    if not result.differing:
        print_text("versions  all are those of the run")
    if result.equal:
        print_text(f"\nEqual to the byte: {result.folder / 'submission.csv'}\n  sha256 {result.sha256}")
        print_next((f"medalist why {quote(submission)}{at(runs_dir)}", "what it is made of"))
        return
    print_text(f"\nNot equal: {result.folder / 'submission.csv'}\n  sha256 {result.sha256}, recorded {result.recorded}")
    if result.first is not None:
        print_text(f"The first difference is in {result.first.what}.")
    why = "what differs above" if result.differing else "no version: this is a fault of medalist, please report it"
    print_text(f"It comes of {why}.")
    print_next(
        (
            f"medalist why {quote(submission)}{at(runs_dir)}",
            "what the recorded one was made of, and with which versions",
        )
    )
    raise typer.Exit(DIFFERS)


def _new_folder(run: str) -> Path:
    """A folder reproduced/RUN that is not there yet, with a number behind it where there are some."""
    folder, number = Path("reproduced") / run, 1
    while folder.exists():
        number += 1
        folder = Path("reproduced") / f"{run}-{number}"
    return folder


def all_cores() -> int:
    import joblib

    return int(joblib.cpu_count())


def _silent(kind: str, about: Any) -> None:
    """Tell nothing."""


def _tell(kind: str, about: Any) -> None:
    """Print a line for an input file or a step."""
    if kind == "input":
        file, digest = about
        state = "equal  " if file.sha256 else "unknown"
        print_text(f"{state}  file {file.path or 'of the competition'} ({', '.join(file.roles)}), {digest[:16]}…")
    elif kind == "step":
        state = {True: "equal  ", False: "DIFFERS", None: "unknown"}[about.equal]
        print_text(f"{state}  {about.what}, {about.now[:16]}…")
