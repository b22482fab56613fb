"""Pseudo-labels: test rows as further training rows, labelled by another model's predictions (Lee, 2013)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalist.pipelines.problem import Problem


@dataclass(frozen=True)
class Labels:
    """Pseudo-labels (Lee, 2013): `predicted` (m, W) canonical predictions of the test rows by models that saw no
    validation row of the fold, and `weight`, how much a test row counts beside a training row at most."""

    predicted: np.ndarray
    weight: float = 0.5

    def codes(self, problem: Problem) -> np.ndarray:
        """(m, T) the likeliest classes; of values, the predictions themselves."""
        p = self.predicted
        if problem.problem_type == "multiclass":
            return p.argmax(axis=1)[:, None].astype(float)
        return (p >= 0.5).astype(float) if problem.problem_type == "binary" else p

    def certainty(self, problem: Problem) -> np.ndarray:
        """(m,) from 0 at equal chances to 1 where it is certain; always 1 for values."""
        p = self.predicted
        if problem.problem_type == "multiclass":
            return np.maximum(0, (p.max(axis=1) - 1 / p.shape[1]) / (1 - 1 / p.shape[1]))
        return np.abs(2 * p - 1).mean(axis=1) if problem.problem_type == "binary" else np.ones(len(p))


def counts(own: np.ndarray | None, n: int, problem: Problem, labels: Labels) -> np.ndarray:
    """(n + m,) how much training rows and the pseudo-labelled rows below them count: at certainty `labels.weight` of a
    mean training row, and nothing at equal chances. `own` (n,) are the weights of the training rows."""
    own = np.ones(n) if own is None else own
    return np.concatenate([own, labels.certainty(problem) * labels.weight * own.mean()])
