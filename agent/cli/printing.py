"""Prints text, plain tables and JSON on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import IO, Any

from medalist.agent.run.printable import printable, printable_line
from medalist.leaderboard.ledger.encoding import plain


def print_json(document: Any, indent: int | None = 2) -> None:
    """Print a document as JSON; times as text, and null for NaN and infinity."""
    sys.stdout.write(json.dumps(plain(document), indent=indent, allow_nan=False) + "\n")


def print_text(text: str, stream: IO[str] | None = None) -> None:
    """Print text and a newline on stdout or another stream; control characters are escaped: see `run.printable`."""
    (stream or sys.stdout).write(printable(text) + "\n")


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Print a table with columns padded with blanks. right: indices of the columns that are aligned to the right."""
    lines = [[printable_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True))]
        print_text("  ".join(cells).rstrip())


def number_text(value: float | None, digits: int = 6) -> str:
    """A number with so many significant digits; "" for None."""
    return "" if value is None else f"{value:.{digits}g}"


def time_text(instant: datetime | None) -> str:
    """An instant in local time, to the minute; "" for None."""
    return "" if instant is None else f"{instant.astimezone():%Y-%m-%d %H:%M}"
