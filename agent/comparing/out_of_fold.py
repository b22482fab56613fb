"""The out-of-fold predictions of what a run has submitted, from the files in its folder."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from medalist.agent.folds import first_fold
from medalist.agent.lineage.explain import explained
from medalist.agent.lineage.find import Found
from medalist.agent.run_data import dependent_rows
from medalist.competitions.competition import Competition
from medalist.competitions.errors import InputError
from medalist.competitions.task.task import Task
from medalist.pipelines.decisions.cross_fitting import decide
from medalist.pipelines.ensembling.selection import Ensemble
from medalist.pipelines.ensembling.spaces import Space
from medalist.pipelines.hashing import array_hash
from medalist.pipelines.problem import problem_of

Splits = Sequence[tuple[np.ndarray, np.ndarray]]
DAMAGED = (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile)


@dataclass(frozen=True)
class OutOfFold:
    """Predictions of training rows by models that were not fitted on them, as the metric takes them.

    rows: (r,) positions in train, ascending. p: (r, W). folds: a hash of the rows that each fold holds out.
    """

    rows: np.ndarray
    p: np.ndarray
    folds: str


def splits_of(folder: Path) -> Splits:
    """The positions of the rows that each fold of a run's search is fitted on and validates.

    Raises InputError where the run's folder no longer has them.
    """
    try:
        with np.load(folder / "work" / "folds_search.npz") as kept:
            count = sum(name.startswith("valid_") for name in kept.files)
            return [(kept[f"fit_{k}"], kept[f"valid_{k}"]) for k in range(count)]
    except DAMAGED:
        raise InputError(
            f"The folds of the run in {folder} are gone: they went with its folder work; give --answers instead."
        ) from None


def hash_of(splits: Splits) -> str:
    """The hash of the rows that the folds hold out, as the lineage has it."""
    return array_hash(*(valid for _, valid in splits))


def evaluated(splits: Splits) -> np.ndarray:
    """(r,) the rows that at least one fold holds out, ascending."""
    return np.unique(np.concatenate([valid for _, valid in splits]))


def out_of_fold(found: Found, task: Task, competition: Competition) -> OutOfFold:
    """The out-of-fold predictions of the ensemble that a run has submitted, decided as its submission is: each fold by
    what was fitted on the others.

    Raises InputError, which says why, where there are none: the submission is a constant, or files are gone.
    """
    made = explained(found)["made_of"]
    members = {int(n): float(w) for n, w in made.get("ensemble", ())}
    if not members or found.folder is None:
        raise InputError(f"Run {found.run} has submitted no ensemble, so it has no out-of-fold predictions.")
    splits = splits_of(found.folder)
    rows = evaluated(splits)
    kept = {}
    for number in members:
        try:
            kept[number] = np.asarray(np.load(found.folder / "predictions" / f"{number}.oof.npy"), float)
        except DAMAGED:
            raise InputError(f"The out-of-fold predictions of run {found.run} are gone or damaged.") from None
        if len(kept[number]) != len(rows):
            raise InputError(f"The out-of-fold predictions of run {found.run} are not of its present folds.")
    y = task.encode(competition.train)
    blend = Ensemble(members, cast(Space, made.get("space") or "mean")).blend(kept)
    positions = [np.searchsorted(rows, valid) for _, valid in splits]
    weights = task.metric_rows(competition.train)
    groups = dependent_rows(task.folds, competition.train)
    decided, _ = decide(
        task.scorer(),
        problem_of(task, y),
        y[rows],
        blend,
        first_fold(positions, len(rows)),
        targets=y,
        weights=None if weights is None else weights[rows],
        enabled=bool((found.row.config if found.row else {}).get("postprocessing", True)),
        blocks=None if groups is None else np.unique(groups[rows], return_inverse=True)[1],
    )
    return OutOfFold(rows, decided, hash_of(splits))
