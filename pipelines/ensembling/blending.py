"""What a blend of several models' predictions is worth, for many blends at once: the inner loop of ensemble selection.

A blend is a mean in some space. Members are brought into that space once, so that a step of the selection only adds
numbers; the losses of all members' blends then come from one pass over the rows or, for squared errors, from the
products of the members' errors alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol, cast

import numpy as np

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics.metric import Metric, Shape
from medalist.pipelines.problem import Problem

Space = Literal["mean", "logit", "geometric", "log"]
Loss = Callable[[Metric, Problem, np.ndarray, np.ndarray, "np.ndarray | None"], float]
CLIP = 1e-5  # probabilities are kept this far from 0 and 1 before a logarithm
LEAST = 1e-7  # probability of the truth in a log loss
BINS = 1024
AREAS = ("roc", "precision_recall")  # shapes of metrics that are areas by the order of rows
SQUARED = (("mean", "squared"), ("log", "log_squared"))  # spaces in which errors of a shape are plainly squared
GENERIC_ROWS = 2000  # rows for metrics that have no fast way
SQUARED_NUMBERS = 20_000  # of one member, for losses by products of errors
FAST_NUMBERS = 12_000  # numbers of one blend for the others, at most


def spaces(metric: Metric, problem: Problem, y: np.ndarray) -> tuple[Space, ...]:
    """The spaces in which members of this problem may be blended, the plain mean first."""
    if problem.problem_type == "multiclass":
        return ("mean", "geometric")
    if problem.problem_type == "binary":
        return ("mean", "logit")
    if float(y.min()) >= 0 and (problem.log or metric.shape in ("log_squared", "relative")):
        return ("mean", "log")
    return ("mean",)


def into(space: Space, p: np.ndarray) -> np.ndarray:
    """Predictions (..., W) in the space where they are averaged."""
    if space == "mean":
        return p
    if space == "log":
        return np.log1p(np.maximum(p, 0))
    clipped = np.clip(p, CLIP, 1 - CLIP)
    return np.log(clipped / (1 - clipped)) if space == "logit" else np.log(clipped)


def back(space: Space, z: np.ndarray) -> np.ndarray:
    """Predictions (..., W) from their average in the space; of "geometric" each row sums to one."""
    if space == "mean":
        return z
    if space == "log":
        return np.expm1(np.minimum(z, 80.0))
    if space == "logit":
        return 1 / (1 + np.exp(-z))
    shares = np.exp(z - z.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)


class Blends(Protocol):
    """The members on some rows."""

    def losses(self, counts: np.ndarray) -> np.ndarray:
        """(c,) losses of blends whose members' weights are in proportion to `counts` (c, M)."""

    def added(self, counts: np.ndarray, among: np.ndarray) -> np.ndarray:
        """(a,) losses of the blend of `counts` (M,) with each of the members `among` (a,) added to it once."""


@dataclass
class SquaredErrors:
    """Blends under squared error: the loss of weights w is w'Gw, G (T, M, M) the mean products of members' errors."""

    products: np.ndarray
    root: bool

    def losses(self, counts: np.ndarray) -> np.ndarray:
        w = counts / counts.sum(axis=1, keepdims=True)
        return self._loss(np.einsum("cm,tmk,ck->ct", w, self.products, w))

    def added(self, counts: np.ndarray, among: np.ndarray) -> np.ndarray:
        cross = self.products @ counts  # (T, M)
        squares = (cross @ counts)[:, None] + 2 * cross[:, among] + self.products[:, among, among]
        return self._loss(squares.T / (counts.sum() + 1) ** 2)

    def _loss(self, squares: np.ndarray) -> np.ndarray:
        squares = np.maximum(squares, 0)
        return np.asarray((np.sqrt(squares) if self.root else squares).mean(axis=1))


@dataclass
class RowBlends:
    """Blends under any loss: `z` (M, n, V) are the members in the space, `of_blends` takes blends (c, n, V) to their
    losses (c,) and may overwrite them."""

    z: np.ndarray
    of_blends: Callable[[np.ndarray], np.ndarray]

    def losses(self, counts: np.ndarray) -> np.ndarray:
        return self.of_blends(np.stack([self._sum(w / w.sum()) for w in counts]))

    def added(self, counts: np.ndarray, among: np.ndarray) -> np.ndarray:
        blends = self.z[among]
        if counts.any():
            blends += self._sum(counts)
            blends /= np.float32(counts.sum() + 1)
        return self.of_blends(blends)

    def _sum(self, counts: np.ndarray) -> np.ndarray:
        total = np.zeros(self.z.shape[1:], np.float32)
        for i in np.flatnonzero(counts):
            total += np.float32(counts[i]) * self.z[i]
        return total


@dataclass
class Members:
    """Predictions (n, W) of M members in one space, and how their blends are judged."""

    metric: Metric
    problem: Problem
    y: np.ndarray
    predictions: Sequence[np.ndarray]
    weights: np.ndarray | None
    space: Space
    loss: Loss

    def __post_init__(self) -> None:
        shape = self.metric.shape
        labels = self.metric.needs in ("label", "ranking")
        classes = self.problem.classification
        self.squared = not classes and (labels or (self.space, shape) in SQUARED)
        self.root = not labels and self.metric.mean == "root"
        self.log_loss = classes and (labels or shape == "log_loss")
        self.multiclass = self.problem.problem_type == "multiclass"
        self.area = self.problem.problem_type == "binary" and shape in AREAS
        self.one_vs_rest = self.multiclass and shape == "roc"
        self.elementwise = None if classes else _elementwise(self.metric)
        dtype = np.float64 if self.squared else np.float32
        truth = self.y
        if self.log_loss and self.multiclass and self.space == "mean":
            rows, codes = np.arange(len(truth)), truth[:, 0].astype(int)
            z = [p[rows, codes][:, None] for p in self.predictions]  # the probability of the truth says all
        elif self.log_loss and not self.multiclass and self.space == "mean":
            z = [np.where(truth > 0.5, p, 1 - p) for p in self.predictions]
        elif self.log_loss and self.space == "logit":
            z = [into("logit", p) * np.where(truth > 0.5, 1, -1) for p in self.predictions]
        else:
            low, high = (0.0, 1.0) if classes else self.problem.limits(truth)
            z = [into(self.space, np.clip(p, low, high)) for p in self.predictions]
        self.z: np.ndarray = np.stack(z).astype(dtype)
        if self.squared:
            spread = np.maximum(truth.std(axis=0), 1e-300) if self.metric.scale_free else 1.0
            self.z = (self.z - into(self.space, truth)) / spread

    @property
    def most_rows(self) -> int:
        """Rows that a draw of the selection can afford."""
        n, width = len(self.y), self.z.shape[2]
        if self.squared:
            return min(n, max(1000, SQUARED_NUMBERS // width))
        fast = self.log_loss or self.area or self.elementwise is not None
        if self.one_vs_rest:
            return min(n, max(GENERIC_ROWS, FAST_NUMBERS // width))
        return min(n, max(1000, FAST_NUMBERS // width) if fast else GENERIC_ROWS)

    def on(self, rows: np.ndarray, among: np.ndarray | None = None) -> Blends:
        """The members, or some `among` them (a,), on some rows (r,)."""
        z, y = self.z[:, rows] if among is None else self.z[np.ix_(among, rows)], self.y[rows]
        w = self.weights[rows] if self.weights is not None and self.metric.weighted else None
        if self.squared:
            shares = np.full(len(rows), 1 / len(rows)) if w is None else w / w.sum()
            weighted = np.moveaxis(z * np.sqrt(shares)[None, :, None], 2, 0)  # (T, M, r)
            return SquaredErrors(weighted @ weighted.transpose(0, 2, 1), self.root)
        if self.log_loss:
            if self.space == "mean":
                return RowBlends(z, _of_truth)
            return RowBlends(z, _of_log_odds if self.space == "logit" else partial(_of_logs, y[:, 0].astype(int)))
        if self.area:
            return RowBlends(z, partial(_binned, self.metric.shape, self.space, y))
        if self.one_vs_rest:
            truth = (y == np.arange(self.problem.n_classes)).astype(float)
            return RowBlends(z, lambda b: _binned("roc", "mean", truth, back(self.space, b)))
        if self.elementwise is not None:
            return RowBlends(z, partial(self._values, y.astype(np.float32), w))
        return RowBlends(z, lambda b: np.array([self._generic(y, back(self.space, one), w) for one in b]))

    def _values(self, y: np.ndarray, w: np.ndarray | None, blends: np.ndarray) -> np.ndarray:
        assert self.elementwise is not None
        means = np.average(self.elementwise(y, back(self.space, blends)), axis=1, weights=w)
        return np.asarray((np.sqrt(means) if self.metric.mean == "root" else means).mean(axis=1))

    def _generic(self, y: np.ndarray, p: np.ndarray, w: np.ndarray | None) -> float:
        try:
            return self.loss(self.metric, self.problem, y, p.astype(float), w)
        except MetricError:  # not defined on these rows
            return float("inf")


def _of_truth(blends: np.ndarray) -> np.ndarray:
    """Log losses of the probability of the truth."""
    np.log(np.maximum(blends, LEAST, out=blends), out=blends)
    return np.asarray(-blends.mean(axis=(1, 2)))


def _of_log_odds(blends: np.ndarray) -> np.ndarray:
    """Log losses of log-odds of the truth."""
    np.exp(np.negative(blends, out=blends), out=blends)
    return np.asarray(np.log1p(blends, out=blends).mean(axis=(1, 2)))


def _of_logs(codes: np.ndarray, blends: np.ndarray) -> np.ndarray:
    """Log losses of mean log probabilities (c, n, K), whose classes do not sum to one yet."""
    truth = blends[:, np.arange(len(codes)), codes].mean(axis=1)
    totals = np.exp(blends, out=blends).sum(axis=2)
    return np.asarray(np.log(totals, out=totals).mean(axis=1) - truth)


def _elementwise(metric: Metric) -> Callable[[np.ndarray, np.ndarray], np.ndarray] | None:
    """Losses of values one by one, of a metric that is their mean or its root."""
    plain = metric.mean in ("plain", "root") and metric.needs == "value" and not metric.whole
    return cast("Callable[[np.ndarray, np.ndarray], np.ndarray]", metric.function) if plain else None


def _binned(shape: Shape, space: Space, y: np.ndarray, blends: np.ndarray) -> np.ndarray:
    """Means over targets (c,) of the area under the ROC curve or of the average precision of blends (c, n, T), negated.

    Predictions are put in so many bins that ties hardly tell. Probabilities are binned by p / (p + m), m their mean:
    bins are narrow where most of them lie.
    """
    areas: list[np.ndarray] = []
    for t in range(y.shape[1]):
        z = blends[:, :, t]
        if space == "mean":
            z = z / (z + np.maximum(z.mean(axis=1, keepdims=True), 1e-6))
        low, high = z.min(axis=1, keepdims=True), z.max(axis=1, keepdims=True)
        codes = ((z - low) * ((BINS - 1) / np.maximum(high - low, 1e-30))).astype(np.intp)
        codes += 2 * BINS * np.arange(len(z))[:, None] + BINS * (y[:, t] > 0.5)
        counts = np.bincount(codes.ravel(), minlength=2 * BINS * len(z)).reshape(len(z), 2, BINS).astype(float)
        negative, positive = counts[:, 0], counts[:, 1]
        totals = counts.sum(axis=2)
        if not totals[0].all():  # one class only in these rows
            continue
        if shape == "precision_recall":
            hits, said = positive[:, ::-1].cumsum(axis=1), counts.sum(axis=1)[:, ::-1].cumsum(axis=1)
            parts, whole = positive[:, ::-1] * hits / np.maximum(said, 1), totals[:, 1]
        else:
            parts, whole = positive * (negative.cumsum(axis=1) - negative / 2), totals.prod(axis=1)
        areas.append(parts.sum(axis=1) / whole)
    return -np.mean(areas, axis=0) if areas else np.zeros(len(blends))
