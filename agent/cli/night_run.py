"""`medalist night run`, `status` and `report`: a night in the foreground, and what nights did."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from medalist.agent.budget import parse_duration, seconds_until
from medalist.agent.cli.help import OUTPUT
from medalist.agent.cli.night import NightsPath, nights_options
from medalist.agent.cli.options import AsJson, AutoSubmit, OptionalText, Report, RunsDir
from medalist.agent.cli.printing import at, print_json, print_next, print_table, print_text, print_wrapped
from medalist.agent.cli.process import INTERRUPTED
from medalist.agent.cli.report import Live, Port
from medalist.agent.cli.to_show import refuse_missing_folder
from medalist.competitions.clock import awake
from medalist.competitions.errors import BudgetError

NightArgument = Annotated[str, typer.Argument(metavar="[NIGHT]", help="A night's id; the last one unless said.")]


def run(
    until: Annotated[
        OptionalText, typer.Option(metavar="HH:MM", help="Work until the clock shows HH:MM.", show_default=False)
    ] = None,
    budget: Annotated[
        OptionalText, typer.Option(metavar="TIME", help="How long to work at most: 8h, 90m.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would do, and do nothing.")] = False,
    notify: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COMMAND",
            rich_help_panel=OUTPUT,
            help="A command (JSON on its standard input) or a URL (POST of a text) to tell.",
            show_default=False,
        ),
    ] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Also work on competitions that have stopped gaining.")
    ] = False,
    slice_: Annotated[
        OptionalText,
        typer.Option(
            "--slice", metavar="TIME", help="How long a slice lasts: 20m; else by what it gains.", show_default=False
        ),
    ] = None,
    auto_submit: AutoSubmit = 0,
    file: NightsPath = None,
    runs_dir: RunsDir = "runs",
    report_: Report = True,
    json: AsJson = False,
) -> None:
    """Work through one night, in slices on the competition that may gain most per minute."""
    began = awake()
    given = [parse_duration(budget)] if budget else []
    instant = None if until is None else time.time() + seconds_until(until)
    seconds = min([*given, *([] if instant is None else [instant - time.time()])], default=None)
    length = parse_duration(slice_) if slice_ else None

    from medalist.agent.nights.display import night_display
    from medalist.agent.nights.file import nights_file
    from medalist.agent.nights.report_text import as_text
    from medalist.agent.nights.start import report_folder, run_night

    place = nights_file(runs_dir, file)
    if dry_run:
        _print_plan(str(place), runs_dir, seconds, keep_going, length, json, nights_options(file, runs_dir))
        return
    document = run_night(
        place,
        runs_dir,
        seconds,
        instant,
        night_display(json),
        notify=notify or (),
        keep_going=keep_going,
        length=length,
        auto_submit=auto_submit,
    )
    if json:
        print_json({"event": "report", **document}, indent=None)
    else:
        print_text("\n" + as_text(document))
        print_text(f"The same in {report_folder(runs_dir, document['night'])}/report.md")
    if report_:
        _write_page(document["night"], runs_dir, None if seconds is None else began + seconds - awake(), json=json)
    if not json and document["competitions"]:
        print_next(
            (f"medalist night report --open{at(runs_dir)}", "the night as a page"),
            (f"medalist runs{at(runs_dir)}", "all runs, with their scores"),
        )
    if document["state"] == "interrupted":
        raise typer.Exit(INTERRUPTED)


def _write_page(night: str, runs_dir: str, left: float | None, *, json: bool) -> None:
    """Write the page on a night that has ended, where that is possible within what is left of its window."""
    from medalist.agent.report.in_time import report_in_time

    path, problem = report_in_time("night", night, runs_dir, float("inf") if left is None else left)
    if problem:
        print_text(problem, sys.stderr)
    elif not json:
        print_text(f"Report: {path}")


def _print_plan(
    file: str,
    runs_dir: str,
    seconds: float | None,
    keep_going: bool,
    length: float | None,
    json: bool,
    options: str,
) -> None:
    """Print what a night would do. options: of the command that works through it."""
    from medalist.agent.nights.plan import planned_night

    if seconds is None:
        raise BudgetError("Say how long the night would last: give --until 07:00 or --budget 8h.")
    planned = planned_night(Path(file), runs_dir, seconds, keep_going, length)
    if json:
        print_json({"seconds": seconds, "competitions": [asdict(p) for p in planned]})
        return
    if not planned:
        print_wrapped(
            f"{file} has no competitions yet, so a night would do nothing: add them with medalist night add PATH."
        )
        return
    rows = [
        (
            p.name,
            f"{p.seconds / 60:.0f} min",
            str(p.slices),
            p.run or "a new run",
            f"{p.expected:.2g}",
            f"{p.chance:.0%}",
            p.why,
        )
        for p in planned
    ]
    header = ("competition", "time", "slices", "goes on with", "expected gain", "chance of an hour", "")
    print_table(header, rows, right=(1, 2, 4, 5))
    print_text("\nGains are in standard errors; times are for a night without surprises, and change with what gains.")
    print_next((f"medalist night run --budget {max(1, seconds / 60):.0f}m{options}", "work through that night"))


def report(
    night: NightArgument = "last",
    markdown: Annotated[bool, typer.Option("--markdown", help="Markdown, as in the night's report.md.")] = False,
    html: Annotated[bool, typer.Option("--html", help="Write it as one HTML page, and say where.")] = False,
    out: Annotated[
        OptionalText,
        typer.Option(metavar="FILE", help="Where to write the page; else beside report.md.", show_default=False),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Write the page and show it in the browser.")] = False,
    live: Live = False,
    port: Port = 0,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """Report on a night: what each competition gained, what helped, what failed, what is next."""
    refuse_missing_folder(runs_dir)
    if live:
        from medalist.agent.cli.report import serve
        from medalist.agent.nights.start import state_of
        from medalist.agent.report.live import REFRESH
        from medalist.agent.report.night_report import night_page

        name = state_of(runs_dir).night(night).id
        serve(lambda: night_page(name, runs_dir, refresh=REFRESH)[1], port, show=open_)
        return
    if html or open_ or out is not None:
        from medalist.agent.cli.report import written
        from medalist.agent.report.night_report import write_night_report

        place = None if out is None else Path(out).expanduser()
        written(write_night_report(night, runs_dir, place), show=open_, json=json)
        return
    from medalist.agent.nights.report import night_document
    from medalist.agent.nights.report_text import as_markdown, as_text
    from medalist.agent.nights.roster import prior_of
    from medalist.agent.nights.start import state_of

    state = state_of(runs_dir)
    document = night_document(state, state.night(night), runs_dir, prior_of(runs_dir))
    if json:
        print_json(document)
        return
    print_text((as_markdown if markdown else as_text)(document).rstrip("\n"), fit=not markdown)
    if not markdown and document["competitions"]:
        print_next(
            (f"medalist night report {quote(night)} --open{at(runs_dir)}", "the same as a page"),
            (f"medalist night status{at(runs_dir)}", "what runs next"),
        )
