"""Splits the beginning of a text table into records, and finds the separator and the quotes with which they agree."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

SEPARATORS = (",", "\t", ";", "|")
RARE_SEPARATORS = ("^", "~", "\x01", "\x1f", ":", " ")  # tried where none of the others fits
BLANKS = r"\s+"  # the separator of columns that any number of blanks keeps apart
HEAD_RECORDS = 60  # looked at where the first ones do not agree
_NUMBER = re.compile(r"\s*[-+]?(?:\d[\d.,' \u00a0\u202f]*|\.\d+)(?:[eE][-+]?\d+)?\s*%?\s*")


@dataclass(frozen=True)
class Record:
    """The fields of a row, and the lines on which it begins (from 0) and after which it ends."""

    fields: tuple[str, ...]
    line: int
    end: int

    @property
    def filled(self) -> int:
        """The number of fields that are not blank."""
        return sum(bool(field.strip()) for field in self.fields)


@dataclass(frozen=True)
class Quoting:
    """How fields are kept apart: separator (BLANKS for any number of blanks), quotes, and a sign that escapes them."""

    separator: str = ","
    quote: str = '"'
    escape: str | None = None


def read_records(text: str, quoting: Quoting, whole: bool, limit: int) -> list[Record]:
    """Up to `limit` records that are not blank. The last one is left out where the text may end within it (`whole`:
    the text is all of the file)."""
    records: list[Record] = []
    try:
        for record in _records(text, quoting):
            records.append(record)
            if len(records) > limit:
                break
    except csv.Error:  # a field longer than the csv module's limit: what came before it suffices
        pass
    if len(records) > 1 and (not whole or len(records) > limit):
        records.pop()
    return records


def _records(text: str, quoting: Quoting) -> Iterator[Record]:
    blanks = quoting.separator == BLANKS
    stream = io.StringIO("\n".join(line.strip() for line in text.splitlines()) if blanks else text, newline="")
    reader = csv.reader(
        stream,
        delimiter=" " if blanks else quoting.separator,
        quotechar=quoting.quote,
        escapechar=quoting.escape,
        doublequote=quoting.escape is None,
        skipinitialspace=blanks,
    )
    line = 0
    for fields in reader:
        if fields and (len(fields) > 1 or fields[0].strip()):
            yield Record(tuple(fields), line, reader.line_num)
        line = reader.line_num


def agree(records: list[Record]) -> bool:
    """Whether the records have equally many fields, more than one."""
    width = len(records[0].fields) if records else 0
    return width > 1 and all(len(record.fields) == width for record in records)


def quotings(text: str, separators: tuple[str, ...]) -> Iterator[Quoting]:
    """Ways of keeping fields apart, the usual ones first, as far as the text's signs make them possible."""
    escapes = '\\"' in text
    single = re.search(r"(?:^|[,;\t|^~ \r\n])'[^'\r\n]*'(?=[,;\t|^~ \r\n])", text) is not None
    for separator in separators:
        plain = Quoting(BLANKS if separator == " " else separator)
        yield plain
        if escapes:
            yield replace(plain, escape="\\")
        if single:
            yield replace(plain, quote="'")


def keeps_quotes(header: Record, rows: list[Record], quoting: Quoting) -> bool:
    """Whether fields still have quotes of another kind around or in them: '…' a name or a whole column, \\" a field."""
    if quoting.quote == '"' and quoting.escape is None:
        if any("\\" in f and '"' in f[f.index("\\") :] for record in rows for f in record.fields):
            return True
        columns = zip(*(record.fields for record in rows), strict=False)
        return any(map(in_quotes, header.fields)) or any(all(map(in_quotes, column)) for column in columns)
    return False


def in_quotes(text: str) -> bool:
    """Whether a field stands in single quotes."""
    return len(text) > 1 and text[0] == text[-1] == "'"


def style(text: str, quoting: Quoting) -> str:
    """Which fields of a text table are quoted: "all", "text" (all but numbers) or "minimal" (where it is needed)."""
    text = re.sub(r"\r\n?", "\n", text)
    edge = r"[ \t]" if quoting.separator == BLANKS else re.escape(quoting.separator)
    mark = re.escape(quoting.quote)
    inside = rf"(?:[^{mark}\r\n]|{mark}{mark})*"
    quoted = re.findall(rf"(?:^|{edge}){mark}({inside}){mark}(?=$|{edge})", text, re.MULTILINE)
    fields = [f for record in read_records(text, quoting, True, HEAD_RECORDS) for f in record.fields if f.strip()]
    if not quoted or not fields:
        return "minimal"
    if len(quoted) >= len(fields):
        return "all"
    words = sum(not is_number(field) for field in fields)
    return "text" if words and sum(not is_number(f) for f in quoted) >= words else "minimal"


def is_number(text: str) -> bool:
    """Whether a field is a number, perhaps with decimal commas, signs between thousands or a percent sign."""
    return _NUMBER.fullmatch(text) is not None
