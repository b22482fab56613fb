"""Which metric scores a task: the one that is given, named by the description or by Kaggle, known for the competition
of that name, or an assumed one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from medalist.competitions.competition import Competition
from medalist.competitions.errors import MetricError
from medalist.competitions.known.competitions import find_known
from medalist.competitions.metrics.metric import Metric
from medalist.competitions.metrics.reading.missed import missed_metric, rival_metric
from medalist.competitions.metrics.reading.text import read_metric, read_metric_name
from medalist.competitions.metrics.registry import assumed_metric
from medalist.competitions.task.metric_fit import fitting_metric, shows_labels
from medalist.competitions.task.problem_type import find_metric
from medalist.competitions.task.submission_form import Form
from medalist.competitions.task.task import MetricSource

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

    A metric that the description names and that medalist does not have is said in a note, and none is known then.
    `problem_type`: the one that a person has given. Raises MetricError for an unknown name.
    """
    n_targets = len(form.targets)
    if given is not None:
        return Choice(find_metric(given, n_targets), "given")
    named = read_metric(competition.description)
    if named is not None:
        metric = find_metric(named[0], n_targets)
        return Choice(metric, "description", named[1], _rivals(named, metric))
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
    """(name of the metric to assume, why): the sample submission shows whether it needs labels or probabilities.

    The reason begins with ", since" or is "". A description that asks for probabilities outweighs a sample of whole
    numbers.
    """
    if sample is not None and kind in ("binary", "multiclass"):
        if form.layout == "per_class" and len(form.class_columns) > 1:
            return assumed_metric(kind, "probabilities"), ", since the sample submission has a column for each class"
        shown = [c for c in form.submission_columns if c not in form.submission_id]
        if kind == "binary" and form.layout == "value" and len(values) == len(shown) == 1:
            column = sample[shown[0]]
            undecided = _is_one_number(column) and _PROBABILITIES.search(description)
            if shows_labels(column, values[0]) and not undecided:
                return assumed_metric(kind, "labels"), ", since the sample submission holds labels"
    return assumed_metric(kind), ""


def _is_one_number(column: pd.Series) -> bool:
    """Whether a column of the sample holds the same number in all rows, which shows little of what is asked for."""
    numbers = pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)
    return numbers and column.nunique() < 2
