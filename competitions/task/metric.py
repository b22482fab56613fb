"""Which metric scores a task: the one that is given, named by the description or by Kaggle, known for the competition
of that name, or an assumed one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from medalist.competitions.competition import Competition
from medalist.competitions.errors import MetricError, TaskError
from medalist.competitions.known.competitions import find_known
from medalist.competitions.metrics.metric import Metric
from medalist.competitions.metrics.names import POOLED
from medalist.competitions.metrics.quantiles import at_levels
from medalist.competitions.metrics.reading.missed import missed_metric, rival_metric
from medalist.competitions.metrics.reading.text import read_metric, read_metric_name
from medalist.competitions.metrics.registry import METRICS, assumed_metric, can_pool, get_metric
from medalist.competitions.task.metric_fit import fitting_metric, shows_labels
from medalist.competitions.task.metric_groups import groups_of_metric
from medalist.competitions.task.problem_type import find_metric
from medalist.competitions.task.submission_form import Form
from medalist.competitions.task.task import MetricSource
from medalist.competitions.task.transform_words import without_logarithm

_OWN = "give it with --metric file.py:function"
_SETTLES = "--metric, or metric: in task.yaml, settles it"
_PROBABILITIES = re.compile(
    r"\b(?:predict|submit|estimat|provid|giv|contain|output|assign|hold|want|need|ask|comput|forecast)\w*\b[^.!?\n]{0,60}"
    r"\b(?:probabilit|likelihood|chance)\w*|\bprobabilit(?:y|ies) (?:that|of|for)\b|\bhow likely\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Choice:
    """A metric, where it is from, the sentence that names it ("" without one), and notes for a person.

    `metric` is None where it has to be assumed: `assume_metric` names one once the problem type is decided.
    """

    metric: Metric | None
    source: MetricSource
    quote: str = ""
    notes: tuple[str, ...] = ()


def choose_metric(
    competition: Competition,
    given: str | None,
    form: Form,
    values: Sequence[pd.Series],
    problem_type: str | None = None,
) -> Choice:
    """The metric of the name `given`; else the one that the description names; else the one that Kaggle names, or that
    is known for a competition of this name, where the target's `values` and the sample have the form that it needs.

    A metric that the description names and that medalist does not have is said in a note, and none is known then; nor
    where the description's is for several quantiles and the sample asks for single values, or the other way round.
    `problem_type`: the one that a person has given. Raises MetricError for an unknown name.
    """
    n_targets = len(form.targets)
    if given is not None:
        return Choice(find_metric(pooled(given, form), n_targets), "given")
    named = _read(competition.description, form.targets)
    if named is not None:
        name, _, level = named[0].partition("@")
        if form.levels and name == "pinball":  # the level that the text names is one of several
            return Choice(find_metric("quantile_score", 1), "description", named[1])
        if not level and bool(form.levels) != (get_metric(name).level_weights is not None):
            note = f"The description names {name}, for {'single values' if form.levels else 'several quantiles'}"
            return Choice(None, "assumed", notes=(f"{note}, which the sample submission does not ask for.",))
        metric = find_metric(pooled(named[0], form), n_targets)
        metric, of_groups = _within_groups(metric, named[1], competition, form)
        return Choice(metric, "description", named[1], (*_rivals(named, metric), *of_groups))
    missed = missed_metric(competition.description)
    notes: tuple[str, ...] = () if missed is None else (missed.sentence(),)
    if missed is not None and missed.words:
        return Choice(None, "assumed", notes=notes)
    for known in (_by_kaggle, _by_name):
        choice = known(competition, form, values, problem_type)
        if choice.metric is not None:
            return choice
        notes += choice.notes
    return Choice(None, "assumed", notes=notes)


def _read(description: str, targets: Sequence[str]) -> tuple[str, str] | None:
    """The metric that a description names, and the sentence (see `read_metric`).

    Where it takes logarithms and the single target is called one, as log_price is, that name is no part of the metric:
    the root mean squared error of log_price is one of the values that train holds.
    """
    named = read_metric(description)
    if named is None or len(targets) != 1 or (plain_text := without_logarithm(named[1], targets[0])) == named[1]:
        return named
    if get_metric(named[0]).shape != "log_squared":
        return named
    plain = read_metric(plain_text)
    return named if plain is None else (plain[0], named[1])


def pooled(name: str, form: Form) -> str:
    """The name of a metric as it is taken of a submission: over all rows of a long one with several targets, unless it
    is a mean over the targets."""
    long = form.long is not None and len(form.targets) > 1
    return f"{POOLED}{name}" if long and can_pool(name) else name


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


def _within_groups(metric: Metric, quote: str, competition: Competition, form: Form) -> tuple[Metric, tuple[str, ...]]:
    """The metric, or its mean over the groups of a column where the description takes it so; notes for a person."""
    if len(form.targets) != 1 or form.long is not None or metric.over_targets:
        return metric, ()
    found = groups_of_metric(competition.description, quote, competition.train, form.targets, form.predicted)
    if found is None:
        return metric, ()
    words = f"“{' '.join(found.quote.split())[:160]}”"
    try:
        grouped = find_metric(f"{metric.name} by {found.column}", 1)
    except MetricError as error:
        return metric, (f"{words} averages {metric.name} over {found.column}, and it is taken over all rows: {error}",)
    return grouped, (
        f"{words}: {metric.name} is averaged over the groups of {found.column} (metric: {metric.name} in task.yaml "
        f"takes all rows together).",
    )


def _rivals(named: tuple[str, str], metric: Metric) -> tuple[str, ...]:
    """A note on another metric that the sentence names too from which `metric` was read; () without one.

    `named`: see `read_metric`.
    """
    rival = rival_metric(*named)
    if rival is None:
        return ()
    return (f"“{' '.join(named[1].split())[:200]}” names {rival} beside {metric.name}, which is taken ({_SETTLES}).",)


def _by_kaggle(competition: Competition, form: Form, values: Sequence[pd.Series], problem_type: str | None) -> Choice:
    """The metric that Kaggle names for a downloaded competition; at most a note where it names none that fits."""
    words = competition.kaggle_metric
    if not words:
        return Choice(None, "assumed")
    name = read_metric_name(words)
    if name is None:
        note = f"Kaggle calls the metric {words!r}, which medalist does not have: {_OWN}."
        return Choice(None, "assumed", notes=(note,))
    metric, reason = fitting_metric(name, form, values, competition.sample, problem_type)
    if metric is None:
        note = f"Kaggle calls the metric {words!r}, but {reason}, so it is not taken ({_SETTLES})."
        return Choice(None, "assumed", notes=(note,))
    return Choice(metric, "kaggle", words)


def _by_name(competition: Competition, form: Form, values: Sequence[pd.Series], problem_type: str | None) -> Choice:
    """The metric of the known competition of that name; at most a note where there is none that fits."""
    known = find_known(competition.name)
    sample = competition.sample
    if known is None or (known.columns and (sample is None or tuple(map(str, sample.columns)) != known.columns)):
        return Choice(None, "assumed")
    who = f"{competition.name} is the name of the known competition {known.slug}, which is scored by {known.metric}"
    try:
        metric, reason = fitting_metric(known.metric, form, values, sample, problem_type)
    except MetricError:
        return Choice(None, "assumed", notes=(f"{who}: medalist does not have it; {_OWN}.",))
    if metric is None:
        return Choice(None, "assumed", notes=(f"{who}, but {reason}, so it is not taken ({_SETTLES}).",))
    note = f"{who}; target and sample submission fit it, so it is taken ({_SETTLES})."
    return Choice(metric, "known competition", notes=(note,))


def assume_metric(
    kind: str, form: Form, sample: pd.DataFrame | None, values: Sequence[pd.Series], description: str = ""
) -> tuple[str, str]:
    """(name of the metric to assume, why): the sample submission shows whether it needs labels, probabilities or
    quantiles.

    The reason begins with ", since" or is "". A description that asks for probabilities outweighs a sample of whole
    numbers.
    """
    if form.levels:
        central = all(abs(a + b - 1) < 1e-6 for a, b in zip(form.levels, reversed(form.levels), strict=True))
        return "winkler" if form.ends and central else "quantile_score", ", since the sample submission has quantiles"
    if sample is not None and kind in ("binary", "multiclass"):
        if form.layout == "per_class" and len(form.class_columns) > 1:
            return assumed_metric(kind, "probabilities"), ", since the sample submission has a column for each class"
        shown = [c for c in form.submission_columns if c not in form.submission_id]
        if kind == "binary" and form.layout == "value" and len(values) == len(shown) == 1:
            column = sample[shown[0]]
            undecided = _is_one_number(column) and _PROBABILITIES.search(description)
            if shows_labels(column, values[0]) and not undecided:
                return assumed_metric(kind, "labels"), ", since the sample submission holds labels"
    return pooled(assumed_metric(kind), form), ""


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


def _is_one_number(column: pd.Series) -> bool:
    """Whether a column of the sample holds the same number in all rows, which shows little of what is asked for."""
    numbers = pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)
    return numbers and column.nunique() < 2
