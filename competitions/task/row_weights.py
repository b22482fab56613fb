"""Which column of train holds the weights of rows in the metric: by the description, else by its name."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from medalist.competitions.errors import TaskError
from medalist.competitions.metrics.metric import Metric
from medalist.competitions.metrics.reading.text import LONGEST_TEXT, split_sentences
from medalist.competitions.task.legend import name_words

_THING = re.compile(r"\bweights?\b", re.IGNORECASE)  # "weighted" says how the metric is taken, not by what
_WEIGHING = re.compile(r"\bweigh(?:t\w*|s|ed|ing|ings)?\b", re.IGNORECASE)
_WEIGHT = {"weight", "weights", "wt", "wts", "wgt"}
_OF_ROWS = {  # words that stand beside it in the name of a column of weights of rows, as Item in Item_Weight does not
    "sample", "samples", "row", "rows", "case", "instance", "obs", "observation", "example", "record", "survey",
    "design",
    "eval", "evaluation", "metric", "score", "scoring", "loss", "train", "training", "test", "class", "importance",
    "final", "total", "the", "of", "is", "w",
}  # fmt: skip


def infer_weights(
    train: pd.DataFrame, scorer: Metric, targets: Sequence[str], only_train: Collection[str], description: str
) -> tuple[str | None, tuple[str, ...]]:
    """(the column with the weight of each row, None where all count alike; notes).

    For a metric that weighs rows: the only column that a sentence on weights names (of those, the one that test lacks),
    else the first one that is called weight, or the weight of a sample and the like, one of `only_train` before others.
    A weight of something else, as Item_Weight is, is none unless the text says so; nor is a column "weight" that test
    has too, unless the text speaks of weights as a thing, since bodies and goods have weights.
    """
    if not scorer.weighted:
        return None, ()
    possible = [c for c in map(str, train.columns) if c not in targets and are_weights(train[c])]
    sentences = [s.text for s in split_sentences(description[:LONGEST_TEXT]) if _WEIGHING.search(s.text)]
    said = [c for c in possible if not set(train[c].iloc[:1000]) <= {0, 1}]  # 0 and 1 tell rows apart
    said = [c for c in said if not _is_called_weight(c) and any(_names(s, c) for s in sentences)]
    said = [c for c in said if c in only_train] or said
    if len(said) == 1:
        quote = next(" ".join(s.split()) for s in sentences if _names(s, said[0]))
        return said[0], (
            f"Rows are weighted by {said[0]}, since the description says so (“{quote[:160]}”; weights: in task.yaml "
            f"names another).",
        )
    spoken = any(_THING.search(s) for s in sentences)
    called = [c for c in possible if _is_called_weight(c) and (c in only_train or spoken or len(name_words(c)) > 1)]
    called = sorted(called, key=lambda c: c not in only_train)
    if called:
        return called[0], (f"Rows are weighted by {called[0]} (weights: in task.yaml names another).",)
    among = f", and {', '.join(said)} stand beside that word in the description" if said else ""
    return None, (
        f"{scorer.name} weighs rows, and no column is called weight{among}: all count alike (weights: in task.yaml).",
    )


def check_metric_columns(train: pd.DataFrame, scorer: Metric) -> None:
    """Raises TaskError where the metric looks at a column that train lacks."""
    absent = [name for name in scorer.columns if name not in train.columns]
    if absent:
        raise TaskError(
            f"The metric {scorer.name} looks at the column {absent[0]!r}, which train lacks: write one of its columns."
        )


def check_weights(train: pd.DataFrame, weights: str) -> None:
    """Raises TaskError for a column that train lacks, or that does not hold numbers of at least 0 in every row."""
    if weights not in train.columns:
        raise TaskError(f"weights: {weights!r} is no column of train; write one of its columns, or nothing.")
    if not are_weights(train[weights]):
        raise TaskError(f"weights: {weights!r} must hold numbers of at least 0 in every row; write another column.")


def are_weights(values: pd.Series) -> bool:
    """Whether a column holds numbers of at least 0 in every row."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return bool(np.isfinite(numbers).all() and (numbers >= 0).all())


def _is_called_weight(column: str) -> bool:
    """Whether a column is called weight, or the weight of a row ("sample_weight", "weights")."""
    words = set(name_words(column))
    return bool(words & _WEIGHT) and words <= _WEIGHT | _OF_ROWS


def _names(sentence: str, column: str) -> bool:
    """Whether a sentence has the name of a column; a single letter counts only between quotes."""
    words = name_words(column)
    quoted = f"[`\"'“]{re.escape(column)}[`\"'”]"
    if sum(map(len, words)) < 2:
        return re.search(quoted, sentence) is not None
    return re.search(rf"(?<!\w){'[ _-]?'.join(map(re.escape, words))}(?!\w)", sentence, re.IGNORECASE) is not None
