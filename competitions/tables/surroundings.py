"""What stands around a table in its file and is none of its rows: titles, comments, units, sums and sources."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from medalist.competitions.tables.records import Record, is_number

MAX_ABOVE = 20  # lines that may stand above a header
FOOTER_ROWS = 6  # that may stand below a table
COMMENT_MARKS = ("#", "%", "//")  # with which lines of comments begin
_FOOTER = re.compile(
    r"\W*(grand total|total|sub-?total|sum|sums|average|mean|source|sources|notes?|footnote|copyright|rows?|"
    r"summe|gesamt|insgesamt|quelle|stand|somme|moyenne|suma|fuente|totale|fonte|итого|всего|источник)\b",
    re.IGNORECASE,
)
_UNIT = re.compile(r"[^\W\d_]|[%°€$£¥‰]")
_BRACKETED = re.compile(r"\s*[\[(<{].*[\])>}]\s*")
_TYPES = {"int", "integer", "long", "float", "double", "real", "number", "numeric", "num", "continuous", "discrete",
          "str", "string", "text", "char", "varchar", "object", "category", "categorical", "nominal", "date",
          "datetime", "timestamp", "bool", "boolean", "id", "key", "c", "d", "s", "t"}  # fmt: skip
_MISSING = {"", "unknown", "not available", "n.a.", "-", "--", "—", "–", ".", "?", "na", "n/a", "nan", "null", "none",
            "nil", "#n/a", "missing", "inf"}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where a table is among the records: the indices of its header and of its first row; the records between them
    hold units."""

    header: int
    first: int


def find_table(records: Sequence[Record]) -> Place | None:
    """Where the table begins; None where the records below no header have equally many fields, more than one.

    Records above the header have at most half of the table's fields, or are comments.
    """
    if len(records) < 2:
        return None
    width = Counter(len(record.fields) for record in records[1:]).most_common(1)[0][0]
    records = records[: len(records) - footer(records[-30:], width)]
    tail = [len(record.fields) for record in records[max(1, len(records) // 2) :]]
    if width < 2 or tail.count(width) < 0.9 * len(tail):
        return None
    for place, record in enumerate(records[: MAX_ABOVE + 1]):
        below = records[place + 1 :]
        wide = len(record.fields) == width and 2 * record.filled > width
        if wide and not _is_comment(record, below):
            fits = [len(other.fields) == width for other in below]
            named = not place or 2 * sum(map(is_number, record.fields)) < width
            if not below or sum(fits) < 0.9 * len(below) or not all(fits[:3]) or not named:
                return None
            return Place(place, place + 1 + _is_unit_row(below, record))
        first = record.fields[0].strip()
        if 2 * record.filled > width and not first.startswith(COMMENT_MARKS) and not first.endswith(":"):
            return None
    return None


def _is_comment(record: Record, below: Sequence[Record]) -> bool:
    """Whether a record as wide as the table is a comment: it begins with a comment's sign and a header follows."""
    if not record.fields[0].lstrip().startswith(COMMENT_MARKS) or len(below) < 2:
        return False
    names = below[0].fields
    return (
        len(names) == len(record.fields)
        and not any(map(is_number, names))
        and len(set(names)) == len(names)
        and any(map(is_number, below[1].fields))
    )


def has_row_names(records: Sequence[Record]) -> bool:
    """Whether the rows have one field more than the header, distinct names of rows in front, as R's write.table writes
    them: below the names then stand the values of a column of numbers."""
    header, rows = (records[0].fields, [r.fields for r in records[1:]]) if records else ((), [])
    if len(rows) < 3 or any(len(row) != len(header) + 1 for row in rows) or any(map(is_number, header)):
        return False
    columns = list(zip(*rows, strict=True))
    if len(set(columns[0])) < len(rows) or "" in columns[0] or not any(columns[-1]):
        return False
    return any(all(map(is_number, column)) for column in columns[1:])


def may_hold_units(record: Record) -> bool:
    """Whether the row under a header could hold units, by itself: it has words and no numbers."""
    return not any(map(is_number, record.fields)) and any(_is_unit(field) for field in record.fields)


def _is_unit_row(below: Sequence[Record], header: Record) -> bool:
    """Whether the first record below a header holds units: words where all else in the column is a number, and
    otherwise nothing, or the type of each column."""
    if len(below) < 4 or not may_hold_units(below[0]):
        return False
    first, others = below[0].fields, below[1:]
    numeric: list[int] = []
    rest: list[int] = []
    for place in range(len(header.fields)):
        values = [r.fields[place] for r in others if place < len(r.fields) and r.fields[place].strip()]
        numbers = [v for v in values if v.strip().lower() not in _MISSING]
        (numeric if len(numbers) >= 3 and all(map(is_number, numbers)) else rest).append(place)
    units = [place for place in numeric if _is_unit(first[place])]
    bare = [first[place] for place in numeric if place not in units]
    if not units or any(field.strip().lower() not in _MISSING and not _BRACKETED.fullmatch(field) for field in bare):
        return False
    silent = all(first[p].strip().lower() in _MISSING or _BRACKETED.fullmatch(first[p]) for p in rest)
    return silent or all(field.strip().lower() in _TYPES for field in first if field.strip())


def _is_unit(field: str) -> bool:
    text = field.strip()
    return len(text) <= 20 and text.lower() not in _MISSING and _UNIT.search(text) is not None


def below_note(path: str, count: int) -> str:
    """The note on `count` lines below a table that are skipped."""
    lines = "the last line is" if count == 1 else f"the last {count} lines are"
    return f"{path}: {lines} none of the table's rows (sums, sources or notes) and skipped."


def footer(rows: Sequence[Record], width: int) -> int:
    """The number of records at the end of a table that are none of its rows: sums, sources, notes.

    `rows`: its last records. Such a record has fewer fields, or blank ones, and a word where the first column holds
    numbers, or it begins with a word such as "Total" or "Source".
    """
    count = 0
    body = list(rows)
    while body and count < FOOTER_ROWS and len(body) > 3:
        last, before = body[-1], body[:-1]
        first = last.fields[0].strip()
        ids = [r.fields[0] for r in before if len(r.fields) == width]
        numbered = len(ids) >= 3 and sum(map(is_number, ids)) > 0.5 * len(ids) and not is_number(first)
        short = last.filled < width and last.filled <= max(1, width // 2)
        named = _FOOTER.match(first) is not None or first.startswith(("*", "©", "#"))
        if len(last.fields) > width or not first or not short or not (named or (numbered and last.filled == 1)):
            if not (named and numbered and len(last.fields) <= width):
                break
        elif not numbered and len(last.fields) == width:
            break  # a row of a table of words
        body.pop()
        count += 1
    return count
