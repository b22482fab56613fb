"""RunData: the constants of a run: tables, task, encoded targets, metric and feature store."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from medalist.agent.additional_data import additional_input, table_hash, to_look_up, write_additional
from medalist.agent.blocks import block_of_rows
from medalist.agent.folds import Drawn, FoldSet, first_fold
from medalist.agent.workers.jobs import TrainingInput
from medalist.competitions.additional_rows import additional_rows
from medalist.competitions.columns.cards import ColumnCard
from medalist.competitions.columns.dates import time_axis
from medalist.competitions.competition import Competition
from medalist.competitions.errors import InputError
from medalist.competitions.folds.by_group import group_codes
from medalist.competitions.folds.make import make_folds
from medalist.competitions.folds.plan import FoldPlan
from medalist.competitions.metrics.metric import Metric
from medalist.competitions.tables.reading import LARGE_BYTES
from medalist.competitions.task.task import Task
from medalist.pipelines.features.schema import Schema, schema_of
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.features.table_keys import connect
from medalist.pipelines.fitting.training_part import AdditionalRows
from medalist.pipelines.hashing import array_hash
from medalist.pipelines.problem import Problem, problem_of

REPEAT_SEED = 15_485_863  # added to the folds' seed for each repetition
SPANS = 60  # spans of time, of equally many rows, that serve as groups where folds hold out time


@dataclass(frozen=True)
class RunData:
    """Everything that stays the same while a run goes on.

    cards: descriptions of the input columns. y, weights: (n, T) encoded targets and (n,) row weights of train. store:
    the feature columns computed so far, on disk. schema: the type of each column. folder: of the run. table_hashes: of
    the further tables, by name. notes: sentences on how these are joined, and on additional training rows. additional:
    these rows with their store, None without any. looked_up: names of further tables that are made of them.
    """

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
    table_hashes: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    additional: AdditionalRows | None = None
    looked_up: frozenset[str] = frozenset()

    @classmethod
    def create(
        cls, competition: Competition, task: Task, cards: Sequence[ColumnCard], folder: Path, cache: Path
    ) -> RunData:
        """Encode the targets and write what child processes read: raw columns, targets and weights. The columns that
        features compute are kept under `cache`, which all runs on the same data share.

        Raises TaskError where a target cannot be encoded, InputError where the cache limit is no number: see
        `cache_limit`.
        """
        y = task.encode(competition.train)
        metric = task.scorer()
        columns = [c for c in competition.train.columns if c in competition.test.columns and c not in task.targets]
        train, test = competition.train[columns], competition.test[columns]
        time = task.folds.column if task.folds.scheme == "time" else None
        more = additional_rows(competition, task, columns)
        looked_up = {} if more is None else {_table_name(more.paths[0]): to_look_up(more, task)}
        further = connect(_further_tables(competition, task, columns) | looked_up, train, test, task.id, time)
        tables = dict(further.tables)
        fingerprint = data_hash(competition.fingerprint, train, test, tables)
        store = FeatureStore.create(cache / fingerprint, fingerprint, train, test, tables, limit=cache_limit())
        schema = schema_of(
            train,
            cards,
            tables,
            joins=further.joins,
            lookups=further.lookups,
            links=further.links,
            times=further.times,
        )
        (folder / "work").mkdir(parents=True, exist_ok=True)
        np.save(folder / "work" / "targets.npy", y)
        weights = None
        if task.weights:
            weights = competition.train[task.weights].to_numpy(np.float64)
            np.save(folder / "work" / "weights.npy", weights)
        hashes = {name: table_hash(table) for name, table in tables.items()}
        additional = None
        if more is not None:
            others = {name: table for name, table in tables.items() if name not in looked_up}
            additional = write_additional(more, task, folder / "work", store, (train, test), others)
            hashes["additional training rows"] = table_hash(more.frame)
        about_more = () if more is None else (more.note, *(finding.message for finding in more.findings))
        return cls(
            competition,
            task,
            cards,
            metric,
            problem_of(task, y),
            y,
            weights,
            store,
            schema,
            folder,
            hashes,
            (*further.notes, *about_more),
            additional,
            frozenset(looked_up),
        )

    @property
    def classes(self) -> int:
        """Number of classes of a multiclass target, else 0."""
        return self.problem.n_classes if self.problem.problem_type == "multiclass" else 0

    @property
    def fitted_y(self) -> np.ndarray:
        """(n, T) targets of train on the scale on which models are fitted, such as that of log(1 + y)."""
        return self.y if self.problem.classification else self.problem.forward(self.y)

    @property
    def training_input(self) -> TrainingInput:
        """What child processes read."""
        return TrainingInput(
            store=self.store.folder.resolve(),
            fingerprint=self.store.fingerprint,
            n_train=len(self.competition.train),
            n_test=len(self.competition.test),
            problem=self.problem,
            limit=self.store.limit,
            targets=(self.folder / "work" / "targets.npy").resolve(),
            weights=None if self.weights is None else (self.folder / "work" / "weights.npy").resolve(),
            additional=None if self.additional is None else additional_input(self.additional, self.folder / "work"),
        )

    def folds(self, name: str, seed: int, count: int | None = None, repeats: int = 1) -> FoldSet:
        """Folds of the task's scheme, drawn and written to `work/folds_<name>.npz` in the run's folder.

        seed: of the draw. count: how many of the folds are evaluated, the last ones; None for all. repeats: how often
        they are drawn (repeated cross-validation); a row's out-of-fold prediction is then the mean over the
        repetitions.
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
        positions = tuple(np.searchsorted(rows, valid) for _, valid in splits)
        y = self.y[rows]
        groups = dependent_rows(self.task.folds, self.competition.train)
        groups = None if groups is None else groups[rows]
        told = self.task.metric_rows(self.competition.train)
        return FoldSet(
            path=path,
            positions=positions,
            rows=rows,
            fold_of_row=first_fold(positions, len(rows)),
            blocks=block_of_rows(y, groups=groups),
            y=y,
            weights=None if told is None else told[rows],
            groups=groups,
            forecast=self.refit,
            fit_rows=float(np.mean([len(fit) for fit, _ in splits])),
            drawn=Drawn(name, seed, count, repeats, array_hash(*(valid for _, valid in splits))),
        )

    @property
    def n_additional(self) -> int:
        """Number of additional training rows."""
        return 0 if self.additional is None else len(self.additional.y)

    @property
    def refit(self) -> bool:
        """Whether test predictions come from a model on all rows, because the folds train on the past only."""
        return self.task.folds.scheme == "time"


def _table_name(path: str) -> str:
    return PurePosixPath(path).name.split(".")[0]


def dependent_rows(plan: FoldPlan, train: pd.DataFrame) -> np.ndarray | None:
    """(n,) the group or the span of time of each row of a table, where folds hold out whole groups or spans; else
    None."""
    if plan.scheme == "group":
        return group_codes(train, plan)
    axis = time_axis(train[plan.column]) if plan.scheme in ("time", "blocks") and plan.column else None
    if axis is None:
        return None
    return pd.Series(axis[0]).rank(method="min").fillna(0).to_numpy() * SPANS // (len(train) + 1)


def cache_limit() -> int:
    """Bytes of computed columns that are kept for one competition, by MEDALIST_FEATURES_GIB.

    Raises InputError where that is no number above 0.
    """
    text = os.environ.get("MEDALIST_FEATURES_GIB", "8")
    try:
        limit = float(text)
    except ValueError:
        limit = 0.0
    if not limit > 0:
        raise InputError(f"MEDALIST_FEATURES_GIB is {text!r}, but must be a number of GiB above 0, such as 8.")
    return int(limit * 2**30)


def data_hash(fingerprint: str, train: pd.DataFrame, test: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> str:
    """16 hexadecimal digits for a competition's files and how they were read: their fingerprint, the names and types of
    the columns, and the further tables. Computed features are kept under it."""
    digest = hashlib.sha256(fingerprint.encode())
    for frame in (train, test, *tables.values()):
        digest.update(repr([(c, str(t)) for c, t in frame.dtypes.items()]).encode())
    for name, table in tables.items():
        digest.update(f"{name} {table_hash(table)}".encode())
    return digest.hexdigest()[:16]


def _further_tables(competition: Competition, task: Task, columns: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Further tables, by file name without its ending; without the target.

    Large ones only where they share a column with train and test, or with a table that does.
    """
    extras = [file for file in competition.files if file.role == "extra"]
    near = {c for file in extras if set(file.columns) & set(columns) for c in file.columns}
    tables: dict[str, pd.DataFrame] = {}
    for file in extras:
        source = competition.sources.get(file.path)
        if not set(file.columns) & near and (source is None or source.size > LARGE_BYTES):
            continue
        name = _table_name(file.path)
        try:
            table = competition.extra(file.path)
        except InputError:  # broken, or named twice: the competition's notes say so
            continue
        tables.setdefault(name, table.drop(columns=[t for t in task.targets if t in table.columns]))
    return tables
