"""`medalist night install`, `uninstall` and `status`: nights that begin by themselves."""

from __future__ import annotations

from typing import Annotated

import typer

from medalist.agent.cli.night import NightsPath
from medalist.agent.cli.options import AsJson, OptionalText, RunsDir
from medalist.agent.cli.printing import at, print_json, print_next, print_text
from medalist.agent.cli.to_show import refuse_missing_folder


def install(
    start: Annotated[str, typer.Option("--from", metavar="HH:MM", help="When a night begins: 22:00.")] = "22:00",
    until: Annotated[str, typer.Option(metavar="HH:MM", help="When it ends: 07:00.")] = "07:00",
    days: Annotated[
        OptionalText,
        typer.Option(
            metavar="DAYS", help="The days on whose evening it begins: mon-fri; else daily.", show_default=False
        ),
    ] = None,
    by: Annotated[
        OptionalText,
        typer.Option(
            "--with", metavar="NAME", help="systemd, launchd or cron; else what this machine has.", show_default=False
        ),
    ] = None,
    file: NightsPath = None,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """Let nights begin by themselves, by a systemd user timer, a launchd agent or cron."""
    from medalist.agent.nights.file import nights_file, read_nights
    from medalist.agent.nights.install import install as write
    from medalist.agent.nights.install import installed_now, uninstall
    from medalist.agent.nights.schedule import Job, Schedule, days_text, read_record, write_record

    schedule = Schedule.of(start, until, days)
    place = nights_file(runs_dir, file)
    competitions = read_nights(place).competitions
    job = Job.of(schedule, place, runs_dir)
    before = read_record()
    done = write(job, by)
    if before is not None and before.by != done.by:
        uninstall(before)
    write_record(installed_now(done, job, place, runs_dir))
    if json:
        print_json({"by": done.by, "files": [str(f) for f in done.files], "notes": list(done.notes)})
        return
    print_text(f"Nights from {schedule.start} to {schedule.until}, {days_text(schedule.days)}, by {done.by}.")
    for written in done.files:
        print_text(f"Written: {written}")
    for note in done.notes:
        print_text(note)
    if not competitions:
        print_text(f"{place} has no competitions yet: add them with medalist night add PATH.")
    print_next(
        (f"medalist night status{at(runs_dir)}", "when the next night is, and what the last ones did"),
        ("medalist night uninstall", "let no more nights begin"),
    )


def uninstall(json: AsJson = False) -> None:
    """Let no more nights begin by themselves; what was done stays."""
    from medalist.agent.nights.install import uninstall as remove
    from medalist.agent.nights.schedule import read_record, remove_record

    installed = read_record()
    if json:
        removed = [] if installed is None else [str(path) for path in remove(installed)]
        if installed is not None:
            remove_record()
        print_json({"by": None if installed is None else installed.by, "files": removed, "notes": []})
        return
    if installed is None:
        print_text("No nights are scheduled: there is nothing to take away.")
        return
    for path in remove(installed):
        print_text(f"Removed: {path}")
    remove_record()
    print_text(f"No more nights begin by themselves; {installed.file} and the runs stay.")


def status(file: NightsPath = None, runs_dir: RunsDir = "runs", json: AsJson = False) -> None:
    """Say what ran, what runs, what is next, and why something did not run."""
    from medalist.agent.nights.file import nights_file
    from medalist.agent.nights.schedule import read_record
    from medalist.agent.nights.start import state_of
    from medalist.agent.nights.status import status_document, status_text

    place = nights_file(runs_dir, file)
    if not place.exists():
        refuse_missing_folder(runs_dir)
    document = status_document(state_of(runs_dir), place, read_record())
    if json:
        print_json(document)
    else:
        print_text(status_text(document))
