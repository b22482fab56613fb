"""Losses of many blends at once: the inner loop of ensemble selection.

A blend is a weighted mean of the members' predictions in some space. The losses of all blends that a step of the
selection tries come from one pass over the rows or, for squared errors, from the products of the members' errors alone.
They may differ from the metric by a constant or a factor: only their order and their relative differences count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from medalist.competitions.metrics.metric import Shape
from medalist.pipelines.ensembling.spaces import Space

MIN_PROBABILITY = 1e-7  # least probability of the true class in a log loss
BINS = 1024  # histogram bins of predictions for areas: ties within a bin hardly change an area


class Blends(Protocol):
    """The losses of weighted means of M members on some rows. `counts` are unnormalised weights."""

    def losses(self, counts: np.ndarray) -> np.ndarray:
        """(c,) losses of c blends, in which member m has a weight in proportion to `counts` (c, M)."""

    def losses_after_adding(self, counts: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        """(a,) losses of the blend of `counts` (M,) with one more count of each of the members `candidates` (a,) in
        turn."""


@dataclass
class SquaredErrors:
    """Blends under squared error: the loss of weights w is w'Gw, where `products` G (T, M, M) are the mean products of
    members' errors for each target. `root`: whether the loss is the root of that.
    """

    products: np.ndarray
    root: bool

    def losses(self, counts: np.ndarray) -> np.ndarray:
        w = counts / counts.sum(axis=1, keepdims=True)
        return self._loss(np.einsum("cm,tmk,ck->ct", w, self.products, w))

    def losses_after_adding(self, counts: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        cross = self.products @ counts  # (T, M)
        squares = (cross @ counts)[:, None] + 2 * cross[:, candidates] + self.products[:, candidates, candidates]
        return self._loss(squares.T / (counts.sum() + 1) ** 2)

    def _loss(self, squares: np.ndarray) -> np.ndarray:
        squares = np.maximum(squares, 0)
        return np.asarray((np.sqrt(squares) if self.root else squares).mean(axis=1))


@dataclass
class RowBlends:
    """Blends under any loss: `z` (M, n, V) are the members' transformed predictions; `loss` returns the losses (c,) of
    blends (c, n, V), which it may overwrite."""

    z: np.ndarray
    loss: Callable[[np.ndarray], np.ndarray]

    def losses(self, counts: np.ndarray) -> np.ndarray:
        return self.loss(np.stack([self._sum(w / w.sum()) for w in counts]))

    def losses_after_adding(self, counts: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        blends = self.z[candidates]
        if counts.any():
            blends += self._sum(counts)
            blends /= np.float32(counts.sum() + 1)
        return self.loss(blends)

    def _sum(self, counts: np.ndarray) -> np.ndarray:
        total = np.zeros(self.z.shape[1:], np.float32)
        for i in np.flatnonzero(counts):
            total += np.float32(counts[i]) * self.z[i]
        return total


def log_loss_of_probabilities(blends: np.ndarray) -> np.ndarray:
    """Log losses (c,) of blends (c, n, T) of the probabilities of the true class."""
    np.log(np.maximum(blends, MIN_PROBABILITY, out=blends), out=blends)
    return np.asarray(-blends.mean(axis=(1, 2)))


def log_loss_of_log_odds(blends: np.ndarray) -> np.ndarray:
    """Log losses (c,) of blends (c, n, T) of the log-odds of the true class of two."""
    np.exp(np.negative(blends, out=blends), out=blends)
    return np.asarray(np.log1p(blends, out=blends).mean(axis=(1, 2)))


def log_loss_of_logarithms(codes: np.ndarray, blends: np.ndarray) -> np.ndarray:
    """Log losses (c,) of blends (c, n, K) of log probabilities, not yet normalised, for true classes (n,)."""
    truth = blends[:, np.arange(len(codes)), codes].mean(axis=1)
    totals = np.exp(blends, out=blends).sum(axis=2)
    return np.asarray(np.log(totals, out=totals).mean(axis=1) - truth)


def negated_correlations(y: np.ndarray, blends: np.ndarray) -> np.ndarray:
    """(c,) negated correlations (Pearson) of blends (c, n, T) with targets y (n, T), averaged over the targets; that of
    a constant is 0."""
    truth = y - y.mean(axis=0)
    rows = blends - blends.mean(axis=1, keepdims=True)
    products = np.einsum("nt,cnt->ct", truth, rows)
    lengths = np.sqrt((truth**2).sum(axis=0) * (rows.astype(float) ** 2).sum(axis=1))
    return np.asarray(-np.where(lengths > 0, products / np.maximum(lengths, 1e-300), 0).mean(axis=1))


def binned_areas(shape: Shape, space: Space, y: np.ndarray, blends: np.ndarray) -> np.ndarray:
    """(c,) negated areas of blends (c, n, T) for binary targets y (n, T), averaged over the targets: the area under the
    ROC curve (`shape` "roc") or the average precision ("precision_recall"). 0 where no target has both classes. Rows
    where a target is not measured (NaN) do not count for it.

    Predictions are sorted into `BINS` bins, which is faster than ranking each blend. Probabilities are binned by
    p / (p + m), m their mean: bins are narrow where most of them lie.
    """
    areas: list[np.ndarray] = []
    for t in range(y.shape[1]):
        measured = ~np.isnan(y[:, t])
        if not measured.any():
            continue
        truth, z = (y[:, t], blends[:, :, t]) if measured.all() else (y[measured, t], blends[:, measured, t])
        if space == "mean":
            z = z / (z + np.maximum(z.mean(axis=1, keepdims=True), 1e-6))
        low, high = z.min(axis=1, keepdims=True), z.max(axis=1, keepdims=True)
        codes = ((z - low) * ((BINS - 1) / np.maximum(high - low, 1e-30))).astype(np.intp)
        codes += 2 * BINS * np.arange(len(z))[:, None] + BINS * (truth > 0.5)
        counts = np.bincount(codes.ravel(), minlength=2 * BINS * len(z)).reshape(len(z), 2, BINS).astype(float)
        negative, positive = counts[:, 0], counts[:, 1]
        totals = counts.sum(axis=2)
        if not totals[0].all():  # one class only in these rows
            continue
        if shape == "precision_recall":
            hits, ranked = positive[:, ::-1].cumsum(axis=1), counts.sum(axis=1)[:, ::-1].cumsum(axis=1)
            parts, whole = positive[:, ::-1] * hits / np.maximum(ranked, 1), totals[:, 1]
        else:
            parts, whole = positive * (negative.cumsum(axis=1) - negative / 2), totals.prod(axis=1)
        areas.append(parts.sum(axis=1) / whole)
    return -np.mean(areas, axis=0) if areas else np.zeros(len(blends))
