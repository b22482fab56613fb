"""The form of a file of text: encoding, separator, decimal sign, quotes, header, line ends; and writing a table in it.

A submission is written in the form of the sample submission, which the organiser's grader reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from medalist.competitions.tables.csv_format import Dialect
from medalist.competitions.tables.encodings import BYTE_ORDER_MARKS
from medalist.competitions.tables.records import BLANKS


@dataclass(frozen=True)
class TextForm:
    """How a table is written as text.

    `encoding`: Python's name of it; `mark`: its byte order mark, b"" without one. `separator`: one sign. `style`: which
    fields are quoted: "minimal" (where it is needed), "text" (all but numbers) or "all". `escape`: the sign before a
    quote within quotes, None where the quote is doubled. `header`: the names as they are written, () for the table's
    own, None for no header line. `above`, `below`: lines above and below the header, such as "sep=;", with their ends.
    `final_newline`: whether the last line ends.
    """

    encoding: str = "utf-8"
    mark: bytes = b""
    separator: str = ","
    decimal: str = "."
    line_end: str = "\n"
    quote: str = '"'
    escape: str | None = None
    style: str = "minimal"
    header: tuple[str, ...] | None = ()
    above: str = ""
    below: str = ""
    final_newline: bool = True

    def encodes(self, text: str) -> bool:
        """Whether all letters of a text are in the encoding."""
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError:
            return False
        return True


PLAIN = TextForm()


def form_of(dialect: Dialect, head: bytes, encoding: str, final_newline: bool) -> TextForm:
    """The form of a file with this dialect, whose first bytes are `head` and whose encoding is `encoding`."""
    marks = ((mark, codec) for mark, _, codec in BYTE_ORDER_MARKS if head.startswith(mark))
    mark, encoding = next(marks, (b"", encoding))
    quoting = dialect.quoting
    return TextForm(
        encoding=encoding,
        mark=mark,
        separator=" " if quoting.separator == BLANKS else quoting.separator,
        decimal=dialect.decimal,
        line_end=dialect.line_end,
        quote=quoting.quote,
        escape=quoting.escape,
        style=dialect.style,
        header=dialect.header,
        above=dialect.above,
        below=dialect.below,
        final_newline=final_newline,
    )


def table_bytes(frame: pd.DataFrame, form: TextForm = PLAIN) -> bytes:
    """The table as a file in this form; in UTF-8 where the encoding lacks one of its letters."""
    names = [str(name) for name in frame.columns]
    header = names if form.header == () or (form.header is not None and len(form.header) != len(names)) else form.header
    if form == TextForm(header=form.header) and (header is None or list(header) == names):
        return frame.to_csv(index=False, header=header is not None, lineterminator="\n").encode()
    columns = [_column(frame.iloc[:, place], form) for place in range(frame.shape[1])]
    lines = [] if header is None else [form.separator.join(_field(name, True, form, len(names)) for name in header)]
    below = [form.below.rstrip("\r\n")] if form.below.strip() and header is not None else []
    lines += [*below, *(form.separator.join(fields) for fields in zip(*columns, strict=True))]
    text = form.above + form.line_end.join(lines) + (form.line_end if form.final_newline else "")
    try:
        return form.mark + text.encode(form.encoding)
    except UnicodeEncodeError:
        return text.encode()


def _column(column: pd.Series, form: TextForm) -> list[str]:
    """The fields of a column, quoted as the form asks."""
    words = not (types.is_numeric_dtype(column.dtype) or types.is_bool_dtype(column.dtype))
    missing = column.isna().to_numpy()
    values: list[Any] = column.tolist() if column.dtype != np.float32 else list(column.to_numpy())
    written = ("" if gone else _value(value, form) for value, gone in zip(values, missing, strict=True))
    return [_field(text, words and bool(text), form) for text in written]


def _value(value: Any, form: TextForm) -> str:
    if isinstance(value, float | np.floating):
        text = str(value)
        return text.replace(".", form.decimal) if form.decimal != "." else text
    return str(value)


def _field(text: str, word: bool, form: TextForm, width: int = 2) -> str:
    """One field, quoted where the form's style asks for it or where it could not be read otherwise."""
    special = (form.separator, form.quote, "\n", "\r", *("\t " if form.separator == " " else ""))
    needed = any(sign in text for sign in special) or (form.escape is not None and form.escape in text)
    needed = needed or (not text and (form.separator == " " or width == 1))
    if not (needed or form.style == "all" or (form.style == "text" and word)):
        return text
    if form.escape is None:
        inside = text.replace(form.quote, form.quote * 2)
    else:
        inside = text.replace(form.escape, form.escape * 2).replace(form.quote, form.escape + form.quote)
    return form.quote + inside + form.quote
