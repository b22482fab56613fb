"""Which metric scores a task: the one that is given, the one that the description names, or an assumed one."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from medalist.competitions.columns.dates import is_text
from medalist.competitions.errors import TaskError
from medalist.competitions.metrics.metric import Metric
from medalist.competitions.metrics.names import POOLED
from medalist.competitions.metrics.quantiles import at_levels
from medalist.competitions.metrics.reading.text import read_metric
from medalist.competitions.metrics.registry import METRICS, assumed_metric, can_pool, get_metric
from medalist.competitions.task.problem_type import find_metric
from medalist.competitions.task.submission_form import Form
from medalist.competitions.task.task import MetricSource


def choose_metric(description: str, given: str | None, form: Form) -> tuple[Metric | None, MetricSource, str]:
    """(metric, source, quote): the metric of the name `given`, else the one that the description names in `quote`.

    The source is "given", "description" or "assumed". Where neither names a metric it is "assumed" and the metric is
    None: `assume_metric` names one once the problem type is decided. So it is where the description names a metric of
    several quantiles, and the sample asks for a single value, or the other way round. Raises MetricError for an unknown
    name.
    """
    if given is not None:
        return find_metric(pooled(given, form), len(form.targets)), "given", ""
    named = read_metric(description)
    if named is None:
        return None, "assumed", ""
    name, _, level = named[0].partition("@")
    if form.levels and name == "pinball":  # the level that the text names is one of several
        return find_metric("quantile_score", 1), "description", named[1]
    if not level and bool(form.levels) != (get_metric(name).level_weights is not None):
        return None, "assumed", ""
    return find_metric(pooled(named[0], form), len(form.targets)), "description", named[1]


def pooled(name: str, form: Form) -> str:
    """The name of a metric as it is taken of a submission: over all rows of a long one with several targets, unless it
    is a mean over the targets."""
    long = form.long is not None and len(form.targets) > 1
    return f"{POOLED}{name}" if long and can_pool(name) else name


def assumed_note(scorer: Metric, form: Form, description: str) -> str:
    """The note on a metric that is assumed."""
    named = read_metric(description) if form.levels else None
    why = "Nothing says what the metric is" if named is None else f"The description names {named[0]}, for single values"
    return f"{why}: {scorer.name} is assumed, and a human leaderboard may count another one (--metric settles it)."


def refuse_other_levels(scorer: Metric, form: Form, problem_type: str | None) -> None:
    """Raise where quantiles are asked for and the metric does not score them, or the other way round: MetricError, or
    TaskError for a given problem type that has no quantiles."""
    if form.levels:
        at_levels(scorer, form.levels)
        if problem_type not in (None, "regression"):
            raise TaskError(
                f"--problem-type: quantiles of {form.targets[0]} are asked for, which are values: write regression, "
                f"not {problem_type}."
            )
    elif scorer.level_weights is not None:
        raise TaskError(
            f"The metric {scorer.name} scores several quantiles, and the sample submission has no columns for them: "
            f"name the level of each of its columns with --levels, such as 0.05,0.95, or another --metric."
        )


def assume_metric(kind: str, form: Form, sample: pd.DataFrame | None, values: Sequence[pd.Series]) -> str:
    """The name of the metric to assume; the sample submission shows whether it needs labels, probabilities or
    quantiles."""
    if form.levels:
        central = all(abs(a + b - 1) < 1e-6 for a, b in zip(form.levels, reversed(form.levels), strict=True))
        return "winkler" if form.ends and central else "quantile_score"
    if sample is not None and kind in ("binary", "multiclass"):
        if form.layout == "per_class" and len(form.class_columns) > 1:
            return assumed_metric(kind, "probabilities")
        shown = [c for c in form.submission_columns if c not in form.submission_id]
        if (
            kind == "binary"
            and form.layout == "value"
            and len(values) == len(shown) == 1
            and _shows_labels(sample[shown[0]], values[0])
        ):
            return assumed_metric(kind, "labels")
    return pooled(assumed_metric(kind), form)


def of_logarithms(metric: Metric, n_targets: int) -> tuple[Metric, tuple[str, ...]]:
    """(the metric to score logarithms by, notes): a metric that takes logarithms of values gives way to the one that
    takes the submitted numbers as they are, since these are logarithms already; others stay."""
    single = metric.of_one_target()
    if single.shape != "log_squared":
        return metric, ()
    same = next(
        m for m in METRICS.values() if (m.shape, m.mean, m.weighted) == ("squared", single.mean, single.weighted)
    )
    note = f"Logarithms are submitted, so that {metric.name} of the values is {same.name} of what is submitted."
    return find_metric(same.name, n_targets), (note,)


def _shows_labels(shown: pd.Series, target: pd.Series) -> bool:
    """Whether a column of the sample holds labels of the target: booleans or words of it, or both of its numbers."""
    labels = bool(shown.notna().any()) and bool(shown.dropna().isin(target.dropna().unique()).all())
    if pd.api.types.is_bool_dtype(shown.dtype) or (is_text(shown) and is_text(target)):
        return labels
    return labels and not is_text(shown) and not is_text(target) and shown.nunique() > 1
