"""Finds the metrics that a sentence names, by the phrases that each metric carries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from medalist.competitions.metrics.reading.unsupported import FURTHER, MODIFYING
from medalist.competitions.metrics.registry import METRICS, PARAMETRISED

# names of mentions of metrics that are recognised but not implemented: see `unsupported`
UNSUPPORTED, UNSUPPORTED_BESIDE = "", "?"


@dataclass(frozen=True)
class Mention:
    """A metric named at `start` to `end` of a sentence; `weak` where the words often mean something else.

    `name` is canonical, or has a letter for a parameter that the words lack ("map@k").
    """

    name: str
    start: int
    end: int
    weak: bool


_NEGATED_BEFORE = re.compile(
    r"(?:n't\b|\b(?:unlike|instead of|rather than|in contrast (?:to|with)|(?:as )?opposed to|contrary to|than|whereas"
    r"|except|without|compar(?:ed|ison|able) (?:to|with)|not(?! only)|never|neither|nor|no longer|replac(?:es|ed|ing)"
    r"|just like|as with|differ(?:s|ent)? from|similar(?:ly)? to|related to|formerly|previously|used to be"
    r"|moved from|switched from)\b)(?:(?!\bbut\b)[^,;.])*$"
)
_NEGATED_AFTER = re.compile(
    r"^[^,;.]{0,12}\b(?:is|was|are|were|will|would|does|do|did)(?: not\b|n't\b)"
    r"|^ (?:is|was) (?:only |just )?(?:used )?for (?:reference|information|illustration)"
    r"|^ (?:was|were) used (?:in|last|for) "
)


def find_mentions(text: str) -> list[Mention]:
    """Metrics named in a sentence as `text.lowered` gives it, negated ones left out, in their order."""
    matches = [
        Mention(_name(name, match), match.start(), match.end(), weak)
        for name, pattern, weak in _phrases()
        for match in _compiled(pattern).finditer(text)
    ]
    kept: list[Mention] = []
    for mention in sorted(matches, key=lambda m: (m.start - m.end, m.weak)):
        if all(mention.end <= other.start or mention.start >= other.end for other in kept):
            kept.append(mention)
    return [m for m in sorted(kept, key=lambda m: m.start) if not is_negated(text, m)]


def is_negated(text: str, mention: Mention) -> bool:
    """Whether a sentence denies that this is the metric ("unlike RMSE", "accuracy is not used")."""
    before, after = text[: mention.start], text[mention.end :]
    return bool(_NEGATED_BEFORE.search(before[-90:]) or _NEGATED_AFTER.search(after))


def _phrases() -> Iterator[tuple[str, str, bool]]:
    """(name, pattern, whether it is weak) of all phrases."""
    for name, metric in METRICS.items():
        yield from ((name, pattern, False) for pattern in metric.wording.phrases)
        yield from ((name, pattern, True) for pattern in metric.wording.weak_phrases)
    for family in PARAMETRISED.values():
        yield from ((family.placeholder, pattern, False) for pattern in family.phrases)
    yield from ((UNSUPPORTED, pattern, False) for pattern in MODIFYING)
    yield from ((UNSUPPORTED_BESIDE, pattern, False) for pattern in FURTHER)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _name(name: str, match: re.Match[str]) -> str:
    """The name with its parameter, where it takes one and the words have it."""
    family = PARAMETRISED.get(name.partition("@")[0]) if "@" in name else None
    parameter = family.read(match) if family else None
    return name if family is None or parameter is None else family.complete(parameter)
