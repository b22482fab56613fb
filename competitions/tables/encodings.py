"""Which encoding a text file is in: by its byte order mark, by the places of its NUL bytes, or by evidence.

Files that are neither marked nor UTF-8 are in a code page that nothing in them names. chardet ranks the code pages by
pairs of letters; what it lacks here is added: the files of a competition were mostly exported by one program and are
judged together, words that they share with a file whose encoding is known (a description in UTF-8) count, and so do
signs amid letters, letters of two scripts and capitals within a word, which a wrong code page brings.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from medalist.competitions.errors import InputError
from medalist.competitions.tables.archive import TEXT_FORMATS
from medalist.competitions.tables.code_pages import Decoding, rank
from medalist.competitions.tables.source import Source

EVIDENCE_BYTES = 1 << 16  # of distinct fields with letters beyond ASCII that are looked at
CHUNK = 1 << 22  # bytes of a file that are searched for such fields at a time
RIVAL = 0.7  # share of the best code page's likelihood above which another one is named in the note
UNLIKELY = 0.15  # share of a file's likeliest code page, below which that of all files is not taken for it
ODD_APART = 0.15  # by which the share of odd letters may exceed the least, before a file is judged by itself
#: (byte order mark, codec that skips it in reading, codec of what follows it); the mark of UTF-32 begins with UTF-16's.
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32", "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32", "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8-sig", "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16-be"),
)
_PLAIN = b",;\t|\r\n0123456789 "  # signs of every table in ASCII
_FIELD = re.compile(rb'[^\t\n\r,;"]*[\x80-\xff][^\t\n\r,;"]*')  # bytes that are no part of a letter in any code page
_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True)
class Encoding:
    """Python's name of an encoding, what to do with bytes that it does not define, and a note for a person."""

    codec: str
    errors: str = "strict"
    note: str = ""


def marked_encoding(head: bytes) -> str | None:
    """The encoding that a file's first bytes show: its byte order mark, or NUL bytes in every other place as UTF-16
    has them without one; None where they show none."""
    marked = next((codec for mark, codec, _ in BYTE_ORDER_MARKS if head.startswith(mark)), None)
    if marked or b"\0" not in head[:4096]:
        return marked
    some = head[: min(len(head), 4096) // 4 * 4]
    for width in (4, 2):
        for codec, value in ((f"utf-{8 * width}-le", 0), (f"utf-{8 * width}-be", width - 1)):
            units = [some[at : at + width] for at in range(0, len(some), width)]
            plain = sum(unit.count(0) == width - 1 and unit[value] in _PLAIN for unit in units)
            alike = sum(unit[value] in _PLAIN for unit in units)
            # these signs end every field and line, so that a good part of the letters are such ones with empty bytes
            if plain >= max(2, 0.05 * len(units), 0.7 * alike) and _decodes(some, codec):
                return codec
    return None


def no_text(path: str) -> InputError:
    """The error for a file that is no text."""
    return InputError(f"{path} holds bytes that are no text (NUL): save it as UTF-8 csv or as parquet.")


def _decodes(some: bytes, codec: str) -> bool:
    try:
        text = codecs.getincrementaldecoder(codec)().decode(some)
    except UnicodeDecodeError:
        return False
    return text.isprintable() or all(c.isprintable() or c in "\r\n\t\x1a" for c in text)


def encoding_of(source: Source) -> Encoding:
    """The encoding of a text file without a mark that is not UTF-8, with a note that says how it was chosen.

    It is decided over all such files of `source.siblings` together, once.
    """
    siblings = source.siblings.sources if source.siblings else (source,)
    found = source.siblings.found if source.siblings else {}
    if source.path not in found:
        found.update(_decide([*siblings, source] if all(s.path != source.path for s in siblings) else siblings))
    encoding: Encoding = found[source.path]
    return encoding


def decoded(data: bytes, source: Source, marked: str | None) -> tuple[str, Encoding]:
    """The text of a file's bytes, and the encoding that they are in (`marked`, see `marked_encoding`; else UTF-8 is
    tried first). Raises InputError where they are not of the marked encoding."""
    if marked is not None:
        try:
            return data.decode(marked), Encoding(marked)
        except UnicodeDecodeError as error:
            raise InputError(f"{source.path} is marked as {marked} but is not: save it as UTF-8.") from error
    try:
        return data.decode(), Encoding("utf-8")
    except UnicodeDecodeError:
        encoding = encoding_of(source)
        return data.decode(encoding.codec, encoding.errors), encoding


def _decide(sources: Sequence[Source]) -> dict[str, Encoding]:
    """The encoding of each of the files, by path."""
    evidence: dict[str, list[bytes]] = {}
    known: set[str] = set()
    for source in sources:
        if source.suffix not in TEXT_FORMATS:
            continue
        marked, fields = _fields(source)
        valid = [text for text in (_strict(field, marked or "utf-8") for field in fields) if text is not None]
        if marked or 2 * len(valid) >= len(fields):  # a few broken letters do not make it another encoding
            known.update(word for text in valid for word in _WORD.findall(text.casefold()) if not word.isascii())
        else:
            evidence[source.path] = fields
    together = rank([field for fields in evidence.values() for field in fields], known) if evidence else []
    count = Counter(field for fields in evidence.values() for field in set(fields))
    found = {}
    for source in sources:
        if source.path not in evidence:
            note = f"{source.path} has bytes that are not UTF-8, read as \ufffd: save it as UTF-8."
            found[source.path] = Encoding("utf-8", "replace", note)
        else:
            fields = evidence[source.path]
            alone = any(count[field] == 1 for field in fields)  # else all of them stand in other files too
            found[source.path] = _encoding(source.path, fields, together, known, len(evidence) if alone else 1)
    return found


def _encoding(path: str, fields: list[bytes], together: list[Decoding], known: Collection[str], files: int) -> Encoding:
    """The encoding of one file: that of all `files` files together, unless it makes no words of this one and `files` is
    more than 1."""
    readings = together
    if files > 1:
        alone = rank(fields, known)
        joint = next((r for r in alone if together and r.codec in together[0].codecs | {together[0].codec}), None)
        if joint is None or joint.odd > alone[0].odd + ODD_APART or joint.score < UNLIKELY * alone[0].score:
            readings = alone
    if not readings:
        readings = [Decoding("latin-1", frozenset(), (), 1.0, 0.0)]
    best = readings[0]
    note = f"{path} is not UTF-8: read as {best.codec}; save it as UTF-8 if letters look wrong."
    rival = next((r for r in readings[1:] if r.score >= RIVAL * best.score), None)
    if rival is not None:
        one, two = next((a, b) for a, b in zip(best.words, rival.words, strict=True) if a != b)
        note = (
            f"{path} is not UTF-8: read as {best.codec} ({one!r}), but {rival.codec} ({two!r}) is about as likely: "
            "save it as UTF-8 to settle it."
        )
    defined = all(_strict(field, best.codec) is not None for field in fields)
    return Encoding(best.codec, "strict" if defined else "replace", note)


def _strict(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        return None


def _fields(source: Source) -> tuple[str | None, list[bytes]]:
    """(marked encoding, distinct fields with bytes beyond ASCII) of a file; of a marked one its lines."""
    fields: dict[bytes, None] = {}
    size = 0
    try:
        with source.open() as stream:
            data = stream.read(CHUNK)
            marked = marked_encoding(data)
            if marked is not None:
                text = codecs.getincrementaldecoder(marked)("ignore").decode(data[:EVIDENCE_BYTES])
                return marked, [text.encode(marked)]
            while data and size < EVIDENCE_BYTES:
                if not data.isascii():
                    data += stream.readline()
                    for field in _FIELD.findall(data):
                        if field not in fields:
                            fields[field] = None
                            size += len(field)
                            if size >= EVIDENCE_BYTES:
                                break
                data = stream.read(CHUNK)
    except InputError:
        return None, []
    return None, list(fields)
