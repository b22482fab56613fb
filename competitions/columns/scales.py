"""Ordered words: the place of each word of a column in a scale such as Poor < Fair < Good, misspellings included."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np

from medalist.competitions.columns.kinds import SCALES, ordered_levels, plain_word

LEAST_WORDS = 3  # different words of a scale in a column, at least
LEAST_SHARE = 0.8  # share of the rows that have words of the scale, misspelt ones included, at least
SIMILARITY = 0.8  # Ratcliff and Obershelp's, from which on a word counts as a misspelling of another
LONGEST = 40  # characters of a word that may be misspelt, at most
MOST_WORDS = 60  # different texts of a column, at most


def places_of(values: Sequence[str] | np.ndarray, counts: np.ndarray) -> dict[str, float]:
    """The place from 0 on of each of the distinct texts of a column in its order; {} where they have none.

    counts: how often each occurs. Words of no place, such as `unknown`, are left out. Places in a scale of words are
    those in the whole scale, so that a word that other rows lack has its place, too; ranges of numbers are counted.
    """
    if not LEAST_WORDS <= len(values) <= MOST_WORDS:
        return {}
    plain = [plain_word(v) for v in values]
    best: dict[str, float] = {}
    most = LEAST_SHARE * max(1, counts.sum())
    for scale in SCALES:
        if len(set(plain).intersection(scale)) < LEAST_WORDS:
            continue
        found = {}
        for value, word in zip(values, plain, strict=True):
            near = [word] if word in scale else _misspelt(word, scale)
            if near:
                found[value] = float(scale.index(near[0]))
        rows = sum(int(c) for v, c in zip(values, counts, strict=True) if v in found)
        if rows > most or (rows == most and not best):
            best, most = found, rows
    if best:
        return best
    ordered = ordered_levels(np.asarray(values, dtype=object))
    return {value: float(place) for place, value in enumerate(ordered)}


def _misspelt(word: str, scale: Sequence[str]) -> list[str]:
    if len(word) > LONGEST or len(word) < 4 or re.search(r"\d", word):
        return []
    alike = [w for w in scale if w[:1] == word[:1]]
    swapped = [w for w in alike if sorted(w) == sorted(word)]  # letters in another order
    return swapped or get_close_matches(word, alike, 1, SIMILARITY)


def levels_of(values: Sequence[str] | np.ndarray, counts: np.ndarray) -> tuple[str, ...]:
    """The distinct texts of a column that have a place, lowest first; () where they have no order."""
    places = places_of(values, counts)
    return tuple(sorted(places, key=lambda v: (places[v], v)))
