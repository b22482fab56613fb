"""Labels of classes: which there are and in which order, as codes, and as a submission writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from medalist.competitions.errors import TaskError

_POSITIVE = ("true", "yes", "y", "t", "1", "positive", "pos", "present", "presence", "success", "churn", "churned",
             "attrited", "default", "fraud", "malignant", "abnormal", "sick", "disease", "poisonous", "spam",
             "accepted", "approved")  # fmt: skip
_NEGATIVE = ("false", "no", "n", "f", "0", "-1", "negative", "neg", "absent", "absence", "failure", "stayed",
             "retained", "none", "benign", "normal", "healthy", "edible", "ham", "rejected", "denied")  # fmt: skip

_ASKED = (  # in one sentence: a probability of a label, or that something is one; "edible or poisonous" is both
    r"(?:probabilit|likel|chance)(?:\w*\s+of|(?:[^.!?\n]|\n(?!\n))*?\b(?:is|are|was|were|be|been|being|becomes?))\s+"
    r"(?:an?\s+|the\s+|class\s+)*(?:\S+\s+or\s+(?:an?\s+|the\s+)?)?[\"'`*“]*{}(?!\w)"
)


def plain(value: Any) -> Any:
    """A label as a plain bool, int, float or str; a whole float is an int."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return int(value) if float(value).is_integer() else float(value)
    return str(value)


def class_labels(values: pd.Series) -> tuple[Any, ...]:
    """The distinct labels of a column, without missing ones, in order: numbers by size, False before True, text by
    alphabet. A column that mixes numbers and text is taken as text."""
    labels = {plain(value) for value in pd.unique(values.dropna())}
    if any(isinstance(label, str) for label in labels):
        return tuple(sorted({str(label) for label in labels}))
    return tuple(sorted(labels))


def order_binary(labels: Sequence[Any], positive: Any | None = None) -> tuple[tuple[Any, ...], bool]:
    """Two labels, the positive last, and whether that is certain: given, numbers, booleans or words that say it.

    Raises TaskError where the given positive class is none of the two.
    """
    first, second = labels
    if positive is not None:
        found = find_label(labels, positive)
        if found is None:
            raise TaskError(
                f"The positive class {positive!r} is no label of the target: use --positive with "
                f"{first!r} or {second!r}, or correct it in the task file."
            )
        return ((first, second) if found == second else (second, first)), True
    if not isinstance(first, str):
        return (first, second), True
    words = [str(label).strip().lower() for label in (first, second)]
    if words[1] in _POSITIVE or words[0] in _NEGATIVE:
        return (first, second), True
    if words[0] in _POSITIVE or words[1] in _NEGATIVE:
        return (second, first), True
    for negative, label in ((second, words[0]), (first, words[1])):
        other = words[1] if label == words[0] else words[0]
        if other in {f"not {label}", f"no {label}", f"non-{label}", f"not_{label}", f"no_{label}", f"non{label}"}:
            return ((first, second) if negative == first else (second, first)), True
    return (first, second), False


def asked_for(labels: Sequence[Any], description: str) -> list[Any]:
    """The labels whose probability a text asks for: "the probability of churn", "how likely a loan is to be bad"."""
    return [label for label in labels if re.search(_ASKED.format(re.escape(str(label))), description, re.IGNORECASE)]


def find_label(labels: Sequence[Any], given: Any) -> Any | None:
    """The label that a person means by `given`: equal, or written the same way; None where there is none."""
    for label in labels:
        if plain(given) == label and isinstance(plain(given), bool) == isinstance(label, bool):
            return label
    for label in labels:
        if plain(given) == label:
            return label
    return next((label for label in labels if str(label).lower() == str(given).strip().lower()), None)


def encode_labels(values: pd.Series, classes: Sequence[Any]) -> np.ndarray:
    """Labels as codes: (n,) float64, the place of each label in `classes`.

    Raises TaskError for labels that `classes` lacks; missing ones must have been refused before.
    """
    codes, uniques = pd.factorize(values)
    as_text = bool(classes) and isinstance(classes[0], str)
    place = {label: i for i, label in enumerate(classes)}
    found = [place.get(str(plain(label)) if as_text else plain(label), -1) for label in uniques]
    unknown = [plain(label) for label, code in zip(uniques, found, strict=True) if code < 0]
    if unknown:
        shown = ", ".join(repr(label) for label in unknown[:3])
        raise TaskError(
            f"Column {values.name!r} holds labels that are none of the task's {len(classes)} classes ({shown}): "
            f"correct the classes in the task file, or the column."
        )
    return np.append(np.asarray(found, dtype=float), np.nan)[codes]


def written_labels(classes: Sequence[Any], sample: pd.Series | None) -> np.ndarray:
    """What stands in a submission for each class, (K,): the labels, in the type that the sample shows.

    Booleans and 0/1 follow the sample; two text labels become 0 and 1 where the sample's are those numbers.
    """
    if sample is not None and len(classes) == 2:
        shown = set(class_labels(sample))
        zero_one = {plain(label) for label in classes} <= {0, 1} and not isinstance(classes[0], str)
        text = isinstance(classes[0], str)
        booleans = pd.api.types.is_bool_dtype(sample.dtype)
        if text and shown <= {0, 1} and shown and not any(str(label) in classes for label in shown):
            return np.array([False, True] if booleans else [0, 1])
        if zero_one:
            if booleans:
                return np.array([False, True]) == bool(classes[1])
            if shown and shown <= {0, 1} and pd.api.types.is_numeric_dtype(sample.dtype):
                return np.array([int(label) for label in classes])
    kinds = {type(label) for label in classes}
    return np.array(list(classes), dtype=object if str in kinds else None)


def match_classes(columns: Sequence[str], classes: Sequence[Any]) -> tuple[str, ...] | None:
    """The column of each class, in class order: by the same name, by how the name ends or begins, or, where the
    numbers agree, by order. None where a class finds no column of its own."""
    for rule in (_same, _ends, _begins):
        found = [[column for column in columns if rule(column, str(label))] for label in classes]
        if all(len(hits) == 1 for hits in found) and len({hits[0] for hits in found}) == len(classes):
            return tuple(hits[0] for hits in found)
    return tuple(columns) if len(columns) == len(classes) else None


def named_classes(columns: Sequence[str], classes: Sequence[Any]) -> tuple[str, ...] | None:
    """As match_classes, by names alone."""
    matched = match_classes([*columns, ""], classes)
    return None if matched is None or "" in matched else matched


def _words(text: str) -> str:
    return re.sub(r"[^a-z0-9.+]+", " ", text.lower()).strip()


def _same(column: str, label: str) -> bool:
    return _words(column) == _words(label)


def _ends(column: str, label: str) -> bool:
    column, label = _words(column), _words(label)
    if column.endswith(" " + label):
        return True
    return label.isdigit() and re.fullmatch(rf"[^0-9]*0*{label}", column) is not None


def _begins(column: str, label: str) -> bool:
    return _words(column).startswith(_words(label) + " ")
