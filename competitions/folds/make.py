"""Makes the folds of a plan: rows held out in the way in which the organiser held out the test rows."""

from __future__ import annotations

import heapq

import numpy as np
import pandas as pd

from medalist.competitions.columns.dates import step_back, time_axis
from medalist.competitions.errors import TaskError
from medalist.competitions.folds.by_group import group_codes
from medalist.competitions.folds.plan import FoldPlan, Folds, plan_column


def make_folds(plan: FoldPlan, train: pd.DataFrame, y: np.ndarray | None, seed: int | None = None) -> Folds:
    """Make the folds of a plan. `y` is `(n, T)` (see Task.encode), used by scheme "stratified" alone.

    Another `seed` gives fresh folds of the same scheme: other draws, for "time" earlier cut points, for "blocks"
    shifted boundaries. Raises TaskError where the plan does not fit the rows.
    """
    fresh = seed is not None and seed != plan.seed
    rng = np.random.default_rng(plan.seed if seed is None else seed)
    n = len(train)
    if n < 2 or plan.n_splits > n:
        raise TaskError(
            f"{plan.n_splits} folds cannot be made from {n} training rows; ask for fewer folds or give more rows."
        )
    if plan.scheme == "time":
        splits = _expanding_windows(plan, train, rng if fresh else None)
        return Folds(splits, complete=False, refit=True, plan=plan)
    if plan.n_splits < 2:
        raise TaskError(f"The {plan.scheme} fold scheme needs at least 2 folds: set folds.n_splits.")
    if plan.scheme == "group":
        assigned = assign_groups(group_codes(train, plan), plan.n_splits, rng, shuffled=fresh)
    elif plan.scheme == "blocks":
        assigned = _assign_blocks(plan, train, rng if fresh else None)
    elif plan.scheme == "stratified" and y is not None:
        assigned = assign_strata(strata(y), plan.n_splits, rng)
    else:
        assigned = assign_strata(np.zeros(n, dtype=np.int64), plan.n_splits, rng)
    return Folds(_splits_of(assigned, plan.n_splits), complete=True, refit=False, plan=plan)


def assign_strata(codes: np.ndarray, n_splits: int, rng: np.random.Generator) -> np.ndarray:
    """Assign rows to folds so that each stratum, and the whole, is spread evenly within one row.

    `codes` (n,) int strata → (n,) int64 fold of each row. Strata rarer than `n_splits` are spread over some folds.
    """
    order = np.lexsort((rng.random(len(codes)), codes))
    folds = np.empty(len(codes), dtype=np.int64)
    folds[order] = np.arange(len(codes)) % n_splits
    return rng.permutation(n_splits)[folds]


def assign_groups(codes: np.ndarray, n_splits: int, rng: np.random.Generator, *, shuffled: bool = False) -> np.ndarray:
    """Assign whole groups to folds, the largest first, each to the fold with the fewest rows so far.

    `codes` (n,) int group of each row → (n,) int64 fold of each row. By their sizes alone, groups of different sizes
    come to the same folds under every seed: `shuffled` takes them in an order in which one may go before another of up
    to twice its size. Raises TaskError with fewer groups than folds.
    """
    sizes = np.bincount(codes)
    if (sizes > 0).sum() < n_splits:
        raise TaskError(
            f"{n_splits} folds by group need at least as many groups, but there are {(sizes > 0).sum()}: "
            f"set a smaller folds.n_splits or another folds.column."
        )
    order = np.lexsort((rng.random(len(sizes)), -sizes))
    if shuffled:
        order = np.argsort(-sizes * rng.uniform(0.5, 1.0, len(sizes)), kind="stable")
    fold_of = np.zeros(len(sizes), dtype=np.int64)
    heap = [(0, int(fold)) for fold in rng.permutation(n_splits)]
    heapq.heapify(heap)
    for group in order:
        rows, fold = heapq.heappop(heap)
        fold_of[group] = fold
        heapq.heappush(heap, (rows + int(sizes[group]), fold))
    return fold_of[codes]


def strata(y: np.ndarray, n_bins: int = 20) -> np.ndarray:
    """One stratum per distinct row of labels (n, T) → (n,) int codes; more than 1,000 distinct ones fall into bins."""
    y = y.reshape(len(y), -1)
    codes = np.unique(y, axis=0, return_inverse=True)[1].reshape(-1)
    distinct = int(codes.max(initial=0)) + 1
    return codes if distinct <= 1000 else codes * n_bins // distinct


def _axis(train: pd.DataFrame, plan: FoldPlan) -> tuple[np.ndarray, bool]:
    axis = time_axis(plan_column(train, plan))
    if axis is None or not np.isfinite(axis[0]).any():
        raise TaskError(
            f"Column {plan.column!r} holds neither dates nor numbers, so the {plan.scheme} fold scheme cannot use it: "
            f"name another column in folds.column."
        )
    return axis


def _expanding_windows(
    plan: FoldPlan, train: pd.DataFrame, rng: np.random.Generator | None
) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    times, is_date = _axis(train, plan)
    end, start = float(np.nanmax(times)), float(np.nanmin(times))
    span = plan.horizon or (end - start) / (plan.n_splits + 2)
    if rng is not None:
        end -= float(rng.uniform(0.15, 0.5)) * min(span, (end - start) / 3)
    splits = []
    for _ in range(plan.n_splits):
        begin = step_back(end, span, is_date)
        if not ((times > begin) & (times <= end)).any() and (times <= end).any():
            end = float(times[times <= end].max())  # no rows in this span: go on from the next earlier ones
            begin = step_back(end, span, is_date)
        valid = (times > begin) & (times <= end)
        seen = times <= begin - plan.gap  # rows without a time may be of the span that is held out
        if valid.any() and seen.any():
            splits.append((np.flatnonzero(seen), np.flatnonzero(valid)))
        end = begin
    if not splits:
        raise TaskError(
            f"No rows are left to train on before the last {span:g} of {plan.column!r}: set a smaller folds.horizon "
            f"or another folds.scheme."
        )
    return tuple(reversed(splits))


def _assign_blocks(plan: FoldPlan, train: pd.DataFrame, rng: np.random.Generator | None) -> np.ndarray:
    """Cut each contiguous run of times into blocks about as long as the horizon, dealt out to the folds in turn."""
    times, _ = _axis(train, plan)
    points = np.unique(times[np.isfinite(times)])
    horizon = plan.horizon or float(points[-1] - points[0]) / plan.n_splits or 1.0
    run_of_point = np.concatenate([[0], np.cumsum(np.diff(points) > horizon / 2)])
    shift = float(rng.uniform(0.25, 0.75)) if rng is not None else 0.0
    step = float(np.median(np.diff(points))) if len(points) > 1 else 1.0
    fold_of_point = np.empty(len(points), dtype=np.int64)
    dealt = 0
    for run in range(int(run_of_point[-1]) + 1):
        members = run_of_point == run
        inside = points[members] - points[members][0]
        length = float(inside[-1]) + step
        blocks = max(1, round(length / horizon))
        block = np.floor(inside / length * blocks + shift).astype(np.int64) % blocks
        fold_of_point[members] = (dealt + block) % plan.n_splits
        dealt += blocks
    known = np.isfinite(times)
    assigned = np.arange(len(times)) % plan.n_splits
    assigned[known] = fold_of_point[np.searchsorted(points, times[known])]
    if len(np.unique(assigned)) < plan.n_splits:
        raise TaskError(
            f"Column {plan.column!r} has too few stretches of {horizon:g} for {plan.n_splits} folds: "
            f"set a smaller folds.n_splits or folds.horizon."
        )
    return assigned


def _splits_of(assigned: np.ndarray, n_splits: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    return tuple((np.flatnonzero(assigned != k), np.flatnonzero(assigned == k)) for k in range(n_splits))
