"""Decision: the post-processing of canonical predictions to what the metric scores: labels, probabilities or values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from medalist.competitions.metrics.metric import Metric
from medalist.pipelines.decisions import calibration
from medalist.pipelines.decisions import value_correction as values
from medalist.pipelines.problem import Problem

Kind = Literal[
    "values", "whole", "nearest", "line", "log_line", "quantile_lines", "probabilities", "beta", "temperature",
    "threshold", "class_weights", "cutpoints",
]  # fmt: skip
LEAST_PROBABILITY = 1e-7  # distance from 0 and 1 at which submitted probabilities are clipped


@dataclass(frozen=True)
class Decision:
    """A map from canonical predictions (n, W) to what the metric scores. By kind, the meaning of its parameters
    `numbers`:

    values, whole: (2 T,) low and high of each target; "whole" rounds before it clips.
    line, log_line: (4 T,) a, b, low and high of a + b p for each target, or of the same with log1p p.
    quantile_lines: (2 + 2 W,) low and high, then a and b of a + b p for each quantile; put in order where they cross.
    nearest: (v,) ascending values to round to.
    probabilities: (low, high) for clipping, and a third number, of any value, where rows are normalised to sum to 1.
    beta: (3 T,), see `calibration.beta`. temperature: (1 + K,), see `calibration.temperature`.
    threshold: (T,) probabilities at and above which a row is positive.
    class_weights: (K,) factors of the probabilities before the arg-max.
    cutpoints: (T (K - 1),) ascending limits between the classes of each target.
    """

    kind: Kind
    numbers: tuple[float, ...] = ()

    def apply(self, p: np.ndarray) -> np.ndarray:
        """Post-processed predictions of p (n, W): class codes or values (n, T), or probabilities (n, W)."""
        numbers = np.asarray(self.numbers, dtype=float)
        if self.kind == "threshold":
            return (p >= numbers).astype(float)
        if self.kind == "class_weights":
            return np.argmax(p * numbers, axis=1)[:, None].astype(float)
        if self.kind == "cutpoints":
            cuts = numbers.reshape(p.shape[1], -1)
            codes = [np.searchsorted(c, p[:, t], side="right") for t, c in enumerate(cuts)]
            return np.column_stack(codes).astype(float)
        if self.kind in ("values", "whole"):
            return np.clip(np.rint(p) if self.kind == "whole" else p, numbers[0::2], numbers[1::2])
        if self.kind in ("line", "log_line"):
            return values.apply_line(numbers, p, self.kind == "log_line")
        if self.kind == "quantile_lines":
            return np.sort(np.clip(numbers[2::2] + numbers[3::2] * p, numbers[0], numbers[1]), axis=1)
        if self.kind == "nearest":
            return values.nearest(numbers, p)
        if self.kind == "beta":
            return np.clip(calibration.apply_beta(numbers, p), LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        if self.kind == "temperature":
            p, numbers = calibration.apply_temperature(numbers, p), np.array([LEAST_PROBABILITY, 1, 1])
        clipped = np.clip(p, numbers[0], numbers[1])
        return clipped / clipped.sum(axis=1, keepdims=True) if numbers.size > 2 else clipped


def plain_decision(metric: Metric, problem: Problem, y: np.ndarray) -> Decision:
    """The decision without fitted parameters: thresholds at one half, the likeliest class, the nearest code, or values
    clipped to the problem's limits for the training targets y (n, T)."""
    if metric.needs == "label":
        if problem.problem_type == "binary":
            return Decision("threshold", (0.5,) * problem.n_targets)
        if problem.problem_type == "multiclass":
            return Decision("class_weights", (1.0,) * problem.n_classes)
        return Decision("cutpoints", tuple(np.tile(np.arange(problem.n_classes - 1) + 0.5, problem.n_targets)))
    if problem.classification:
        multiclass = (1.0,) if problem.problem_type == "multiclass" else ()
        return Decision("probabilities", (LEAST_PROBABILITY, 1 - LEAST_PROBABILITY, *multiclass))
    return Decision("values", tuple(np.column_stack(problem.limits(y)).ravel().tolist()))
