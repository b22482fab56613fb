"""Audit of inputs against the target: copies of it, and columns that determine it almost completely."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from medalist.competitions.audit.finding import Finding, Severity
from medalist.competitions.clock import awake
from medalist.competitions.columns.cards import ColumnCard, Kind
from medalist.competitions.task.task import Task

_EXACT = 0.999  # share of the training rows in which a copy equals the target
_DANGER, _WARNING = 0.99, 0.95  # share of the target that a column explains, from which it is reported
_NEARLY = 0.9  # share of about fifty rows that must equal the target before more rows are compared
_FEW_ROWS = 2000  # training rows that are compared before all are


def target_copies(
    train: pd.DataFrame,
    task: Task,
    y: np.ndarray,
    cards: Sequence[ColumnCard],
    rng: np.random.Generator,
    deadline: float,
    n_sample: int = 50_000,
) -> Iterable[Finding]:
    """Findings on up to 20 inputs that determine a target almost completely.

    An input's share is what its levels explain on held-out rows (see `explained`) or, for a numeric input of a numeric
    target, the squared rank correlation over all sampled rows where that is larger. `cards`: the inputs; `y`: (n, T)
    encoded targets. At most `n_sample` rows are drawn, with `rng`. Columns are skipped once awake() has
    passed `deadline`.
    """
    rows = np.sort(rng.permutation(len(train))[:n_sample])
    learn = rng.random(len(rows)) < 0.5
    copies = []
    for card in cards:
        if card.kind == Kind.CONSTANT or awake() > deadline:
            continue
        values = train[card.name].iloc[rows]
        codes = levels(values, most=int(np.clip(len(rows) // 20, 10, 500)))
        for t, target in enumerate(task.targets):
            of_target = y[rows, t]
            known = ~np.isnan(of_target)
            share = explained(codes[known], of_target[known], learn[known], task.is_classification)
            if card.numeric and not task.is_classification:
                share = max(share, rank_correlation(values[known], of_target[known]) ** 2)
            if share >= _WARNING:
                copies.append((share, card.name, target))
    for share, name, target in sorted(copies, reverse=True)[:20]:
        severity: Severity = "danger" if share >= _DANGER else "warning"
        yield Finding(
            "target copy",
            severity,
            (name,),
            f"{name} alone tells {share:.1%} of {target} on rows it was not fitted to, so it may be a copy or a leak.",
            share,
        )


def exact_copies(train: pd.DataFrame, test: pd.DataFrame, task: Task) -> tuple[str, ...]:
    """The inputs that equal a target, as text, in at least 99.9 % of the training rows; () where all inputs do.

    Such a column is a target leak: a model would rely on it alone, and fail on rows where it does not hold.
    """
    inputs = task.features(train, test)
    some = train.iloc[:: max(1, len(train) // _FEW_ROWS)]  # enough to rule out nearly every column
    texts = [some[t].astype(str).to_numpy(dtype=object) for t in task.targets]
    likely = {}
    for name in inputs:
        values = some[name].astype(str).to_numpy(dtype=object)
        likely[name] = [t for t, text in zip(task.targets, texts, strict=True) if _nearly_equal(values, text)]
    copies = [
        name
        for name, targets in likely.items()
        if any((train[name].astype(str) == train[t].astype(str)).mean() >= _EXACT for t in targets)
        and train[name].nunique() > 1
    ]
    return tuple(copies) if len(copies) < len(inputs) else ()


def _nearly_equal(values: np.ndarray, target: np.ndarray) -> bool:
    """Whether at least 99.9 % of the texts (n,) are equal; a few of them rule out most columns."""
    few = slice(None, None, max(1, len(values) // 50))
    if (values[few] == target[few]).mean() < _NEARLY:
        return False
    return float((values == target).mean()) >= _EXACT


def rank_correlation(values: pd.Series, y: np.ndarray) -> float:
    """Spearman's correlation of numbers with y (n,) over the rows where they are finite; 0 where it is undefined.

    It is also 0 where fewer than half of the rows are finite.
    """
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    finite = np.isfinite(numbers)
    if finite.mean() < 0.5 or np.ptp(numbers[finite]) == 0 or np.ptp(y[finite]) == 0:
        return 0.0
    left, right = (pd.Series(part[finite]).rank().to_numpy(dtype=float) for part in (numbers, y))
    return float(np.corrcoef(left, right)[0, 1])


def levels(values: pd.Series, most: int = 500) -> np.ndarray:
    """The level of each row, (n,) int: one level for each distinct value, 0 for a missing one.

    Numbers with more than `most` distinct values are binned into `most` quantiles.
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
    """The share of a target `y` (n,), 0 to 1, that the levels `codes` (n,) of an input explain on held-out rows.

    A rule is fitted to the rows where `learn` (n,) is true and scored on the others. For numbers it predicts the mean
    of each level, and the share is R². For `labels` it predicts the most frequent label of each level, and the share
    is 1 minus its error rate over that of the majority class.
    """
    if not len(learn) or learn.all() or not learn.any():
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
