"""Tells tables from texts and other documents where the suffix of a file leaves it open."""

from __future__ import annotations

import html
import re

from medalist.competitions.errors import InputError
from medalist.competitions.tables.archive import TABLE_SUFFIXES
from medalist.competitions.tables.contents import AMBIGUOUS_SUFFIXES, JSON_SUFFIXES, PAGE_SUFFIXES
from medalist.competitions.tables.csv_format import HEAD_BYTES, decode_head, dialect_of_text
from medalist.competitions.tables.encodings import marked_encoding
from medalist.competitions.tables.json_table import is_json_table
from medalist.competitions.tables.records import HEAD_RECORDS, SEPARATORS, is_number, read_records
from medalist.competitions.tables.source import Source

MIN_ROWS = 3  # of a table without numbers
_SENTENCE = re.compile(r"[a-z]{2,}[.!?:]\s+[A-Z][a-z]|\w+ \w+ \w+ \w+ \w+ \w+")
_MARKUP = re.compile(r"^\s*(?:<|#{1,6} |={3,}|-{3,}|\|\s*-)", re.MULTILINE)


def is_table(source: Source) -> bool:
    """Whether a file is a table: by its suffix, and by its content where that is in AMBIGUOUS_SUFFIXES or JSON.

    A text is a table where its lines have equally many fields, and numbers in a column or no sentences.
    """
    if source.suffix in PAGE_SUFFIXES:
        return bool(source.actual)  # called a table
    if source.suffix in JSON_SUFFIXES:
        return source.suffix != ".json" or is_json_table(source)
    if source.suffix not in AMBIGUOUS_SUFFIXES:
        return source.suffix in TABLE_SUFFIXES
    try:
        with source.open() as stream:
            head = stream.read(HEAD_BYTES)
        encoding = marked_encoding(head)
        if not head.strip() or (encoding is None and b"\0" in head):
            return False
        text = decode_head(head, source, encoding)
    except InputError:
        return False
    whole = len(head) < HEAD_BYTES
    dialect = dialect_of_text(text, whole=whole)
    if len(dialect.header) < 2 or html.unescape(text.lstrip())[:1] == "<":
        return False
    records = read_records(text, dialect.quoting, whole, HEAD_RECORDS)
    rows = [record.fields for record in records if record.line >= dialect.first_row]
    fitting = [row for row in rows if len(row) == len(dialect.header)]
    if not rows or len(fitting) < 0.9 * len(rows):
        return False
    numeric = any(all(is_number(row[place]) for row in fitting) for place in range(len(dialect.header)))
    if numeric:
        return True
    prose = _SENTENCE.search(" ".join(dialect.header)) or _MARKUP.search(text)
    return len(rows) >= MIN_ROWS and not prose and dialect.separator in SEPARATORS
