"""Labels: the place of a word in its scale, and the single labels of values that hold several."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from medalist.pipelines.features.frames.conversion import texts_of
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.language.expression import Column, Feature, Node
from medalist.pipelines.features.language.operator import Operator
from medalist.pipelines.features.lazy import np, pd
from medalist.pipelines.features.operators.strings import distinct

if TYPE_CHECKING:
    from scipy import sparse

LEAST_VALUES = 2  # rows with a label that has a column of its own, at least
MOST_LABELS = 20_000  # labels with columns, at most: the most frequent ones


def _all_texts(frame: Frame, node: Node) -> tuple[list[str], np.ndarray]:
    """The distinct texts of a column over all rows of train and test, whichever rows the frame has, and how often each
    occurs."""
    texts = texts_of(frame.fitted_column(node.name)) if isinstance(node, Column) else frame.text(node)
    codes, uniques = pd.factorize(texts)
    return list(uniques), np.bincount(codes[codes >= 0], minlength=len(uniques))


def ordinal(frame: Frame, feature: Feature) -> np.ndarray:
    """The place of the word in a scale such as low < medium < high, misspelt ones too; missing for other words."""
    from medalist.competitions.columns.scales import places_of

    node = feature.args[0]
    places = frame.cached(("places of words", node), lambda: places_of(*_all_texts(frame, node)))
    codes, texts = distinct(frame, node)
    return np.array([*(places.get(t, np.nan) for t in texts), np.nan], dtype=np.float64)[codes]


def _cut(frame: Frame, node: Node) -> tuple[list[str], list[list[str]], np.ndarray]:
    """The labels of a column, the most frequent first; the labels of each of the frame's distinct texts, then of a
    missing one; and the positions (n,) of the rows' texts among these."""
    from medalist.competitions.columns.several_labels import labels_in, separator_of

    def vocabulary() -> tuple[str, list[str]]:
        texts, counts = _all_texts(frame, node)
        mark = separator_of(texts, counts) or next((c for c in "|;,/+ " if any(c in t for t in texts)), "|")
        rows: Counter[str] = Counter()
        for text, count in zip(texts, counts, strict=True):
            for label in set(labels_in(text, mark)):
                rows[label] += int(count)
        ranked = sorted((x for x in rows if rows[x] >= LEAST_VALUES), key=lambda x: (-rows[x], x))
        return mark, ranked[:MOST_LABELS]

    mark, ranked = frame.cached(("labels", node), vocabulary)
    codes, texts = distinct(frame, node)
    return ranked, [*(labels_in(t, mark) for t in texts), []], codes


def labels(frame: Frame, feature: Feature) -> sparse.csr_matrix:
    """How often each label occurs in a value that holds several, such as `Action|Comedy`, by the mark between them."""
    from scipy import sparse

    ranked, cut, codes = _cut(frame, feature.args[0])
    at = {label: place for place, label in enumerate(ranked)}
    found = [[at[label] for label in each if label in at] for each in cut]
    ends = np.concatenate([[0], np.cumsum([len(f) for f in found])])
    places = np.array([place for each in found for place in each], dtype=np.int64)
    ones = np.ones(len(places), dtype=np.float32)
    of_texts = sparse.csr_matrix((ones, places, ends), shape=(len(found), max(1, len(ranked))))
    of_texts.sum_duplicates()
    return of_texts[np.where(codes < 0, len(found) - 1, codes)]


def frequent_labels(frame: Frame, feature: Feature) -> np.ndarray:
    """(n, k): whether a value that holds several labels has each of the given count of the most frequent ones."""
    ranked, cut, codes = _cut(frame, feature.args[0])
    most = max(1, int(feature.args[1]))  # type: ignore[arg-type]
    flags = np.zeros((len(cut), max(1, min(most, len(ranked)))))
    at = {label: place for place, label in enumerate(ranked[:most])}
    for row, each in enumerate(cut):
        flags[row, [at[label] for label in each if label in at]] = 1.0
    flags[-1] = np.nan
    return flags[codes]


def label_count(frame: Frame, feature: Feature) -> np.ndarray:
    """How many labels a value has that holds several; missing where there is no value."""
    _, cut, codes = _cut(frame, feature.args[0])
    return np.array([*map(len, cut[:-1]), np.nan], dtype=np.float64)[codes]


OPERATORS = {
    "ordinal": Operator("transductive", ("text",), "number", ordinal, "place of {0} in its order", "ordinal(city)"),
    "labels": Operator("transductive", ("text",), "sparse", labels, "labels of {0}", "labels(note)", width=60),
    "frequent_labels": Operator(
        "transductive",
        ("text", "whole"),
        "numbers",
        frequent_labels,
        "whether {0} has each of its {1} most frequent labels",
        "frequent_labels(note, 4)",
        width=16,
    ),
    "label_count": Operator(
        "transductive", ("text",), "number", label_count, "number of labels of {0}", "label_count(note)"
    ),
}
