"""A sample submission with fewer rows than test: an example of the form, or the rows that are asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from medalist.competitions.errors import InputError
from medalist.competitions.layout.id_match import EXAMPLE_ROWS, id_index, share_in

_EXAMPLE_SHARE = 0.1  # of test's rows, below which the first ones are taken for an example
_ALL = re.compile(
    r"\b(?:each|every|all)\b(?:\W+(?!train)\w+){0,8}\W+test\b"
    r"|\btest\b(?:\W+(?!train)\w+){0,6}\W+(?:each|every|all)\b"
    r"|\bone (?:row|line|prediction|answer)\b(?:\W+(?!train)\w+){0,4}\W+(?:each|every|per)\b(?:\W+\w+){0,8}?\W+test\b"
    r"|\b(?:complete|whole|entire|full) test",
    re.IGNORECASE,
)
_SOME = re.compile(
    r"\b(?:only|just|exactly)\b(?:\W+\w+){0,8}\W+(?:sample|submission file|listed|subset)"
    r"|\b(?:subset|part|some) of (?:the )?test"
    r"|\b(?:ids?|rows?|lines?)\b(?:\W+\w+){0,3}\W+(?:listed|given|named|contained|appear\w*) in (?:the )?`?sample",
    re.IGNORECASE,
)


def rows_to_submit(
    sample: pd.DataFrame, test: pd.DataFrame, train: pd.DataFrame, ids: Sequence[str], paths: tuple[str, str, str],
    description: str,
) -> tuple[pd.DataFrame, list[str]]:  # fmt: skip
    """(the sample with a row for each row that is to be submitted, notes on what was decided).

    A sample with a part of test's ids asks for these rows, unless the text says that all are wanted, or it has the
    first rows of test alone, fewer than a tenth: then it is an example, and all rows are submitted in test's order. So
    is one of a few rows with other ids. `paths`: those of train, test and sample, for messages.

    Raises InputError for a sample with other ids than test's, saying where they are.
    """
    if len(sample) >= len(test) and share_in(sample, test, ids) == 1.0:
        return sample, []
    of_train, of_test, of_sample = paths
    asked, there = id_index(sample[list(ids)]), id_index(test[list(ids)])
    inside = asked.isin(there)
    lost = int((~inside).sum())
    example = len(sample) <= EXAMPLE_ROWS and len(sample) <= 0.2 * len(test)
    if lost and example and not inside.any():
        note = (
            f"{of_sample} has {len(sample)} rows with ids that {of_test} lacks: taken for an example of the form; all "
            f"{len(test):,} rows are submitted, in test's order (--sample names another)."
        )
        return _for_all(sample, test, ids), [note]
    if lost:
        first = asked[~inside][0]
        in_train = all(c in train for c in ids) and bool(asked[~inside].isin(id_index(train[list(ids)])).all())
        if in_train:
            raise InputError(
                f"{lost} ids of {of_sample} are not in {of_test} but in {of_train} (first: {first}): take these rows "
                "out of the sample, or give the one of this test table with --sample."
            )
        raise InputError(
            f"{lost} ids of {of_sample} are not in {of_test} (first: {first}): give the matching files with --sample "
            "and --test."
        )
    count = f"{of_sample} has {len(sample):,} of the {len(test):,} rows of {of_test}"
    head = bool((asked == there[: len(asked)]).all()) and len(sample) < _EXAMPLE_SHARE * len(test)
    wants_all, why = _wants_all(description, len(sample), len(test), head)
    if wants_all:
        note = (
            f"{count}: taken for an example, since {why}; all rows are submitted, in test's order (to submit those "
            f"alone, leave the others out of {of_test})."
        )
        return _for_all(sample, test, ids), [note]
    return sample, [f"{of_sample} asks for {len(sample)} of the {len(test)} rows of {of_test}{why}."]


def _wants_all(description: str, few: int, many: int, head: bool) -> tuple[bool, str]:
    """(whether all rows of test are to be submitted, the reason in words)."""
    for text, wants in ((_SOME, False), (_ALL, True)):
        found = text.search(description)
        if found:
            quote = " ".join(found.group().split())
            return wants, f"the text says “{quote}”" if wants else ""
    if _says(description, many) != _says(description, few):
        wants = _says(description, many)
        return wants, f"the text speaks of {many:,} rows" if wants else ""
    return head, "they are the first ones" if head else ""


def _says(description: str, number: int) -> bool:
    """Whether a text names a number of rows, or the one of lines with a header."""
    texts = [t for n in (number, number + 1) for t in (str(n), f"{n:,}") if n > 2]
    rows = r"\W+(?:\w+\W+){0,3}?(?:rows?|lines?|predictions?|ids?|entries|records?)\b"
    return any(re.search(rf"(?<![\d.,]){re.escape(t)}{rows}", description, re.IGNORECASE) for t in texts)


def _for_all(sample: pd.DataFrame, test: pd.DataFrame, ids: Sequence[str]) -> pd.DataFrame:
    """A sample with a row for each row of test, in its order, with the sample's most frequent values."""
    made: dict[str, pd.Series | np.ndarray] = {}
    for name in sample.columns:
        if name in ids:
            made[name] = test[name].to_numpy()
            continue
        values = sample[name].dropna()
        shown = values.drop_duplicates() if values.nunique() == 2 else values.mode().iloc[:1]
        if not len(shown):
            made[name] = np.full(len(test), np.nan)
        else:
            made[name] = shown.iloc[np.arange(len(test)) % len(shown)].array
    return pd.DataFrame(made)
