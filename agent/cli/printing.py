"""Prints text, tables, next steps and JSON on stdout."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import IO, Any

from medalist.agent.cli.layout import GAP, columns, fitted, paragraph, table_text
from medalist.agent.run.display import SCHEMA
from medalist.agent.run.printable import printable
from medalist.leaderboard.ledger.encoding import plain


def print_json(document: Mapping[str, Any], indent: int | None = 2) -> None:
    """Print a document as JSON with the version of its schema; times as text, and null for NaN and infinity."""
    sys.stdout.write(json.dumps({"schema": SCHEMA, **plain(document)}, indent=indent, allow_nan=False) + "\n")


def print_text(text: str, stream: IO[str] | None = None, *, fit: bool = True) -> None:
    """Print text and a newline on stdout or another stream; control characters are escaped: see `run.printable`.

    fit: whether lines that a terminal has no room for are broken at blanks; it would break them within a word.
    """
    out, shown = stream or sys.stdout, printable(text)
    out.write((fitted(shown) if fit and out.isatty() else shown) + "\n")


def print_wrapped(text: str, indent: str = "") -> None:
    """Print a paragraph on stdout in lines that fit, all but the first after `indent`."""
    print_text(paragraph(text, indent))


def print_message(text: str) -> None:
    """Print a sentence on stderr: in lines that fit on a terminal, else in one line."""
    print_text(paragraph(text) if sys.stderr.isatty() else text, sys.stderr)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Print a table that fits the terminal (see `table_text`)."""
    print_text(table_text(header, rows, right))


def print_next(*steps: tuple[str, str]) -> None:
    """Print commands that a person may want next, each with what it is for."""
    print_text("\nNext:")
    longest = max(len(command) for command, _ in steps)
    beside = 2 * len(GAP) + longest + max(len(purpose) for _, purpose in steps) <= columns()
    for command, purpose in steps:
        if beside:
            print_text(f"{GAP}{command.ljust(longest)}{GAP}{purpose}")
        else:
            print_text(f"{GAP}{command}", fit=False)  # a command that is broken cannot be copied
            print_text(f"{GAP * 2}{purpose}")


def at(runs_dir: str) -> str:
    """The option that says where the runs are, as the end of a command; "" where it is not needed."""
    return "" if runs_dir == os.environ.get("MEDALIST_RUNS", "runs") else f" --runs-dir {shlex.quote(runs_dir)}"


def number_text(value: float | None, digits: int = 6) -> str:
    """A number with so many significant digits; "" for None."""
    return "" if value is None else f"{value:.{digits}g}"


def time_text(instant: datetime | None) -> str:
    """An instant in local time, to the minute; "" for None."""
    return "" if instant is None else f"{instant.astimezone():%Y-%m-%d %H:%M}"
