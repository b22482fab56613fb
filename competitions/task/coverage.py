"""What a description says of intervals and quantiles: how often an interval has to hold the value, and which levels."""

from __future__ import annotations

import re
from collections import Counter

from medalist.competitions.metrics.reading.text import LONGEST_TEXT

_NUMBER = r"(?P<{0}>0?\.\d+|\d{{1,2}}(?:\.\d+)?)"
_PERCENT = r"\s?(?:%|\\%|per ?cent\b|percent\b)"
_COVER = (
    r"(?:cover(?:age|s|ed|ing)?|contain\w*|hold\w*|confidence|includ\w+|encompass\w*|lies?|fall\w*|within|inside"
    r"|enthält|enthalten|umfass\w+|liegt|contient|contenir|contiene|contener)"
)
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_NUMBER.format('p')}{_PERCENT}[- ](?:central |prediction |predictive |confidence |credible |nominal "
        rf"|two[- ]sided )*(?:intervals?|coverage|bands?|limits|level|PIs?\b|CIs?\b)",
        rf"\bintervals?\b[^.;\n]{{0,40}}?(?<![\d.]){_NUMBER.format('p')}{_PERCENT}",
        rf"\b{_COVER}\b[^.;\n]{{0,60}}?(?<![\d.]){_NUMBER.format('p')}{_PERCENT}",
        rf"(?<![\d.]){_NUMBER.format('p')}{_PERCENT}[^.;\n]{{0,40}}?\b{_COVER}\b",
        rf"\b(?:coverage|confidence)(?: level| rate| probability)?(?: of| is| at|:|=|\s)*"
        rf"{_NUMBER.format('c')}(?!\d)(?:{_PERCENT})?",
        rf"(?:\balpha\b|\bmis-?coverage(?: rate| level)?\b|α|\\alpha\b)\s*\$?\s*(?:=|:|is|of)?\s*"
        rf"{_NUMBER.format('a')}(?:{_PERCENT})?",
    )
)
_LEVEL = re.compile(
    r"(?<![\d.])(?P<d>0?\.\d+)(?![\d%])|(?<![\d.])(?P<o>\d{1,2}(?:\.\d+)?)\s?(?:st|nd|rd|th)\b"
    r"|(?<![\d.])(?P<p>\d{1,2}(?:\.\d+)?)\s?%",
    re.IGNORECASE,
)
_QUANTILES = re.compile(r"quantiles?|percentiles?|pinball|\btau\b|τ|\bcrps\b|ranked probability", re.IGNORECASE)
_INTERVALS = re.compile(
    r"\bintervals?\b|winkler|\bcoverage\b|lower and upper|upper and lower|(?:lower|upper) (?:bound|limit|end)"
    r"|confidence level",
    re.IGNORECASE,
)


def speaks_of_quantiles(text: str, *, ends: bool) -> bool:
    """Whether a text speaks of quantiles; with `ends`, of quantiles or of intervals."""
    text = text[:LONGEST_TEXT]
    return bool(_QUANTILES.search(text) or (ends and _INTERVALS.search(text)))


def coverages(text: str) -> list[float]:
    """The shares of values, between 0 and 1, that intervals have to hold by a text, the most frequent first.

    "90 % of cases", "coverage 0.9" and "alpha = 0.1" all mean 0.9.
    """
    found: Counter[float] = Counter()
    for pattern in _PATTERNS:
        for match in pattern.finditer(text[:LONGEST_TEXT]):
            groups = match.groupdict()
            number = next(float(value) for value in groups.values() if value is not None)
            number = number / 100 if number >= 1 else number
            share = 1 - number if groups.get("a") is not None else number
            if 0 < share < 1:
                found[round(share, 6)] += 1
    return [share for share, _ in found.most_common()]


def named_levels(text: str, count: int) -> tuple[float, ...] | None:
    """The `count` quantile levels that a sentence of a text lists, ascending; None where none lists so many."""
    for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z#])|\n\s*\n", text[:LONGEST_TEXT]):
        if not _QUANTILES.search(sentence):
            continue
        for pattern in _PATTERNS:
            sentence = pattern.sub(" ", sentence)  # what is a coverage is no level
        levels = {
            round(float(m["d"]) if m["d"] else float(m["o"] or m["p"]) / 100, 6) for m in _LEVEL.finditer(sentence)
        }
        if re.search(r"\bmedian\b", sentence, re.IGNORECASE):
            levels.add(0.5)
        levels = {level for level in levels if 0 < level < 1}
        if len(levels) == count:
            return tuple(sorted(levels))
    return None
