"""Finds the description of a competition among its text files and reads it as plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser

from medalist.competitions.errors import InputError
from medalist.competitions.tables.encodings import decoded, marked_encoding
from medalist.competitions.tables.source import Source

MAX_BYTES = 1 << 20  # of a text file; larger ones are no description
_EVALUATION = re.compile(
    r"evaluat|scor(?:ed|ing)|metric|submission|leaderboard|predict|accuracy|squared|error|auc\b", re.IGNORECASE
)
_NAMES = re.compile(r"descri|overview|evaluat|readme|rules|task", re.IGNORECASE)
_DESCRIPTION = re.compile(r"descri|overview|readme|task|aufgabe|beschreib", re.IGNORECASE)
_BLOCKS = {"p", "div", "li", "br", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "pre"}


def read_description(texts: Sequence[Source]) -> tuple[str, tuple[str, ...]]:
    """(text, paths) of all files that mention how submissions are evaluated, joined, those with most such words first;
    without any, of those that are named like a description.

    ("", ()) where there is none. Files that cannot be read as text are left out.
    """
    ranked: list[tuple[float, str, str]] = []
    named: list[tuple[float, str, str]] = []  # texts in other languages, or without a word on the evaluation
    for source in texts:
        if source.size > MAX_BYTES:
            continue
        try:
            text = read_text(source)
        except InputError:
            continue
        hits = {word.lower() for word in _EVALUATION.findall(text)}
        weight = len(hits) + 2 * bool(_NAMES.search(source.name))
        if hits or _DESCRIPTION.search(source.name):
            (ranked if hits else named).append((-weight, source.path, text.strip()))
    ranked = sorted(ranked or named)
    return "\n\n".join(text for _, _, text in ranked), tuple(path for _, path, _ in ranked)


def encoding_note(source: Source) -> str:
    """The note on the encoding that a text was read in, "" where it is UTF-8 or marked."""
    data = source.read_bytes()
    return decoded(data, source, marked_encoding(data))[1].note


def read_text(source: Source) -> str:
    """A text file as plain text, without the tags of HTML. Raises InputError where it is no text."""
    data = source.read_bytes()
    marked = marked_encoding(data)
    if marked is None and b"\0" in data:
        raise InputError(f"{source.path} holds bytes that are no text (NUL): save it as UTF-8.")
    text = decoded(data, source, marked)[0]
    return html_text(text) if source.suffix in (".html", ".htm") else text


def html_text(page: str) -> str:
    """The visible text of an HTML page."""
    parser = _PlainText()
    parser.feed(page)
    return "".join(parser.parts)


class _PlainText(HTMLParser):
    """Collects the visible text of an HTML page in `parts`, a line end for each tag that begins a block."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._hidden += tag in ("script", "style")
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style") and self._hidden > 0
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)
