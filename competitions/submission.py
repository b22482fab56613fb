"""Checks a submission against the sample submission, and writes it so that a valid one is always on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from medalist.competitions.atomic import disk_is_full, replace_file
from medalist.competitions.errors import DiskFull, SubmissionError
from medalist.competitions.tables.text_form import PLAIN, TextForm, table_bytes

SUM_TOLERANCE = 1e-3  # by which the class probabilities of a row may sum to more or less than 1


def check_submission(
    frame: pd.DataFrame,
    sample: pd.DataFrame,
    id_columns: Sequence[str] = (),
    *,
    probability: bool = False,
    bounds: tuple[float, float] | None = None,
    labels: Collection[Any] | None = None,
    sum_to_one: bool = False,
    ascending: Sequence[str] = (),
) -> None:
    """Raises SubmissionError unless `frame` has the form of `sample`.

    It must have the same columns in the same order, the same ids in the same order (`id_columns`, () where rows are
    matched by their order) and no missing or infinite values. The other columns must hold numbers in [0, 1] with
    `probability`, numbers within `bounds` (both included) or values out of `labels` where these are given, and else the
    sample's type (booleans, text or numbers). `sum_to_one`: they are the classes of one target, and each row must sum
    to 1 within SUM_TOLERANCE. `ascending`: columns whose values must not fall from one to the next in any row, such as
    the ends of an interval.
    """
    _check_columns(list(map(str, frame.columns)), list(map(str, sample.columns)))
    if len(frame) != len(sample):
        raise SubmissionError(f"the submission has {len(frame)} rows where the sample has {len(sample)}: one per id.")
    for name in id_columns:
        _check_ids(frame[name], sample[name])
    values = [name for name in sample.columns if name not in id_columns]
    low, high = (0.0, 1.0) if probability else (bounds if bounds is not None else (-np.inf, np.inf))
    for name in values:
        column, blank = frame[name], bool(sample[name].isna().all())  # a blank sample shows no type
        missing = int(column.isna().sum())
        if missing:
            raise SubmissionError(f"column {name!r} of the submission has {missing} missing values: predict every row.")
        if labels is not None:
            wrong = column[~column.isin(list(labels))]
            if len(wrong):
                raise SubmissionError(f"column {name!r} of the submission holds {wrong.iloc[0]!r}, which is no label.")
        elif probability or bounds is not None or (_kind(sample[name]) == "numbers" and not blank):
            _check_numbers(column, str(name), low, high)
        if not probability and bounds is None and not blank and _kind(column) != _kind(sample[name]):
            raise SubmissionError(
                f"column {name!r} of the submission holds {_kind(column)} where the sample holds {_kind(sample[name])}."
            )
    for lower, upper in pairwise(ascending):
        crossed = np.flatnonzero(frame[lower].to_numpy(dtype=float) > frame[upper].to_numpy(dtype=float))
        if len(crossed):
            raise SubmissionError(
                f"{lower!r} of the submission is above {upper!r} in {len(crossed)} rows, the first of them row "
                f"{int(crossed[0])}: swap them."
            )
    if sum_to_one and len(values) > 1:
        off = np.abs(frame[values].to_numpy(dtype=float).sum(axis=1) - 1.0)
        if len(off) and off.max() > SUM_TOLERANCE:
            raise SubmissionError(f"class probabilities of row {int(off.argmax())} of the submission do not sum to 1.")


def write_submission(frame: pd.DataFrame, path: Path | str, form: TextForm | None = None) -> str:
    """Writes a submission in the sample's form (None: plain csv), durably; returns the SHA-256 of its bytes in hex.

    Raises SubmissionError for a full disk or a folder that cannot be written; a file that was there is untouched.
    """
    data = submission_bytes(frame, form)
    write_atomically(path, data)
    return hashlib.sha256(data).hexdigest()


def submission_bytes(frame: pd.DataFrame, form: TextForm | None = None) -> bytes:
    """The contents of a submission's file in the sample's form (None: plain csv)."""
    return table_bytes(frame, form or PLAIN)


def write_atomically(path: Path | str, data: bytes) -> None:
    """Replace the file `path` by `data`, durably; missing folders are made.

    Raises SubmissionError for a folder that cannot be written, DiskFull for a full disk; the file that was there is
    untouched.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)
    except OSError as error:
        kept = "; the file that was there is untouched" if path.is_file() else ""
        if disk_is_full(error):
            raise DiskFull(f"{path} cannot be written, the disk is full: free some space{kept}.") from error
        reason = error.strerror or str(error)
        raise SubmissionError(f"{path} cannot be written ({reason}): choose another folder{kept}.") from error


def _check_columns(columns: list[str], expected: list[str]) -> None:
    """Raises SubmissionError unless the columns are the same in the same order."""
    if columns == expected:
        return
    lacking = [name for name in expected if name not in columns]
    extra = [name for name in columns if name not in expected]
    if lacking:
        raise SubmissionError(f"the submission lacks the column {lacking[0]!r} of the sample: add it.")
    if extra:
        raise SubmissionError(f"the submission has a column {extra[0]!r} that the sample lacks: leave it out.")
    raise SubmissionError(f"the submission's columns are in another order than the sample's: {', '.join(expected)}.")


def _check_ids(ids: pd.Series, expected: pd.Series) -> None:
    """Raises SubmissionError unless the ids are the same, as they would be written, in the same order."""
    name = str(expected.name)
    if ids.isna().any():
        raise SubmissionError(f"the submission has {int(ids.isna().sum())} rows without an id in {name!r}.")
    left, right = (ids.array, expected.array) if ids.dtype == expected.dtype else (_written(ids), _written(expected))
    same = np.asarray(left == right, dtype=bool)
    if same.all():
        return
    if sorted(map(str, left)) == sorted(map(str, right)):
        raise SubmissionError(f"the submission's ids in {name!r} are in another order than the sample's: sort them so.")
    row = int(np.flatnonzero(~same)[0])
    raise SubmissionError(
        f"the submission's ids in {name!r} are not the sample's: {int((~same).sum())} differ, the first in row {row}, "
        f"{left[row]!s} where the sample has {right[row]!s}."
    )


def _check_numbers(column: pd.Series, name: str, low: float, high: float) -> None:
    """Raises SubmissionError unless a column holds finite numbers from `low` to `high`, both included."""
    if not types.is_numeric_dtype(column.dtype):
        raise SubmissionError(f"column {name!r} of the submission holds {_kind(column)} where numbers are needed.")
    numbers = column.to_numpy(dtype=float)
    infinite = int((~np.isfinite(numbers)).sum())
    if infinite:
        raise SubmissionError(f"column {name!r} of the submission has {infinite} infinite values: predict numbers.")
    outside = numbers[(numbers < low) | (numbers > high)]
    if len(outside):
        raise SubmissionError(
            f"column {name!r} of the submission holds {outside[0]:g}, outside [{low:g}, {high:g}]: clip it."
        )


def _kind(column: pd.Series) -> str:
    """The type of a column in words: "true and false", "numbers" or "text"."""
    if types.is_bool_dtype(column.dtype):
        return "true and false"
    if types.is_numeric_dtype(column.dtype):
        return "numbers"
    kind = types.infer_dtype(column, skipna=True)
    return {"boolean": "true and false", "integer": "numbers", "floating": "numbers"}.get(kind, "text")


def _written(column: pd.Series) -> np.ndarray:
    """The values of a column as text, (n,)."""
    return column.astype(str).to_numpy(dtype=object)
