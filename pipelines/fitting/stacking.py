"""Stacking: predictions of pipelines as columns of a further model (stacked generalisation, Wolpert, 1992)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalist.pipelines.problem import Problem

SMALLEST = 1e-5  # distance from 0 and 1 at which probabilities are clipped before a logarithm


@dataclass(frozen=True)
class StackedColumns:
    """Predictions of other pipelines as columns: (n, c) of a fold's training rows, (v, c) of its validation rows and
    (m, c) of the test rows."""

    fit: np.ndarray
    valid: np.ndarray
    test: np.ndarray


def as_columns(problem: Problem, predictions: np.ndarray) -> np.ndarray:
    """Canonical predictions (n, W) as columns (n, W) float32 on an additive scale, for linear models.

    Log-odds of the positive class, the logarithm of each of several classes' probabilities, or values on the scale on
    which the problem fits them.
    """
    if problem.problem_type == "binary":
        p = np.clip(predictions, SMALLEST, 1 - SMALLEST)
        return np.log(p / (1 - p)).astype(np.float32)
    if problem.problem_type == "multiclass":
        return np.log(np.clip(predictions, SMALLEST, 1)).astype(np.float32)
    return problem.forward(predictions).astype(np.float32)
