"""Joins a train table that comes in two files: one with the columns of test, one with its ids and the labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from medalist.competitions.layout.candidates import Sheet, constant_share, named_as_train
from medalist.competitions.layout.id_match import share_in


def join_labels(sheets: Sequence[Sheet]) -> list[Sheet]:
    """The tables, with the two files of train replaced by one joined table; unchanged where train is one file.

    Two tables, values and labels, are joined where they have the same ids, each once, and there is another table with
    the columns of the values (test) and another one with those of the labels (the sample). Since test and the sample
    are such a pair too, the pair is taken whose label columns are less often constant, with a bonus where both paths
    contain "train".
    """
    pairs: list[tuple[float, Sheet, Sheet, list[str]]] = []
    for labels in sheets:
        for values in sheets:
            keys = [c for c in labels.columns if c in values.columns]
            more = [c for c in labels.columns if c not in values.columns]
            others = [s for s in sheets if s is not labels and s is not values]
            twin = any(set(s.columns) == set(values.columns) for s in others)
            form = any(set(s.columns) == set(labels.columns) for s in others)
            if labels is values or not keys or not more or not twin or not form:
                continue
            left, right = values.load(), labels.load()
            if len(left) == len(right) and not left.duplicated(keys).any() and share_in(left, right, keys) == 1.0:
                pairs.append((constant_share(right, more) - 0.5 * named_as_train(labels, values), labels, values, keys))
    if not pairs:
        return list(sheets)
    _, labels, values, keys = min(pairs, key=lambda pair: pair[0])
    columns = (*values.columns, *(c for c in labels.columns if c not in keys))
    joined = Sheet(values.path, columns, _joined(values.load(), labels.load(), keys), (values.path, labels.path))
    return [joined, *(s for s in sheets if s is not labels and s is not values)]


def _joined(left: pd.DataFrame, right: pd.DataFrame, keys: list[str]) -> Callable[[], pd.DataFrame]:
    def load() -> pd.DataFrame:
        return left.merge(right, on=keys, how="left", validate="one_to_one")

    return load
