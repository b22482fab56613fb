"""The decimal sign of the numbers in a text table."""

from __future__ import annotations

import re

from medalist.competitions.tables.records import BLANKS

_THOUSANDS = r"[1-9]\d{0,2}(?:[.,'\u00a0\u202f ]\d{3})+"
_NEAR_COMMA = re.compile(r"[\"']\s?[-+]?(?:\d[\d.\u00a0\u202f ]*)?,\d")  # a number with a comma that begins in quotes


def decimal_sign(text: str, separator: str) -> str:
    """The decimal sign of the numbers in the beginning of a table, "." or ",".

    It is the comma where numbers have one that cannot stand between thousands, or any comma between semicolons, and
    none has a decimal point.
    """
    if not _NEAR_COMMA.search(text) if separator == "," else "," not in text:
        return "."
    edge = r"\s" if separator == BLANKS else re.escape(separator)
    start, end = rf'(?:^|\r|{edge})["\']?\s?[-+]?', rf'\s?["\']?(?=$|\r|{edge})'
    comma = re.compile(rf"{start}(?:\d*,(?:\d{{1,2}}|\d{{4,}})|0,\d+|{_THOUSANDS},\d+){end}", re.MULTILINE)
    if separator == ",":  # a number with a comma stands in quotes
        comma = re.compile(comma.pattern.replace("[\"\\']?", "[\"\\']", 1), re.MULTILINE)
    loose = re.compile(rf"{start}\d+,\d+{end}", re.MULTILINE)
    if not comma.search(text) and not (separator == ";" and loose.search(text)):
        return "."
    point = re.compile(rf"{start}(?:\d*\.(?:\d{{1,2}}|\d{{4,}})|0\.\d+|{_THOUSANDS}\.\d+){end}", re.MULTILINE)
    return "." if point.search(text) else ","
