"""Whether a metric fits what train and the sample submission show: the kind of target, and the form of predictions."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from pandas.api.types import is_bool_dtype, is_integer_dtype

from medalist.competitions.errors import TaskError
from medalist.competitions.metrics.metric import Metric
from medalist.competitions.metrics.names import MEAN, targets_of
from medalist.competitions.metrics.registry import get_metric
from medalist.competitions.tables.dtypes import is_text
from medalist.competitions.task.labels import class_labels, order_binary
from medalist.competitions.task.problem_type import decide_type, find_metric, fit_metric, natural_type
from medalist.competitions.task.submission_form import Form

_ROWS_PER_CLASS = 5  # fewest rows for each distinct whole number of a target that may be a class


def fitting_metric(
    name: str, form: Form, values: Sequence[pd.Series], sample: pd.DataFrame | None, problem_type: str | None
) -> tuple[Metric | None, str]:
    """(the metric that is known by that name, "") where it fits these data, else (None, why not).

    `problem_type`: the one that a person has given, if any. Raises MetricError for a name that medalist does not have.
    """
    get_metric(name, targets_of(name))
    if form.levels or form.long is not None:
        return None, "the sample submission has a form of its own"
    several = len(values) > 1
    if several != name.startswith(MEAN):
        return None, f"there {'are several targets' if several else 'is a single target'}"
    metric = find_metric(name, len(values))
    try:
        natural = problem_type or natural_type(values, form.layout)
        kind = decide_type(values, form.layout, metric, problem_type)
        fit_metric(metric.name, kind, len(values))
    except TaskError:
        return None, "the target is of another kind"
    if not _kind_fits(metric, natural, kind, values):
        return None, "the target is of another kind"
    reason = "" if sample is None else _form_misfit(metric, kind, form, values, sample)
    return (None if reason else metric), reason


def _kind_fits(metric: Metric, natural: str, kind: str, values: Sequence[pd.Series]) -> bool:
    """Whether the problem type that a metric leads to is near enough to what the values suggest."""
    if kind == natural or (natural, kind) in (("multiclass", "ordinal"), ("multiclass", "regression")):
        return True
    if natural == "regression" and kind in ("multiclass", "ordinal") and metric.needs != "value":  # many classes
        whole = all(bool((pd.to_numeric(column, errors="coerce") % 1 == 0).all()) for column in values)
        return whole and all(column.nunique() * _ROWS_PER_CLASS <= len(column) for column in values)
    return False


def _form_misfit(metric: Metric, kind: str, form: Form, values: Sequence[pd.Series], sample: pd.DataFrame) -> str:
    """Why the sample submission does not hold what the metric needs, "" where it does."""
    columns = [sample[c] for c in form.submission_columns if c not in form.submission_id]
    pairs = list(zip(columns, values, strict=False))  # as many of them, but for forms with columns of their own
    words = any(is_text(column) or is_bool_dtype(column.dtype) for column in columns)
    if form.layout == "per_class" and len(form.class_columns) > 1:
        return "" if metric.needs == "probability" else "the sample submission has a column for each class"
    if metric.needs == "probability" and kind == "multiclass":
        return "the sample submission has no column for each class"
    if metric.needs in ("probability", "value") and words:
        return "the sample submission holds words"
    if metric.needs == "probability":
        labels = any(shows_labels(c, v) and c.nunique() > 1 for c, v in pairs)
        return "the sample submission holds labels" if labels else ""
    if metric.needs == "label" and kind == "binary" and any(shows_numbers(c, v) for c, v in pairs):
        return "the sample submission holds numbers that are no labels"
    return ""


def shows_labels(shown: pd.Series, target: pd.Series) -> bool:
    """Whether a column of the sample holds labels of the target: booleans or words of it; whole numbers of it that are
    written without decimals; or both of its numbers. A single number with decimals, such as 0.0, is a probability.
    Booleans, and whole 0 and 1 together, are labels of a target of no and yes too."""
    flags = is_bool_dtype(shown.dtype) or (is_integer_dtype(shown.dtype) and set(shown.unique()) == {0, 1})
    if flags and is_text(target) and target.nunique() == 2 and order_binary(class_labels(target))[1]:
        return True
    labels = bool(shown.notna().any()) and bool(shown.dropna().isin(target.dropna().unique()).all())
    if is_bool_dtype(shown.dtype) or (is_text(shown) and is_text(target)):
        return labels
    if not labels or is_text(shown) or is_text(target):
        return False
    return shown.nunique() > 1 or is_integer_dtype(shown.dtype)


def shows_numbers(shown: pd.Series, target: pd.Series) -> bool:
    """Whether a column of the sample holds numbers with decimals that are no labels of the target."""
    if not pd.api.types.is_float_dtype(shown.dtype):
        return False
    return is_text(target) or is_integer_dtype(target.dtype) or not shows_labels(shown, target)
