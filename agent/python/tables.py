"""What the ledger and the folder of a run hold, as DataFrames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medalist.agent.comparing.out_of_fold import out_of_fold, splits_of
from medalist.agent.lineage.find import find
from medalist.agent.report.loader import RunContents
from medalist.competitions.competition import read_competition
from medalist.competitions.errors import InputError, PipelineError
from medalist.competitions.task.file import read_task
from medalist.competitions.task.task import Task
from medalist.leaderboard.ledger.rows import FeatureRow
from medalist.leaderboard.ledger.verdicts import latest_verdicts
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.words import in_words


def experiments_table(contents: RunContents) -> pd.DataFrame:
    """One row for each experiment, under its number."""
    made = contents.experiments
    columns: dict[str, list[Any]] = {
        "family": [e.family for e in made],
        "verdict": [e.verdict for e in made],
        "score": [e.score for e in made],
        "standard_error": [e.standard_error for e in made],
        "weight": [contents.ensemble.get(e.number, 0.0) for e in made],
        "seconds": [e.seconds for e in made],
        "reason": [e.reason for e in made],
        "verdict_reason": [e.verdict_reason for e in made],
        "arm": [e.arm for e in made],
        "parent": [e.parent for e in made],
        "fold_scores": [list(e.fold_scores) for e in made],
        "features": [list(e.pipeline.get("features", ())) for e in made],
        "parameters": [dict(e.pipeline.get("params") or {}) for e in made],
        "seed": [e.pipeline.get("seed") for e in made],
        "run_seconds": [e.run_seconds for e in made],
        "error": [e.error for e in made],
    }
    table = pd.DataFrame(columns, index=pd.Index([e.number for e in made], name="number"))
    numbers = ["score", "standard_error", "weight", "seconds", "run_seconds"]
    return table.astype(dict.fromkeys(numbers, float) | {"parent": "Int64"})


def features_table(rows: Sequence[FeatureRow]) -> pd.DataFrame:
    """One row for each feature that the search looked at closely, the largest gain first."""
    found = [
        {
            "feature": row.text,
            "words": words(row.text),
            "status": row.status,
            "gain": row.gain,
            "standard_error": row.standard_error,
            "unit": row.unit,
            "experiment": row.experiment,
            "step": row.step,
            "reason": row.reason,
        }
        for row in latest_verdicts(rows)
    ]
    names = ["feature", "words", "status", "gain", "standard_error", "unit", "experiment", "step", "reason"]
    table = pd.DataFrame(found, columns=names)
    return table.astype({"gain": float, "standard_error": float, "experiment": "Int64", "step": "Int64"})


def words(text: str) -> str:
    """A feature in English; the expression where it cannot be parsed."""
    try:
        return in_words(parse(text))
    except PipelineError:  # written by a version of medalist with another language
        return text


def out_of_fold_table(contents: RunContents, runs_dir: str) -> pd.DataFrame:
    """One row for each training row that the folds hold out, under its position in train: ids, targets, predictions as
    they would be submitted, and the fold (of the first repetition) that predicts it.

    Raises InputError where there are no predictions, or where the competition or files of the run are gone.
    """
    run, folder = contents.run, contents.folder
    if folder is None:
        raise InputError(f"The folder of run {run.id} is gone, and its out-of-fold predictions with it.")
    place = Path(str(run.config.get("path", "")))
    if not place.exists():
        raise InputError(f"The competition {place} of run {run.id} is gone: put it back to see its rows.")
    data = read_competition(place, **(run.config.get("file_options") or {}), need_sample=False)
    task = read_task(folder / "task.yaml", data)
    made = out_of_fold(find(run.id, runs_dir), task, data)
    held = data.train.iloc[made.rows]
    names = [*dict.fromkeys([*(c for c in task.id if c in held), *(t for t in task.targets if t in held)])]
    table = held[names].set_axis(pd.Index(made.rows, name="row"), axis=0)
    table["fold"] = _folds(folder, made.rows)
    for name, column in _predictions(task, made.p).items():
        table[name] = column
    return table


def _folds(folder: Path, rows: np.ndarray) -> np.ndarray:
    """(r,) the first fold that holds out each row."""
    found = np.full(len(rows), -1)
    for number, (_, valid) in enumerate(splits_of(folder)):
        places = np.searchsorted(rows, valid)
        found[places] = np.where(found[places] < 0, number, found[places])
    return found


def _predictions(task: Task, p: np.ndarray) -> dict[str, np.ndarray]:
    """Name → column: "prediction", or "prediction of" a class, target or level where there are several."""
    if task.scorer().needs == "label" and task.is_classification:
        classes = np.asarray(task.classes, dtype=object)
        columns = [classes[column.astype(int)] for column in p.T]
    else:
        columns = list(p.T)
    if len(columns) == 1:
        return {"prediction": columns[0]}
    several = task.targets if len(task.targets) == len(columns) else task.classes or task.levels
    return {f"prediction of {name}": column for name, column in zip(several, columns, strict=True)}
