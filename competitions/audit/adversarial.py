"""Adversarial validation: how well a model separates test rows from train rows (Pan et al. 2020, arXiv:2004.03045)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from medalist.competitions.audit.finding import Finding, Severity
from medalist.competitions.columns.cards import ColumnCard, Kind
from medalist.competitions.columns.dates import parse_dates, time_axis
from medalist.competitions.folds.make import assign_strata
from medalist.competitions.metrics.functions import auc
from medalist.competitions.task.task import Task


def adversarial_validation(
    train: pd.DataFrame,
    test: pd.DataFrame,
    task: Task,
    cards: Sequence[ColumnCard],
    seed: int,
    threads: int,
    n_sample: int = 10_000,
    most_columns: int = 100,
) -> Iterable[Finding]:
    """One finding: the out-of-fold AUC (2 folds) of a small LightGBM that separates test rows from train rows.

    0.5 means that they are alike. It is fitted on at most `n_sample` rows of each table and the `most_columns` inputs
    with the largest drift; ids, keys, constants, duplicates and the column of the fold plan are left out. No finding
    where no input remains. `threads`: of LightGBM.
    """
    usable = [card for card in cards if card.kind not in (Kind.CONSTANT, Kind.KEY, Kind.DUPLICATE)]
    usable = [card for card in usable if card.name != task.folds.column and card.name not in task.id]
    usable = [card for card in usable if not _same_time(train, card, task.folds.column)]
    usable = sorted(usable, key=lambda card: -card.drift)[:most_columns]
    if not usable:
        return
    rng = np.random.default_rng(seed)
    both = pd.concat(
        [table.iloc[np.sort(rng.permutation(len(table))[:n_sample])] for table in (train, test)], ignore_index=True
    )
    n = min(len(train), n_sample)
    matrix = np.column_stack([as_numbers(both[card.name], card) for card in usable])
    y = (np.arange(len(both)) >= n).astype(np.int64)
    score, gains = _separate(matrix, y, rng, seed, threads)
    top = [usable[i].name for i in np.argsort(-gains, kind="stable")[:3] if gains[i] > 0]
    left_out = f" (without {task.folds.column})" if task.folds.column else ""
    severity: Severity = "info" if score < 0.6 else "warning"
    relation = "look alike" if score < 0.55 else "differ a little" if score < 0.65 else "differ"
    by = f", most by {', '.join(top)}" if score >= 0.55 else ""
    random = task.folds.scheme in ("random", "stratified")
    rest = " The folds hold rows out at random all the same, so their estimate is one for rows like train's."
    yield Finding(
        "adversarial",
        severity,
        tuple(top) if score >= 0.55 else (),
        f"Train and test {relation}{left_out}: a model tells them apart with AUC {score:.3f}, where 0.5 is chance{by}."
        + (rest if random and score >= 0.9 else ""),
        score,
    )


def _same_time(train: pd.DataFrame, card: ColumnCard, column: str | None) -> bool:
    """Whether a column of dates holds the times of the plan's column, within a day, as in another time zone."""
    if column is None or column not in train or card.kind != Kind.DATE:
        return False
    axes = [time_axis(train[name].iloc[:2000]) for name in (card.name, column)]
    if axes[0] is None or axes[1] is None or not axes[1][1]:
        return False
    return bool(np.nanmax(np.abs(axes[0][0] - axes[1][0]), initial=0.0) <= 1.0)


def as_numbers(values: pd.Series, card: ColumnCard) -> np.ndarray:
    """A column as (n,) float64 for trees: numbers, days since 1970, lengths of text, frequency ranks of categories."""
    dates = parse_dates(values) if card.kind == Kind.DATE else None
    if dates is not None:
        seconds = dates.to_numpy("datetime64[s]")
        return np.where(np.isnat(seconds), np.nan, seconds.astype(np.int64) / 86_400.0)
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.to_numpy(dtype=float, na_value=np.nan)
    if card.kind == Kind.TEXT:
        return values.astype(object).map(lambda text: len(str(text)), na_action="ignore").to_numpy(dtype=float)
    codes, uniques = pd.factorize(values)
    counts = np.bincount(codes[codes >= 0], minlength=len(uniques))
    rank = np.empty(len(uniques) + 1)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(uniques))
    rank[-1] = np.nan
    return rank[codes]


def _separate(
    matrix: np.ndarray, y: np.ndarray, rng: np.random.Generator, seed: int, threads: int
) -> tuple[float, np.ndarray]:
    """(out-of-fold AUC of two folds, total gain of each column (m,)) for a matrix (n, m) and labels 0/1 (n,)."""
    import lightgbm

    parameters = {
        "objective": "binary", "learning_rate": 0.1, "num_leaves": 15, "min_data_in_leaf": 20, "verbosity": -1,
        "num_threads": threads, "seed": seed, "deterministic": True, "force_row_wise": True, "max_bin": 63,
    }  # fmt: skip
    folds = assign_strata(y, 2, rng)
    predicted, gains = np.empty(len(y)), np.zeros(matrix.shape[1])
    for fold in (0, 1):
        data = lightgbm.Dataset(matrix[folds != fold], y[folds != fold], free_raw_data=True)
        booster = lightgbm.train(parameters, data, num_boost_round=50)
        predicted[folds == fold] = booster.predict(matrix[folds == fold], num_threads=threads)
        gains += booster.feature_importance("gain")
    return auc(y, predicted), gains
