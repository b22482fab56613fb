"""Class labels: their order, their codes, and their form in a submission."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from medalist.competitions.errors import TaskError
from medalist.competitions.task.spelling import spelling_key

_POSITIVE = ("true", "yes", "y", "t", "1", "positive", "pos", "present", "presence", "success", "churn", "churned",
             "attrited", "default", "fraud", "malignant", "abnormal", "sick", "disease", "poisonous", "spam",
             "accepted", "approved")  # fmt: skip
_NEGATIVE = ("false", "no", "n", "f", "0", "-1", "negative", "neg", "absent", "absence", "failure", "stayed",
             "retained", "none", "benign", "normal", "healthy", "edible", "ham", "rejected", "denied")  # fmt: skip

_PAIRS = (("no", "yes"), ("false", "true"), ("n", "y"), ("f", "t"), ("negative", "positive"), ("neg", "pos"),
          ("absent", "present"))  # fmt: skip
_PROBABILITY_OF = (  # in one sentence: the probability of a label, or that something is one; {} is the label
    r"(?:probabilit|likel|chance)(?:\w*\s+of|(?:[^.!?\n]|\n(?!\n))*?\b(?:is|are|was|were|be|been|being|becomes?))\s+"
    r"(?:an?\s+|the\s+|class\s+)*(?:\S+\s+or\s+(?:an?\s+|the\s+)?)?[\"'`*“]*{}(?!\w)"
)


def plain(value: Any) -> Any:
    """A label as a Python bool, int, float or str; a whole float becomes an int."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return int(value) if float(value).is_integer() else float(value)
    return str(value)


def class_labels(values: pd.Series) -> tuple[Any, ...]:
    """The distinct labels of a column, without missing ones, sorted: False before True, text by code points.

    A column that mixes numbers and text is taken as text.
    """
    labels = {plain(value) for value in pd.unique(values.dropna())}
    if any(isinstance(label, str) for label in labels):
        return tuple(sorted({str(label) for label in labels}))
    return tuple(sorted(labels))


def order_binary(labels: Sequence[Any], positive: Any | None = None) -> tuple[tuple[Any, ...], bool]:
    """(the two labels, the positive one last; whether that order is certain).

    The order is certain where the positive label is given, and for numbers, booleans and words with a usual meaning,
    such as "yes" or "benign". Raises TaskError where the given label is neither of the two.
    """
    first, second = labels
    if positive is not None:
        last = find_label(labels, positive)
        if last is None:
            raise TaskError(
                f"The positive class {plain(positive)!r} is no label of the target: use --positive with "
                f"{first!r} or {second!r}, or correct it in the task file."
            )
        return ((first, second) if last == second else (second, first)), True
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


def probability_labels(labels: Sequence[Any], description: str) -> list[Any]:
    """The labels whose probability a description requests, as in "the probability of churn" or "how likely a loan is to
    be bad". "The probability that a mushroom is edible or poisonous" gives both labels.
    """
    return [
        label
        for label in labels
        if re.search(_PROBABILITY_OF.format(re.escape(str(label))), description, re.IGNORECASE)
    ]


def find_label(labels: Sequence[Any], given: Any) -> Any | None:
    """The label that equals `given`, or else the only one of the same text but for blanks and letter case; None where
    there is none."""
    for label in labels:
        if plain(given) == label and isinstance(plain(given), bool) == isinstance(label, bool):
            return label
    for label in labels:
        if plain(given) == label:
            return label
    key = spelling_key(given)
    same = [label for label in labels if spelling_key(label) == key]
    return same[0] if len(same) == 1 else None


def encode_labels(values: pd.Series, classes: Sequence[Any]) -> np.ndarray:
    """The codes of labels, (n,) float64: the place of each in `classes`, NaN for missing ones.

    Labels of text that differ in blanks or letter case alone from a single class are that class. Raises TaskError for
    labels that are not in `classes`.
    """
    codes, uniques = pd.factorize(values)
    as_text = bool(classes) and isinstance(classes[0], str)
    place = {label: i for i, label in enumerate(classes)}
    places = [place.get(str(plain(label)) if as_text else plain(label), -1) for label in uniques]
    if as_text and -1 in places:
        same = _by_spelling(classes)
        places = [same.get(spelling_key(label), -1) if i < 0 else i for i, label in zip(places, uniques, strict=True)]
    unknown = [plain(label) for label, code in zip(uniques, places, strict=True) if code < 0]
    if unknown:
        shown = ", ".join(repr(label) for label in unknown[:3])
        raise TaskError(
            f"Column {values.name!r} holds labels that are none of the task's {len(classes)} classes ({shown}): "
            f"correct the classes in the task file, or the column."
        )
    return np.append(np.asarray(places, dtype=float), np.nan)[codes]


def submitted_codes(values: pd.Series, classes: Sequence[Any]) -> np.ndarray:
    """The codes of labels of a submission or of answers, (n,) float64: of the labels themselves, or of two labels in
    another form (see `submission_labels`): 0/1, where 1 is the positive class, False/True, or words such as no/yes.
    Raises TaskError for others."""
    try:
        return encode_labels(values, classes)
    except TaskError:
        shown = class_labels(values)
        if len(classes) != 2 or not shown:
            raise
        words = None if not isinstance(shown[0], str) else _opposites(set(shown))
        if not isinstance(shown[0], str) and set(shown) <= {0, 1}:
            return values.astype(float).to_numpy()
        if words is None:
            raise
        if isinstance(classes[0], str):  # N and Y for no and yes
            (_, positive), certain = order_binary(sorted(classes))
            if not certain:
                raise
            words = words if positive == classes[1] else (words[1], words[0])
        return encode_labels(values, words)


def _by_spelling(classes: Sequence[Any]) -> dict[str, int]:
    """The place of each class by its `spelling_key`, without those that share one."""
    keys = [spelling_key(label) for label in classes]
    counts = Counter(keys)
    return {key: place for place, key in enumerate(keys) if counts[key] == 1}


def submission_labels(classes: Sequence[Any], sample: pd.Series | None) -> np.ndarray:
    """The value that a submission holds for each class, (K,): in general the labels themselves.

    Two labels follow the sample's column: labels False/True or 0/1 are written as its booleans or integers, labels of
    text as 0/1 or False/True where it holds these, and numbers as its words where these are yes and no or the like.
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
        if not text and not any(label in classes for label in shown):
            words = _opposites(shown)
            if words is not None:
                return np.array(words, dtype=object)
    kinds = {type(label) for label in classes}
    return np.array(list(classes), dtype=object if str in kinds else None)


def _opposites(shown: set[Any]) -> tuple[str, str] | None:
    """(negative word, positive word) of a sample that shows one or both of them; None for other values."""
    words = sorted(shown, key=str)
    if not words or not all(isinstance(word, str) for word in words):
        return None
    if len(words) == 2:
        ordered, certain = order_binary(words)
        return (ordered[0], ordered[1]) if certain else None
    for pair in _PAIRS:
        if len(words) == 1 and words[0].strip().lower() in pair:
            style = str.upper if words[0].isupper() else str.title if words[0].istitle() else str.lower
            no, yes = (words[0] if word == words[0].strip().lower() else style(word) for word in pair)
            return no, yes
    return None


def match_classes(columns: Sequence[str], classes: Sequence[Any]) -> tuple[str, ...] | None:
    """The column of each class, in class order, or None where some class has none, or several.

    Names must be equal to the labels, end with them, or begin with them; else, where there are equally many, the
    columns are taken in their order.
    """
    for rule in (_same, _ends, _begins):
        matches = [[column for column in columns if rule(column, str(label))] for label in classes]
        if all(len(hits) == 1 for hits in matches) and len({hits[0] for hits in matches}) == len(classes):
            return tuple(hits[0] for hits in matches)
    return tuple(columns) if len(columns) == len(classes) else None


def named_classes(columns: Sequence[str], classes: Sequence[Any]) -> tuple[str, ...] | None:
    """The column of each class, in class order, by names alone (see match_classes); None where names do not decide."""
    matched = match_classes([*columns, ""], classes)
    return None if matched is None or "" in matched else matched


def partly_named_classes(columns: Sequence[str], classes: Sequence[Any]) -> tuple[str, ...] | None:
    """The column of each class, "" for a class without one, where every column is named after a class of its own (see
    match_classes) and at least half of the classes, and two, have a column; else None."""
    if not max(2, len(classes) / 2) <= len(columns) < len(classes):
        return None
    for rule in (_same, _ends, _begins):
        matches = [[label for label in classes if rule(column, str(label))] for column in columns]
        if all(len(hits) == 1 for hits in matches) and len({hits[0] for hits in matches}) == len(columns):
            found = {hits[0]: column for hits, column in zip(matches, columns, strict=True)}
            return tuple(found.get(label, "") for label in classes)
    return None


def _words(text: str) -> str:
    """A name in lower case, its words parted by single spaces."""
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
