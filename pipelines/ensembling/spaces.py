"""Spaces in which the members of an ensemble are averaged: as they are, as log-odds, as logarithms."""

from __future__ import annotations

from typing import Literal

import numpy as np

from medalist.competitions.metrics.metric import Metric
from medalist.pipelines.problem import Problem

Space = Literal["mean", "logit", "geometric", "log"]
CLIP = 1e-5  # distance from 0 and 1 at which probabilities are clipped before a logarithm
LARGEST_LOG = 80.0  # logarithm at which predictions are clipped, so that they stay finite


def spaces(metric: Metric, problem: Problem, y: np.ndarray) -> tuple[Space, ...]:
    """The spaces in which predictions may be averaged for targets y (n, T), "mean" (as they are) first."""
    if problem.problem_type == "multiclass":
        return ("mean", "geometric")
    if problem.problem_type == "binary":
        return ("mean", "logit")
    if float(np.nanmin(y)) >= 0 and (problem.log or metric.shape in ("log_squared", "relative")):
        return ("mean", "log")
    return ("mean",)


def to_space(space: Space, p: np.ndarray) -> np.ndarray:
    """Canonical predictions (..., W) transformed into the space where they are averaged."""
    if space == "mean":
        return p
    if space == "log":
        return np.log1p(np.maximum(p, 0))
    clipped = np.clip(p, CLIP, 1 - CLIP)
    return np.log(clipped / (1 - clipped)) if space == "logit" else np.log(clipped)


def from_space(space: Space, z: np.ndarray) -> np.ndarray:
    """Canonical predictions (..., W) from averages z (..., W) in a space; of "geometric" each row sums to one."""
    if space == "mean":
        return z
    if space == "log":
        return np.expm1(np.minimum(z, LARGEST_LOG))
    if space == "logit":
        return 1 / (1 + np.exp(-z))
    shares = np.exp(z - z.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)
