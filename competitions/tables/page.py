"""Reads the table of a web page, as which some programs save what they call .xls or csv."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Collection
from html.parser import HTMLParser

import pandas as pd

from medalist.competitions.errors import InputError
from medalist.competitions.tables.encodings import decoded, marked_encoding
from medalist.competitions.tables.source import Source
from medalist.competitions.tables.text_table import table_in

MAX_SPAN = 1000  # columns that a cell may go across


def load_page(source: Source, text: Collection[str], exact: Collection[str]) -> tuple[pd.DataFrame, list[str], str]:
    """(frame, notes, SHA-256 of the bytes in hex) of the largest table of a web page, whose cells are read as a csv's.

    Raises InputError where it has none of two rows and two columns.
    """
    data = source.read_bytes()
    marked = marked_encoding(data)
    parser = _Tables()
    parser.feed(decoded(data, source, marked)[0])
    parser.close()
    rows = max(parser.tables, key=lambda table: sum(map(len, table)), default=[])
    rows = [row for row in rows if any(cell for cell in row)]
    if len(rows) < 2 or max(map(len, rows)) < 2:
        raise InputError(
            f"{source.path} is a web page (HTML) without a table, perhaps one to sign in: download the table itself."
        )
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(rows)
    frame, notes, _, _ = table_in(stream.getvalue().encode(), source, text, exact)
    notes = [f"{source.path} is a web page (HTML), whose table is read.", *notes]
    return frame, notes, hashlib.sha256(data).hexdigest()


class _Tables(HTMLParser):
    """Collects the rows of each table of a page in `tables`; a table within a cell is one of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self._open: list[list[list[str]]] = []
        self._cell: list[str] | None = None
        self._span = 1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._end_cell()
            self._open.append([])
            self.tables.append(self._open[-1])
        elif not self._open:
            return
        elif tag == "tr":
            self._end_cell()
            self._open[-1].append([])
        elif tag in ("td", "th"):
            self._end_cell()
            span = dict(attrs).get("colspan") or "1"
            self._span = min(int(span), MAX_SPAN) if span.isascii() and span.isdigit() else 1
            self._cell = []
        elif tag == "br" and self._cell is not None:
            self._cell.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "tr", "table"):
            self._end_cell()
        if tag == "table" and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def _end_cell(self) -> None:
        if self._cell is not None and self._open:
            rows = self._open[-1]
            if not rows:
                rows.append([])
            rows[-1] += [" ".join("".join(self._cell).split()), *([""] * (self._span - 1))]
        self._cell = None
