"""Fields of reference models for any competition: their predictions for test, and cross-validated scores of some.

Fixed models on columns as numbers, from a constant to blends of the best: what a script of a few lines makes. They are
teams whose scores are all on the same rows, so that the truth about places and medals among them is known exactly.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from medalist.agent.score import block_of_rows
from medalist.competitions.metrics.metric import Metric
from medalist.competitions.task.task import Task

MOST_ROWS = 5_000  # of train that the models are fitted to
FOLDS = 5
VALIDATED = 10  # models of the field that get a cross-validated score
CATEGORIES = 12  # most values of a column that is one-hot encoded for linear models


@dataclass(frozen=True)
class Field:
    """names: (k) of the models. test: (k) predictions for test, in the form that the metric takes. estimates: by the
    index of a model, its score and standard error by cross-validation on `rows` rows."""

    names: list[str]
    test: list[np.ndarray]
    estimates: dict[int, tuple[float, float]]
    rows: int


def as_numbers(task: Task, train: pd.DataFrame, test: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """(n, c) and (m, c) columns that both have as numbers, without ids; and which are codes of few categories."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    both = pd.concat([train, test], ignore_index=True)
    blocks, few = [], []
    for name in [c for c in test.columns if c in train.columns and c not in task.id]:
        column = both[name]
        if pd.api.types.is_numeric_dtype(column):
            blocks.append(column.astype(float).to_numpy()[:, None])
            continue
        text = column.astype("string").fillna("")
        dates = pd.to_datetime(text, errors="coerce", format="ISO8601") if text.str.contains("-").mean() > 0.9 else None
        if dates is not None and dates.notna().mean() > 0.9:
            parts = [dates.astype("int64") / 1e15, dates.dt.month, dates.dt.dayofweek, dates.dt.hour]
            blocks.append(np.column_stack([np.asarray(p, float) for p in parts]))
        elif text.str.len().mean() > 25 and text.nunique() > 100:
            words = TfidfVectorizer(min_df=5, max_features=3000).fit_transform(text)
            blocks.append(TruncatedSVD(min(20, words.shape[1] - 1), random_state=0).fit_transform(words))
        else:
            codes = pd.factorize(text, sort=True)[0].astype(float)
            counts = text.map(text.value_counts()).to_numpy(float)
            if codes.max() < CATEGORIES:
                few.append(sum(b.shape[1] for b in blocks))
            blocks.append(np.column_stack([codes, counts]))
    x = np.column_stack(blocks)
    x = np.where(np.isfinite(x), x, np.nan)
    return x[: len(train)], x[len(train) :], few


def models(regression: bool, logarithms: bool, few: list[int], columns: int) -> Iterator[tuple[str, Any]]:
    """Models with their names."""
    from lightgbm import LGBMClassifier, LGBMRegressor
    from sklearn.compose import TransformedTargetRegressor, make_column_transformer
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.ensemble import (
        ExtraTreesClassifier,
        ExtraTreesRegressor,
        RandomForestClassifier,
        RandomForestRegressor,
    )
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    rng = np.random.default_rng(0)

    def chosen(share: float) -> Any:
        keep = np.sort(rng.permutation(columns)[: max(1, round(share * columns))])
        return make_column_transformer(("passthrough", keep.tolist()))

    def finish(model: Any) -> Any:
        if not (regression and logarithms):
            return model
        return TransformedTargetRegressor(model, func=np.log1p, inverse_func=np.expm1, check_inverse=False)

    def filled(model: Any, *before: Any) -> Any:
        return make_pipeline(*before, SimpleImputer(strategy="median", keep_empty_features=True), model)

    hot = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), few), remainder="passthrough", sparse_threshold=0
    )
    forest = RandomForestRegressor if regression else RandomForestClassifier
    extra = ExtraTreesRegressor if regression else ExtraTreesClassifier
    tree = DecisionTreeRegressor if regression else DecisionTreeClassifier
    near = KNeighborsRegressor if regression else KNeighborsClassifier
    boosted = LGBMRegressor if regression else LGBMClassifier
    yield "constant", filled(DummyRegressor() if regression else DummyClassifier())
    for depth in (1, 3, 5, 8):
        yield f"tree of depth {depth}", finish(filled(tree(max_depth=depth, random_state=0)))
    for k in (5, 30):
        yield f"{k} neighbours", finish(make_pipeline(filled(StandardScaler()), near(k)))
    for share in (0.3, 0.6, 1.0):
        plain = Ridge(1.0) if regression else LogisticRegression(C=0.1, max_iter=200)
        start = hot if share == 1 else chosen(share)
        yield f"linear, {share:.0%} of columns", finish(make_pipeline(filled(StandardScaler(), start), plain))
    if not regression:
        yield "naive Bayes", filled(GaussianNB())
    for leaf in (2, 10):
        shared = {"min_samples_leaf": leaf, "random_state": 0, "n_jobs": 1, "max_features": 0.5}
        yield f"forest of leaves of {leaf}", finish(filled(forest(40, **shared)))
        yield f"extra trees of leaves of {leaf}", finish(filled(extra(40, **shared)))
    settings = [(0.1, 40, 15), (0.1, 80, 15), (0.05, 120, 8), (0.05, 120, 31), (0.03, 200, 15), (0.1, 60, 4)]
    for number, (rate, rounds, leaves) in enumerate(settings):
        for share in (0.5, 0.8, 1.0):
            model = boosted(
                n_estimators=rounds, learning_rate=rate, num_leaves=leaves, subsample=0.8, subsample_freq=1,
                colsample_bytree=0.7, random_state=number, n_jobs=1, verbose=-1,
            )  # fmt: skip
            name = f"boosting {rate:g} {rounds} {leaves}, {share:.0%} of columns"
            yield name, finish(model if share == 1 else make_pipeline(chosen(share), model))


def make_field(task: Task, train: pd.DataFrame, test: pd.DataFrame, seed: int = 0) -> Field:
    """The models fitted to train, of one target, and their predictions for test."""
    warnings.filterwarnings("ignore")
    metric = task.scorer()
    x, asked, few = as_numbers(task, train, test)
    y = task.encode(train)[:, 0]
    rows = np.random.default_rng(seed).permutation(len(x))[:MOST_ROWS]
    x, y = x[rows], y[rows]
    regression = metric.needs == "value"
    logarithms = regression and (metric.objective.startswith("log_") or metric.shape == "relative") and y.min() >= 0
    made = list(models(regression, logarithms, few, x.shape[1]))
    names = [name for name, _ in made]
    raw = [_predict(model.fit(x, y), asked, regression, task) for _, model in made]
    folds = block_of_folds(y, seed)

    validated = list(range(len(made) - 1, -1, -2))[:VALIDATED]  # the last ones are the strong ones
    out_of_fold = {i: np.empty((len(y), raw[i].shape[1])) for i in validated}
    for k in range(FOLDS):
        fit, held = folds != k, folds == k
        for i in validated:
            out_of_fold[i][held] = _predict(made[i][1].fit(x[fit], y[fit]), x[held], regression, task)
    for a, b in ((0, 1), (2, 3), (1, 4), (5, 7)):  # blends
        pair = (validated[a], validated[b])
        names.append(f"blend of {names[pair[0]]} and {names[pair[1]]}")
        raw.append((raw[pair[0]] + raw[pair[1]]) / 2)
        out_of_fold[len(names) - 1] = (out_of_fold[pair[0]] + out_of_fold[pair[1]]) / 2
    blocks = block_of_rows(y[:, None], seed)
    estimates = {}
    for i, p in out_of_fold.items():
        decided = decide(p, metric)
        parts = [metric.score(y[blocks == b][:, None], decided[blocks == b], None) for b in np.unique(blocks)]
        error = float(np.std(parts, ddof=1) / np.sqrt(len(parts)))
        estimates[i] = (float(metric.score(y[:, None], decided, None)), error)
    return Field(names, [decide(p, metric) for p in raw], estimates, len(y))


def block_of_folds(y: np.ndarray, seed: int) -> np.ndarray:
    """(n,) a fold for each row, stratified by y."""
    shuffled = np.random.default_rng(seed).permutation(len(y))
    folds = np.empty(len(y), int)
    folds[shuffled[np.argsort(y[shuffled], kind="stable")]] = np.arange(len(y)) % FOLDS
    return folds


def _predict(model: Any, x: np.ndarray, regression: bool, task: Task) -> np.ndarray:
    """(n, 1) values, or (n, K) probabilities of all classes."""
    if regression:
        return np.asarray(model.predict(x), float).reshape(len(x), 1)
    out = np.zeros((len(x), task.n_classes))
    out[:, np.asarray(model.classes_, int)] = model.predict_proba(x)
    return out


def decide(p: np.ndarray, metric: Metric) -> np.ndarray:
    """Predictions in the form that the metric takes."""
    if metric.needs == "label":
        return p.argmax(axis=1)[:, None].astype(float)
    if metric.needs == "value":
        return np.maximum(p, 0) if metric.objective.startswith("log_") else p
    return p[:, -1:] if p.shape[1] == 2 else p
