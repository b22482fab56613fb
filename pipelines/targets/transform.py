"""Transformations of a regression target, as texts: fitted on the training part of a fold, inverted on predictions.

    plain   log   sqrt   ranks   yeojohnson        a scale: each value by itself
    linear                                         the residuals of a linear model on the pipeline's columns
    level(date, 365) by country, store             the values relative to the level of their series in their year
    level(date, 365, 0.5) by country, store        the same, going on by half its mean change a year
    lagged(date, 16, 28) by country, store         the values relative to their series' level before the forecast
    trend(date) by country, store                  the values relative to a trend with a level for each key
    classes   cumulative                           classes of the values, whose probabilities are decoded to one value

"" is the transformation that the metric implies. A text is written as a feature is
(`features/language/expression.py`), and has one canonical form. Values are fitted relative to a base (a level, a trend)
by division where none is negative, else by difference; a metric of logarithms turns the division into a difference. A
row that is divided by its base is weighted so that it counts for the estimator as it does for the metric: by the base
for absolute, by its square for squared errors.
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
from medalist.pipelines.targets.class_view import VIEWS, ClassView, fit_view
from medalist.pipelines.targets.series import BASES, Series

LINEAR = "linear"
QUANTILES = 200  # quantiles of the residuals over which inverted predictions are averaged
COVERED = 0.9  # horizon of the forecast, as a share of a level's span, from which on time columns are dropped
MARGIN = 0.1  # share of the range of the fitted values, by which a prediction may exceed it on each side
_WORD = re.compile(r"[^\W\d]\w*")

Relation = Literal["", "difference", "ratio"]


@dataclass(frozen=True)
class TargetTransform:
    """A fitted transformation of targets and its inverse. The *fitted scale* is that of the values that estimators see.

    Parameters
    ----------
    problem : the problem of the transformed target, for the estimator.
    scale : the function of each value.
    relation : how values on the scale are relative to the `base`; "" where they are not.
    base : (n, T) the baseline of all rows of train and test. That of a linear model is 0 for rows outside the fold.
    limits : (2, T) the least and the greatest value to which predictions are clipped, on the fitted scale.
    base_power : the power of its base by which a row is weighted.
    biased : whether the inverse of a mean of fitted values is not the mean of the target, so that smearing is needed.
    residuals : (q, T) quantiles of the residuals on the fitted scale, over which inverted predictions are averaged (see
        `smeared`).
    drops_time : whether columns that are out of the training range, such as time, should be dropped: the base replaces
        them.
    view : the classes that estimators see in place of values; None where they see values.
    """

    problem: Problem
    scale: Scale
    relation: Relation = ""
    base: np.ndarray | None = None
    limits: np.ndarray | None = None
    base_power: int = 0
    biased: bool = False
    residuals: np.ndarray | None = None
    drops_time: bool = False
    view: ClassView | None = None

    @property
    def needs_linear_base(self) -> bool:
        """Whether values are to be relative to a linear model, which is not fitted yet."""
        return self.relation == "difference" and self.base is None

    def forward(self, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The targets y (k, T) of the rows (k,) on the fitted scale, (k, T), or as the view encodes them."""
        return self.values(y, rows) if self.view is None else self.view.encode(np.asarray(y, dtype=float))

    def values(self, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The targets y (k, T) of the rows (k,) as numbers, (k, T), which features that use the target see."""
        fitted = self.scale.forward(np.asarray(y, dtype=float))
        if self.base is None:
            return fitted
        return fitted / self.base[rows] if self.relation == "ratio" else fitted - self.base[rows]

    def backward(self, p: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """(k, T) predictions on the scale of the target, from predictions p (k, T) of the rows (k,) on the fitted
        scale, or as probabilities of the view."""
        if self.view is not None:
            return self.view.decode(p)
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
        """The same, but `backward` is averaged over the quantiles of the fit's residuals (k, T) (smearing, Duan,
        1983)."""
        shares = (np.arange(QUANTILES) + 0.5) / QUANTILES
        return replace(self, residuals=np.quantile(residuals, shares, axis=0))

    def weights(self, rows: np.ndarray) -> np.ndarray | None:
        """(k, T) sample weights of the rows (k,), with mean 1, that offset their division by the base; None for equal
        ones."""
        if self.base is None or not self.base_power:
            return None
        powers = self.base[rows] ** self.base_power
        return powers / powers.mean(axis=0)

    def relative_to(self, base: np.ndarray) -> TargetTransform:
        """The same, with values on the scale as differences from a base (n, T) of all rows."""
        return replace(self, base=base, relation="difference")

    def clipped_to(self, y: np.ndarray, rows: np.ndarray, margin: float = MARGIN) -> TargetTransform:
        """The same, with predictions clipped to the range on the fitted scale of the targets y (k, T) of the rows (k,),
        widened by a share of it, `margin`, on each side."""
        fitted = self.forward(y, rows)
        low, high = fitted.min(axis=0), fitted.max(axis=0)
        return replace(self, limits=np.stack([low - margin * (high - low), high + margin * (high - low)]))


def read_target(text: str) -> Feature:
    """The parsed expression of a transformation's text. PipelineError for an unknown one or wrong arguments."""
    named = Feature(text.strip(), ()) if _WORD.fullmatch(text.strip()) else parse(text)
    if named.op in SCALES or named.op in (LINEAR, *VIEWS):
        if named.args or named.by:
            raise PipelineError(f"The target {text!r} takes nothing: write {named.op}.")
        return named
    if named.op not in BASES:
        names = ", ".join((*SCALES, LINEAR, *VIEWS, *BASES))
        raise PipelineError(f"There is no transformation {named.op!r} of a target: use {names}.")
    takes = BASES[named.op].takes
    spans = named.args[1:]
    fits = (
        len([t for t in takes if not t.endswith("?")]) <= len(spans) <= len(takes)
        and isinstance(named.args[0], Column)
        and all(isinstance(s, int | float) and s > 0 for s in spans)
        and all(isinstance(k, Column) for k in named.by)
        and all(c.table is None for c in (named.args[0], *named.by) if isinstance(c, Column))
    )
    if not fits:
        form = ", ".join(("time", *takes))
        raise PipelineError(
            f"The target {text!r} cannot be read: write {named.op}({form}) by key, …, with spans above 0."
        )
    return named


def canonical(text: str) -> str:
    """The canonical text of a transformation. PipelineError as of `read_target`."""
    named = read_target(text)
    return str(named) if named.args or named.by else named.op


def fit_target(
    text: str, problem: Problem, frame: Frame, rows: np.ndarray, y: np.ndarray, ahead: np.ndarray
) -> TargetTransform:
    """Fit the transformation of a text on the training rows at the positions `rows` (m,) with targets y (m, T).

    The base of "linear" is fitted later, by `fitting.fold`. `ahead` (v,) are positions of the rows to predict, of which
    only the times are used: they decide whether columns of time are dropped.

    Raises PipelineError for an unknown transformation, for classes, for values that the scale does not allow, and for a
    view of several targets.
    """
    if not text:
        return TargetTransform(problem, implied_scale(problem))
    if text in VIEWS and problem.problem_type in ("regression", "ordinal"):
        if problem.width != 1:
            raise PipelineError(f"The target {text!r} is for a single target: use it for one of them alone.")
        scale = implied_scale(problem)
        view = fit_view(text, problem, scale, y)
        return TargetTransform(view.problem(problem), scale, view=view)
    if problem.problem_type != "regression":
        raise PipelineError(f"The target {text!r} is for values: a {problem.problem_type} target has no scale.")
    named = read_target(text)
    free = replace(problem, log=False, objective="l1" if problem.objective == "mape" else problem.objective)
    if named.op in SCALES:
        biased = named.op != "plain" and problem.objective == "l2" and not problem.log
        margin = 0.0 if named.op == "yeojohnson" else MARGIN  # beyond the range its inverse may have a pole
        return TargetTransform(free, _scale(named.op, y), biased=biased).clipped_to(y, rows, margin)
    scale = implied_scale(problem)
    if named.op == LINEAR:
        return TargetTransform(free, scale, "difference")
    series = _series(named, frame, rows)
    divided = bool(y.min() >= 0 and (y.max(axis=0) > 0).all())
    spans = tuple(float(s) for s in named.args[1:] if isinstance(s, int | float))
    base = BASES[named.op].compute(series, spans, y, divided)
    if problem.log or not divided:
        transform = TargetTransform(free, scale).relative_to(scale.forward(base))
    else:
        power = {"l2": 2, "mape": 0}.get(problem.objective, 1)
        transform = TargetTransform(problem, scale, "ratio", base, base_power=power)
    drops_time = named.op == "lagged" or (named.op == "level" and series.reach(ahead) >= COVERED * spans[0])
    return replace(transform, drops_time=drops_time).clipped_to(y, rows)


def implied_scale(problem: Problem) -> Scale:
    """The scale on which the metric compares: that of the values, or of their logarithms."""
    return Scale(problem.forward, problem.backward)


def _scale(name: str, y: np.ndarray) -> Scale:
    try:
        return SCALES[name](y)
    except ValueError as error:
        raise PipelineError(f"The target cannot be transformed by {name}: {error}.") from None


def _series(named: Feature, frame: Frame, rows: np.ndarray) -> Series:
    when, unit = times(frame, named.args[0])
    keys = tuple(frame.key(k) for k in named.by)
    whole = frame.keys(named.by) if named.by else None
    codes = np.zeros(frame.n, dtype=np.int64) if whole is None else whole.codes
    return Series(when / unit, unit > 1, codes, tuple(k.codes for k in keys), rows)
