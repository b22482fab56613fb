"""Whether a description averages its metric over groups of rows, as the mean AUC per user, and by which column."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd

from medalist.competitions.metrics.reading.phrases import find_mentions
from medalist.competitions.metrics.reading.text import LONGEST_TEXT, lowered, split_sentences
from medalist.competitions.task.legend import name_words

_WITHIN = re.compile(
    r"\b(?:(?:for|within|in|by|on|at|of) (?:each|every)|per|over (?:all|each|every)|across(?: all| each| every)?"
    r"|averaged (?:over|by|across|per)|mean (?:over|across)|grouped by)"
    r"(?: the| of the| unique| distinct| different| individual)* (?P<noun>[a-z0-9]+(?: [a-z0-9]+){0,2})"
)
_PERIODS = {
    "hourly": ("hour",),
    "daily": ("day", "date"),
    "weekly": ("week",),
    "monthly": ("month",),
    "yearly": ("year",),
}
_PERIOD = re.compile(rf"\b(?:{'|'.join(_PERIODS)})\b")
_AVERAGED = re.compile(r"\baverag\w*|\bmean\b")
_FOLLOWING = 2  # sentences after the one that names the metric that may say so
_KEY_WORDS = {"id", "ids", "key", "code", "no", "num", "number", "name", "index", "identifier", "uid"}
_PLURAL = re.compile(r"(?<=[^s])s$")


@dataclass(frozen=True)
class Groups:
    """The column whose groups the metric is averaged over, and the sentence that says so."""

    column: str
    quote: str


def groups_of_metric(
    description: str, quote: str, train: pd.DataFrame, targets: Collection[str], others: Sequence[str] = ()
) -> Groups | None:
    """The column by whose groups of rows the description averages its metric; None where it does not, or where no
    column of train with repeated values is called so.

    quote: the sentence of the description that names the metric. others: further words that are no groups of rows.
    """
    sentences = split_sentences(description[:LONGEST_TEXT])
    places = [k for k, s in enumerate(sentences) if s.text.startswith(quote) or quote.startswith(s.text[:400])]
    if not places:
        return None
    first = places[0]
    near = [s for s in sentences[first : first + 1 + _FOLLOWING] if s.heading == sentences[first].heading]
    possible = [c for c in map(str, train.columns) if c not in targets and c not in others and _has_groups(train[c])]
    averaged = any(_is_averaged(s.lowered) for s in near)
    for sentence in near if averaged else ():
        for match in _WITHIN.finditer(sentence.lowered):
            column = _called(match["noun"].split(), possible)
            if column is not None:
                return Groups(column, sentence.text)
        for match in _PERIOD.finditer(sentence.lowered):
            named = (_called([word], possible) for word in _PERIODS[match[0]])
            if (column := next(filter(None, named), None)) is not None:
                return Groups(column, sentence.text)
    return None


def _is_averaged(sentence: str) -> bool:
    """Whether a lower-case sentence speaks of a mean outside the names of metrics ("mean squared error")."""
    names = [(m.start, m.end) for m in find_mentions(sentence)]
    return any(all(not start <= match.start() < end for start, end in names) for match in _AVERAGED.finditer(sentence))


def _has_groups(values: pd.Series) -> bool:
    """Whether there are several values and most of them occur more than once."""
    distinct = values.nunique()
    return bool(1 < distinct <= len(values) / 2)


def _called(noun: Sequence[str], columns: Sequence[str]) -> str | None:
    """The column that a noun of one to three words names: by all its words, or by those that are no "id"."""
    for length in range(len(noun), 0, -1):
        said = [_singular(word) for word in noun[:length]]
        plain = [word for word in said if word not in _KEY_WORDS] or said
        for exact in (True, False):
            for column in columns:
                words = [_singular(word) for word in name_words(lowered(column))] or [lowered(column)]
                if (words == said) if exact else ([w for w in words if w not in _KEY_WORDS] == plain):
                    return column
    return None


def _singular(word: str) -> str:
    return _PLURAL.sub("", word)
