"""The task of a competition, inferred from its tables and its description; whatever a person says is obeyed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from medalist.competitions.columns.dates import is_text, parse_dates
from medalist.competitions.competition import Competition
from medalist.competitions.errors import TaskError
from medalist.competitions.folds.by_group import SEPARATORS, group_keys
from medalist.competitions.folds.evidence import choose_folds
from medalist.competitions.folds.plan import FoldPlan
from medalist.competitions.metrics.metric import Metric
from medalist.competitions.metrics.registry import assumed_metric
from medalist.competitions.task.labels import asked_for, order_binary, plain
from medalist.competitions.task.problem_type import decide_type, find_metric, fit_metric, task_classes
from medalist.competitions.task.submission_form import Form, read_form
from medalist.competitions.task.task import Task, target_column, target_numbers

Names = str | Sequence[str] | None


def infer_task(
    competition: Competition,
    *,
    id: Names = None,
    targets: Names = None,
    metric: str | None = None,
    problem_type: str | None = None,
    folds: str | FoldPlan | None = None,
    n_splits: int | None = None,
    positive: Any | None = None,
    classes: Sequence[Any] | None = None,
    drop: Collection[str] | None = None,
    weights: str | None = None,
    columns: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Task:
    """Infer what has to be predicted.

    Every argument settles what it names. `folds`: a scheme, "scheme:column", or a whole plan. `positive`: the class
    whose probability is asked for. `classes`: the labels in order. `drop`: columns that are no inputs (by default ids
    that say nothing). `columns`: kinds of columns, kept for `describe_columns`.

    Raises TaskError, naming the flag that settles it, where the data allow several readings or none, where the target
    has missing values or only one value; MetricError for an unknown metric.
    """
    train, test, sample = competition.train, competition.test, competition.sample
    if len(train) < 2 or not len(test):
        raise TaskError(f"There are {len(train)} training rows and {len(test)} test rows: at least 2 and 1 are needed.")
    form = read_form(train, test, sample, _names(id), _names(targets))
    values = [target_column(train, target) for target in form.targets]
    if all(column.nunique() < 2 for column in values):
        raise TaskError(
            f"The target {', '.join(form.targets)} has one value only ({plain(values[0].iloc[0])!r}), so there is "
            f"nothing to learn: name another with --target, or check the training table."
        )
    scorer, source, quote = _metric(competition.description, metric, form)
    kind = decide_type(values, form.layout, scorer, problem_type)
    counted = scorer.name if scorer else _assumed(kind, form, sample, values)
    scorer = fit_metric(counted, kind, len(form.targets))
    if kind == "regression":
        for column in values:
            target_numbers(column)
    labels, notes = task_classes(values, kind, classes)
    if kind == "binary" and not classes:
        positive = form.positive if positive is None else positive
        labels, told = _binary(labels, positive, scorer, form, competition.description)
        notes += told
    if form.layout == "value" and scorer.needs == "probability" and kind == "multiclass":
        raise TaskError(
            f"The metric {scorer.name} needs a probability for each of {len(labels)} classes, but the sample "
            f"submission has one column: settle it with --metric or --problem-type."
        )
    train_only = tuple(c for c in form.lacking if c not in form.targets and c not in form.id and c != weights)
    if weights is None and getattr(scorer, "weighted", False):
        weights = next((c for c in train.columns if "weight" in str(c).lower() and c not in form.targets), None)
        none = f"{scorer.name} weighs rows, and no column is called weight: all count alike (weights: in task.yaml)."
        notes += (f"Rows are weighted by {weights}." if weights else none,)
        train_only = tuple(c for c in train_only if c != weights)
    _checked(train, drop or (), weights)
    if drop is None:
        drop = [c for c in form.id if c in train.columns and says_nothing(train[c], test[c])]
    if train_only:
        notes += (f"Only train has {', '.join(train_only)}: no inputs, since test lacks them.",)
    if source == "assumed":
        notes += (
            f"Nothing says what the metric is: {scorer.name} is assumed, and a human leaderboard may count another one "
            f"(--metric settles it).",
        )
    task = Task(
        name=competition.name,
        id=form.id,
        targets=form.targets,
        problem_type=kind,
        metric=scorer.name,
        metric_source=source,
        metric_quote=quote,
        classes=labels,
        layout=form.layout,
        submission_columns=form.submission_columns,
        class_columns=_class_columns(form, labels),
        train_only=train_only,
        drop=tuple(drop),
        folds=_folds(folds, train, test, form, kind, n_splits, seed),
        weights=weights,
        notes=form.notes + notes,
        submission_id=form.submission_id,
        columns=tuple((columns or {}).items()),
    )
    if not task.features(train, test):
        raise TaskError("Train and test share no column to predict from: check which files are train and test.")
    return task


def _metric(description: str, given: str | None, form: Form) -> tuple[Metric | None, str, str]:
    """The metric, where it is from ("given", "description", "assumed") and the sentence that says it."""
    if given is not None:
        return find_metric(given, len(form.targets)), "given", ""
    from medalist.competitions.metrics.reading.text import read_metric

    found = read_metric(description)
    if found is None:
        return None, "assumed", ""
    return find_metric(found[0], len(form.targets)), "description", found[1]


def _assumed(kind: str, form: Form, sample: pd.DataFrame | None, values: Sequence[pd.Series]) -> str:
    """What to score by where nothing says it: the sample submission shows whether labels or chances are asked for."""
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
    return assumed_metric(kind)


def _shows_labels(shown: pd.Series, target: pd.Series) -> bool:
    """Whether a sample's column holds labels of the target: its truth values or words, or both of its numbers."""
    labels = bool(shown.notna().any()) and bool(shown.dropna().isin(target.dropna().unique()).all())
    if pd.api.types.is_bool_dtype(shown.dtype) or (is_text(shown) and is_text(target)):
        return labels
    return labels and not is_text(shown) and not is_text(target) and shown.nunique() > 1


def _binary(
    labels: tuple[Any, ...], positive: Any | None, scorer: Metric, form: Form, description: str
) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """The two labels, the positive last, and notes. Raises TaskError where it matters and nothing says which it is."""
    ordered, certain = order_binary(labels, positive)
    one_sided = scorer.needs == "probability" or scorer.positive_class
    if certain or not one_sided or (form.layout == "per_class" and len(form.class_columns) > 1):
        return ordered, ()
    said = asked_for(labels, description)
    if len(said) == 1:
        return order_binary(labels, said[0])[0], (f"The description asks for the probability of {said[0]}.",)
    raise TaskError(
        f"Which of {labels[0]!r} and {labels[1]!r} is the positive class, whose probability is asked for, cannot be "
        f"told: name it with --positive."
    )


def _class_columns(form: Form, labels: tuple[Any, ...]) -> tuple[str, ...]:
    """The form's columns, which are in the order of the sorted labels, in the order of the codes."""
    if form.layout != "per_class" or len(form.class_columns) < 2:
        return form.class_columns
    in_form = sorted(labels, key=str) if any(isinstance(label, str) for label in labels) else sorted(labels)
    if len(in_form) != len(form.class_columns):
        raise TaskError(
            f"The sample submission has {len(form.class_columns)} class columns for {len(labels)} classes: correct the "
            f"classes, or name the target with --target."
        )
    return tuple(form.class_columns[in_form.index(label)] for label in labels)


def _folds(
    asked: str | FoldPlan | None,
    train: pd.DataFrame,
    test: pd.DataFrame,
    form: Form,
    problem_type: str,
    n_splits: int | None,
    seed: int,
) -> FoldPlan:
    if isinstance(asked, FoldPlan):
        return asked
    scheme, _, column = (asked or "").partition(":")
    return choose_folds(
        train,
        test,
        problem_type=problem_type,
        targets=form.targets,
        n_splits=n_splits,
        scheme=scheme or None,
        column=column or None,
        seed=seed,
    )


def says_nothing(train: pd.Series, test: pd.Series) -> bool:
    """Whether an id column is a mere number of the row: unique, no date, and no text whose leading part repeats."""
    if not (train.is_unique and test.is_unique) or parse_dates(train) is not None:
        return False
    if not is_text(train):
        return True
    texts = train.dropna().astype(str)
    for separator in SEPARATORS:
        if texts.head(1000).str.contains(separator, regex=False).mean() > 0.95:
            parts = group_keys(train, separator).nunique()
            if 1 < parts < 0.9 * len(train):
                return False
    return True


def _names(given: Names) -> tuple[str, ...] | None:
    if given is None:
        return None
    return tuple(name.strip() for name in given.split(",")) if isinstance(given, str) else tuple(given)


def _checked(train: pd.DataFrame, drop: Collection[str], weights: str | None) -> None:
    for name in drop:
        if name not in train.columns:
            raise TaskError(f"drop: {name!r} is no column of train; leave it out.")
    if weights is not None:
        if weights not in train.columns:
            raise TaskError(f"weights: {weights!r} is no column of train; write one of its columns, or nothing.")
        numbers = pd.to_numeric(train[weights], errors="coerce").to_numpy(dtype=float)
        if not (np.isfinite(numbers).all() and (numbers >= 0).all()):
            raise TaskError(f"weights: {weights!r} must hold numbers of at least 0 in every row; write another column.")
