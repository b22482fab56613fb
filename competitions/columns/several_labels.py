"""Values that hold several labels, such as `Action|Comedy`: which mark stands between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

PROBED = 3000  # distinct values that are looked at, at most
FEWEST = 6  # distinct values, at least
LEAST_SEVERAL = 0.15  # share of the rows with two labels or more, at least
LEAST_REPEATS = 3.0  # values that hold a label, on average, at least
LEAST_SHARED = 0.3  # share of second labels that stand first elsewhere: labels have no fixed place, unlike parts
MOST_WORDS = 3.0  # words of a label on average, at most
_WITHIN = " -_.'’()&"  # marks that stand within a label


def labels_in(text: str, separator: str) -> list[str]:
    """The labels of a value, without blanks around them, in their order; none that is empty."""
    return [label for piece in text.split(separator) if (label := piece.strip())]


def separator_of(values: Sequence[str] | np.ndarray, counts: np.ndarray) -> str:
    """The mark between the labels of values that hold several, "" where they do not. values (u,): the distinct texts.
    counts (u,): how often each occurs.

    A mark is no letter, digit or part of a word. Values have different numbers of labels, labels recur in other values
    and places; so `B/45/S` or `Paris, France` are no such values, nor are sentences. Blanks are no such mark: what
    stands between them are the words of a text.
    """
    if len(values) < FEWEST:
        return ""
    probe = np.linspace(0, len(values) - 1, min(PROBED, len(values))).astype(int)
    texts, weights = [str(values[i]) for i in probe], np.maximum(np.asarray(counts)[probe], 0)
    marks = {c for text in texts for c in text if not c.isalnum() and c not in _WITHIN and c.isprintable()}
    shares = {mark: _several(texts, weights, mark) for mark in sorted(marks)}
    best = max(shares, key=lambda mark: shares[mark], default="")
    return best if best and shares[best] >= LEAST_SEVERAL else ""


def _several(texts: Sequence[str], weights: np.ndarray, mark: str) -> float:
    """The share of the rows with several labels between these marks; 0 where the pieces are no labels."""
    cut = [labels_in(text, mark) for text in texts]
    several = [labels for labels in cut if len(labels) > 1]
    share = float(sum(w for labels, w in zip(cut, weights, strict=True) if len(labels) > 1) / max(1, weights.sum()))
    if share < LEAST_SEVERAL or len({len(labels) for labels in cut}) < 2:
        return 0.0
    pieces = [label for labels in cut for label in labels]
    distinct = set(pieces)
    words = float(np.mean([len(label.split()) for label in distinct]))
    firsts, seconds = {labels[0] for labels in cut if labels}, {labels[1] for labels in several}
    if len(pieces) < LEAST_REPEATS * len(distinct) or words > MOST_WORDS:
        return 0.0
    return share if len(seconds & firsts) >= LEAST_SHARED * len(seconds) else 0.0
