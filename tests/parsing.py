"""Parses command lines as `medalist` does, without running them."""

from __future__ import annotations

from typing import Any

import typer

from medalist.agent.cli.main import app


def parsed(arguments: list[str]) -> str:
    """Parse a command line as `medalist` does, without running it; the command's name. Raises click's errors."""
    command: Any = typer.main.get_command(app)
    names = []
    rest = list(arguments)
    while hasattr(command, "commands"):
        names.append(rest.pop(0))
        command = command.commands[names[-1]]
    rest = [a for a in rest if a != "…"]
    command.make_context(names[-1], rest, resilient_parsing=False)
    return " ".join(names)
