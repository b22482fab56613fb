"""Detects the format of a text table from its first bytes: encoding, separator, decimal sign, the lines around it."""

from __future__ import annotations

import codecs
import csv
import re
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from medalist.competitions.tables.decimal_sign import decimal_sign
from medalist.competitions.tables.encodings import encoding_of, marked_encoding, no_text
from medalist.competitions.tables.records import (
    BLANKS,
    HEAD_RECORDS,
    RARE_SEPARATORS,
    SEPARATORS,
    Quoting,
    Record,
    agree,
    in_quotes,
    is_number,
    keeps_quotes,
    quotings,
    read_records,
    style,
)
from medalist.competitions.tables.source import Source
from medalist.competitions.tables.surroundings import (
    COMMENT_MARKS,
    Place,
    find_table,
    has_row_names,
    may_hold_units,
)

HEAD_BYTES = 1 << 16  # read at first to find the header line
MAX_HEAD_BYTES = 1 << 24  # read at most, where the header line is longer
FEW_RECORDS = 4  # that agree in an ordinary table
MISSING_WORDS = (  # the defaults of pandas.read_csv, so that pyarrow reads the same words as missing
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
_LINE_END = re.compile(r"\r\n|\n|\r")
_SEP_LINE = re.compile(r"\ufeff?\"?sep=(.)\"?[ \t,;]*(?:\r\n?|\n|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """The format of a text table.

    `encoding`: that which its first bytes show, None where they show none (UTF-8 is then tried first). `quoting`: what
    keeps fields apart. `decimal`: "." or ",". `header`: the names as they are written, () for an empty file. `skipped`:
    the lines, from 0, that are none of the table's (titles, comments, units). `above`, `below`: these lines as they are
    written, above and below the header. `first_row`: the line after the header and the units. `rows`: the first rows,
    where the header holds numbers. `style`: which fields are quoted (see `records.style`). `notes`: a sentence on each
    thing that is skipped, without the file's name. `empty`: the number of columns at the end without names and values,
    which are not in `header`. `row_names`: the header line lacks a name for the first column, "" in `header`.
    """

    encoding: str | None
    quoting: Quoting
    decimal: str
    header: tuple[str, ...]
    skipped: tuple[int, ...] = ()
    above: str = ""
    below: str = ""
    first_row: int = 1
    rows: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
    line_end: str = "\n"
    style: str = "minimal"
    notes: tuple[str, ...] = ()
    empty: int = 0
    row_names: bool = False

    @property
    def separator(self) -> str:
        return self.quoting.separator


def read_dialect(source: Source) -> Dialect:
    """The format of a text table, from as many of its first bytes as hold the header line.

    Raises InputError for bytes that are no text.
    """
    size = HEAD_BYTES
    while True:
        with source.open() as stream:
            head = _read(stream, size)
        whole = len(head) < size
        if whole or b"\n" in head[:-1] or b"\r" in head[:-1] or size >= MAX_HEAD_BYTES:
            return dialect_of(head, source, whole=whole)
        size *= 16


def _read(stream: BinaryIO, size: int) -> bytes:
    """Up to `size` bytes of a stream that may give fewer at a time."""
    parts = [stream.read(size)]
    while parts[-1] and sum(map(len, parts)) < size:
        parts.append(stream.read(size - sum(map(len, parts))))
    return b"".join(parts)


def dialect_of(head: bytes, source: Source, *, whole: bool) -> Dialect:
    """The format of a text table whose first bytes are `head`.

    `whole`: they are all of its bytes, so that their last line is complete. Raises InputError, naming the file, for
    bytes that are no text.
    """
    encoding = marked_encoding(head)
    if encoding is None and b"\0" in head:
        raise no_text(source.path)
    text = decode_head(head, source, encoding)
    return dialect_of_text(text, encoding, whole=whole)


def dialect_of_text(text: str, encoding: str | None = None, *, whole: bool) -> Dialect:
    """The format of a text table that begins with `text` (see `dialect_of`)."""
    text = text.removeprefix("\ufeff")
    if not text.strip():
        return Dialect(encoding, Quoting(), ".", ())
    named = _SEP_LINE.match(text.lstrip("\r\n"))
    quoting, records, place = _layout(text, named[1] if named else None, whole)
    header = records[place.header]
    names, empty = header.fields, 0
    if not names[-1].strip() and len(names) > 2:  # separators that end every line
        rest = [r.fields[: len(names)] for r in read_records(text, quoting, whole, HEAD_RECORDS)[place.first :]]
        while len(names) > 2 and not names[-1].strip() and not any("".join(f[len(names) - 1 :]).strip() for f in rest):
            names, empty = names[:-1], empty + 1
    first = records[place.first - 1].end
    lines = text.splitlines(keepends=True) if header.line or place.first > place.header + 1 else []
    above, below = "".join(lines[: header.line]), "".join(lines[header.end : first])
    notes = []
    if records[: place.header] and not (named and place.header == 1):
        shown = above.strip().splitlines()[1 if named else 0][:40]
        notes.append(f"the lines above the header ({shown!r} …) are skipped.")
    if below:
        shown = ", ".join(f for f in records[place.header + 1].fields if f.strip())[:40]
        notes.append(f"the row under the header ({shown}) holds units or types and is skipped.")
    unnamed = len(names) > 1 and not names[0] and not place.header
    row_names = unnamed and len(read_records(text, quoting, whole, 1)[0].fields) < len(header.fields)
    if row_names:
        notes.append("the first column, the names of rows, has no name in the header.")
    rows: tuple[tuple[str, ...], ...] = ()
    if any(map(is_number, header.fields)):
        rows = tuple(r.fields for r in read_records(text, quoting, whole, HEAD_RECORDS)[place.first :])
    return Dialect(
        encoding,
        quoting,
        decimal_sign(text, quoting.separator),
        names,
        (*range(header.line), *range(header.end, first)),
        above,
        below,
        first,
        rows,
        end[0] if (end := _LINE_END.search(text)) else "\n",
        style("".join(text[: 1 << 14].splitlines(keepends=True)[first - 1 : first + 20]), quoting),
        tuple(notes),
        empty,
        row_names,
    )


def truncated_line(data: bytes, dialect: Dialect) -> int | None:
    """The number of fields of the last line, where it has fewer than the header and no end of line, as in a file that
    was cut short in copying; None for any other file. `data`: UTF-8 or a one-byte encoding."""
    last = data[max(data.rfind(b"\n"), data.rfind(b"\r")) + 1 :]
    if not last.strip() or last.count(b'"') % 2 or len(last) == len(data) or dialect.separator == BLANKS:
        return None
    try:
        fields = len(next(csv.reader([last.decode("latin-1")], delimiter=dialect.separator)))
    except csv.Error:  # a field longer than the csv module's limit
        return None
    names = list(dialect.header)
    while names and not names[-1].strip():  # a separator that ends the header line names nothing
        names.pop()
    return fields if fields < len(names) else None


def decode_head(head: bytes, source: Source, encoding: str | None) -> str:
    """The text that a file begins with; `encoding`: that of `marked_encoding`."""
    if encoding is None:
        try:
            return codecs.getincrementaldecoder("utf-8")().decode(head)
        except UnicodeDecodeError:
            encoding = encoding_of(source).codec
    return codecs.getincrementaldecoder(encoding)("replace").decode(head)


def _layout(text: str, named: str | None, whole: bool) -> tuple[Quoting, list[Record], Place]:
    """(quoting, first records, where the table is among them). `named`: the separator of a line such as "sep=;".

    An ordinary table has a header and rows of equally many fields. Where there is none, titles and comments, other
    quotes and rarer separators are looked for; where nothing fits, it is the separator with most fields in the header.
    """
    plain = [Quoting(separator) for separator in SEPARATORS]
    firsts = [read_records(text, quoting, whole, FEW_RECORDS) for quoting in plain]
    odd = named is not None or text.lstrip().startswith(COMMENT_MARKS) or '\\"' in text
    for quoting, records in zip(plain, firsts, strict=True):
        if quoting.separator == "," and any(map(agree, firsts[1:])) and _is_decimal(text, records):
            continue
        if agree(records) and not odd and not _is_odd(records):
            return quoting, records, Place(0, 1)
    separators = (named,) if named else (*SEPARATORS, *RARE_SEPARATORS)
    found: list[tuple[tuple[int, bool, bool, int], Quoting, list[Record], Place]] = []
    for quoting in quotings(text, separators):
        records = read_records(text, quoting, whole, HEAD_RECORDS)
        place = find_table(records[1:] if named else records)
        rare = quoting.separator not in SEPARATORS and not named
        if place is not None and not (rare and not _is_clear(records, place, quoting)):
            start = Place(place.header + 1, place.first + 1) if named else place
            rank = (
                place.header,
                rare,
                keeps_quotes(records[start.header], records[start.first :], quoting),
                -len(records[-1].fields),
            )
            found.append((rank, quoting, records, start))
    if found:
        _, quoting, records, place = min(found, key=lambda candidate: candidate[0])
        return quoting, records, place
    for quoting in quotings(text, separators):
        records = read_records(text, quoting, whole, HEAD_RECORDS)
        if has_row_names(records):
            return quoting, [replace(records[0], fields=("", *records[0].fields)), *records[1:]], Place(0, 1)
    if named and len(records := read_records(text, Quoting(named), whole, HEAD_RECORDS)) > 1:
        return Quoting(named), records, Place(1, 2)  # a table of one column
    if not any(firsts):  # nothing but quotes and blanks
        return plain[0], [Record((text.split()[0],), 0, 1)], Place(0, 1)
    best = max(range(len(plain)), key=lambda i: (len(firsts[i][0].fields) if firsts[i] else 0, -i))
    return plain[best], firsts[best], Place(0, 1)


def _is_decimal(text: str, records: list[Record]) -> bool:
    """Whether every comma of the first lines stands within a number: another separator keeps the fields apart."""
    lines = "\n".join(text.splitlines()[: records[-1].end if records else 0])
    return "," in lines and len(re.findall(r"\d,\d", lines)) == lines.count(",")


def _is_odd(records: list[Record]) -> bool:
    """Whether records that agree may still be a title with blank fields, have a row of units, or other quotes."""
    header = records[0]
    return (
        (len(header.fields) > 2 and 2 * header.filled <= len(header.fields))
        or (len(records) > 2 and may_hold_units(records[1]) and any(map(is_number, records[2].fields)))
        or any(map(in_quotes, (*header.fields, *records[-1].fields)))
    )


def _is_clear(records: list[Record], place: Place, quoting: Quoting) -> bool:
    """Whether a rarer separator is no chance: all records have its fields, and one of its columns holds numbers."""
    width = len(records[place.header].fields)
    body = records[place.first :]
    if (
        (place.header and quoting.separator in (BLANKS, ":"))
        or len(body) < 2
        or any(len(record.fields) != width for record in body)
    ):
        return False
    return any(all(is_number(record.fields[column]) for record in body) for column in range(width))
