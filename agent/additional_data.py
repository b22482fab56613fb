"""Additional training rows of a run: their own feature store and targets, and the same rows as a table to look up."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from medalist.agent.workers.jobs import AdditionalInput
from medalist.competitions.additional_rows import AdditionalTable
from medalist.competitions.task.task import Task
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.fitting.training_part import AdditionalRows

ADDITIONAL_TARGETS = "additional_targets.npy"  # file of the run with the targets of the additional training rows
HASHED_ROWS = 20_000  # most rows of a further table that its hash is made from


def write_additional(
    more: AdditionalTable,
    task: Task,
    work: Path,
    store: FeatureStore,
    own: tuple[pd.DataFrame, pd.DataFrame],
    tables: Mapping[str, pd.DataFrame],
) -> AdditionalRows:
    """The additional training rows with a store beside that of train and test (`own`), and their targets on disk."""
    train, test = own
    fingerprint = hashlib.sha256(f"{store.fingerprint} {table_hash(more.frame)}".encode()).hexdigest()[:16]
    rest = pd.concat([test, more.frame[list(test.columns)]], ignore_index=True)
    place = store.folder.parent / fingerprint
    over_all = FeatureStore.create(place, fingerprint, train, rest, tables, limit=store.limit)
    y = task.encode(more.frame)
    np.save(work / ADDITIONAL_TARGETS, y)
    return AdditionalRows(over_all, y)


def to_look_up(more: AdditionalTable, task: Task) -> pd.DataFrame:
    """The additional rows as a further table, with their targets: statistics of them are no leak, since none is a row
    that is predicted."""
    frame = more.frame.drop(columns=[c for c in task.id if c in more.frame])
    codes = pd.DataFrame(task.encode(more.frame), columns=list(task.targets), index=frame.index)
    return frame.assign(**{target: codes[target] for target in task.targets if task.is_classification})


def additional_input(additional: AdditionalRows, work: Path) -> AdditionalInput:
    """What child processes read of the additional rows; `work`: the run's folder with their targets."""
    store = additional.store
    return AdditionalInput(store.folder.resolve(), store.fingerprint, (work / ADDITIONAL_TARGETS).resolve())


def table_hash(table: pd.DataFrame) -> str:
    """16 hexadecimal digits for a further table, from its sums and from rows out of all parts of it."""
    digest = hashlib.sha256(f"{len(table)} {list(table.columns)}".encode())
    rows = np.linspace(0, max(len(table) - 1, 0), min(len(table), HASHED_ROWS)).astype(int)
    digest.update(pd.util.hash_pandas_object(table.iloc[rows].astype(str), index=False).to_numpy().tobytes())
    digest.update(table.select_dtypes("number").sum().to_numpy(float).tobytes())
    return digest.hexdigest()[:16]
