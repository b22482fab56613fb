"""Class views of a target with few distinct values: probabilities of its values, decoded to one value of each row.

The probabilities are those of one classifier of all values ("classes"), or of a binary classifier for each limit
between two of them ("cumulative", the ordinal decomposition of Frank & Hall, 2001). They say more of a row than a
regression: which value answers best depends on the metric's loss, and is taken from them after the fit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from medalist.pipelines.problem import Problem
from medalist.pipelines.scales import Scale

CLASSES, CUMULATIVE = "classes", "cumulative"
VIEWS = (CLASSES, CUMULATIVE)
LEAST_ROWS = 10  # rows of a class, at least: rarer values share one with their neighbours
MOST_CLASSES = 30  # classes at most, for which more values share one
MOST_VALUES = 100  # distinct values of a target that is few-valued, at most
ROWS_PER_VALUE = 20  # rows of a value, on average, at least
TINY = 1e-12  # least sum of probabilities


@dataclass(frozen=True)
class ClassView:
    """The classes of a target's values, and how their probabilities become a value.

    Parameters
    ----------
    edges : (K - 1,) ascending limits between the classes, on the scale of the target.
    values : (K,) what each class stands for: on the fitted scale where means are decoded, else on that of the target.
    cumulative : whether the probabilities are those of lying above each edge, (n, K - 1), not of each class, (n, K).
    scale : the scale on which the loss compares.
    level : the quantile that is decoded; None for the mean.
    relative : whether errors count relative to the value.
    """

    edges: np.ndarray
    values: np.ndarray
    cumulative: bool
    scale: Scale
    level: float | None = None
    relative: bool = False

    def problem(self, problem: Problem) -> Problem:
        """The problem of the classes, for the estimator."""
        k = len(self.values)
        free = replace(problem, objective="logloss", log=False, observed=None, ahead=False)
        if self.cumulative and k > 1:
            return replace(free, problem_type="binary", n_targets=k - 1, n_classes=2)
        return replace(free, problem_type="multiclass", n_targets=1, n_classes=k)

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Targets y (n, 1) as codes (n, 1) of their classes, or as (n, K - 1) whether they lie above each edge."""
        if self.cumulative and len(self.edges):
            return (y > self.edges).astype(float)
        return np.searchsorted(self.edges, y[:, 0], side="left")[:, None].astype(float)

    def decode(self, p: np.ndarray) -> np.ndarray:
        """(n, 1) values on the scale of the target, from probabilities p (n, K), or (n, K - 1) of lying above."""
        p = self._of_classes(p)
        if self.level is None:
            return self.scale.backward((p @ self.values)[:, None])
        if self.relative:
            sizes = np.abs(self.values)
            p = p / np.maximum(sizes, sizes[sizes > 0].min(initial=1.0))
        return self._quantile(p / np.maximum(p.sum(axis=1, keepdims=True), TINY), self.level)

    def _of_classes(self, p: np.ndarray) -> np.ndarray:
        """(n, K) probabilities of the classes, which sum to 1."""
        if self.cumulative and len(self.edges):
            falling = (np.minimum.accumulate(p, axis=1) + np.maximum.accumulate(p[:, ::-1], axis=1)[:, ::-1]) / 2
            above = np.column_stack([np.ones(len(p)), falling, np.zeros(len(p))])
            return above[:, :-1] - above[:, 1:]
        return p / np.maximum(p.sum(axis=1, keepdims=True), TINY)

    def _quantile(self, p: np.ndarray, level: float) -> np.ndarray:
        """(n, 1) the quantiles of probabilities p (n, K), each class spread evenly between its edges. The nearest class
        to one is the exact quantile; between, it moves with the probabilities."""
        low, high = self.values[0], self.values[-1]
        if not len(self.edges):
            return np.full((len(p), 1), low)
        edges = np.concatenate([[2 * low - self.edges[0]], self.edges, [2 * high - self.edges[-1]]])
        below = np.concatenate([np.zeros((len(p), 1)), np.cumsum(p, axis=1)], axis=1)
        k = np.clip((below[:, 1:] < level).sum(axis=1), 0, p.shape[1] - 1)
        rows = np.arange(len(p))
        inside = np.clip((level - below[rows, k]) / np.maximum(p[rows, k], TINY), 0, 1)
        return np.clip(edges[k] + inside * (edges[k + 1] - edges[k]), low, high)[:, None]


def fit_view(name: str, problem: Problem, scale: Scale, y: np.ndarray) -> ClassView:
    """The class view with that name of VIEWS, fitted to the targets y (m, 1) of training rows.

    Squared errors are answered by means on the scale of the loss, absolute ones by medians, and those of a quantile by
    it; an ordinal target by the mean, between whose values cut-points lie.
    """
    column = np.sort(y[:, 0])
    first = class_starts(column)
    edges = (column[first[1:] - 1] + column[first[1:]]) / 2
    level, relative = _level(problem)
    parts = np.split(column, first[1:])
    values = [float(np.median(v) if level is not None else scale.forward(v[:, None]).mean()) for v in parts]
    return ClassView(edges, np.array(values), name == CUMULATIVE, scale, level, relative)


def class_views(problem: Problem, y: np.ndarray) -> tuple[tuple[str, str], ...]:
    """(name, reason) of the views that are worth trying for targets y (n, T); () where none is.

    They are for one ordinal target, or for values of which few are distinct and recur.
    """
    if problem.problem_type not in ("regression", "ordinal") or problem.width != 1 or np.isnan(y).any():
        return ()
    count = len(np.unique(y))
    if not 2 < count <= min(MOST_VALUES, len(y) / ROWS_PER_VALUE):
        return ()
    return (
        (CLASSES, f"the probabilities of the {count} values that the target has"),
        (CUMULATIVE, f"the probabilities of more than each of the {count} values that the target has"),
    )


def count_classes(problem: Problem, y: np.ndarray) -> int:
    """K, the number of classes of the views of targets y (n, T); 1 where none is worth trying."""
    return len(class_starts(np.sort(y[:, 0]))) if class_views(problem, y) else 1


def _level(problem: Problem) -> tuple[float | None, bool]:
    """The quantile that has the least expected loss, None where that is the mean; whether errors are relative."""
    if problem.objective.startswith("quantile:"):
        return float(problem.objective.removeprefix("quantile:")), False
    return (0.5, problem.objective == "mape") if problem.objective in ("l1", "mape") else (None, False)


def class_starts(ordered: np.ndarray) -> np.ndarray:
    """(K,) positions in ascending values (m,) at which the classes begin: each value is one, but rare ones share one
    with their neighbours, so that each has LEAST_ROWS rows and there are at most MOST_CLASSES."""
    starts = np.flatnonzero(np.r_[True, ordered[1:] > ordered[:-1]])
    least = LEAST_ROWS
    while True:
        kept: list[int] = []
        for start in starts.tolist():
            if not kept or start - kept[-1] >= least:
                kept.append(start)
        if len(kept) > 1 and len(ordered) - kept[-1] < least:
            kept.pop()
        if len(kept) <= MOST_CLASSES:
            return np.array(kept)
        least = int(1.5 * least)
