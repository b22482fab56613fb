"""The candidate members of an ensemble, transformed once so that the losses of many of their blends are fast to
compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics.metric import Metric
from medalist.competitions.metrics.quantiles import pinball_by_level
from medalist.pipelines.ensembling.blends import (
    Blends,
    RowBlends,
    SquaredErrors,
    binned_areas,
    log_loss_of_log_odds,
    log_loss_of_logarithms,
    log_loss_of_probabilities,
    negated_correlations,
)
from medalist.pipelines.ensembling.loss import AREAS, smooth_loss
from medalist.pipelines.ensembling.spaces import Space, from_space, to_space
from medalist.pipelines.problem import Problem

POOL = 25  # candidate members of an ensemble, at most: with fewer, draws have more rows in the same time
SQUARED = (("mean", "squared"), ("log", "log_squared"))  # (space, metric's shape) in which the loss is a squared error
GENERIC_ROWS = 2000  # rows of a draw of POOL members, at most, for a metric without a fast loss of many blends
LEAST_ROWS = 1000  # rows that a draw has at least, where there are as many
SQUARED_NUMBERS = 20_000  # rows times columns of a draw of POOL members, at most, for squared errors
FAST_NUMBERS = 12_000  # rows times columns of a draw of POOL members, at most, for other fast losses


@dataclass
class Members:
    """Canonical predictions (n, W) of M members, targets y (n, T), NaN where one of several is not measured, sample
    weights (n,) of the metric, and the space in which predictions are averaged."""

    metric: Metric
    problem: Problem
    y: np.ndarray
    predictions: Sequence[np.ndarray]
    weights: np.ndarray | None
    space: Space

    def __post_init__(self) -> None:
        shape = self.metric.shape
        labels = self.metric.needs in ("label", "ranking")
        classes = self.problem.classification
        self.brier = classes and shape == "proper" and self.space == "mean"
        self.squared = self.brier or (not classes and (labels or (self.space, shape) in SQUARED))
        self.root = not labels and self.metric.mean == "root"
        self.gaps = bool(np.isnan(self.y).any())
        self.log_loss = classes and (labels or shape == "log_loss") and not self.gaps
        self.multiclass = self.problem.problem_type == "multiclass"
        self.area = self.problem.problem_type == "binary" and shape in AREAS
        self.one_vs_rest = self.multiclass and shape == "roc"
        self.pearson = self.metric.name == "pearson" and not self.gaps and not self.metric.uses_rows
        self.elementwise = None if classes else _elementwise(self.metric)
        dtype = np.float64 if self.squared else np.float32
        truth = self.y
        if self.brier and self.multiclass:
            truth = (truth == np.arange(self.problem.n_classes)).astype(float)
        if self.log_loss and self.multiclass and self.space == "mean":
            rows, codes = np.arange(len(truth)), truth[:, 0].astype(int)
            z = [p[rows, codes][:, None] for p in self.predictions]  # the probability of the true class is enough
        elif self.log_loss and not self.multiclass and self.space == "mean":
            z = [np.where(truth > 0.5, p, 1 - p) for p in self.predictions]
        elif self.log_loss and self.space == "logit":
            z = [to_space("logit", p) * np.where(truth > 0.5, 1, -1) for p in self.predictions]
        else:
            low, high = (0.0, 1.0) if classes else self.problem.limits(self.y)
            z = [to_space(self.space, np.clip(p, low, high)) for p in self.predictions]
        self.z: np.ndarray = np.stack(z).astype(dtype)
        if self.squared:
            spread = np.maximum(np.nanstd(truth, axis=0), 1e-300) if self.metric.scale_free else 1.0
            self.z = (self.z - to_space(self.space, truth)) / spread
            if self.gaps:
                self.z = np.nan_to_num(self.z, nan=0.0)  # no error where there is no target: see `_shares`

    @property
    def most_rows(self) -> int:
        """The most rows on which a draw should choose members, by the cost of the loss."""
        n, width, fewer = len(self.y), self.z.shape[2], max(1.0, POOL / len(self.z))
        if self.squared:
            most = max(LEAST_ROWS, SQUARED_NUMBERS // width)
        elif self.one_vs_rest:
            most = max(GENERIC_ROWS, FAST_NUMBERS // width)
        else:
            fast = self.log_loss or self.area or self.pearson or self.elementwise is not None
            most = max(LEAST_ROWS, FAST_NUMBERS // width) if fast else GENERIC_ROWS
        return min(n, int(fewer * most))

    def blends_on(self, rows: np.ndarray, among: np.ndarray | None = None) -> Blends:
        """The blends of all members, or of those at the positions `among` (a,), on the rows at the positions `rows`
        (r,)."""
        z, y = self.z[:, rows] if among is None else self.z[np.ix_(among, rows)], self.y[rows]
        w = self.weights[rows] if self.weights is not None and self.metric.uses_rows else None
        if self.squared:
            weighted = np.moveaxis(z * np.sqrt(self._shares(y, w))[None], 2, 0)  # (T, M, r)
            return SquaredErrors(weighted @ weighted.transpose(0, 2, 1), self.root)
        if self.log_loss:
            if self.space == "mean":
                return RowBlends(z, log_loss_of_probabilities)
            if self.space == "logit":
                return RowBlends(z, log_loss_of_log_odds)
            return RowBlends(z, partial(log_loss_of_logarithms, y[:, 0].astype(int)))
        if self.area:
            return RowBlends(z, partial(binned_areas, self.metric.shape, self.space, y))
        if self.one_vs_rest:
            truth = (y == np.arange(self.problem.n_classes)).astype(float)
            return RowBlends(z, lambda b: binned_areas("roc", "mean", truth, from_space(self.space, b)))
        if self.pearson:
            return RowBlends(z, lambda b: negated_correlations(y, from_space(self.space, b)))
        if self.elementwise is not None:
            return RowBlends(z, partial(self._mean_of_losses, y.astype(np.float32), w))
        return RowBlends(z, lambda b: np.array([self._metric(y, from_space(self.space, one), w) for one in b]))

    def _shares(self, y: np.ndarray, w: np.ndarray | None) -> np.ndarray:
        """(r, 1) the share of each row in the mean loss of targets y (r, T); (r, T) where these are not measured in all
        rows, 0 where they are not. w: (r,) weights of the rows."""
        if not self.gaps:
            return (np.full(len(y), 1 / len(y)) if w is None else w / w.sum())[:, None]
        weights = ~np.isnan(y) * (np.ones((len(y), 1)) if w is None else w[:, None])
        return np.asarray(weights / np.maximum(weights.sum(axis=0), 1e-300))

    def _mean_of_losses(self, y: np.ndarray, w: np.ndarray | None, blends: np.ndarray) -> np.ndarray:
        assert self.elementwise is not None
        if self.gaps:
            losses = np.nan_to_num(self.elementwise(y, from_space(self.space, blends)), nan=0.0)
            means = np.asarray((losses * self._shares(y, w)).sum(axis=1))
            return np.asarray((np.sqrt(means) if self.metric.mean == "root" else means).mean(axis=1))
        means = np.average(self.elementwise(y, from_space(self.space, blends)), axis=1, weights=w)
        return np.asarray((np.sqrt(means) if self.metric.mean == "root" else means).mean(axis=1))

    def _metric(self, y: np.ndarray, p: np.ndarray, w: np.ndarray | None) -> float:
        """The metric's loss, infinite where it is not defined on these rows."""
        try:
            return smooth_loss(self.metric, self.problem, y, p.astype(float), w)
        except MetricError:
            return float("inf")


def _elementwise(metric: Metric) -> Callable[[np.ndarray, np.ndarray], np.ndarray] | None:
    """The function (y, p) → losses of single values, for a metric that is their mean or its root; else None. Of several
    quantiles y (n, 1) is broadcast."""
    if metric.level_weights is not None:
        levels, weights = (np.array(v, np.float32) for v in (metric.levels, metric.level_weights(metric.levels)))
        return partial(pinball_by_level, levels=levels, weights=weights)
    plain = metric.mean in ("plain", "root") and metric.needs == "value" and not metric.whole
    return cast("Callable[[np.ndarray, np.ndarray], np.ndarray]", metric.function) if plain else None
