"""What a file holds by its first bytes, where its name says otherwise: a gzip that is called csv, a text called xls."""

from __future__ import annotations

import re

from medalist.competitions.tables.compression import compression, packed_as, plain_name

HEAD_BYTES = 512  # of a file, from which its kind is told
CSV_SUFFIXES = (".csv", ".tsv", ".tab")
COLUMNAR_SUFFIXES = (".parquet", ".pq", ".feather", ".arrow", ".ipc", ".orc")
WORKBOOK_SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
ARFF_SUFFIXES = (".arff",)
AMBIGUOUS_SUFFIXES = (".txt", ".dat", ".data")  # a table or a text, as its content shows
PAGE_SUFFIXES = (".html", ".htm")
_KINDS = (
    (b"PK\x03\x04", ".zip"),
    (b"PAR1", ".parquet"),
    (b"ARROW1\0\0", ".arrow"),
    (b"FEA1", ".feather"),
    (b"ORC", ".orc"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xls"),
)
_STREAM = b"\xff\xff\xff\xff"  # begins a message of an Arrow stream
_ALIASES = {".tgz": ".tar.gz", ".tbz2": ".tar.bz2", ".tbz": ".tar.bz2", ".txz": ".tar.xz"}
_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body|table|meta)\b", re.I | re.S
)
_TEXT = re.compile(rb"[^\x00-\x08\x0e-\x19\x1c-\x1f\x7f]*")  # bytes of a text in UTF-8 or a code page


def plain_alias(name: str) -> str:
    """The name of a file with the long form of a short suffix: "data.tar.gz" for "data.tgz"."""
    for short, long in _ALIASES.items():
        if name.lower().endswith(short):
            return name[: -len(short)] + long
    return name


def is_page(head: bytes) -> bool:
    """Whether a file that begins with these bytes is a web page (HTML)."""
    return _PAGE.match(head) is not None


def name_by_content(name: str, head: bytes) -> str:
    """The name that a table would have whose first bytes are `head`: its own where that agrees, else another suffix in
    place of one of compression that does not apply, or after the name.

    A file that begins with the signature of a zip gets ".zip" unless it is called a workbook, which is a zip too.
    """
    name = plain_alias(name)
    packed = packed_as(head)
    called = compression(name)
    if packed:
        return name if called == packed else (plain_name(name) if called else name) + packed
    name = plain_name(name) if called and head else name
    lower = name.lower()
    kind = "" if _is_text(head) else next((suffix for start, suffix in _KINDS if head.startswith(start)), "")
    rows = _suffix_of_rows(head)
    if lower.endswith(COLUMNAR_SUFFIXES):
        alike = kind in COLUMNAR_SUFFIXES and _family(kind) == _family(lower[lower.rindex(".") :])
        if alike or (not kind and (head.startswith(_STREAM) or not rows)):
            return name
        return name + (kind or rows)
    if lower.endswith(WORKBOOK_SUFFIXES):
        if kind in (".zip", ".xls") or not (kind or rows):
            return name
        return name + (kind or rows)
    if lower.endswith(CSV_SUFFIXES + JSON_SUFFIXES + ARFF_SUFFIXES) and is_page(head):
        return name + ".html"
    if not kind and head[257:262] == b"ustar":
        kind = ".tar"
    return name + kind if kind and not lower.endswith(kind) else name


def _suffix_of_rows(head: bytes) -> str:
    """The suffix of a text that looks like a table: ".html" or, where a separator is in its first line, ".csv"."""
    if not _is_text(head):
        return ""
    if is_page(head):
        return ".html"
    first = head.splitlines()[0] if head.strip() else b""
    return ".csv" if any(sign in first for sign in (b",", b";", b"\t", b"|")) and first != head else ""


def _family(suffix: str) -> str:
    """Kinds of columnar files that one reader tells apart."""
    return {".parquet": "parquet", ".pq": "parquet", ".orc": "orc"}.get(suffix, "arrow")


def _is_text(head: bytes) -> bool:
    return bool(head.strip()) and _TEXT.fullmatch(head) is not None
