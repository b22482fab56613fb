"""Stacking: predictions of pipelines as columns of a further model (stacked generalisation, Wolpert, 1992)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalist.pipelines.problem import Problem

SMALLEST = 1e-5  # probabilities are kept this far from 0 and 1


@dataclass(frozen=True)
class Beside:
    """Further columns (predictions of other pipelines) for the fitted, the validation and the test rows of a fold."""

    fit: np.ndarray
    valid: np.ndarray
    test: np.ndarray


def as_columns(problem: Problem, predictions: np.ndarray) -> np.ndarray:
    """(n, W) columns on the scale on which models add up: log-odds of probabilities, values as they are fitted.

    Of several classes it is the logarithm of each class's probability.
    """
    if problem.problem_type == "binary":
        p = np.clip(predictions, SMALLEST, 1 - SMALLEST)
        return np.log(p / (1 - p)).astype(np.float32)
    if problem.problem_type == "multiclass":
        return np.log(np.clip(predictions, SMALLEST, 1)).astype(np.float32)
    return problem.forward(predictions).astype(np.float32)
