"""How commands print: tables of text, and JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from medalist.leaderboard.ledger.encoding import plain


def print_json(document: Any) -> None:
    """A document for machines; times as text, and null for what is no number."""
    sys.stdout.write(json.dumps(plain(document), indent=2, allow_nan=False) + "\n")


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Columns padded with blanks: what a terminal shows and `cut` understands."""
    widths = [max(len(str(r[i])) for r in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        cells = [
            str(c).rjust(w) if i in right else str(c).ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def number_text(value: float | None, digits: int = 6) -> str:
    """A number with so many significant digits; nothing for None."""
    return "" if value is None else f"{value:.{digits}g}"


def time_text(instant: datetime | None) -> str:
    """An instant in local time, to the minute; nothing for None."""
    return "" if instant is None else f"{instant.astimezone():%Y-%m-%d %H:%M}"
