"""Which column of a submission holds the probability of which class: by names, by the description, or by order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medalist.competitions.columns.kinds import ordered_levels
from medalist.competitions.errors import TaskError
from medalist.competitions.metrics.reading.text import LONGEST_TEXT, split_sentences
from medalist.competitions.task.labels import find_label, named_classes, partly_named_classes
from medalist.competitions.task.legend import name_words

CHANGES = "class_columns: in task.yaml changes it"
Columns = tuple[tuple[str, ...], tuple[str, ...]]  # (the column of each label, "" for one without any; notes)


def named_columns(predicted: Sequence[str], labels: Sequence[Any], *, only: bool) -> Columns | None:
    """The columns that are named after the labels, None where the names do not decide.

    There may be columns of further classes, which no row of train has; and where the target is the `only` one, labels
    without a column.
    """
    columns = named_classes(predicted, labels)
    if columns is None and only:
        columns = partly_named_classes(predicted, labels)
    if columns is None:
        return None
    more = [c for c in predicted if c not in columns]
    without = [label for label, column in zip(labels, columns, strict=True) if not column]
    notes = []
    if more:
        what = "is a class" if len(more) == 1 else "are classes"
        notes.append(
            f"The sample's {_listed(more)} {what} that no row of train has: the probability 0 is submitted there."
        )
    if without:
        notes.append(f"The sample has no column for {_listed(without)}: the other classes' probabilities sum to 1.")
    return columns, tuple(notes)


def columns_in_order(predicted: Sequence[str], labels: Sequence[Any], target: str, description: str) -> Columns:
    """The columns of as many labels where names do not say which is which: by the description ("class 1 is low"), else
    in the order of words that have one (low, mid, high), else of the sorted labels."""
    described = _by_sentences(predicted, labels, description)
    if described is not None:
        shown = ", ".join(f"{column} = {label}" for column, label in zip(described, labels, strict=True))
        return described, (f"The description says which class of {target} each column means: {shown} ({CHANGES}).",)
    levels = ordered_levels(np.array(labels, dtype=object)) if all(isinstance(label, str) for label in labels) else ()
    ordered = [str(level) for level in levels] if len(levels) == len(labels) else list(labels)
    columns = tuple(predicted[ordered.index(label)] for label in labels)
    pairs = list(zip(predicted, ordered, strict=True))[:5]
    return columns, (
        f"The sample's columns are taken as the classes of {target} in order: "
        f"{', '.join(f'{column} = {label}' for column, label in pairs)} ({CHANGES}).",
    )


def given_columns(given: Mapping[str, Any], predicted: Sequence[str], labels: Sequence[Any]) -> tuple[str, ...]:
    """The column of each label as a person has paired them (column → label), "" for a label without one. Raises
    TaskError for a column that the sample lacks and for a value that is no label."""
    by_label: dict[Any, str] = {}
    for column, label in given.items():
        if column not in predicted:
            raise TaskError(f"class_columns: {column!r} is no column of the sample; write {_listed(predicted)}.")
        found = find_label(labels, label)
        if found is None or found in by_label:
            raise TaskError(f"class_columns: {label!r} is no class, or stands there twice; write {_listed(labels)}.")
        by_label[found] = column
    return tuple(by_label.get(label, "") for label in labels)


def _by_sentences(predicted: Sequence[str], labels: Sequence[Any], description: str) -> tuple[str, ...] | None:
    """The column of each label by sentences such as "class 1 is low" or "1 = low", None where they do not pair all."""
    if not description:
        return None
    text = " . ".join(sentence.text for sentence in split_sentences(description[:LONGEST_TEXT]))
    found = []
    for label in labels:
        one = rf"[\"'“‘]?{re.escape(str(label))}(?!\w)"
        hits = []
        for column in predicted:
            words = name_words(column)
            code = (
                rf"(?:{re.escape(column)}|{'[ _]'.join(map(re.escape, words))}|(?<![\w.]){re.escape(words[-1])})(?!\w)"
            )
            link = r"\W{0,2}\s*(?:=|:|→|->|–|—|-|\bis\b|\bmeans\b|\bfor\b|\bstands for\b|\|)\s*(?:the )?"
            if re.search(rf"{code}{link}{one}|{one}\W{{0,2}}\s*(?:\(|=|:|→|->|–|—|\|)\s*{code}", text, re.IGNORECASE):
                hits.append(column)
        if len(hits) != 1:
            return None
        found.append(hits[0])
    return tuple(found) if len(set(found)) == len(labels) else None


def _listed(names: Sequence[Any]) -> str:
    return ", ".join(str(name) for name in names[:6]) + (" …" if len(names) > 6 else "")


def in_class_order(
    columns: Sequence[str], labels_of_columns: Sequence[Any], predicted: Sequence[str], labels: Sequence[Any]
) -> tuple[str, ...]:
    """The class columns in the order of `labels`, "" for a label without one: the `columns`, which are those of
    `labels_of_columns`, and others of the `predicted` ones that are named after a label. Raises TaskError where fewer
    than two labels have one."""
    by_label = dict(zip(labels_of_columns, columns, strict=True))
    further = [column for column in predicted if column not in columns]
    for label in labels:
        if label not in by_label:
            by_label[label] = (named_classes(further, [label]) or ("",))[0]
    ordered = tuple(by_label[label] for label in labels)
    if sum(map(bool, ordered)) < 2:
        raise TaskError(
            f"The sample submission has {len(columns)} class columns for {len(labels)} classes: correct the classes, "
            f"or name the target with --target."
        )
    return ordered
