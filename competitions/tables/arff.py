"""Reads ARFF, the format of Weka and OpenML: the names and types of the columns, then rows as in a csv.

scipy.io.arff reads no attributes of text and makes floats of integers, so that ids would lose digits.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Collection, Iterator

import pandas as pd

from medalist.competitions.errors import InputError
from medalist.competitions.tables.encodings import decoded, marked_encoding
from medalist.competitions.tables.source import Source
from medalist.competitions.tables.text_table import table_in

_NAME = r"('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\S+)"
_ATTRIBUTE = re.compile(rf"\s*@attribute\s+{_NAME}\s*(.*)", re.IGNORECASE)
_DATA = re.compile(r"^[ \t]*@data[ \t]*(?:%.*)?\r?$", re.IGNORECASE | re.MULTILINE)
_FIELD = re.compile(
    r"\s*(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|([^,\t]*?))\s*(?:,|\t|$)", re.DOTALL
)  # fields stand between commas or tabs
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ENDS = {"n": "\n", "r": "\r", "t": "\t"}


def load_arff(source: Source, text: Collection[str], exact: Collection[str]) -> tuple[pd.DataFrame, list[str], str]:
    """(frame, notes, SHA-256 of the bytes in hex) of a table in ARFF. Attributes of text stay text, "?" is missing.

    Raises InputError for what is no ARFF, and for sparse rows and relational attributes.
    """
    data = source.read_bytes()
    marked = marked_encoding(data)
    if marked is None and b"\0" in data:
        raise InputError(f"{source.path} is no ARFF that can be read (it holds NUL bytes): write it again as csv.")
    whole, encoding = decoded(data, source, marked)
    begin = _DATA.search(whole)
    if begin is None:
        raise InputError(f"{source.path} is no ARFF that can be read (it has no line @data): write it again as csv.")
    attributes = [match for line in whole[: begin.start()].splitlines() if (match := _ATTRIBUTE.match(line))]
    if any(match[2].strip().lower().startswith("relational") for match in attributes):
        raise InputError(f"{source.path} is ARFF with tables within its rows, which are not read: write it as csv.")
    names = [_plain(match[1]) for match in attributes]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    for number, fields in _rows(whole[begin.end() :]):
        if fields and fields[0].startswith("{"):
            raise InputError(f"{source.path} is sparse ARFF ({{place value, …}}), which is not read: write it as csv.")
        if len(fields) != len(names):
            raise InputError(
                f"{source.path} is ARFF with {len(fields)} fields in row {number} and {len(names)} attributes: mend "
                "that row or write the table as csv."
            )
        writer.writerow(fields)
    words = {name for name, match in zip(names, attributes, strict=True) if match[2].strip().lower() == "string"}
    frame, notes, _, _ = table_in(stream.getvalue().encode(), source, {*text, *words}, exact)
    return frame, ([encoding.note] if encoding.note else []) + notes, hashlib.sha256(data).hexdigest()


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """(number from 1, fields) of the rows below @data, "" for what is missing; {…} as one field."""
    number = 0
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("%"):
            continue
        number += 1
        if line.lstrip().startswith("{"):
            yield number, [line.strip()]
        elif "'" in line or '"' in line:
            yield number, _quoted(line)
        else:
            fields = [field.strip() for field in line.replace("\t", ",").split(",")]
            yield number, ["" if field == "?" else field for field in fields]


def _quoted(line: str) -> list[str]:
    """The fields of a row with quotes."""
    fields, at = [], 0
    while True:
        match = _FIELD.match(line, at)
        if match is None:  # a quote without its other one
            return [line]
        single, double, bare = match.groups()
        inside = single if single is not None else double
        fields.append(_unescaped(inside) if inside is not None else ("" if bare == "?" else bare))
        if match.end() == len(line) and not match[0].endswith((",", "\t")):
            return fields
        at = match.end()


def _plain(name: str) -> str:
    return _unescaped(name[1:-1]) if name[0] in "'\"" and len(name) > 1 else name


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: _ENDS.get(match[1], match[1]), text)
