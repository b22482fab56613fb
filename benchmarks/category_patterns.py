"""Patterns of categories: codes of many levels and their combinations, ordered words, cells of several labels, texts
that resemble each other.

Unlike the patterns of `patterns.ISSUE`, a raw model learns a part of most of these: what is measured is the rest.
"""

from __future__ import annotations

import numpy as np
from patterns import ROWS, Draft, Generator, labels

LEVELS = (1500, 900, 60, 80, 200, 150, 900, 40, 150)  # of the codes of `hashed_cross`
DEPENDENT = {1: 0, 3: 2, 7: 4, 8: 5}  # column → the one that all but determines it, as a code its group does


def _sigmoid(logit: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logit))


def _frequent(rng: np.random.Generator, levels: int) -> np.ndarray:
    """(ROWS,) levels from 0 on with frequencies that fall off like a power of their rank."""
    weights = (np.arange(levels) + 3.0) ** -0.8
    return rng.choice(levels, ROWS, p=weights / weights.sum())


def _effects(rng: np.random.Generator, *codes: np.ndarray) -> np.ndarray:
    """(ROWS,) a standard normal effect of each combination of levels that occurs."""
    cell = np.unique(np.column_stack(codes), axis=0, return_inverse=True)[1].ravel()
    return np.asarray(rng.normal(0, 1, cell.max() + 1)[cell])


def _whole(rng: np.random.Generator, codes: np.ndarray) -> np.ndarray:
    """The levels as whole numbers without an order."""
    size = int(codes.max()) + 1
    return np.asarray(rng.choice(40 * size + 1000, size, replace=False)[codes] + 100)


def hashed_cross(rng: np.random.Generator) -> Draft:
    """Nine whole-number codes of people and resources: effects of their own, of pairs and of a triple."""
    codes = [_frequent(rng, levels) for levels in LEVELS]
    for column, of in DEPENDENT.items():
        group = rng.integers(0, LEVELS[column], LEVELS[of])[codes[of]]
        codes[column] = np.where(rng.random(ROWS) < 0.85, group, codes[column])
    logit = 0.5 * sum(_effects(rng, codes[j]) for j in (0, 1, 4, 5))
    logit = logit + 1.0 * sum(_effects(rng, codes[a], codes[b]) for a, b in ((2, 4), (7, 8), (3, 5)))
    logit = logit + 1.0 * _effects(rng, codes[2], codes[7], codes[3])
    names = {f"code{j}": _whole(rng, code) for j, code in enumerate(codes)}
    return Draft("auc", _sigmoid(1.5 + logit), logit, named=names)


def people_and_resources(rng: np.random.Generator) -> Draft:
    """Two whole-number codes with effects of their own, beside a number that counts in its order."""
    person, resource = _frequent(rng, 1500), _frequent(rng, 900)
    amount = rng.poisson(40, ROWS)
    logit = 1.2 * _effects(rng, person) + 1.2 * _effects(rng, resource) + (amount - 40) / 8
    named = {"person": _whole(rng, person), "resource": _whole(rng, resource), "amount": amount}
    return Draft("auc", _sigmoid(logit), logit, named=named)


def ordered_words(rng: np.random.Generator) -> Draft:
    """Ordered words, the sum of whose places counts, in six columns of which one has misspellings."""
    words = np.array(["Very Poor", "Poor", "Fair", "Good", "Very Good", "Excellent"], dtype=object)
    risks = np.array(["Low", "Medium", "High", "Very High"], dtype=object)
    places = [rng.integers(0, 6, ROWS) for _ in range(4)] + [rng.integers(0, 4, ROWS) for _ in range(2)]
    total = sum((p - p.mean()) / p.std() for p in places)
    columns = [words[p] for p in places[:4]] + [risks[p] for p in places[4:]]
    wrong = rng.random(ROWS) < 0.01
    columns[0] = np.where(wrong & (places[0] == 5), "Excelent", columns[0])
    named = {f"mark{j}": column for j, column in enumerate(columns)}
    return Draft("rmse", 20 + 3 * np.tanh(total) + 0.5 * total, total, named=named, noise=0.3)


def several_labels(rng: np.random.Generator) -> Draft:
    """Cells of several labels, joined by a mark, each of which counts wherever it stands."""
    names = np.unique(labels(rng, np.arange(40)))[:24]
    worth = rng.normal(0, 1, len(names))
    count = rng.integers(1, 6, ROWS)
    ranked = np.argsort(rng.random((ROWS, len(names))), axis=1)
    chosen = [row[:k] for row, k in zip(ranked, count, strict=True)]
    total = np.array([worth[c].sum() for c in chosen])
    cells = np.array(["|".join(names[c]) for c in chosen], dtype=object)
    return Draft("rmse", 10 + 2 * total, total, named={"tags": cells})


def similar_texts(rng: np.random.Generator) -> Draft:
    """Whether two texts share many of their words."""
    vocabulary = np.array([f"{a}{b}{c}" for a in ("ba", "de", "fi", "go", "lu") for b in ("ram", "sen", "tik", "vol")
                           for c in ("a", "e", "i", "o", "u", "an", "er", "is", "os", "um")], dtype=object)  # fmt: skip
    share = rng.random(ROWS)
    first = np.argsort(rng.random((ROWS, len(vocabulary))), axis=1)[:, :18]
    fresh, kept = first[:, 9:], rng.random((ROWS, 9)) < share[:, None]
    second = np.where(kept, first[:, :9], fresh)
    shared = kept.mean(axis=1)
    texts = [np.array([" ".join(vocabulary[rng.permutation(r)]) for r in rows], dtype=object)
             for rows in (first[:, :9], second)]  # fmt: skip
    return Draft("auc", _sigmoid(8 * (shared - 0.5)), shared, named={"question": texts[0], "answer": texts[1]})


CATEGORIES: dict[str, Generator] = {
    "hashed_cross": hashed_cross,
    "people_and_resources": people_and_resources,
    "ordered_words": ordered_words,
    "several_labels": several_labels,
    "similar_texts": similar_texts,
}
