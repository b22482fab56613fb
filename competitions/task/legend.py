"""What labels mean by a description ("1 = churned", "2 for tenants who stayed"), and which meaning it asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

_STOP = re.compile(
    r"an?|the|of|for|who|whom|whose|which|that|this|these|those|it|its|is|are|was|were|be|been|being|has|have|had|will"
    r"|would|can|could|to|in|on|at|and|or|by|with|from|as|if|when|where|whether|each|every|per|within|during|after"
    r"|before|class|label|value|target|cases?|ones?|rows?|id|test|csv|train|out|into|up|than|then|their|there|they|you"
    r"|your|we|given|probability|chance|likelihood|likely|predict|submit|customer|person"
)
_NOT = {"no", "not", "never", "non", "without", "neither", "nor", "un", "didn", "doesn", "isn", "wasn", "won", "none"}
_QUOTE = "[\"'“”‘’]*"
_LINK = (
    r"(?:=+|:|→|->|–|—|\bmeans?\b|\bmeaning\b|\bstands? for\b|\bdenot\w+|\bindicat\w+|\brepresents?\b|\bfor\b|\bif\b"
    r"|\bwhen\b)"
)
_CODED = r"(?:cod|encod|label|mark|recorded|denot|flagg|scor|given)\w*(?: as| with| by| the)*"
_ENDING = re.compile(r"(?:ing|ed|es|s|d|e)$")
_QUESTION = re.compile(
    r"(?:probabilit\w*|likelihoods?|chances?|risks?)(?: in percent)?\s+(?:of|that|for)\s+(?P<a>[^.!?;:(]{2,120})"
    r"|how likely\s+(?:it is that\s+)?(?P<b>[^.!?;:(]{2,120})"
    r"|\bwhether\s+(?P<c>[^.!?;:(]{2,120})"
    r"|, that is, (?:that )?(?P<d>[^.!?;:(]{2,120})",
    re.IGNORECASE,
)


def name_words(name: str) -> list[str]:
    """The words of a column's name, in lower case: parted by punctuation, and by capitals (PredictedLogPrice)."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return [word for word in re.split(r"[\W_]+", spaced.lower()) if word]


def same_word(one: str, other: str) -> bool:
    """Whether two words are forms of one: "moves" and "moved", "default" and "defaulted"."""
    short, long = sorted((one, other), key=len)
    stem = _ENDING.sub("", short)
    if short == long or (len(stem) > 1 and stem == _ENDING.sub("", long)):
        return True
    common = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if common == len(short):
        return len(short) >= 3 and len(long) - len(short) <= 4
    return common >= 4 and len(short) - common <= 3 and len(long) - common <= 4


def label_meanings(labels: Sequence[Any], sentences: Sequence[str]) -> dict[Any, str]:
    """The words that a text gives as the meaning of each label; labels without any are left out."""
    ends = "|".join(rf"{_QUOTE}{re.escape(str(label))}{_QUOTE}\s*{_LINK}" for label in labels)
    meanings: dict[Any, str] = {}
    for label in labels:
        one = rf"(?<![\w.\-]){_QUOTE}{re.escape(str(label))}{_QUOTE}(?![\w%]|[.,]\d)"
        patterns = (
            rf"{one}\s*{_LINK}\s*(?P<m>[^.;,()|]{{2,80}}?)(?=\s*(?:[.;,()|]|$|\band\s+{_QUOTE}-?\d|\b(?:and|or|else|otherwise)?\s*(?:{ends})))",
            rf"(?P<m>[^.;,:()|]{{2,60}}?)\s*\(\s*(?:(?:class|label|value|coded|code|target)\s*)?(?:as\s*)?=*\s*{one}\s*\)",
            rf"(?P<m>[^.;,:()|]{{2,60}}?)\s+(?:is|are|was|were)\s+{_CODED}\s+{one}",
            rf"{one}\s*\(\s*(?:=|i\.e\.|meaning)?\s*(?P<m>[^()|]{{2,60}}?)\s*\)",
            rf"\|\s*{one}\s*\|\s*(?P<m>[^|]{{2,80}}?)\s*\|",
        )
        for pattern in patterns:
            match = next((m for s in sentences if (m := re.search(pattern, s, re.IGNORECASE))), None)
            if match is not None:
                clause = re.sub(r"^.*\b(?:who|which|that)\s+(?=\w)", "", match["m"])  # "tenants who left": left
                meanings[label] = " ".join(clause.split()[-12:])
                break
    return meanings


def asked_label(labels: Sequence[Any], sentences: Sequence[str], names: Sequence[str]) -> tuple[Any | None, str]:
    """(the label whose meaning the text asks the probability of, that meaning); (None, "") where it cannot be told.

    `names`: of the sample's column and of the target, whose words count where no question in the text decides.
    """
    meanings = label_meanings(labels, sentences)
    if len(meanings) != len(labels) or len(labels) != 2:
        return None, ""
    words = {label: _content(meaning) for label, meaning in meanings.items()}
    questions = [
        _content(next(part for part in match.groups() if part))
        for sentence in sentences
        for match in _QUESTION.finditer(sentence)
    ]
    for question in (*questions, *(_content(" ".join(name_words(name))) for name in names)):
        label = _closest(question, words)
        if label is not None:
            return label, meanings[label]
    return None, ""


def _closest(question: tuple[set[str], bool], words: dict[Any, tuple[set[str], bool]]) -> Any | None:
    """The label whose meaning shares words with a question that the other's does not share; None where that is open.

    Where both share the same words, as "default" and "no default" do, it is the one that is negated as the question is.
    """
    asked, negated = question
    hits = {label: {a for a in asked if any(same_word(a, own) for own in means)} for label, (means, _) in words.items()}
    (one, mine), (other, theirs) = hits.items()
    if mine and mine == theirs:
        same = [label for label in (one, other) if words[label][1] == negated]
        return same[0] if len(same) == 1 else None
    if bool(mine - theirs) == bool(theirs - mine):
        return None
    label = one if mine - theirs else other
    return label if words[label][1] == negated else other if label == one else one


def _content(text: str) -> tuple[set[str], bool]:
    """(the words of a text that carry meaning, whether it is a negation)."""
    words = [word for word in re.split(r"[\W_]+", text.lower()) if word]
    return {word for word in words if not _STOP.fullmatch(word) and word not in _NOT and len(word) > 2}, bool(
        _NOT & set(words)
    )
