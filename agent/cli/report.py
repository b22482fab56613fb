"""`medalist report`: the page on a run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from medalist.agent.cli.options import AsJson, OptionalText, RunArgument, RunsDir
from medalist.agent.cli.printing import at, print_json, print_next, print_text
from medalist.agent.cli.to_show import where_run_is
from medalist.competitions.errors import InputError

Live = Annotated[bool, typer.Option("--live", help="Serve it on this machine alone, as it now stands, until Ctrl-C.")]
Port = Annotated[
    int, typer.Option(metavar="N", help="Where --live serves it; any free port unless said.", show_default=False)
]


def report(
    run: RunArgument = "last",
    out: Annotated[
        OptionalText,
        typer.Option(metavar="FILE", help="Where to write it; else report.html in its folder.", show_default=False),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    live: Live = False,
    port: Port = 0,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """Write the report on a run: one HTML page that needs no network, to open, send or print."""
    from medalist.agent.report.run_report import run_page, write_report

    runs_dir = where_run_is(run, runs_dir)
    if live:
        from medalist.agent.report.live import REFRESH
        from medalist.agent.report.loader import load_run

        name = load_run(run, runs_dir).run.id  # of the newest run now, whatever begins later
        serve(lambda: run_page(load_run(name, runs_dir), refresh=REFRESH), port, show=open_)
        return
    written(write_report(run, runs_dir, None if out is None else Path(out).expanduser()), show=open_, json=json)
    if not json and not open_:
        print_next(
            (f"medalist report {quote(run)} --open{at(runs_dir)}", "show it in the browser"),
            (f"medalist why {quote(run)}{at(runs_dir)}", "what the submission is made of"),
        )


def serve(draw: Callable[[], str], port: int, *, show: bool) -> None:
    """Serve a page on this machine until Ctrl-C. show: whether a browser is started to show it.

    Raises InputError where the port is taken.
    """
    from medalist.agent.report.live import LOOPBACK, server

    try:
        serving = server(draw, port)
    except (OSError, OverflowError) as error:
        raise InputError(f"Port {port} cannot be used ({error}): leave out --port for any that is free.") from None
    address = f"http://{LOOPBACK}:{serving.server_port}/"
    print_text(f"Report: {address} (Ctrl-C ends it)")
    sys.stdout.flush()
    if show:
        import webbrowser

        webbrowser.open(address)
    with serving:
        try:
            serving.serve_forever()
        except KeyboardInterrupt:
            print_text("")


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
