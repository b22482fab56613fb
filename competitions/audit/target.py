"""Audit of inputs against the target: copies, and columns from which the target follows almost for certain."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from medalist.competitions.audit.finding import Finding, Severity
from medalist.competitions.columns.cards import ColumnCard, Kind
from medalist.competitions.task.task import Task

_EXACT, _DANGER, _WARNING = 0.999, 0.99, 0.95
_NEARLY = 0.9  # of about fifty rows, below which a column is no copy
_FEW_ROWS = 2000  # that most columns are looked at on


def target_copies(
    train: pd.DataFrame,
    task: Task,
    y: np.ndarray,
    cards: Sequence[ColumnCard],
    rng: np.random.Generator,
    deadline: float,
    n_sample: int = 50_000,
) -> Iterable[Finding]:
    """Inputs from which a target follows almost for certain: measured on rows that the rule was not learned from.

    `y`: (n, T) targets. At most `n_sample` rows are looked at; columns are left out once `deadline` (monotonic
    seconds) has passed.
    """
    rows = np.sort(rng.permutation(len(train))[:n_sample])
    learn = rng.random(len(rows)) < 0.5
    found = []
    for card in cards:
        if card.kind == Kind.CONSTANT or time.monotonic() > deadline:
            continue
        values = train[card.name].iloc[rows]
        codes = levels(values, most=int(np.clip(len(rows) // 20, 10, 500)))
        for t, target in enumerate(task.targets):
            share = explained(codes, y[rows, t], learn, task.is_classification)
            if card.numeric and not task.is_classification:
                share = max(share, rank_correlation(values, y[rows, t]) ** 2)
            if share >= _WARNING:
                found.append((share, card.name, target))
    for share, name, target in sorted(found, reverse=True)[:20]:
        severity: Severity = "danger" if share >= _DANGER else "warning"
        yield Finding(
            "target copy",
            severity,
            (name,),
            f"{name} alone tells {share:.1%} of {target} on rows it was not fitted to, so it may be a copy or a leak.",
            share,
        )


def exact_copies(train: pd.DataFrame, test: pd.DataFrame, task: Task) -> tuple[str, ...]:
    """Inputs that say a target word for word in at least 99.9 % of the training rows; () where nothing else is left.

    Such a column is the answer itself, left in by mistake: a model would use nothing else, and fail on rows without it.
    """
    inputs = task.features(train, test)
    some = train.iloc[:: max(1, len(train) // _FEW_ROWS)]  # tells nearly every column from the target, at little cost
    texts = [some[t].astype(str).to_numpy(dtype=object) for t in task.targets]
    likely = {}
    for name in inputs:
        own = some[name].astype(str).to_numpy(dtype=object)
        likely[name] = [t for t, text in zip(task.targets, texts, strict=True) if _nearly_equal(own, text)]
    copies = [
        name
        for name, targets in likely.items()
        if any((train[name].astype(str) == train[t].astype(str)).mean() >= _EXACT for t in targets)
        and train[name].nunique() > 1
    ]
    return tuple(copies) if len(copies) < len(inputs) else ()


def _nearly_equal(values: np.ndarray, target: np.ndarray) -> bool:
    """Whether texts (n,) are nearly all the same; a few tell most that are not."""
    few = slice(None, None, max(1, len(values) // 50))
    if (values[few] == target[few]).mean() < _NEARLY:
        return False
    return float((values == target).mean()) >= _EXACT


def rank_correlation(values: pd.Series, y: np.ndarray) -> float:
    """Spearman's correlation of a column of numbers with y (n,), over rows where it is present; 0 where undefined."""
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    known = np.isfinite(numbers)
    if known.mean() < 0.5 or np.ptp(numbers[known]) == 0 or np.ptp(y[known]) == 0:
        return 0.0
    left, right = (pd.Series(part[known]).rank().to_numpy(dtype=float) for part in (numbers, y))
    return float(np.corrcoef(left, right)[0, 1])


def levels(values: pd.Series, most: int = 500) -> np.ndarray:
    """The (n,) int level of each row: a value of its own, or for many different numbers one of `most` quantiles.

    A missing value is level 0.
    """
    codes, uniques = pd.factorize(values)
    if len(uniques) > most and pd.api.types.is_numeric_dtype(values.dtype):
        order = np.argsort(np.asarray(uniques, dtype=float), kind="stable")
        rank = np.empty(len(uniques), dtype=np.int64)
        counts = np.bincount(codes[codes >= 0], minlength=len(uniques))[order]
        rank[order] = (np.cumsum(counts) - counts) * most // max(1, int(counts.sum()))
        return np.append(rank + 1, 0)[codes]
    return codes + 1


def explained(codes: np.ndarray, y: np.ndarray, learn: np.ndarray, labels: bool) -> float:
    """How much of a target (n,) follows from levels (n,), 0 to 1, learned where `learn` (n,) and measured elsewhere.

    For numbers R² of the levels' means; for labels the share of errors of the most frequent label that the levels'
    most frequent labels avoid.
    """
    if learn.all() or not learn.any():
        return 0.0
    size = int(codes.max()) + 1
    counts = np.bincount(codes[learn], minlength=size)
    if not labels:
        base = y[learn].mean()
        means = np.where(counts > 0, np.bincount(codes[learn], y[learn], minlength=size) / np.maximum(counts, 1), base)
        total = float(((y[~learn] - base) ** 2).sum())
        return 0.0 if total <= 0 else max(0.0, 1 - float(((y[~learn] - means[codes[~learn]]) ** 2).sum()) / total)
    classes, places = np.unique(y, return_inverse=True)
    pairs, pair_counts = np.unique(codes[learn] * len(classes) + places[learn], return_counts=True)
    common = int(np.bincount(places[learn]).argmax())
    best = np.full(size, common)
    order = np.argsort(pair_counts, kind="stable")
    best[pairs[order] // len(classes)] = pairs[order] % len(classes)  # the last written is the most frequent
    wrong = float((best[codes[~learn]] != places[~learn]).mean())
    base_wrong = float((places[~learn] != common).mean())
    return 0.0 if base_wrong <= 0 else max(0.0, 1 - wrong / base_wrong)
