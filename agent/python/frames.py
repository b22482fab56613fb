"""Competitions that are given as DataFrames: written once as files, which the run reads and can be resumed from."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from medalist.competitions.errors import InputError, TaskError
from medalist.competitions.metrics.registry import get_metric
from medalist.competitions.naming import safe_name

NAMES = {"train": "train.feather", "test": "test.feather", "sample": "sample_submission.feather"}


def are_frames(path: object, train: object, test: object, sample: object) -> bool:
    """Whether a competition is given as DataFrames; InputError where it is given as such and as files."""
    given = {"train": train, "test": test, "sample": sample}
    frames = [name for name, value in given.items() if isinstance(value, pd.DataFrame)]
    if not frames:
        return False
    others = [name for name, value in given.items() if value is not None and name not in frames]
    if path is not None or others:
        other = "a path" if path is not None else f"{others[0]}="
        raise InputError(f"{frames[0]}= is a DataFrame, so leave out {other}, or give DataFrames throughout.")
    lacking = [name for name in ("train", "test") if name not in frames]
    if lacking:
        raise InputError(f"{lacking[0]}= is missing: give the DataFrames train= and test=.")
    return True


def write_frames(
    home: Path,
    train: pd.DataFrame,
    test: pd.DataFrame,
    sample: pd.DataFrame | None,
    *,
    targets: Sequence[str] | None,
    ids: Sequence[str],
    metric: str | None,
    description: str | None,
) -> Path:
    """Write a competition into a folder in `home`, whose name is a hash of the contents, and return the folder.

    Without a `sample` the form of the submission follows from the metric: probabilities where it takes them, a column
    for each class where these are more than two; else values of the target. The index is not written.

    Raises InputError where a column cannot be written, TaskError where the target is not told.
    """
    if sample is None:
        sample = sample_of(train, test, targets, ids, metric)
    home.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".", suffix=".tmp", dir=home))
    try:
        digest = hashlib.sha256()
        for what, frame in (("train", train), ("test", test), ("sample", sample)):
            path = folder / NAMES[what]
            writable(frame, what).to_feather(path)
            digest.update(path.read_bytes())
        if description:
            (folder / "description.md").write_text(description, encoding="utf-8")
            digest.update(description.encode())
        place = home / digest.hexdigest()[:16]
        if not place.is_dir():
            os.replace(folder, place)
        return place
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def name_of_frames(name: str | None) -> str:
    """The name of a competition that has no folder to be named after."""
    return safe_name(name) if name else "frames"


def sample_of(
    train: pd.DataFrame, test: pd.DataFrame, targets: Sequence[str] | None, ids: Sequence[str], metric: str | None
) -> pd.DataFrame:
    """A sample submission for the test rows, in the form that the metric takes."""
    if not targets:
        raise TaskError("Say what is to be predicted: give target=, the name of a column of train, or sample=.")
    for name, frame, what in [*((t, train, "train") for t in targets), *((i, test, "test") for i in ids)]:
        if name not in frame:
            raise TaskError(f"{what} has no column {name!r}; it has {', '.join(map(str, frame.columns[:20]))}.")
    columns: dict[str, Any] = {name: test[name].to_numpy() for name in ids}
    needs = None if metric is None else get_metric(metric, len(targets)).needs
    for target in targets:
        values = train[target].dropna()
        classes = sorted(values.unique().tolist(), key=str)
        if needs == "ranking":
            raise TaskError(f"{metric} ranks classes, which has several forms: give sample=, a submission's form.")
        if needs == "probability" and len(classes) > 2 and len(targets) == 1:
            columns.update({str(label): np.full(len(test), 1 / len(classes)) for label in classes})
        elif needs == "probability":
            columns[target] = np.full(len(test), 0.5)
        elif len(values):
            columns[target] = [values.mode().iloc[0]] * len(test)
    return pd.DataFrame(columns)


def writable(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """A copy whose columns Arrow can hold: names as text, mixed objects as text, durations in seconds.

    Raises InputError where a name repeats, or the columns have several levels.
    """
    if isinstance(frame.columns, pd.MultiIndex):
        raise InputError(f"The columns of {what} have several levels: give them one name each.")
    out = frame.copy(deep=False).set_axis([str(name) for name in frame.columns], axis=1).reset_index(drop=True)
    repeated = out.columns[out.columns.duplicated()]
    if len(repeated):
        raise InputError(f"{what} has the column {repeated[0]!r} twice: rename one.")
    for name in list(out.columns):
        column = _changed(out[name])
        if column is not None:
            out[name] = column
    return out


def _changed(column: pd.Series) -> pd.Series | None:
    """What is written in place of a column; None where it is written as it is."""
    if isinstance(column.dtype, pd.SparseDtype):
        return pd.Series(np.asarray(column), index=column.index, name=column.name)
    if types.is_timedelta64_dtype(column.dtype):
        return column.dt.total_seconds()
    if isinstance(column.dtype, pd.PeriodDtype | pd.IntervalDtype):
        return column.astype(str).where(column.notna())
    if types.is_complex_dtype(column.dtype):
        raise InputError(f"The column {column.name!r} holds complex numbers: give real ones.")
    if column.dtype == object:
        kind = types.infer_dtype(column, skipna=True)
        if kind in ("string", "boolean", "integer", "floating", "mixed-integer-float", "date", "empty"):
            return column.infer_objects() if kind != "mixed-integer-float" else column.astype(float)
        return column.map(str, na_action="ignore")
    return None


def frame_options(given: Mapping[str, Any]) -> tuple[list[str], str | None]:
    """The id columns and the description among the arguments of a function."""
    ids = given.get("id") or []
    return [ids] if isinstance(ids, str) else list(ids), given.get("description")
