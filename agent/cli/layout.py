"""Lays out tables, paragraphs and counts in as many columns as the terminal has."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Sequence

from medalist.agent.run.printable import printable_line

USUAL = 80  # columns where there is no terminal and COLUMNS is not set
LEAST = 20
GAP = "  "
LONGEST_WORD = 26  # of the first column, that is kept whole: the id of a run has 24 characters
LONGEST_PART = 12  # of another column: longer words are broken where there is no room


def columns() -> int:
    """The width of the terminal, or what COLUMNS says; USUAL where neither is known, and at least LEAST."""
    return max(LEAST, shutil.get_terminal_size((USUAL, 24)).columns)


def paragraph(text: str, indent: str = "") -> str:
    """A text in lines that fit, broken at blanks; lines after the first begin with `indent`."""
    width = columns()
    lines = textwrap.wrap(
        printable_line(text), width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines)


def fitted(text: str) -> str:
    """Lines of text, those that are too wide broken at blanks; what follows is indented as its line."""
    width, lines = columns(), []
    for line in text.split("\n"):
        indent = line[: len(line) - len(line.lstrip(" "))]
        broken = textwrap.wrap(
            line,
            width,
            subsequent_indent=indent,
            expand_tabs=False,
            replace_whitespace=False,
            break_long_words=False,
            break_on_hyphens=False,
        )
        lines += [line] if len(line) <= width else broken
    return "\n".join(lines)


def table_text(
    header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = (), width: int | None = None
) -> str:
    """A table of columns padded with blanks, in at most `width` columns (else those of the terminal).

    right: indices of the columns that are aligned to the right, which are never broken. Where it is too wide, cells of
    the other columns go on below themselves, the widest first (see `_longest_word`); where even that does not fit,
    each row becomes a block of one line for each cell that is not empty.
    """
    lines = [[printable_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    most = (width or columns()) - len(GAP) * (len(widths) - 1)
    least = [
        widths[i] if i in right else min(widths[i], max(_longest_word(line[i], whole=i == 0) for line in lines))
        for i in range(len(widths))
    ]
    if sum(least) > most:
        return _blocks(lines[0], lines[1:], width or columns())
    while (excess := sum(widths) - most) > 0:
        widest = max((i for i in range(len(widths)) if widths[i] > least[i]), key=lambda i: widths[i])
        others = [w for i, w in enumerate(widths) if widths[i] > least[i] and i != widest]
        step = max(1, widths[widest] - max([*others, least[widest]]))
        widths[widest] -= min(step, excess)
    return "\n".join(_row(line, widths, right) for line in lines)


def _longest_word(text: str, *, whole: bool) -> int:
    """Columns that a cell needs at least; whole: whether words with hyphens are kept together, as ids are."""
    if whole:
        return min(LONGEST_WORD, max(map(len, text.split()), default=0))
    return min(LONGEST_PART, max(map(len, re.split(r"(?<=-)|\s+", text)), default=0))


def _row(cells: Sequence[str], widths: Sequence[int], right: Sequence[int]) -> str:
    """A row, on as many lines as its tallest cell takes."""
    broken = [
        [cell] if len(cell) <= width else textwrap.wrap(_breakable(cell, width), width)
        for cell, width in zip(cells, widths, strict=True)
    ]
    lines = []
    for k in range(max(map(len, broken), default=1)):
        parts = [cell[k] if k < len(cell) else "" for cell in broken]
        padded = [p.rjust(w) if i in right else p.ljust(w) for i, (p, w) in enumerate(zip(parts, widths, strict=True))]
        lines.append(GAP.join(padded).rstrip())
    return "\n".join(lines)


def _breakable(text: str, width: int) -> str:
    """Text whose words that are longer than `width` have blanks after punctuation, where they can be broken."""
    words = []
    for word in text.split():
        while len(word) > width and (cut := _last_punctuation(word, width)):
            words.append(word[:cut])
            word = word[cut:]
        words.append(word)
    return " ".join(words)


def _last_punctuation(word: str, width: int) -> int:
    """Where the longest beginning of a word within `width` ends that punctuation closes; 0 where there is none."""
    return max((match.end() for match in re.finditer(r"[(),/_.:=-]", word[:width])), default=0)


def _blocks(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> str:
    """Rows as blocks of lines `name: value`, with a blank line between them."""
    blocks = []
    for row in rows:
        lines = []
        for name, cell in zip(header, row, strict=True):
            if cell:
                text = f"{name}: {cell}" if name else cell
                lines += textwrap.wrap(text, width, subsequent_indent=GAP, break_on_hyphens=False)
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)
