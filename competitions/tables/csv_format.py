"""How a text table is written: its encoding, its separator, its header line. Decided from the first bytes."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass

from medalist.competitions.errors import InputError
from medalist.competitions.tables.archive import Source

HEAD_BYTES = 1 << 16
MAX_HEAD_BYTES = 1 << 24
SEPARATORS = (",", "\t", ";", "|")
MISSING_WORDS = (  # pandas' own, so that both readers agree
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
_BOMS = (  # UTF-32 first: its little-endian mark begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECIMAL_COMMA = re.compile(r"(?:^|;)\"?-?\d+,\d+\"?(?:;|$)", re.MULTILINE)
_DECIMAL_POINT = re.compile(r"(?:^|;)\"?-?\d+\.\d+\"?(?:;|$)", re.MULTILINE)


@dataclass(frozen=True)
class Dialect:
    """`encoding` is None where nothing marks it: UTF-8 is tried first. `header` is empty for an empty file."""

    encoding: str | None
    separator: str
    decimal: str
    header: tuple[str, ...]


def read_dialect(source: Source) -> Dialect:
    """Looks at the first lines of a text table. Raises InputError for bytes that are no text."""
    size = HEAD_BYTES
    while True:
        with source.open() as stream:
            head = stream.read(size)
        whole = len(head) < size
        if whole or b"\n" in head[:-1] or b"\r" in head[:-1] or size >= MAX_HEAD_BYTES:
            return dialect_of(head, source.path, whole=whole)
        size *= 16


def dialect_of(head: bytes, path: str, *, whole: bool) -> Dialect:
    """`whole`: the bytes are the whole file, so that their last line is complete."""
    encoding = next((name for mark, name in _BOMS if head.startswith(mark)), None)
    if encoding is None and b"\0" in head:
        raise InputError(f"{path} holds bytes that are no text (NUL): save it as UTF-8 csv or as parquet.")
    text = _decode_head(head, encoding).lstrip("\n\r")
    if not text.strip():
        return Dialect(encoding, ",", ".", ())
    separator, header = _separator(text, whole)
    decimal = ","
    if separator != ";" or not _DECIMAL_COMMA.search(text) or _DECIMAL_POINT.search(text):
        decimal = "."
    return Dialect(encoding, separator, decimal, header)


def transcode(data: bytes, encoding: str | None, path: str) -> tuple[bytes, str | None]:
    """UTF-8 bytes of a table in another encoding, and the note that says which was assumed (None where it is marked).

    Without a mark and not UTF-8, Windows-1252 is assumed, and Latin-1 where that leaves bytes undefined.
    """
    if encoding is not None:
        try:
            return data.decode(encoding).encode(), None
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is marked as {encoding} but is not: save it as UTF-8.") from error
    for guess in ("cp1252", "latin-1"):
        try:
            text = data.decode(guess)
        except UnicodeDecodeError:
            continue
        return text.encode(), f"{path} is not UTF-8: read as {guess}; save it as UTF-8 if letters look wrong."
    raise InputError(f"{path} is not UTF-8: save it as UTF-8.")


def torn_line(data: bytes, dialect: Dialect) -> int | None:
    """How many fields the last line has, where it has fewer than the header and no end of line, as in a file whose
    copying was cut short; None else. `data`: UTF-8, or another encoding in which quotes and separators are one byte."""
    last = data[max(data.rfind(b"\n"), data.rfind(b"\r")) + 1 :]
    if not last.strip() or last.count(b'"') % 2 or len(last) == len(data):
        return None
    try:
        fields = len(next(csv.reader([last.decode("latin-1")], delimiter=dialect.separator)))
    except csv.Error:  # a field longer than the csv module's limit
        return None
    names = list(dialect.header)
    while names and not names[-1].strip():  # a separator that ends the header line names nothing
        names.pop()
    return fields if fields < len(names) else None


def headless(header: tuple[str, ...]) -> bool:
    """Whether a first line looks like data: every field is a number."""
    return bool(header) and all(_is_number(field) for field in header)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _decode_head(head: bytes, encoding: str | None) -> str:
    if encoding is None:
        try:
            return codecs.getincrementaldecoder("utf-8")().decode(head)
        except UnicodeDecodeError:
            return transcode(head, None, "")[0].decode()
    return codecs.getincrementaldecoder(encoding)("ignore").decode(head)


def _separator(text: str, whole: bool) -> tuple[str, tuple[str, ...]]:
    """The first separator that gives the first records the same number of fields, more than one; else a comma."""
    headers: dict[str, tuple[str, ...]] = {}
    for separator in SEPARATORS:
        records = _records(text, separator, whole)
        headers[separator] = tuple(records[0])
        width = len(records[0])
        if width > 1 and all(len(record) in (width, 0) for record in records):
            return separator, headers[separator]
    best = max(SEPARATORS, key=lambda separator: len(headers[separator]))
    return best, headers[best]


def _records(text: str, separator: str, whole: bool) -> list[list[str]]:
    """Up to four records; the last one is left out where it may have been cut."""
    lines = io.StringIO(text, newline="")
    records: list[list[str]] = []
    try:
        for record in csv.reader(lines, delimiter=separator):
            records.append(record)
            if len(records) > 4:
                break
    except csv.Error:  # a field longer than the csv module's limit: what came before it suffices
        pass
    if len(records) > 1 and (not whole or len(records) > 4):
        records.pop()
    return records or [[text.splitlines()[0]]]
