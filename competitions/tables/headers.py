"""Whether the first line of a table names its columns or is its first row."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from medalist.competitions.tables.contents import AMBIGUOUS_SUFFIXES, CSV_SUFFIXES
from medalist.competitions.tables.source import Source

MIN_STEPS = 4  # numbers that rise by equal steps, which are names and not values by chance


def lacks_header(header: Sequence[str], rows: Sequence[Sequence[str]], others: Sequence[Sequence[str]]) -> bool:
    """Whether a first line is a row rather than names.

    `rows`: the first ones below it; `others`: the first lines of other tables. A line of numbers holds names where
    they rise by equal steps or stand as names in another table too. A line of numbers and words is a row where each
    field is of its column's kind and every word stands in the rows too.
    """
    numbers = [field for field in header if _number(field) is not None]
    if not numbers or any(_shares(numbers, other, len(header)) for other in others):
        return False
    if len(numbers) == len(header):
        return not _is_sequence(header)
    if _is_sequence(numbers) or len(rows) < 2:
        return False
    words = [place for place, field in enumerate(header) if _number(field) is None]
    columns = [[row[place] for row in rows if place < len(row)] for place in range(len(header))]
    alike = all(_number(v) is not None for place in range(len(header)) if place not in words for v in columns[place])
    return alike and all(header[place] in columns[place] for place in words)


def first_lines(source: Source) -> list[Sequence[str]]:
    """The first lines of the other tables of text that `source` is judged together with."""
    from medalist.competitions.errors import InputError
    from medalist.competitions.tables.csv_format import read_dialect

    if source.siblings is None:
        return []
    found = source.siblings.found
    lines = []
    for other in source.siblings.sources:
        key = f"first line of {other.path}"
        if other.path == source.path or other.suffix not in CSV_SUFFIXES + AMBIGUOUS_SUFFIXES:
            continue
        if key not in found:
            try:
                found[key] = read_dialect(other).header
            except InputError:
                found[key] = ()
        lines.append(found[key])
    return lines


def _shares(numbers: Sequence[str], other: Sequence[str], width: int) -> bool:
    """Whether the numbers of a first line are distinct and stand in that of another table too."""
    distinct = set(numbers)
    if len(distinct) < max(2, len(numbers)) or len(other) < 2:
        return False
    common = distinct & set(other)
    return len(common) == len(distinct) or (len(common) >= 3 and 2 * len(common) >= min(width, len(other)))


def _is_sequence(header: Sequence[str]) -> bool:
    """Whether numbers rise by equal steps, as names of columns do: 0, 1, 2, 3, or 400.5, 401.0, 401.5, 402.0."""
    values = [value for field in header if (value := _number(field)) is not None]
    if len(values) < MIN_STEPS:
        return False
    steps = [b - a for a, b in pairwise(values)]
    return steps[0] > 0 and all(abs(step - steps[0]) <= 1e-6 * abs(steps[0]) for step in steps)


def _number(text: str) -> float | None:
    """The number that a field is, with a decimal comma too, None for any other field."""
    for written in (text, text.replace(",", ".", 1)):
        try:
            return float(written)
        except ValueError:
            continue
    return None
