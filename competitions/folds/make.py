"""Makes the folds of a plan: the rows of each, and fresh folds of the same plan under another seed."""

from __future__ import annotations

import heapq

import numpy as np
import pandas as pd

from medalist.competitions.columns.dates import step_back, time_axis
from medalist.competitions.errors import TaskError
from medalist.competitions.folds.by_group import group_codes
from medalist.competitions.folds.plan import FoldPlan, Folds, plan_column

MOST_CLASSES = 20  # distinct targets, up to which each is a stratum that groups are spread by
GROUP_BINS = 5  # strata of more targets than that
_N_SPLITS = "--n-splits, or folds.n_splits in task.yaml"


def make_folds(plan: FoldPlan, train: pd.DataFrame, y: np.ndarray | None, seed: int | None = None) -> Folds:
    """The folds of a plan.

    `y`: (n, T) targets as Task.encode gives them, used by the schemes "stratified" and "group", and by "random" where
    targets are measured on some rows only: those of each target are spread evenly. A `seed` other than the plan's
    gives fresh folds of the same scheme: other draws, for "time" earlier ends of the windows, for "blocks" shifted
    boundaries. Raises TaskError where the plan does not fit the rows.
    """
    fresh = seed is not None and seed != plan.seed
    rng = np.random.default_rng(plan.seed if seed is None else seed)
    n = len(train)
    if n < 2 or plan.n_splits > n:
        raise TaskError(
            f"{plan.n_splits} folds cannot be made from {n} training rows: ask for at most {n} with {_N_SPLITS}."
        )
    if plan.scheme == "time":
        splits = _expanding_windows(plan, train, rng if fresh else None)
        return Folds(splits, complete=False, refit=True, plan=plan)
    if plan.n_splits < 2:
        raise TaskError(f"The {plan.scheme} fold scheme needs at least 2 folds: set {_N_SPLITS}.")
    if plan.scheme == "group":
        of_target = None if y is None else coarse_strata(y)
        assigned = assign_groups(group_codes(train, plan), plan.n_splits, rng, shuffled=fresh, strata=of_target)
    elif plan.scheme == "blocks":
        assigned = _assign_blocks(plan, train, rng if fresh else None)
    elif plan.scheme == "stratified" and y is not None:
        assigned = assign_strata(strata(y), plan.n_splits, rng)
    else:
        gaps = y is not None and bool(np.isnan(y).any())
        codes = strata(np.isnan(y).astype(float)) if gaps and y is not None else np.zeros(n, dtype=np.int64)
        assigned = assign_strata(codes, plan.n_splits, rng)
    return Folds(_splits_of(assigned, plan.n_splits), complete=True, refit=False, plan=plan)


def assign_strata(codes: np.ndarray, n_splits: int, rng: np.random.Generator) -> np.ndarray:
    """The fold of each row, (n,) int64, such that each stratum and all rows are spread evenly, within one row.

    `codes`: the stratum of each row, (n,) int. Strata of fewer than `n_splits` rows are spread over some of the folds.
    """
    order = np.lexsort((rng.random(len(codes)), codes))
    folds = np.empty(len(codes), dtype=np.int64)
    folds[order] = np.arange(len(codes)) % n_splits
    return rng.permutation(n_splits)[folds]


def assign_groups(
    codes: np.ndarray,
    n_splits: int,
    rng: np.random.Generator,
    *,
    shuffled: bool = False,
    strata: np.ndarray | None = None,
) -> np.ndarray:
    """The fold of each row, (n,) int64: whole groups, the largest first, each to the fold with the fewest rows so far.

    `codes`: the group of each row, (n,) int. In the order of their sizes, groups of different sizes come to the same
    folds under every seed; `shuffled` puts them into a random order in which a group may precede one of up to twice its
    size. `strata`: (n,) int, the stratum of each row; then each group goes to the fold that holds least of what the
    group has, so that strata and sizes are both spread about evenly. Raises TaskError where there are fewer groups than
    folds.
    """
    sizes = np.bincount(codes)
    if (sizes > 0).sum() < n_splits:
        raise TaskError(
            f"{n_splits} folds by group need at least as many groups, but there are {(sizes > 0).sum()}: "
            f"ask for fewer with {_N_SPLITS}, or name another column, --folds group:COLUMN."
        )
    order = np.lexsort((rng.random(len(sizes)), -sizes))
    if shuffled:
        order = np.argsort(-sizes * rng.uniform(0.5, 1.0, len(sizes)), kind="stable")
    fold_of = np.zeros(len(sizes), dtype=np.int64)
    if strata is not None and strata.max(initial=0) > 0:
        profiles = _profiles(codes, sizes, strata)
        folds, held = rng.permutation(n_splits), np.zeros((n_splits, profiles.shape[1]))
        for group in order[sizes[order] > 0]:
            at = int(np.argmin(held @ profiles[group]))
            held[at] += profiles[group]
            fold_of[group] = folds[at]
        return fold_of[codes]
    heap = [(0, int(fold)) for fold in rng.permutation(n_splits)]
    heapq.heapify(heap)
    for group in order:
        rows, fold = heapq.heappop(heap)
        fold_of[group] = fold
        heapq.heappush(heap, (rows + int(sizes[group]), fold))
    return fold_of[codes]


def _profiles(codes: np.ndarray, sizes: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """(g, s + 1) the rows of each group in each of s strata, and their sum, scaled.

    The squared distance of folds from even shares of the scaled counts is the sum of the chi-squared distances of the
    strata, plus s times that of the sizes. Assigning a group to a fold adds twice the product of its counts with the
    fold's, and what does not depend on the fold.
    """
    count = int(strata.max()) + 1
    totals = np.bincount(strata, minlength=count).astype(float)
    table = np.bincount(codes * count + strata, minlength=len(sizes) * count).reshape(len(sizes), count)
    weight = np.sqrt(np.append(1 / np.maximum(totals, 1), count / len(codes)))
    return np.asarray(np.column_stack([table, sizes]) * weight)


def strata(y: np.ndarray, n_bins: int = 20) -> np.ndarray:
    """The stratum of each row, (n,) int: one for each distinct row of `y` (n, T), missing targets being equal; where
    there are more than 1,000, `n_bins` bins of about equally many distinct rows in sorted order."""
    y = y.reshape(len(y), -1)
    if np.isnan(y).any():
        y = np.where(np.isnan(y), np.nanmin(y) - 1.0, y)
    codes = np.unique(y, axis=0, return_inverse=True)[1].reshape(-1)
    distinct = int(codes.max(initial=0)) + 1
    return codes if distinct <= 1000 else codes * n_bins // distinct


def coarse_strata(y: np.ndarray) -> np.ndarray:
    """The stratum of each row, (n,) int, for whole groups to be spread by: one for each distinct row of `y` (n, T)
    where there are at most MOST_CLASSES, else GROUP_BINS bins of about equally many rows in sorted order."""
    codes = strata(y, len(y))  # a code for each distinct row, in sorted order
    sizes = np.bincount(codes)
    if len(sizes) <= MOST_CLASSES:
        return codes
    middle = np.cumsum(sizes) - sizes / 2
    return np.asarray((middle * GROUP_BINS // len(codes)).astype(np.int64)[codes])


def _axis(train: pd.DataFrame, plan: FoldPlan) -> tuple[np.ndarray, bool]:
    """The plan's column as a `time_axis`. Raises TaskError where it holds neither dates nor numbers."""
    axis = time_axis(plan_column(train, plan))
    if axis is None or not np.isfinite(axis[0]).any():
        raise TaskError(
            f"Column {plan.column!r} holds neither dates nor numbers, so the {plan.scheme} fold scheme cannot use it: "
            f"name another column, --folds {plan.scheme}:COLUMN or folds.column in task.yaml."
        )
    return axis


def _expanding_windows(
    plan: FoldPlan, train: pd.DataFrame, rng: np.random.Generator | None
) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """The splits of scheme "time", the earliest first; with `rng` the windows end earlier by a random span.

    Rows without a time are in none. Raises TaskError where no rows are left to train on.
    """
    times, is_date = _axis(train, plan)
    end, start = float(np.nanmax(times)), float(np.nanmin(times))
    span = plan.horizon or (end - start) / (plan.n_splits + 2)
    if rng is not None:
        end -= float(rng.uniform(0.15, 0.5)) * min(span, (end - start) / 3)
    splits = []
    for _ in range(plan.n_splits):
        begin = step_back(end, span, is_date)
        if not ((times > begin) & (times <= end)).any() and (times <= end).any():
            end = float(times[times <= end].max())  # the window is empty: go on from the next earlier rows
            begin = step_back(end, span, is_date)
        valid = (times > begin) & (times <= end)
        before = times <= begin - plan.gap  # false for rows without a time, which may be of the held-out span
        if valid.any() and before.any():
            splits.append((np.flatnonzero(before), np.flatnonzero(valid)))
        end = begin
    if not splits:
        raise TaskError(
            f"No rows are left to train on before the last {span:g} of {plan.column!r}: set a smaller folds.horizon in "
            f"task.yaml, or another scheme with --folds."
        )
    return tuple(reversed(splits))


def _assign_blocks(plan: FoldPlan, train: pd.DataFrame, rng: np.random.Generator | None) -> np.ndarray:
    """The fold of each row for scheme "blocks", (n,) int64.

    Each contiguous run of times is cut into blocks about as long as the horizon, which the folds take in turn; with
    `rng` the boundaries are shifted. Rows without a time are spread over the folds. Raises TaskError where a fold gets
    no block.
    """
    times, _ = _axis(train, plan)
    points = np.unique(times[np.isfinite(times)])
    horizon = plan.horizon or float(points[-1] - points[0]) / plan.n_splits or 1.0
    run_of_point = np.concatenate([[0], np.cumsum(np.diff(points) > horizon / 2)])
    shift = float(rng.uniform(0.25, 0.75)) if rng is not None else 0.0
    step = float(np.median(np.diff(points))) if len(points) > 1 else 1.0
    fold_of_point = np.empty(len(points), dtype=np.int64)
    blocks_before = 0
    for run in range(int(run_of_point[-1]) + 1):
        members = run_of_point == run
        inside = points[members] - points[members][0]
        length = float(inside[-1]) + step
        blocks = max(1, round(length / horizon))
        block = np.floor(inside / length * blocks + shift).astype(np.int64) % blocks
        fold_of_point[members] = (blocks_before + block) % plan.n_splits
        blocks_before += blocks
    timed = np.isfinite(times)
    assigned = np.arange(len(times)) % plan.n_splits
    assigned[timed] = fold_of_point[np.searchsorted(points, times[timed])]
    if len(np.unique(assigned)) < plan.n_splits:
        raise TaskError(
            f"Column {plan.column!r} has too few stretches of {horizon:g} for {plan.n_splits} folds: "
            f"set a smaller folds.horizon in task.yaml, or fewer folds with {_N_SPLITS}."
        )
    return assigned


def _splits_of(assigned: np.ndarray, n_splits: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Pairs of row positions (training, held out) from the fold of each row (n,)."""
    return tuple((np.flatnonzero(assigned != k), np.flatnonzero(assigned == k)) for k in range(n_splits))
