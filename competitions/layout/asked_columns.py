"""Which column of a table a description asks to predict, and which one is named, or made, like a target."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

_LONGEST_TEXT = 200_000  # characters of a description that are read
_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n\s*\n|\n(?=\s*[-*#|])")
_ASKING = re.compile(
    r"\b(?:predict|forecast|estimat|classif|infer\b|model\b|guess|determin)\w*"
    r"|\b(?:target|label|dependent|response|outcome)(?: (?:variable|column|value|feature))?\b"
    r"\W{0,4}(?:is|are|=|:|called)?",
    re.IGNORECASE,
)
_IS_TARGET = r"[`\"'*]*\W{{1,4}}(?:is |are |being |as )?(?:the |our |your |a )?(?:{0})"
_TARGET_WORDS = (
    r"targets?\b|labels?\b|dependent variable|outcome\b|response variable|(?:variable|value|column) to (?:be )?predict"
)
_JUDGING = re.compile(
    r"\berrors?\b|\bdeviation|\brm?sl?e\b|\bmae\b|\bauc\b|\baccuracy|\bf1\b|\bscored?\b|\bbetween (?:the )?predict"
    r"|\bkappa\b|\bloss\b|\bcorrelation",
    re.IGNORECASE,
)
_REACH = 80  # characters after a verb of asking within which the name of the column stands
_STEM = 4  # fewest letters of a word that may stand in the text in another form
_ENDING = re.compile(r"(?:ation|ing|ion|al|ed|es|e|s|d|y)$", re.IGNORECASE)
_NAMES = (  # from the most to the least certain
    r"^(?:the_?)?target(?:s|_?var(?:iable)?|_?value)?$", r"^labels?$", r"^y$", r"(?:^|_)(?:target|label)(?:_|$)",
    r"^(?:class|outcome|response|output|result)$",
    r"^(?:is_?|has_?)?(?:survived|churn(?:ed)?|exited|attrition|default(?:ed)?|fraud|spam|diagnosis|disease|converted"
    r"|approved|cancell?ed|subscribed|deposit|failure|stroke|purchased|clicked|loan_status|income|species)$",
    r"^(?:\w+_)?(?:price|sales|demand|revenue|charges|salary|rent|quality|rating|points|score|medv|mpg|consumption)$",
)  # fmt: skip


def column_asked_for(description: str, names: Sequence[str]) -> tuple[str, str] | None:
    """(the one of the columns `names` that a text asks to predict, the sentence); None where it is none or several.

    The name that follows first on a verb of asking counts, or one that is called the target; else the only one in a
    sentence on the error; each first as it is written, then with another ending ("survival" for Survived).
    """
    sentences = [s for s in _SENTENCES.split(description[:_LONGEST_TEXT]) if s.strip()]
    for other_forms in (False, True):
        patterns = {name: _pattern(name, other_forms) for name in names}
        for rule in (_after_asking, _beside_error):
            found: dict[str, str] = {}
            for sentence in sentences:
                for name in rule(sentence, patterns):
                    found.setdefault(name, " ".join(sentence.split()))
            if len(found) == 1:
                return next(iter(found.items()))
            if found:
                return None
    return None


def named_like_target(frame: pd.DataFrame, names: Sequence[str]) -> tuple[str, str] | None:
    """(the column that is named like a target, else the only one with two values, where it is the first or the last;
    the reason in words). `names`: those that can be targets, in order. None where nothing shows one."""
    for pattern in _NAMES:
        named = [c for c in names if re.search(pattern, re.sub(r"(?<=[a-z])(?=[A-Z])|[ -]", "_", c), re.IGNORECASE)]
        if len(named) == 1:
            return named[0], "by its name"
    two = [c for c in names if frame[c].nunique() == 2 and not frame[c].isna().any()]
    if len(two) == 1 and two[0] in (names[0], names[-1]):
        return two[0], "the only column with two values"
    return None


def _pattern(name: str, other_forms: bool) -> re.Pattern[str] | None:
    """A pattern of a column's name in a text, its words parted by blanks, hyphens or underscores; None for a name
    that has no other form."""
    words = re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))
    if not words:
        return None
    last = _ENDING.sub("", words[-1])
    if other_forms and len(last) < _STEM:
        return None
    parts = [*map(re.escape, words[:-1]), rf"{re.escape(last)}[a-z]{{0,5}}" if other_forms else re.escape(words[-1])]
    return re.compile(rf"(?<![\w]){'[ _-]*'.join(parts)}(?!\w)", re.IGNORECASE)


def _after_asking(sentence: str, patterns: dict[str, re.Pattern[str] | None]) -> list[str]:
    """The name that follows first on each verb of asking in a sentence, and those that are called the target."""
    found = []
    for verb in _ASKING.finditer(sentence):
        places = {
            name: hit
            for name, pattern in patterns.items()
            if pattern and (hit := pattern.search(sentence, verb.end(), verb.end() + _REACH))
        }
        if places:
            first = min(hit.start() for hit in places.values())
            longest = max((hit.end(), name) for name, hit in places.items() if hit.start() == first)
            found.append(longest[1])
            break
    for name, pattern in patterns.items():
        if pattern and re.search(pattern.pattern + _IS_TARGET.format(_TARGET_WORDS), sentence, re.IGNORECASE):
            found.append(name)
    return found


def _beside_error(sentence: str, patterns: dict[str, re.Pattern[str] | None]) -> list[str]:
    """The names in a sentence on the metric."""
    if not _JUDGING.search(sentence):
        return []
    return [name for name, pattern in patterns.items() if pattern and pattern.search(sentence)]
