"""`medalist report`: the page on a run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from medalist.agent.cli.options import AsJson, OptionalText, RunArgument, RunsDir
from medalist.agent.cli.printing import print_json, print_text


def report(
    run: RunArgument = "last",
    out: Annotated[
        OptionalText, typer.Option(help="Where to write it; else report.html in its folder.", show_default=False)
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """Write the report on a run: one HTML page that needs no network, to open, send or print."""
    from medalist.agent.report.run_report import write_report

    written(write_report(run, runs_dir, None if out is None else Path(out).expanduser()), show=open_, json=json)


def written(place: Path, *, show: bool, json: bool) -> None:
    """Say where a report was written. show: whether a browser is started to show it."""
    place = place.resolve()
    if json:
        print_json({"report": str(place), "bytes": place.stat().st_size})
    else:
        print_text(f"Report: {place}")
    if show:
        import webbrowser

        if not webbrowser.open(place.as_uri()):
            print_text("No browser could be started: open that file in one.", sys.stderr)
