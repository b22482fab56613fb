"""Cuts a holdout from a competition: a public part with its own test, and a private part with the answers.

Test rows are separated in the way in which the organiser separated test from train.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np
import pandas as pd

from medalist.competitions.columns.dates import time_axes
from medalist.competitions.competition import Competition
from medalist.competitions.errors import InputError
from medalist.competitions.folds.by_group import group_codes
from medalist.competitions.folds.plan import FoldPlan
from medalist.competitions.holdout_text import asks_for_probabilities, holdout_text
from medalist.competitions.layout.long_ids import LongIds
from medalist.competitions.tables.compression import plain_name
from medalist.competitions.tables.integers import whole_numbers

TABLES = ("train.csv", "test.csv", "sample_submission.csv")


class HoldoutTask(Protocol):
    """What is needed of a Task: id columns, targets, row weights, and how test was separated from train."""

    @property
    def id(self) -> tuple[str, ...]: ...
    @property
    def targets(self) -> tuple[str, ...]: ...
    @property
    def folds(self) -> FoldPlan: ...
    @property
    def weights(self) -> str | None: ...


@dataclass(frozen=True)
class _WithId:
    """A HoldoutTask whose id is the number of the row."""

    id: tuple[str, ...]
    targets: tuple[str, ...]
    folds: FoldPlan
    weights: str | None


def cut_holdout(competition: Competition, task: HoldoutTask, out: Path, fraction: float = 0.2, seed: int = 0) -> Path:
    """Writes a holdout to the folder `out` and returns it.

    out/public/ holds train.csv, test.csv, sample_submission.csv, description.md and the further tables;
    out/private/answers.csv holds ids, targets and weights of the rows in test.csv. These are about `fraction` of the
    rows of train, chosen by the scheme of `task.folds`: "random" and "stratified" draw rows, "group" draws whole
    groups, "time" takes the latest rows, and "blocks" the later part of every stretch of train between times of test.
    Rows keep their order.

    Raises InputError for a fraction that leaves a part empty, and for a folder that is not empty, lies within the
    competition or cannot be written.
    """
    if not 0.0 < fraction < 1.0:
        raise InputError(f"a holdout of {fraction:g} of the rows is not possible: give a fraction between 0 and 1.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} exists and is not an empty folder: give another one.")
    if competition.root.is_dir() and out.resolve().is_relative_to(competition.root.resolve()):
        raise InputError(
            f"{out} lies within the competition {competition.root} and would be read as a part of it: give a folder "
            "elsewhere."
        )
    lacking = [c for c in task.targets if c not in competition.train]
    if lacking:
        raise InputError(f"train has no column {lacking[0]!r} to hold out: correct the targets.")
    held_out = choose_rows(competition.train, competition.test, task, fraction, seed)
    if not held_out.any() or held_out.all():
        raise InputError(
            f"{fraction:g} of {len(held_out)} rows cannot be held out by the {task.folds.scheme} scheme: "
            "give another fraction or scheme."
        )
    probabilities = asks_for_probabilities(task)
    text = holdout_text(competition, task, probabilities)
    frame = whole_numbers(competition.train)
    if not task.id and not len(competition.test):  # a single table without an id: its rows get numbers
        number = next(n for n in ("row", "row_number", "number_of_the_row") if n not in frame)
        frame = frame.copy(deep=False)
        frame.insert(0, number, np.arange(len(frame)))
        competition = replace(competition, train=frame, test=frame.iloc[:0])
        task = _WithId((number,), task.targets, task.folds, task.weights)
    unnumbered = [c for c in task.id if c not in frame]
    if unnumbered:  # only test has the ids: the rows of train get numbers
        frame = frame.assign(**{c: np.arange(len(frame)) for c in unnumbered})
    private = frame[held_out]
    test_columns = [c for c in competition.test.columns if c in frame and c not in task.targets]
    public = out / "public"
    try:
        public.mkdir(parents=True, exist_ok=True)
        (out / "private").mkdir(exist_ok=True)
        frame.loc[~held_out, list(competition.train.columns)].to_csv(public / TABLES[0], index=False)
        private[test_columns].to_csv(public / TABLES[1], index=False)
        _sample(competition, task, private, frame[~held_out], probabilities).to_csv(public / TABLES[2], index=False)
        (public / "description.md").write_text(text, encoding="utf-8")
        weights = [task.weights] if task.weights in private.columns else []
        private[[*task.id, *task.targets, *weights]].to_csv(out / "private" / "answers.csv", index=False)
        for file in competition.files:
            if file.role in ("extra", "additional") and file.path in competition.sources:
                _copy(competition, file.path, public)
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror or error}): give another folder.") from error
    return out


def choose_rows(train: pd.DataFrame, test: pd.DataFrame, task: HoldoutTask, fraction: float, seed: int) -> np.ndarray:
    """Whether each row of train is held out, (n,) bool. Raises InputError where the scheme's column is unusable."""
    rng = np.random.default_rng(seed)
    plan = task.folds
    if plan.scheme in ("group", "time", "blocks") and (plan.column is None or plan.column not in train):
        raise InputError(f"{plan.scheme} folds need a column of train: name it with --folds {plan.scheme}:COLUMN.")
    if plan.scheme == "group":
        return _groups(group_codes(train, plan), fraction, rng)
    if plan.scheme in ("time", "blocks"):
        column = str(plan.column)
        times, others = _times(train[column], test[column] if column in test else train[column].iloc[:0])
        return _latest(times, fraction) if plan.scheme == "time" else _later_parts(times, others, fraction)
    strata: np.ndarray = np.zeros(len(train), dtype=np.int64)
    if plan.scheme == "stratified":
        strata = train.groupby(list(task.targets), dropna=False, sort=True).ngroup().to_numpy()
    return _drawn(strata, fraction, rng)


def _drawn(strata: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """A systematic sample of rows, even over the strata (n,) int, each of which keeps a row in train: (n,) bool."""
    order = np.lexsort((rng.random(len(strata)), strata))
    steps = np.floor(np.arange(len(strata) + 1) * fraction + rng.random())
    held_out = np.zeros(len(strata), dtype=bool)
    held_out[order] = np.diff(steps) > 0
    emptied = np.setdiff1d(strata, strata[~held_out])
    for stratum in emptied:
        held_out[np.flatnonzero(strata == stratum)[0]] = False
    return held_out


def _groups(codes: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """The rows (n,) bool of a random choice of whole groups, `codes` (n,) int, whose share is near `fraction`.

    In random order, a group is chosen where it brings the share nearer to `fraction`.
    """
    sizes = np.bincount(codes)
    n_target = fraction * len(codes)
    chosen = np.zeros(len(sizes), dtype=bool)
    total = 0
    for group in rng.permutation(len(sizes)):
        if abs(total + sizes[group] - n_target) < abs(total - n_target):
            chosen[group] = True
            total += int(sizes[group])
    return chosen[codes]


def _times(train: pd.Series, test: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """The time of each row of both tables, (n,) float64, in days for dates (whole ones where train has ten or more),
    else as it is. Both are read alike.

    Raises InputError where the column holds neither dates nor numbers.
    """
    axis, other = time_axes(train, test)
    if axis is None or not np.isfinite(axis[0]).any():
        raise InputError(
            f"column {train.name!r} holds neither dates nor numbers: name another with --folds time:COLUMN."
        )
    times, others = axis[0], other[0] if other is not None else np.array([])
    whole = axis[1] and len(np.unique(np.floor(times[np.isfinite(times)]))) >= 10
    return (np.floor(times), np.floor(others)) if whole else (times, others)


def _latest(times: np.ndarray, fraction: float) -> np.ndarray:
    """All rows after a time, chosen so that they are about `fraction` of those with a time: (n,) bool."""
    timed = np.isfinite(times)
    points, counts = np.unique(times[timed], return_counts=True)
    after = counts.sum() - np.cumsum(counts)
    cut = points[int(np.argmin(np.abs(after - fraction * counts.sum())))]
    return timed & (times > cut)


def _later_parts(times: np.ndarray, others: np.ndarray, fraction: float) -> np.ndarray:
    """The latest rows of every stretch of train, (n,) bool; a stretch ends where the times of test (`others`) begin."""
    marks = np.unique(others[np.isfinite(others)])
    stretch = np.searchsorted(marks, times)
    held_out = np.zeros(len(times), dtype=bool)
    for code in np.unique(stretch):
        rows = np.flatnonzero((stretch == code) & np.isfinite(times))
        if len(rows):
            held_out[rows] = _latest(times[rows], fraction)
    return held_out


def _sample(
    competition: Competition, task: HoldoutTask, private: pd.DataFrame, rest: pd.DataFrame, probabilities: bool
) -> pd.DataFrame:
    """The sample submission of a holdout: ids, and in every other column the sample's or else the target's mode.

    Where a column of the sample holds two distinct values, so does this one, since they may show that labels are
    wanted; where there is none, 0.5 shows that `probabilities` are.
    """
    long: LongIds | None = getattr(task, "long", None)
    if long is not None and competition.sample is not None:
        shown = competition.sample[long.value].mode().iloc[0]
        return long.named(private).assign(**{long.value: shown})[list(competition.sample.columns)]
    ids = dict(zip(getattr(task, "submission_id", ()) or task.id, task.id, strict=True))
    columns: Sequence[str] = [*ids, *task.targets]
    if competition.sample is not None:
        columns = list(competition.sample.columns)
    made: dict[str, np.ndarray] = {}
    for name in columns:
        if name in ids:
            made[name] = private[ids[name]].to_numpy()
        else:
            values = competition.sample[name] if competition.sample is not None else rest[name]
            both = competition.sample is not None and values.nunique() == 2
            shown = values.drop_duplicates() if both else values.mode().iloc[:1]
            if probabilities and competition.sample is None:
                made[name] = np.full(len(private), 0.5)
                continue
            made[name] = np.resize(shown.dropna().to_numpy(), len(private))
    return pd.DataFrame(made)


def _copy(competition: Competition, path: str, public: Path) -> None:
    """Copies a further table into the folder, unpacked, unless it has the name of a table there."""
    source, readings = competition.sources[path].source, competition.readings
    written_anew = readings.day_first or readings.decimal == ","  # train, written anew, shows these no more
    if source is None or written_anew:  # of several files, with other names, or read by train's signs
        stem = PurePosixPath(path).name.partition(".")[0]
        if f"{stem}.csv" not in TABLES:
            competition.extra(path).to_csv(public / f"{stem}.csv", index=False)
        return
    name = PurePosixPath(source.name)
    target = public / plain_name(name.name)
    if source.sheet:  # of a workbook
        competition.extra(path).to_csv(target.with_name(f"{target.stem}.csv"), index=False)
    elif target.name not in TABLES:
        with source.open() as stream, open(target, "wb") as copy:
            shutil.copyfileobj(stream, copy, 1 << 20)
