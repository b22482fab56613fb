"""All commands of `medalist`, in the groups in which its help lists them; each imports heavy modules when called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Annotated

import typer

from medalist.agent.cli.clean import clean
from medalist.agent.cli.compare import compare
from medalist.agent.cli.demo import demo
from medalist.agent.cli.features import features
from medalist.agent.cli.grade import grade
from medalist.agent.cli.help import Command, Group
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
from medalist.agent.cli.report import report
from medalist.agent.cli.reproduce import reproduce
from medalist.agent.cli.resume import resume
from medalist.agent.cli.run import run
from medalist.agent.cli.runs import runs
from medalist.agent.cli.show import show
from medalist.agent.cli.submissions import submissions
from medalist.agent.cli.submit import submit
from medalist.agent.cli.why import why

Function = Callable[..., None]

COMMANDS: Mapping[str, tuple[Function, ...]] = {
    "Work on a competition": (run, resume, inspect, demo),
    "See what came of it": (runs, show, report, features, why, compare, medals),
    "Among humans": (leaderboard, submit, submissions),
    "Check and tidy": (holdout, grade, reproduce, clean),
}
NIGHT: Mapping[str, Function] = {
    "add": add,
    "remove": remove,
    "list": list_,
    "run": night_run,
    "status": night_status,
    "report": night_report,
    "install": night_install,
    "uninstall": night_uninstall,
}
EPILOG = "A first look: medalist demo. Then: medalist run FOLDER --budget 10m. Of one command: medalist run --help."


def version() -> str:
    """The version of medalist that is installed; "unknown" where it runs without being installed."""
    try:
        return metadata.version("medalist")
    except metadata.PackageNotFoundError:
        return "unknown"


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"medalist {version()}")
        raise typer.Exit


def _everything(
    _: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """An autonomous agent for tabular machine-learning competitions."""


def make_app() -> typer.Typer:
    """The application with all commands."""
    settings = {"help_option_names": ["-h", "--help"]}
    app = typer.Typer(
        cls=Group,
        context_settings=settings,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        epilog=EPILOG,
    )
    app.callback()(_everything)
    for title, commands in COMMANDS.items():
        for command in commands:
            app.command(cls=Command, rich_help_panel=title)(command)
    night = typer.Typer(
        cls=Group,
        help="Work on several competitions within a window, night after night.",
        no_args_is_help=True,
    )
    for name, command in NIGHT.items():
        night.command(name, cls=Command)(command)
    app.add_typer(night, name="night", rich_help_panel="Work on a competition")
    return app
