"""Pseudo-labels: test rows as further training rows, labelled by another pipeline's predictions (Lee, 2013)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalist.pipelines.problem import Problem


@dataclass(frozen=True)
class PseudoLabels:
    """Predictions of the test rows that are used as their labels, and how much these rows count.

    predicted: (m, W) canonical predictions by models that saw no validation row of the fold. weight: weight of a test
    row with a certain label, relative to the mean weight of a training row.
    """

    predicted: np.ndarray
    weight: float = 0.5

    def targets(self, problem: Problem) -> np.ndarray:
        """(m, T) encoded targets: the most probable classes, or the predicted values."""
        p = self.predicted
        if problem.problem_type == "multiclass":
            return p.argmax(axis=1)[:, None].astype(float)
        return (p >= 0.5).astype(float) if problem.problem_type == "binary" else p

    def certainty(self, problem: Problem) -> np.ndarray:
        """(m,) from 0 where all classes are equally probable to 1 where one is certain; always 1 for values."""
        p = self.predicted
        if problem.problem_type == "multiclass":
            return np.maximum(0, (p.max(axis=1) - 1 / p.shape[1]) / (1 - 1 / p.shape[1]))
        return np.abs(2 * p - 1).mean(axis=1) if problem.problem_type == "binary" else np.ones(len(p))

    def append_weights(self, weights: np.ndarray | None, n: int, problem: Problem) -> np.ndarray:
        """(n + m,) weights of n training rows, None for equal ones, followed by those of the test rows."""
        weights = np.ones(n) if weights is None else weights
        return np.concatenate([weights, self.certainty(problem) * self.weight * weights.mean()])
