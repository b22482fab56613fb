"""Detects the format of a text table from its first bytes: encoding, separator, decimal point, header line."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass

from medalist.competitions.errors import InputError
from medalist.competitions.tables.archive import Source

HEAD_BYTES = 1 << 16  # read at first to find the header line
MAX_HEAD_BYTES = 1 << 24  # read at most, where the header line is longer
SEPARATORS = (",", "\t", ";", "|")
MISSING_WORDS = (  # the defaults of pandas.read_csv, so that pyarrow reads the same words as missing
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
    """The format of a text table.

    `encoding`: that of its byte order mark, None without one (UTF-8 is then tried first). `decimal`: "." or ",".
    `header`: the names in the first line as they are written, () for an empty file.
    """

    encoding: str | None
    separator: str
    decimal: str
    header: tuple[str, ...]


def read_dialect(source: Source) -> Dialect:
    """The format of a text table, from as many of its first bytes as hold the header line.

    Raises InputError for bytes that are no text.
    """
    size = HEAD_BYTES
    while True:
        with source.open() as stream:
            head = stream.read(size)
        whole = len(head) < size
        if whole or b"\n" in head[:-1] or b"\r" in head[:-1] or size >= MAX_HEAD_BYTES:
            return dialect_of(head, source.path, whole=whole)
        size *= 16


def dialect_of(head: bytes, path: str, *, whole: bool) -> Dialect:
    """The format of a text table whose first bytes are `head`.

    `whole`: they are all of its bytes, so that their last line is complete. Raises InputError, naming `path`, for bytes
    that are no text.
    """
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
    """The text `data` in UTF-8, and a note on the encoding that was assumed (None where `encoding` is given).

    `encoding` None is for bytes that are not UTF-8 and have no mark: Windows-1252 is assumed, and Latin-1 where the
    bytes are not defined in that. Raises InputError where the bytes are not of the given encoding.
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


def truncated_line(data: bytes, dialect: Dialect) -> int | None:
    """The number of fields of the last line, where it has fewer than the header and no end of line, as in a file that
    was cut short in copying; None for any other file. `data`: UTF-8 or a one-byte encoding."""
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


def lacks_header(header: tuple[str, ...]) -> bool:
    """Whether a first line is data rather than names: every field is a number."""
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
    """The separator and the fields of the header line: the first separator with which the first records have equally
    many fields, more than one; where there is none, the one with most fields in the header."""
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
    """The first four records; of fewer ones the last is left out where the text may end within it."""
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
