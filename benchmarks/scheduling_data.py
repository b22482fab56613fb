"""The generated competition of `scheduling.py`: binary, numbers and categories, with known log-odds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

TEST_SHARE = 0.25  # test rows for each train row
FEW, MANY = 6, 2  # columns of few and of many categories; the others are numbers, a third of them counts
STRENGTH = 1.6  # standard deviation of the log-odds


def tables(rows: int, columns: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Train (rows, with `id` and `target`), test, and the true log-odds (n,) of all rows of train and test.

    The log-odds follow from smooth and stepped functions of numbers, a product of two, a cross of two categories and a
    category of many values: so that families differ, and features help.
    """
    rng = np.random.default_rng(seed)
    n = rows + int(rows * TEST_SHARE)
    numbers = columns - FEW - MANY
    data: dict[str, np.ndarray] = {}
    for i in range(numbers):
        data[f"n{i}"] = rng.poisson(4, n) if i % 3 == 2 else np.round(rng.normal(size=n), 4)
    for i in range(FEW):
        data[f"c{i}"] = rng.integers(0, 4 + 5 * i, n)
    for i in range(MANY):
        data[f"m{i}"] = rng.integers(0, max(20, rows // 200), n)
    cell = rng.normal(size=(4 + 5 * (FEW - 1)) * 100)[data["c1"] * 30 + data[f"c{FEW - 1}"]]
    level = rng.normal(size=data["m0"].max() + 1)[data["m0"]]
    score = np.sin(2 * data["n0"]) + data["n1"] * data["n3"] + 0.7 * data["n4"] + (data["n2"] > 4) + cell + 0.7 * level
    score += 0.3 * sum(data[f"n{i}"] for i in range(6, numbers, 3))
    log_odds = STRENGTH * (score - score.mean()) / score.std()
    table = pd.DataFrame({"id": np.arange(n)} | {k: _text(k, v) for k, v in data.items()})
    target = (rng.random(n) < 1 / (1 + np.exp(-log_odds))).astype(int)
    return table[:rows].assign(target=target[:rows]), table[rows:].reset_index(drop=True), log_odds


def _text(name: str, values: np.ndarray) -> np.ndarray:
    """Codes of categories as text, such as c1_7; numbers as they are."""
    return values if name.startswith("n") else np.array([f"{name}_{v}" for v in values])


def write(folder: Path, rows: int, columns: int, seed: int = 0) -> np.ndarray:
    """Write the competition's files into `folder`; returns the true log-odds (n,) of the rows of train and test."""
    train, test, log_odds = tables(rows, columns, seed)
    folder.mkdir(parents=True, exist_ok=True)
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    test[["id"]].assign(target=0.5).to_csv(folder / "sample_submission.csv", index=False)
    return log_odds
