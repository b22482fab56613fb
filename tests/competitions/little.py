"""Small competitions, tables and checks for several tests."""

from pathlib import Path

import numpy as np
import pandas as pd

from medalist.competitions.competition import Competition
from medalist.competitions.folds.plan import Folds
from medalist.competitions.tables.source import Source


def little_competition(
    train: pd.DataFrame, test: pd.DataFrame, sample: pd.DataFrame | None = None, description: str = ""
) -> Competition:
    return Competition(
        name="little",
        root=Path("little"),
        train=train,
        test=test,
        sample=sample,
        description=description,
        files=(),
        fingerprint="0" * 16,
        notes=(),
    )


def labelled_competition(labels: list, sample_value: object, n: int = 120) -> Competition:
    """n training rows whose target `y` takes the labels in turn, 30 test rows, and a sample with one value."""
    rng = np.random.default_rng(3)
    y = [labels[i % len(labels)] for i in range(n)]
    train = pd.DataFrame({"id": range(n), "x": rng.normal(size=n), "y": y})
    test = pd.DataFrame({"id": range(n, n + 30), "x": rng.normal(size=30)})
    return little_competition(train, test, pd.DataFrame({"id": test["id"], "y": [sample_value] * 30}))


def make_tables(n: int = 60, n_test: int = 40, seed: int = 0) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    total = n + n_test
    frame = pd.DataFrame(
        {
            "Id": np.arange(1, total + 1),
            "size": rng.normal(size=total).round(3),
            "city": rng.choice(["Rome", "Oslo", "Lima"], total),
            "price": rng.integers(10, 99, total),
        }
    )
    test = frame[n:].reset_index(drop=True)
    return {
        "train": frame[:n],
        "test": test.drop(columns="price"),
        "sample": test[["Id"]].assign(price=0),
        "answers": test[["Id", "price"]],
    }


def write(folder: Path, **files: pd.DataFrame) -> Path:
    for name, frame in files.items():
        path = folder / name.replace("__", "/")
        path = path.with_name(path.name + ".csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.to_csv(path, index=False)
    return folder


def roles(competition: Competition) -> dict[str, str]:
    return {file.path: file.role for file in competition.files}


def partitions(folds: Folds, n: int) -> bool:
    """Whether each of n rows is held out once, and every fold is made of all rows."""
    held = np.concatenate([valid for _, valid in folds.splits])
    whole = all(len(np.union1d(a, b)) == n and not len(np.intersect1d(a, b)) for a, b in folds.splits)
    return whole and sorted(held.tolist()) == list(range(n))


def source_of(path: Path) -> Source:
    return Source(path.name, path, (), path.stat().st_size)
