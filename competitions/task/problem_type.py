"""Decides the problem type, its classes and the variant of its metric, from the target's values and the metric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from medalist.competitions.columns.dates import parse_dates
from medalist.competitions.columns.kinds import ordered_levels
from medalist.competitions.errors import MetricError, TaskError
from medalist.competitions.metrics.metric import Metric
from medalist.competitions.metrics.names import MEAN
from medalist.competitions.metrics.registry import assumed_metric, get_metric, metric_for
from medalist.competitions.tables.dtypes import is_text
from medalist.competitions.task.labels import class_labels, find_label, plain
from medalist.competitions.task.task import PROBLEM_TYPES

_FEW = 20  # most distinct whole numbers of a target that is taken for classes where the metric fits both types
_MOST_CLASSES = 1000  # most distinct values of a target that a metric of classes is accepted for


def natural_type(targets: Sequence[pd.Series], layout: str) -> str:
    """The problem type that the values of the targets suggest: "binary", "multiclass" or "regression".

    `layout`: see Task. Raises TaskError for dates.
    """
    distinct = [values.nunique() for values in targets]
    for values, count in zip(targets, distinct, strict=True):
        if not pd.api.types.is_numeric_dtype(values.dtype) and count > _FEW and parse_dates(values) is not None:
            raise TaskError(
                f"The target {values.name} holds dates, which cannot be predicted as they are: write numbers in "
                f"their place in the training table and the sample, such as the days since the first of them, or name "
                f"another with --target."
            )
    if max(distinct) <= 2:
        return "binary"
    if layout == "per_class" or any(is_text(values) and not _all_numbers(values) for values in targets):
        return "multiclass"
    whole = all(bool((_numbers(values) % 1 == 0).all()) for values in targets)
    few = max(distinct) <= _FEW and max(distinct) * 10 <= len(targets[0])
    return "multiclass" if whole and few else "regression"


def decide_type(targets: Sequence[pd.Series], layout: str, metric: Metric | None, given: str | None) -> str:
    """The problem type: the given one, else the one nearest to what the values suggest that the metric can score.

    Several numeric targets with more than two classes each become "regression".

    Raises TaskError for an unknown or impossible given type, where the metric fits no type, and for several targets of
    text with more than two classes.
    """
    names = ", ".join(str(values.name) for values in targets)
    if given is not None:
        if given not in PROBLEM_TYPES:
            raise TaskError(f"--problem-type: {given!r} is none; write one of {', '.join(PROBLEM_TYPES)}.")
        if given == "binary" and max(values.nunique() for values in targets) > 2:
            words = any(is_text(values) and not _all_numbers(values) for values in targets)
            raise TaskError(
                f"--problem-type binary: {names} has {max(v.nunique() for v in targets)} different values, not two; "
                f"write {'multiclass or ordinal' if words else 'multiclass, ordinal or regression'}."
            )
        return given
    natural = natural_type(targets, layout)
    text = any(is_text(values) and not _all_numbers(values) for values in targets)
    if metric is not None:
        natural = _allowed(natural, metric, targets, text, names)
    if natural == "multiclass" and len(targets) > 1:
        if text:
            raise TaskError(
                f"Several targets with more than two classes each ({names}) are more than one task: run each by "
                f"itself, with --target NAME and --sample FILE, a copy of the sample submission that has only its ids "
                f"and that column, and put the columns together."
            )
        return "regression"
    return natural


def _allowed(natural: str, metric: Metric, targets: Sequence[pd.Series], text: bool, names: str) -> str:
    """The problem type that the metric can score and is nearest to `natural`. Raises TaskError where there is none."""
    if metric.shape == "ordinal":
        return "ordinal"
    if _scores(metric, natural, len(targets)):
        return natural
    chain = {
        "binary": ("multiclass", "regression", "ordinal"),
        "multiclass": ("regression", "ordinal"),
        "regression": ("multiclass", "ordinal"),
    }[natural]
    for kind in chain:
        if not _scores(metric, kind, len(targets)) or (text and kind in ("regression", "ordinal")):
            continue
        if kind != "regression" and max(values.nunique() for values in targets) > _MOST_CLASSES:
            continue
        return kind
    raise TaskError(
        f"The metric {metric.name} does not fit the target {names}, which looks like {natural}: name a metric of such "
        f"problems with --metric, such as {assumed_metric(natural)}, or another target with --target."
    )


def fit_metric(name: str, problem_type: str, n_targets: int) -> Metric:
    """The metric of that name, in the variant for the problem type, such as log loss of two or of several classes.

    Raises TaskError where it cannot score problems of that type, and MetricError for an unknown name.
    """
    metric = get_metric(metric_for(name, problem_type, n_targets), n_targets)
    if problem_type in metric.problem_types:
        return metric
    raise TaskError(
        f"The metric {metric.name} scores {' or '.join(metric.problem_types)} problems, not {problem_type}: give "
        f"--metric {assumed_metric(problem_type)} or another one, or the --problem-type that it scores."
    )


def _scores(metric: Metric, problem_type: str, n_targets: int) -> bool:
    """Whether a metric has a variant for a problem type."""
    variant = get_metric(metric_for(metric.name, problem_type, n_targets), n_targets)
    return problem_type in variant.problem_types


def find_metric(name: str, n_targets: int) -> Metric:
    """The metric of that name, of whatever problem type; for a single target "mean_<name>" is the metric <name>.

    Raises MetricError for an unknown name.
    """
    if n_targets == 1 and name.startswith(MEAN):
        try:
            return get_metric(name.removeprefix(MEAN), 1)
        except MetricError:
            return get_metric(name, 1)
    return get_metric(name, n_targets)


def task_classes(
    targets: Sequence[pd.Series], problem_type: str, given: Sequence[Any] | None
) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """The labels in code order, () for regression, and notes; several targets share their labels.

    `given`: the order that a person has set. Raises TaskError where it leaves out a label, and where binary targets do
    not have two labels.
    """
    if problem_type == "regression":
        return (), ()
    labels = class_labels(pd.concat([values.reset_index(drop=True) for values in targets]))
    if problem_type == "binary" and len(labels) != 2:
        raise TaskError(
            f"The targets hold {len(labels)} labels where binary needs two ({', '.join(map(str, labels[:4]))}): write "
            f"--problem-type multiclass."
        )
    if given:
        return _given_classes(labels, given), ()
    if problem_type != "ordinal":
        return labels, ()
    if all(isinstance(label, int) and not isinstance(label, bool) for label in labels):
        span = int(labels[-1]) - int(labels[0]) + 1
        return (tuple(range(labels[0], labels[-1] + 1)) if span <= max(5 * len(labels), 20) else labels), ()
    if isinstance(labels[0], str):
        levels = ordered_levels(np.array(labels, dtype=object))
        how = "read from their words" if levels else "not found, so they are sorted"
        ordered = tuple(str(level) for level in levels) or labels
        shown = " < ".join(map(str, ordered[:8]))
        return ordered, (f"The order of the classes was {how}: {shown} (classes: in task.yaml gives another).",)
    return labels, ()


def _given_classes(labels: tuple[Any, ...], given: Sequence[Any]) -> tuple[Any, ...]:
    """The labels in the order of `given`, which may hold further ones. Raises TaskError where it leaves one out."""
    matched = [find_label(labels, label) for label in given]
    absent = [label for label in labels if label not in matched]
    if absent:
        raise TaskError(f"classes: the task file leaves out {plain(absent[0])!r}, which stands in the target; add it.")
    return tuple(given[i] if label is None else label for i, label in enumerate(matched))


def _numbers(values: pd.Series) -> pd.Series:
    """Values as float64, NaN where they are no numbers."""
    return pd.to_numeric(values, errors="coerce").astype(float)


def _all_numbers(values: pd.Series) -> bool:
    """Whether every value is a number, or text that is one."""
    return bool(pd.to_numeric(pd.Series(values.unique()), errors="coerce").notna().all())
