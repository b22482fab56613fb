"""Infers the kind of a column (a value of `cards.Kind`) from its values."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

SCALES: tuple[tuple[str, ...], ...] = (  # the words of usual scales, lowest first
    ("very low", "low", "medium", "high", "very high", "extreme"),
    ("very low", "low", "moderate", "high", "very high", "severe"),
    ("low", "average", "high"),
    ("low", "normal", "above normal", "high"),
    ("low", "middle", "high"),
    ("none", "mild", "moderate", "severe", "critical"),
    ("minor", "moderate", "major", "critical"),
    ("never", "rarely", "sometimes", "often", "very often", "always"),
    ("no", "sometimes", "frequently", "always"),
    ("never", "seldom", "occasionally", "frequently", "always"),
    ("very poor", "poor", "fair", "average", "good", "very good", "excellent"),
    ("very bad", "bad", "ok", "good", "very good", "excellent"),
    ("fair", "good", "very good", "premium", "ideal"),
    ("xxs", "xs", "s", "m", "l", "xl", "xxl", "xxxl"),
    ("tiny", "small", "medium", "large", "extra large", "huge"),
    ("first", "second", "third", "fourth", "fifth"),
    ("light", "medium", "heavy"),
    ("weak", "medium", "strong"),
    ("slow", "medium", "fast"),
    ("short", "medium", "long"),
    ("freezing", "cold", "cool", "mild", "warm", "hot"),
    ("trainee", "junior", "mid", "senior", "lead", "principal"),
    ("primary", "secondary", "tertiary"),
    ("high school", "bachelor", "master", "doctorate"),
    ("bronze", "silver", "gold", "platinum", "diamond"),
    ("beginner", "novice", "intermediate", "advanced", "expert"),
    ("strongly disagree", "disagree", "neutral", "agree", "strongly agree"),
    ("very dissatisfied", "dissatisfied", "neutral", "satisfied", "very satisfied"),
    ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
     "december"),
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
)  # fmt: skip
_NUMBER = re.compile(r"^\s*[-+]?[$€£]?\s*\d[\d,]*\.?\d*(?:[eE][-+]?\d+)?\s*%?\s*$")  # with a currency or %
_LEADING = re.compile(r"^\D{0,12}?(\d+(?:\.\d+)?)")  # the first number in a label such as "from 10 to 20"


def numeric_kind(values: np.ndarray, distinct: int) -> tuple[str, str]:
    """(kind, note) of a column of numbers, (n,) float64 with NaN where missing, that has more than two values.

    `distinct`: the number of distinct values.
    """
    present = values[np.isfinite(values)]
    if (present % 1).any():
        return "number", ""
    low, high = float(present.min()), float(present.max())
    span = high - low
    if distinct > 0.98 * len(present) and len(present) >= 50:
        if bool((np.diff(present) > 0).all()) and span < 20 * len(present):
            return "key", "whole numbers that only rise, one per row"
        if span < 2 * len(present):
            return "key", "whole numbers without gaps, one per row"
    if distinct >= 500 and low > 5 * span:
        return "key", "whole numbers in a narrow range far from zero"
    if low >= 0 and distinct <= 15 and span <= 2 * distinct and high <= 100:
        return "ordinal", "a few small whole numbers"
    if low >= 1500 and high <= 2150 and span <= 300:
        return "number", "whole numbers that may be years"
    return ("count", "") if low >= 0 else ("number", "")


def text_kind(values: np.ndarray, counts: np.ndarray, n_rows: int) -> tuple[str, str, tuple[str, ...]]:
    """(kind, note, levels) of a column of text; `levels`, lowest first, are () unless it is ordinal.

    `values` (u,): its distinct strings in train and test. `counts` (u,): how often each occurs in the `n_rows` of
    train.
    """
    probe = values[np.linspace(0, len(values) - 1, min(1000, len(values))).astype(int)]
    numbers = np.fromiter((_NUMBER.match(text) is not None for text in probe), dtype=bool, count=len(probe))
    if numbers.mean() >= 0.9 and len(values) > 2 and not _are_codes(probe):
        others = [str(text) for text in probe[~numbers][:3]]
        return "number", "numbers stored as text" + (f", beside {', '.join(map(repr, others))}" if others else ""), ()
    levels = ordered_levels(values) if len(values) <= 30 else ()
    if levels:
        return "ordinal", " < ".join(levels), levels
    words = np.fromiter((len(text.split()) for text in probe), dtype=float, count=len(probe))
    lengths = np.fromiter((len(text) for text in probe), dtype=float, count=len(probe))
    filled = max(1, int(counts.sum()))
    distinct = int((counts > 0).sum())
    if distinct > 20 and distinct > 0.02 * filled:
        if words.mean() >= 4 or (words.mean() >= 1.9 and distinct > 0.3 * filled):
            return "text", f"{words.mean():.0f} words, {lengths.mean():.0f} characters on average", ()
        if distinct > 0.3 * filled:
            return "key", f"{distinct} different values in {n_rows} rows", ()
    return "category", "", ()


def _are_codes(texts: np.ndarray) -> bool:
    """Whether texts are digits alone, with zeros before some of them: 01234 is a code and no number."""
    return any(text[:1] == "0" and len(text) > 1 for text in texts) and all(text.isdecimal() for text in texts)


def ordered_levels(values: np.ndarray) -> tuple[str, ...]:
    """Distinct strings (u,) in order, lowest first, where they are a scale in words or ranges of numbers, else ()."""
    if len(values) < 3:
        return ()
    plain = {plain_word(text): text for text in values}
    for scale in SCALES:
        if len(plain) == len(values) and all(word in scale for word in plain):
            return tuple(plain[word] for word in scale if word in plain)
    first = leading_numbers(values)
    ranges = sum(bool(re.search(r"\d\s*(?:-|–|to|\+|years?|yrs?)", text.lower())) for text in values)
    if len(set(first)) == len(values) and not any(np.isnan(first)) and ranges >= len(values) - 1:
        return tuple(values[np.argsort(first)])
    return ()


def plain_word(text: str) -> str:
    """A label in small letters, blanks, hyphens and underscores as one blank."""
    return re.sub(r"[\s_-]+", " ", text.strip().lower())


def leading_numbers(values: Sequence[str] | np.ndarray) -> list[float]:
    """The first number in each label such as "from 10 to 20"; NaN where it has none near its beginning."""
    matches = [_LEADING.match(text.replace(",", "")) for text in values]
    return [float(match.group(1)) if match else float("nan") for match in matches]
