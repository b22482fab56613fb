"""What shows whether a transformation of a target is asked for: its values, the sample's, names and the description."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medalist.competitions.task.transform import parse_transform
from medalist.competitions.task.transform_words import NameEvidence, TextEvidence, name_evidence, text_evidence


@dataclass(frozen=True)
class TransformEvidence:
    """A target (n,) without missing values, the rows that it stands in, the numbers that the sample shows for it, its
    names, and what is said of it. `columns`: numbers that train and test share."""

    asked: str
    target: str
    values: np.ndarray
    rows: pd.DataFrame
    shown: np.ndarray
    in_name: NameEvidence
    in_text: TextEvidence
    columns: tuple[str, ...]

    def changed(self, text: str) -> np.ndarray:
        """The values under a transformation, where they are finite."""
        values = parse_transform(text).raw(self.values, self.rows)
        return values[np.isfinite(values)]

    def defined(self, text: str) -> bool:
        """Whether a transformation has a value in every row."""
        return len(self.changed(text)) == len(self.values)

    def distance(self, text: str) -> float:
        """How far the mean of the sample's numbers lies from that of the transformed values, or from their median, in
        their standard deviations; infinite without numbers."""
        values = self.changed(text)
        if not len(self.shown) or not len(values):
            return float("inf")
        middles = np.array([values.mean(), np.median(values)])
        return float(np.abs(middles - self.shown.mean()).min() / max(values.std(), 1e-12))

    def within(self, text: str) -> bool:
        """Whether all numbers of the sample lie in the range of the transformed values; True without numbers."""
        values = self.changed(text)
        return not len(self.shown) or (
            len(values) > 0 and bool((self.shown >= values.min()).all() and (self.shown <= values.max()).all())
        )


def gather(
    train: pd.DataFrame, test: pd.DataFrame, shown: pd.Series, asked: str, target: str, sentences: Sequence[str]
) -> TransformEvidence:
    """The evidence on the column `asked` of the sample, whose values are `shown`, as a function of the column `target`
    of train."""
    numbers = train[target].to_numpy(dtype=float, na_value=np.nan)
    whole = np.isfinite(numbers)
    examples = pd.to_numeric(shown, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    examples = examples[np.isfinite(examples)]
    if len(examples) and not examples.any():
        examples = examples[:0]  # noughts are no examples
    columns = tuple(str(c) for c in test.columns if c in train and c != target and train[c].dtype.kind in "iuf")
    return TransformEvidence(
        asked=asked,
        target=target,
        values=numbers[whole],
        rows=train.loc[whole, list(columns)],
        shown=examples,
        in_name=name_evidence(asked, target),
        in_text=text_evidence(sentences, asked, target, columns).of_column_named(asked, target),
        columns=columns,
    )
