"""Escapes control characters in text from data (column names, values, paths, error messages) before it is printed.

A terminal obeys escape sequences wherever they come from: a column's name could hide lines, change the title or write
into the clipboard. Control characters are shown as Python's escapes.
"""

from __future__ import annotations

import re

# control characters but tab and newline; line separators and changes of direction; bytes of a name that were no UTF-8
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """The text with control characters and surrogates escaped: `\\x1b[31m` for a sequence that would colour what
    follows."""
    return _UNPRINTABLE.sub(lambda match: ascii(match[0])[1:-1], text)


def printable_line(text: str) -> str:
    """The same on one line: newlines and tabs are escaped too."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")
