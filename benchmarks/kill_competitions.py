"""Small competitions of several kinds, generated from a seed, for runs that are killed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

KINDS = ("binary", "regression", "multiclass", "time", "tables")
TRAIN_ROWS, TEST_ROWS = 420, 120


def make(kind: str, folder: Path, seed: int) -> Path:
    """Write a competition of one of KINDS into a folder, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    rows = TRAIN_ROWS + TEST_ROWS
    frame = _inputs(rng, rows)
    if kind == "time":
        frame.insert(
            1, "day", (pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(rows), "D")).strftime("%Y-%m-%d")
        )
    signal = _signal(frame) + rng.normal(scale=0.7, size=rows)
    if kind == "tables":
        orders = pd.DataFrame(
            {
                "customer": rng.integers(1, 90, 900),
                "amount": rng.gamma(2.0, 10.0, 900).round(2),
                "kind": rng.choice(list("xyz"), 900),
            }
        )
        orders.to_csv(folder / "orders.csv", index=False)
        frame["customer"] = rng.integers(1, 90, rows)
        signal += frame["customer"].map(orders.groupby("customer")["amount"].mean()).fillna(20.0).to_numpy() / 8.0
    target, words = _target(kind, signal)
    frame["outcome"] = target
    train, test = frame[:TRAIN_ROWS], frame[TRAIN_ROWS:]
    sample = test[["id"]].assign(
        outcome=train["outcome"].mode()[0] if kind == "multiclass" else train["outcome"].mean()
    )
    train.to_csv(folder / "train.csv", index=False)
    test.drop(columns="outcome").to_csv(folder / "test.csv", index=False)
    sample.to_csv(folder / "sample_submission.csv", index=False)
    (folder / "description.md").write_text(words, encoding="utf-8")
    return folder


def _inputs(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    """Numbers, categories and missing values under an id that runs on."""
    frame = pd.DataFrame(
        {
            "id": np.arange(1, rows + 1),
            "size": rng.normal(size=rows).round(4),
            "weight": rng.gamma(2.0, size=rows).round(4),
            "age": rng.integers(18, 80, rows).astype(float),
            "city": rng.choice(["Oslo", "Rome", "Lima", "Graz", "Pune"], rows),
            "level": rng.choice(["low", "middle", "high"], rows),
        }
    )
    frame.loc[rng.random(rows) < 0.1, "age"] = np.nan
    return frame


def _signal(frame: pd.DataFrame) -> np.ndarray:
    """What the target depends on, with a ratio and an interaction that a search for features can find."""
    by_city = frame["city"].map({"Oslo": 1.0, "Rome": -0.5, "Lima": 0.0, "Graz": 0.7, "Pune": -1.2})
    ratio = frame["weight"] / (1.0 + frame["age"].fillna(50.0) / 40.0)
    return np.asarray(frame["size"] * (frame["level"] == "high") + by_city + ratio, dtype=float)


def _target(kind: str, signal: np.ndarray) -> tuple[np.ndarray, str]:
    """The target of a kind, and the words that say how it is scored."""
    if kind == "binary":
        return (signal > np.median(signal)).astype(int), "Submissions are scored by the area under the ROC curve (AUC)."
    if kind == "multiclass":
        classes = np.digitize(signal, np.quantile(signal, [0.3, 0.7]))
        return np.array(["red", "green", "blue"])[classes], "Submissions are scored by accuracy."
    if kind == "time":
        return (signal + np.linspace(0.0, 2.0, len(signal)) + 10.0).round(3), "Scored by RMSE; test lies after train."
    return (10.0 + 3.0 * signal).round(3), "Submissions are scored by root mean squared error (RMSE)."
