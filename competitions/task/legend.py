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
    r"(?:=+|:|→|->|–|—|(?<=\s)-(?=\s)|\bis\b|\bmeans?\b|\bmeaning\b|\bstands? for\b|\bdenot\w+|\bindicat\w+"
    r"|\brepresents?\b|\bfor\b|\bif\b|\bwhen\b)"
)
_CODED = r"(?:cod|encod|label|mark|recorded|denot|flagg|scor|given)\w*(?: as| with| by| the)*"
_ENDING = re.compile(r"(?:ing|ed|es|s|d|e)$")
_CHANCE = r"(?:probabilit\w*|likelihoods?|chances?|risks?)"
_QUESTIONS = (  # in order of their weight
    re.compile(
        rf"{_CHANCE}(?: in percent)?\s+(?:of|that|for)\s+(?P<asked>[^.!?;:(]{{2,120}})"
        r"|how likely\s+(?:it is that\s+)?(?P<likely>[^.!?;:(]{2,120})"
        rf"|{_CHANCE}[^.!?;(]{{0,40}} is that of (?P<that>[^.!?;:(]{{2,120}})"
        r"|(?:scores?|values?|predictions?|numbers?)\b[^.!?;:(]{0,30}\bhigh(?:er)?\b[^.!?;:(]{0,10}\bfor "
        r"(?P<high>[^.!?;:(]{2,120})"
        r"|, that is, (?:that )?(?P<named>[^.!?;:(]{2,120})",
        re.IGNORECASE,
    ),
    re.compile(rf"(?P<before>[\w-]+) {_CHANCE}\b", re.IGNORECASE),
    re.compile(r"\bwhether\s+(?P<whether>[^.!?;]{2,300})", re.IGNORECASE),
)
_OF_A_NUMBER = re.compile(r"(?:probabilit\w*|scores?|predictions?)\s+(?:of|near|close to|is|was)\s*$", re.IGNORECASE)
_IRREGULAR = {
    "left": "leave", "sold": "sell", "paid": "pay", "bought": "buy", "lost": "lose", "won": "win", "broke": "break",
    "broken": "break", "stole": "steal", "stolen": "steal", "fell": "fall", "fallen": "fall", "grew": "grow",
    "sank": "sink", "sunk": "sink", "went": "go", "gone": "go", "gave": "give", "given": "give", "dead": "die",
    "death": "die", "dying": "die", "kept": "keep", "quit": "quit", "bred": "breed", "froze": "freeze", "ill": "ill",
    "drowned": "drown", "survival": "survive", "failure": "fail",
}  # fmt: skip


def name_words(name: str) -> list[str]:
    """The words of a column's name, in lower case: parted by punctuation, and by capitals (PredictedLogPrice)."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return [word for word in re.split(r"[\W_]+", spaced.lower()) if word]


def label_pattern(label: Any) -> str:
    """A regular expression for a label as a word of a text, in quotes or not."""
    return rf"(?<![\w.\-]){_QUOTE}{re.escape(str(label))}{_QUOTE}(?![\w%]|[.,]\d)"


def same_word(one: str, other: str) -> bool:
    """Whether two words are forms of one: "moves" and "moved", "default" and "defaulted"."""
    short, long = sorted((_IRREGULAR.get(one, one), _IRREGULAR.get(other, other)), key=len)
    stem = _ENDING.sub("", short)
    if short == long or (len(stem) > 1 and stem == _ENDING.sub("", long)):
        return True
    common = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if common == len(short):
        return len(short) >= 3 and len(long) - len(short) <= 4
    return common >= 4 and len(short) - common <= 3 and len(long) - common <= 4


def label_meanings(labels: Sequence[Any], sentences: Sequence[str], names: Sequence[str]) -> dict[Any, str]:
    """The words that a text gives as the meaning of each label; labels without any are left out. `names`: of the column
    with the labels."""
    noun = "|".join(["class", "label", "value", "code", "group", "type", *map(re.escape, names)])
    either = "|".join(rf"{_QUOTE}{re.escape(str(label))}{_QUOTE}" for label in labels)
    ends = rf"(?:{either})\s*{_LINK}|(?:{noun})\s+(?:{either})(?!\w)"
    meaning = r"(?P<m>[^.;,()|]{2,80}?)"
    stop = rf"(?=\s*(?:[.;,()|]|$|\band\s+{_QUOTE}-?\d|\b(?:and|or|else|otherwise)?\s*(?:{ends})))"
    before = r"(?P<m>[^.;,:()|]{2,60}?)"
    meanings: dict[Any, str] = {}
    for label in labels:
        one = label_pattern(label)
        patterns = (
            rf"{one}\s*{_LINK}\s*{meaning}{stop}",
            rf"{before}\s*\(\s*(?:(?:class|label|value|coded|code|target)\s*)?(?:as\s*)?=*\s*{one}\s*\)",
            rf"{before}\s+(?:is|are|was|were)\s+{_CODED}\s+{one}",
            rf"{one}\s*\(\s*(?:=|i\.e\.|meaning)?\s*(?P<m>[^()|]{{2,60}}?)\s*\)",
            rf"\|\s*{one}\s*\|\s*(?P<m>[^|]{{2,80}}?)\s*\|",
            rf"\b(?:{noun})\s+{one}\s+{meaning}{stop}",
            rf"(?P<m>[^.;,:()|=]{{2,60}}?)\s*=+\s*{one}",
        )
        for pattern in patterns:
            found = (m for s in sentences for m in re.finditer(pattern, s, re.IGNORECASE))
            match = next((m for m in found if not _OF_A_NUMBER.search(m.string[: m.start()])), None)
            if match is not None:
                clause = re.sub(r"^.*\b(?:who|which|that)\s+(?=\w)", "", match["m"])  # "tenants who left": left
                meanings[label] = " ".join(clause.split()[-12:])
                break
    return meanings


def asked_label(
    labels: Sequence[Any], sentences: Sequence[str], names: Sequence[str], *, only_chances: bool
) -> tuple[Any | None, str]:
    """(the label whose meaning the text asks the probability of, that meaning); (None, "") where it cannot be told.

    `names`: of the sample's column and of the target, whose words count where no question in the text decides.
    `only_chances`: whether nothing counts but a question for a probability, since the labels have a usual order.
    """
    meanings = label_meanings(labels, sentences, names)
    if len(meanings) != len(labels) or len(labels) != 2:
        return None, ""
    words = {label: _content(meaning) for label, meaning in meanings.items()}
    for label, other in (labels, labels[::-1]):
        if not words[label] and _NOT & set(name_words(meanings[label])):  # "or not"
            words[label] = {word: not negated for word, negated in words[other].items()}
    questions = [
        _content(next(part for part in match.groups() if part))
        for pattern in (_QUESTIONS[:1] if only_chances else _QUESTIONS)
        for sentence in sentences
        for match in pattern.finditer(sentence)
    ]
    named = [name for name in names if not only_chances or name_words(name) != name_words(names[-1])]
    for question in (*questions, *(_content(" ".join(name_words(name))) for name in named)):
        label = _closest(question, words)
        if label is not None:
            return label, meanings[label]
    return None, ""


def _closest(question: dict[str, bool], meanings: dict[Any, dict[str, bool]]) -> Any | None:
    """The label whose meaning a question asks for, by the words that it shares with one meaning and not with the other,
    or with both where one of them negates it ("default", "no default"); None where words speak for both or none.

    A word that is negated in the question and not in the meaning, or the reverse, speaks for the other label.
    """
    (one, mine), (other, theirs) = meanings.items()
    votes = set()
    for word, negated in question.items():
        here = {n == negated for own, n in mine.items() if same_word(word, own)}
        there = {n == negated for own, n in theirs.items() if same_word(word, own)}
        if here == there or len(here) > 1 or len(there) > 1:
            continue
        votes.add(one if True in here or there == {False} else other)
    return votes.pop() if len(votes) == 1 else None


def _content(text: str) -> dict[str, bool]:
    """The words of a text that carry meaning, and whether one of the three words before negates them."""
    words = [word for word in re.split(r"[\W_]+", text.lower()) if word]
    return {
        word: bool(_NOT & set(words[max(0, place - 3) : place]))
        for place, word in enumerate(words)
        if len(word) > 2 and word not in _NOT and not _STOP.fullmatch(word)
    }
