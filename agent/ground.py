"""The fixed ground of a run: data, targets, folds and metric, as every experiment of the run sees them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from medalist.agent import score as judge
from medalist.agent.workers.jobs import Bench
from medalist.competitions.columns.cards import ColumnCard
from medalist.competitions.columns.dates import time_axis
from medalist.competitions.competition import Competition
from medalist.competitions.errors import InputError
from medalist.competitions.folds.by_group import group_codes
from medalist.competitions.folds.make import make_folds
from medalist.competitions.folds.plan import FoldPlan
from medalist.competitions.metrics.metric import Metric
from medalist.competitions.task.task import Task
from medalist.pipelines.features.schema import Schema, schema_of
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.problem import Problem, problem_of

REPEAT_SEED = 15_485_863
LOOKED_AT = 20_000  # rows of a further table that its fingerprint is made from
SPANS = 60  # of time, that rows are compared by


@dataclass(frozen=True)
class FoldSet:
    """Folds that a run evaluates on, repeated where the data are few.

    A fold is named by its number; workers find its rows in `path`. `rows` (r,) are the training rows that are
    validated at least once; `slots` (count arrays) say where each fold's validation rows stand among them. `of_row`
    (r,) is the fold of each row in the first repetition, `blocks` (r,) its block for paired comparisons; `units` (r,)
    the group or the span of time that it belongs to, where the folds hold out such, else None. `forecast`: each fold
    lies ahead of what it is predicted from. `fit_rows`: rows that a fold's model learns from, on average.
    """

    path: Path
    slots: tuple[np.ndarray, ...]
    rows: np.ndarray
    of_row: np.ndarray
    blocks: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None
    units: np.ndarray | None = None
    forecast: bool = False
    fit_rows: float = 0.0

    @property
    def count(self) -> int:
        return len(self.slots)

    @property
    def apart(self) -> np.ndarray | None:
        """(r,) the fold of each row, where the rows of a fold share an error: a forecast's level. Else None."""
        return self.of_row if self.forecast else None

    @property
    def shared(self) -> np.ndarray | None:
        """(r,) what rows have in common that must not choose and judge, the largest such unit; None: nothing."""
        return self.of_row if self.forecast and self.count > 1 else self.units

    def known_to(self, other: FoldSet) -> bool:
        """Whether half of these folds or more hold out the very rows that a fold of another set does."""
        theirs = {other.rows[slot].tobytes() for slot in other.slots}
        return sum(self.rows[slot].tobytes() in theirs for slot in self.slots) >= self.count / 2

    def subset(self, folds: Sequence[int]) -> FoldSet:
        """The set of some of these folds, in the order given."""
        if list(folds) == list(range(self.count)):
            return self
        places = np.unique(np.concatenate([self.slots[k] for k in folds]))
        of_row = np.zeros(len(places), dtype=np.int16)
        slots = tuple(np.searchsorted(places, self.slots[k]) for k in folds)
        for k in reversed(range(len(slots))):
            of_row[slots[k]] = k
        y = self.y[places]
        weights = None if self.weights is None else self.weights[places]
        units = None if self.units is None else self.units[places]
        blocks = judge.block_of_rows(y, units=units)
        rows = self.rows[places]
        return FoldSet(
            self.path, slots, rows, of_row, blocks, y, weights, units, forecast=self.forecast, fit_rows=self.fit_rows
        )


@dataclass(frozen=True)
class Ground:
    """Everything that stays the same while a run goes on."""

    competition: Competition
    task: Task
    cards: Sequence[ColumnCard]
    metric: Metric
    problem: Problem
    y: np.ndarray
    weights: np.ndarray | None
    store: FeatureStore
    schema: Schema
    folder: Path
    tables: Mapping[str, str] = field(default_factory=dict)  # fingerprints of further tables by name

    @classmethod
    def lay(
        cls, competition: Competition, task: Task, cards: Sequence[ColumnCard], folder: Path, cache: Path
    ) -> Ground:
        """Encode the targets and write what workers need: raw columns and targets. Under `cache` computed columns are
        shared by all runs on the same data.

        Raises TaskError where a target cannot be encoded, InputError where the limit of the cache is no number.
        """
        y = task.encode(competition.train)
        metric = task.scorer()
        columns = [c for c in competition.train.columns if c in competition.test.columns and c not in task.targets]
        tables = _further_tables(competition, task, columns)
        train, test = competition.train[columns], competition.test[columns]
        fingerprint = _of_data(competition.fingerprint, train, test, tables)
        store = FeatureStore.create(cache / fingerprint, fingerprint, train, test, tables, limit=cache_limit())
        schema = schema_of(train, cards, tables)
        (folder / "work").mkdir(parents=True, exist_ok=True)
        np.save(folder / "work" / "targets.npy", y)
        weights = None
        if task.weights:
            weights = competition.train[task.weights].to_numpy(np.float64)
            np.save(folder / "work" / "weights.npy", weights)
        told = {name: _of_table(table) for name, table in tables.items()}
        return cls(competition, task, cards, metric, problem_of(task, y), y, weights, store, schema, folder, told)

    @property
    def classes(self) -> int:
        """Number of classes of a multiclass target, else 0."""
        return self.problem.n_classes if self.problem.problem_type == "multiclass" else 0

    @property
    def fitted_y(self) -> np.ndarray:
        """(n, T) targets of train on the scale on which they are fitted."""
        return self.y if self.problem.classification else self.problem.forward(self.y)

    @property
    def bench(self) -> Bench:
        return Bench(
            store=self.store.folder.resolve(),
            fingerprint=self.store.fingerprint,
            n_train=len(self.competition.train),
            n_test=len(self.competition.test),
            problem=self.problem,
            limit=self.store.limit,
            targets=(self.folder / "work" / "targets.npy").resolve(),
            weights=None if self.weights is None else (self.folder / "work" / "weights.npy").resolve(),
        )

    def folds(self, name: str, seed: int, count: int | None = None, repeats: int = 1) -> FoldSet:
        """Folds of the task's scheme under a seed; with `count`, only the last so many of them are evaluated.

        `repeats` draws them anew so many times; a row's predictions are then the mean over the repetitions.
        """
        splits: list[tuple[np.ndarray, np.ndarray]] = []
        for repeat in range(repeats):
            made = make_folds(self.task.folds, self.competition.train, self.y, seed=seed + repeat * REPEAT_SEED)
            splits += made.splits[-count:] if count else made.splits
        path = (self.folder / "work" / f"folds_{name}.npz").resolve()
        arrays = {}
        for k, (fit, valid) in enumerate(splits):
            arrays[f"fit_{k}"], arrays[f"valid_{k}"] = fit, valid
        np.savez(path, allow_pickle=False, **arrays)
        rows = np.unique(np.concatenate([valid for _, valid in splits]))
        slots = tuple(np.searchsorted(rows, valid) for _, valid in splits)
        of_row = np.zeros(len(rows), dtype=np.int16)
        for k in reversed(range(len(slots))):
            of_row[slots[k]] = k
        y = self.y[rows]
        units = _units(self.task.folds, self.competition.train)
        units = None if units is None else units[rows]
        return FoldSet(
            path=path,
            slots=slots,
            rows=rows,
            of_row=of_row,
            blocks=judge.block_of_rows(y, units=units),
            y=y,
            weights=None if self.weights is None else self.weights[rows],
            units=units,
            forecast=self.refit,
            fit_rows=float(np.mean([len(fit) for fit, _ in splits])),
        )

    @property
    def refit(self) -> bool:
        """Whether test predictions come from a model on all rows, because the folds train on the past only."""
        return self.task.folds.scheme == "time"


def _units(plan: FoldPlan, train: pd.DataFrame) -> np.ndarray | None:
    """(n,) the group of each training row, or its span of time, for folds that hold out such; else None."""
    if plan.scheme == "group":
        return group_codes(train, plan)
    axis = time_axis(train[plan.column]) if plan.scheme in ("time", "blocks") and plan.column else None
    if axis is None:
        return None
    return pd.Series(axis[0]).rank(method="min").fillna(0).to_numpy() * SPANS // (len(train) + 1)


def cache_limit() -> int:
    """Bytes of computed columns that are kept for one competition. InputError where the variable says no number."""
    told = os.environ.get("MEDALIST_FEATURES_GIB", "8")
    try:
        limit = float(told)
    except ValueError:
        limit = 0.0
    if not limit > 0:
        raise InputError(f"MEDALIST_FEATURES_GIB is {told!r}, but must be a number of GiB above 0, such as 8.")
    return int(limit * 2**30)


def _of_data(fingerprint: str, train: pd.DataFrame, test: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> str:
    """The fingerprint of a competition's files with that of what features are computed from: which columns there are
    and how they were read, and the further tables."""
    digest = hashlib.sha256(fingerprint.encode())
    for frame in (train, test, *tables.values()):
        digest.update(repr([(c, str(t)) for c, t in frame.dtypes.items()]).encode())
    for name, table in tables.items():
        digest.update(f"{name} {_of_table(table)}".encode())
    return digest.hexdigest()[:16]


def _of_table(table: pd.DataFrame) -> str:
    """The fingerprint of a further table, by its sums and by rows out of all parts of it."""
    digest = hashlib.sha256(f"{len(table)} {list(table.columns)}".encode())
    rows = np.linspace(0, max(len(table) - 1, 0), min(len(table), LOOKED_AT)).astype(int)
    digest.update(pd.util.hash_pandas_object(table.iloc[rows].astype(str), index=False).to_numpy().tobytes())
    digest.update(table.select_dtypes("number").sum().to_numpy(float).tobytes())
    return digest.hexdigest()[:16]


def _further_tables(competition: Competition, task: Task, columns: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Further tables that share a column with train and test, by file name without its ending; without the target."""
    tables: dict[str, pd.DataFrame] = {}
    for file in competition.files:
        if file.role != "extra" or not set(file.columns) & set(columns):
            continue
        name = PurePosixPath(file.path).name.split(".")[0]
        try:
            table = competition.extra(file.path)
        except InputError:  # broken, or named twice: the notes of the competition tell of it
            continue
        tables.setdefault(name, table.drop(columns=[t for t in task.targets if t in table.columns]))
    return tables
