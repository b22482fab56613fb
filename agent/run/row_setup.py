"""Which arms that weigh or choose training rows are worth trying in a run, by a cheap look at its data."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from medalist.agent.proposals.row_arms import RowArm
from medalist.agent.run_data import RunData
from medalist.competitions.audit.rows import MOST_CELLS, row_hashes
from medalist.competitions.columns.dates import time_axis
from medalist.pipelines.row_recipe import ADDITIONAL, BALANCE, FLAGGED, Step
from medalist.pipelines.rows.choose import STRETCH

REPEATED = 0.003  # share of the training rows that repeat others, from which on it is worth a test
LEAST_DRIFT = 0.1  # drift of an input between train and test, from which on weights towards test are
HEAVY = 6.0  # kurtosis of the target (3 for a normal distribution) from which on its outliers are
RARE = 0.25  # share of a class times the number of classes, below which class weights are
OFFSET = 3.0  # standard errors by which the target of a stretch differs from its neighbours', to be left out
MOST_STRETCHES = 2


def row_arms(data: RunData) -> tuple[RowArm, ...]:
    """The arms whose preconditions the data meet."""
    found = {
        "rows:additional": tuple(_additional(data)),
        "rows:time": tuple(_of_time(data)),
        "rows:test": tuple(_towards_test(data)),
        "rows:repeated": tuple(_repeated(data)),
        "rows:outliers": tuple(_outliers(data)),
        "rows:classes": tuple(_classes(data)),
    }
    return tuple(RowArm(name, steps, data.looked_up) for name, steps in found.items() if steps)


def _additional(data: RunData) -> Iterator[Step]:
    """The additional rows at three weights, with and without a column that tells them apart."""
    if data.additional is not None:
        for way, weight in (("", 1.0), (FLAGGED, 0.5), ("", 0.25), (FLAGGED, 1.0), ("", 0.5)):
            yield ADDITIONAL, way, weight


def _of_time(data: RunData) -> Iterator[Step]:
    """Weights by age and without the earliest rows, where test is later; without stretches that differ from their
    neighbours."""
    plan = data.task.folds
    if plan.scheme not in ("time", "blocks") or plan.column is None or plan.column not in data.store.raw.names:
        return
    axis = time_axis(data.competition.train[plan.column])
    if axis is None or not np.ptp(axis[0][np.isfinite(axis[0])]) > 0:
        return
    if plan.scheme == "time":  # between blocks of test, no row is too old
        yield "earliest", plan.column, 0.25
        yield "recency", plan.column, 0.5
        yield "earliest", plan.column, 0.5
        yield "recency", plan.column, 0.25
    for begin in _odd_stretches(axis[0], data.fitted_y[:, 0]):
        yield "stretch", plan.column, begin


def _odd_stretches(axis: np.ndarray, y: np.ndarray) -> list[float]:
    """Where stretches begin (0 to 1) whose mean target differs most from that of both neighbours."""
    known = np.isfinite(axis) & ~np.isnan(y)
    at = (axis[known] - axis[known].min()) / np.ptp(axis[known])
    part = np.minimum((at / STRETCH).astype(int), round(1 / STRETCH) - 1)
    count = np.bincount(part, minlength=round(1 / STRETCH))
    means = np.bincount(part, y[known], len(count)) / np.maximum(count, 1)
    error = y[known].std() / np.sqrt(np.maximum(count, 1))
    odd = []
    for k in range(1, len(count) - 1):
        gaps = means[k] - means[[k - 1, k + 1]]
        if count[k - 1 : k + 2].min() and gaps[0] * gaps[1] > 0 and np.abs(gaps).min() > OFFSET * error[k]:
            odd.append((float(np.abs(gaps).min()), k * STRETCH))
    return [begin for _, begin in sorted(odd, reverse=True)[:MOST_STRETCHES]]


def _towards_test(data: RunData) -> Iterator[Step]:
    """Weights towards test, where an input drifts beyond the noise of so many rows."""
    rows = min(len(data.y), len(data.competition.test))
    drift = max((card.drift for card in data.cards if card.name != data.task.folds.column), default=0.0)
    if drift > max(LEAST_DRIFT, 3 / np.sqrt(max(rows, 1))):
        yield "test", "", 0.5
        yield "test", "", 1.0


def _repeated(data: RunData) -> Iterator[Step]:
    """Rows of equal inputs: merged, once, or left out where they differ in the target."""
    train = data.competition.train
    inputs = [card.name for card in data.cards if card.name in train]
    if not inputs or len(inputs) * len(train) > MOST_CELLS or np.isnan(data.y).any():
        return
    hashes = row_hashes(train, inputs)
    group = np.unique(hashes, return_inverse=True)[1]
    if 1 - (group.max() + 1) / len(group) < REPEATED:
        return
    pairs = len(np.unique(np.column_stack([group, data.y]), axis=0))
    if pairs > group.max() + 1:
        yield "agreeing", "", 0.0
        yield "merge", "", 0.0
    else:
        yield "distinct", "", 0.0


def _outliers(data: RunData) -> Iterator[Step]:
    """Outliers of a target of numbers that is fitted by squares."""
    if data.problem.problem_type != "regression" or data.problem.objective != "l2" or np.isnan(data.y).any():
        return
    from scipy.stats import kurtosis

    if float(np.max(kurtosis(data.fitted_y, axis=0, fisher=False))) > HEAVY:
        yield "winsorise", "", 0.005
        yield "trim", "", 0.005
        yield "winsorise", "", 0.02


def _classes(data: RunData) -> Iterator[Step]:
    """Class weights, where the metric is of labels or balanced and a class is rare."""
    problem, metric = data.problem, data.metric
    if not problem.classification or problem.n_targets > 1:
        return
    if metric.shape not in ("classes", "balanced_log_loss"):
        return
    counts = np.bincount(data.y[:, 0].astype(int))
    if counts.min() * len(counts) < RARE * len(data.y):
        yield BALANCE, "", 0.5
        yield BALANCE, "", 1.0
