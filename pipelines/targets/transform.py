"""Transformations of a regression target: by name, fitted on the training part of a fold alone, undone on predictions.

    plain   log   sqrt   ranks   yeojohnson        a scale: each value by itself
    linear                                         what a linear model on the pipeline's columns leaves
    level(date, 365) by country, store             the values relative to the level of their series in their year
    level(date, 365, 0.5) by country, store        the same, going on by half its mean change a year
    lagged(date, 16, 28) by country, store         the values relative to their series' level before the forecast
    trend(date) by country, store                  the values relative to a trend with a level for each key

"" is the metric's own transformation. A text is written as a feature is (`features/language/expression.py`), and has
one canonical form. Values are fitted relative to something (a base) by division where none is negative, else by
difference; a metric of logarithms turns the division into a difference. A row that is divided by its level counts as
much for the estimator as it does for the metric: by the level for absolute, by its square for squared errors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.ordering import times
from medalist.pipelines.features.language.expression import Column, Feature
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.problem import Problem
from medalist.pipelines.scales import SCALES, Scale
from medalist.pipelines.targets.series import BASES, Series

LINEAR = "linear"
QUANTILES = 200  # of the residuals
COVERED = 0.9  # of the span of a level, from which on a forecast reaches as far as it
MARGIN = 0.1  # of the range of the fitted values, by which a prediction may leave it
_WORD = re.compile(r"[^\W\d]\w*")

Relation = Literal["", "difference", "ratio"]


@dataclass(frozen=True)
class TargetTransform:
    """A fitted transformation.

    `problem` is what an estimator has to know of the transformed target. `scale` is what is done to each value.
    `base` (rows of train and test, T) is what values are relative to, by `relation`; NaN where it is not known.
    `limits` (2, T): least and greatest value that a prediction is taken for, on the fitted scale. `timeless` says that
    columns which lie beyond all training rows had better be set aside, since the base tells what they told.
    """

    problem: Problem
    scale: Scale
    relation: Relation = ""
    base: np.ndarray | None = None
    limits: np.ndarray | None = None
    weighs: int = 0  # the power of its base by which a row counts
    bends: bool = False  # whether the mean of what is fitted is not the mean of the values
    residuals: np.ndarray | None = None  # (q, T) by which predictions miss, on the fitted scale
    timeless: bool = False

    @property
    def over_line(self) -> bool:
        """Whether values are to be relative to a linear model, which is not fitted yet."""
        return self.relation == "difference" and self.base is None

    def forward(self, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Values as they are fitted (k, T), from values as they are given (k, T) at the rows (k,)."""
        fitted = self.scale.forward(np.asarray(y, dtype=float))
        if self.base is None:
            return fitted
        return fitted / self.base[rows] if self.relation == "ratio" else fitted - self.base[rows]

    def backward(self, p: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Values as they are given (k, T), from values as they are fitted (k, T) at the rows (k,)."""
        if self.residuals is not None:
            plain = replace(self, residuals=None)
            total = np.zeros(np.shape(p))
            for residual in self.residuals:
                total += plain.backward(p + residual, rows)
            return total / len(self.residuals)
        if self.limits is not None:
            p = np.clip(p, self.limits[0], self.limits[1])
        if self.base is not None:
            p = p * self.base[rows] if self.relation == "ratio" else p + self.base[rows]
        return self.scale.backward(p)

    def smeared(self, residuals: np.ndarray) -> TargetTransform:
        """The same, with predictions undone to means: over what is given as residuals (k, T) (smearing, Duan, 1983)."""
        shares = (np.arange(QUANTILES) + 0.5) / QUANTILES
        return replace(self, residuals=np.quantile(residuals, shares, axis=0))

    def weights(self, rows: np.ndarray) -> np.ndarray | None:
        """(k, T) how much the rows (k,) count for the metric, where the transformation changed it; None if alike."""
        if self.base is None or not self.weighs:
            return None
        counted = self.base[rows] ** self.weighs
        return counted / counted.mean(axis=0)

    def over(self, base: np.ndarray) -> TargetTransform:
        """The same scale, on which values are relative to a base (rows of train and test, T) by difference."""
        return replace(self, base=base, relation="difference")

    def within(self, y: np.ndarray, rows: np.ndarray, margin: float = MARGIN) -> TargetTransform:
        """The same, with predictions kept close to the range of these values (k, T) as they are fitted: not further
        beyond it than a share of it, `margin`."""
        fitted = self.forward(y, rows)
        low, high = fitted.min(axis=0), fitted.max(axis=0)
        return replace(self, limits=np.stack([low - margin * (high - low), high + margin * (high - low)]))


def read_target(text: str) -> Feature:
    """The transformation that a text names. PipelineError where it names none, or not with what it needs."""
    told = Feature(text.strip(), ()) if _WORD.fullmatch(text.strip()) else parse(text)
    if told.op in SCALES or told.op == LINEAR:
        if told.args or told.by:
            raise PipelineError(f"The target {text!r} takes nothing: write {told.op}.")
        return told
    if told.op not in BASES:
        known = ", ".join((*SCALES, LINEAR, *BASES))
        raise PipelineError(f"There is no transformation {told.op!r} of a target: use {known}.")
    takes = BASES[told.op].takes
    spans = told.args[1:]
    fits = (
        len([t for t in takes if not t.endswith("?")]) <= len(spans) <= len(takes)
        and isinstance(told.args[0], Column)
        and all(isinstance(s, int | float) and s > 0 for s in spans)
        and all(isinstance(k, Column) for k in told.by)
        and all(c.table is None for c in (told.args[0], *told.by) if isinstance(c, Column))
    )
    if not fits:
        form = ", ".join(("time", *takes))
        raise PipelineError(
            f"The target {text!r} cannot be read: write {told.op}({form}) by key, …, with spans above 0."
        )
    return told


def canonical(text: str) -> str:
    """The one text of a transformation. PipelineError where it names none."""
    told = read_target(text)
    return str(told) if told.args or told.by else told.op


def fit_target(
    text: str, problem: Problem, frame: Frame, rows: np.ndarray, y: np.ndarray, ahead: np.ndarray
) -> TargetTransform:
    """Fit a transformation on training rows (n,) with their values y (n, T); what is under "linear" comes later.

    `ahead` (v,) are rows to predict: how far they reach, not what they hold, decides whether time is set aside.

    Raises PipelineError for an unknown one, for a target that has no scale, and for values that the scale lacks.
    """
    if not text:
        return TargetTransform(problem, own(problem))
    if problem.problem_type != "regression":
        raise PipelineError(f"The target {text!r} is for values: a {problem.problem_type} target has no scale.")
    told = read_target(text)
    free = replace(problem, log=False, objective="l1" if problem.objective == "mape" else problem.objective)
    if told.op in SCALES:
        bends = told.op != "plain" and problem.objective == "l2" and not problem.log
        margin = 0.0 if told.op == "yeojohnson" else MARGIN  # beyond the range its inverse may have a pole
        return TargetTransform(free, _scale(told.op, y), bends=bends).within(y, rows, margin)
    scale = own(problem)
    if told.op == LINEAR:
        return TargetTransform(free, scale, "difference")
    series = _series(told, frame, rows)
    divided = bool(y.min() >= 0 and (y.max(axis=0) > 0).all())
    spans = tuple(float(s) for s in told.args[1:] if isinstance(s, int | float))
    base = BASES[told.op].compute(series, spans, y, divided)
    if problem.log or not divided:
        found = TargetTransform(free, scale).over(scale.forward(base))
    else:
        power = {"l2": 2, "mape": 0}.get(problem.objective, 1)
        found = TargetTransform(problem, scale, "ratio", base, weighs=power)
    timeless = told.op == "lagged" or (told.op == "level" and series.reach(ahead) >= COVERED * spans[0])
    return replace(found, timeless=timeless).within(y, rows)


def own(problem: Problem) -> Scale:
    """What the metric compares: the values, or their logarithms."""
    return Scale(problem.forward, problem.backward)


def _scale(name: str, y: np.ndarray) -> Scale:
    try:
        return SCALES[name](y)
    except ValueError as error:
        raise PipelineError(f"The target cannot be transformed by {name}: {error}.") from None


def _series(told: Feature, frame: Frame, rows: np.ndarray) -> Series:
    when, unit = times(frame, told.args[0])
    keys = tuple(frame.key(k) for k in told.by)
    whole = frame.keys(told.by) if told.by else None
    codes = np.zeros(frame.n, dtype=np.int64) if whole is None else whole.codes
    return Series(when / unit, unit > 1, codes, tuple(k.codes for k in keys), rows)
