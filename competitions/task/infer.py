"""Infers the task of a competition from its tables and its description; what a person has set takes precedence."""

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
from medalist.competitions.task.labels import order_binary, plain, probability_labels
from medalist.competitions.task.metric import assume_metric, choose_metric
from medalist.competitions.task.problem_type import decide_type, fit_metric, task_classes
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
    """The task of a competition. An argument that is given is taken as it is; the others are inferred.

    `folds`: a scheme, "scheme:column", or a whole plan. `positive`: the class whose probability submissions hold.
    `classes`: the labels in code order. `drop`: columns that are not used as inputs (by default ids without
    information). `weights`: a column with the weight of each row in the metric. `columns`: (column, kind) pairs that
    the task keeps for `describe_columns`. `seed`: of the folds.

    Raises TaskError, naming the flag that settles it, where the data allow several tasks or none, and where the target
    has missing values or a single one; MetricError for an unknown metric.
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
    choice = choose_metric(competition, metric, form, values, problem_type)
    scorer, source, quote = choice.metric, choice.source, choice.quote
    kind = decide_type(values, form.layout, scorer, problem_type)
    counted, why = scorer.name if scorer else "", ""
    if scorer is None:
        counted, why = assume_metric(kind, form, sample, values, competition.description)
    scorer = fit_metric(counted, kind, len(form.targets))
    if kind == "regression":
        for column in values:
            target_numbers(column)
    labels, notes = task_classes(values, kind, classes)
    if kind == "binary" and not classes:
        positive = form.positive if positive is None else positive
        labels, binary_notes = _binary(labels, positive, scorer, form, competition.description)
        notes += binary_notes
    if form.layout == "value" and scorer.needs == "probability" and kind == "multiclass":
        raise TaskError(
            f"The metric {scorer.name} needs a probability for each of {len(labels)} classes, but the sample "
            f"submission has one column: give --metric accuracy, or another one of labels."
        )
    train_only = tuple(c for c in form.lacking if c not in form.targets and c not in form.id and c != weights)
    if weights is None and getattr(scorer, "weighted", False):
        weights = next((c for c in train.columns if "weight" in str(c).lower() and c not in form.targets), None)
        none = f"{scorer.name} weighs rows, and no column is called weight: all count alike (weights: in task.yaml)."
        notes += (f"Rows are weighted by {weights} (weights: in task.yaml names another)." if weights else none,)
        train_only = tuple(c for c in train_only if c != weights)
    _check_columns(train, drop or (), weights)
    if drop is None:
        drop = [c for c in form.id if c in train.columns and is_row_number(train[c], test[c])]
    if train_only:
        notes += (f"Only train has {', '.join(train_only)}: no inputs, since test lacks them.",)
    notes += choice.notes
    if source == "assumed":
        nothing = "" if choice.notes else "Nothing says what the metric is: "
        notes += (
            f"{nothing}{scorer.name} is assumed{why}, and a human leaderboard may count another one (--metric settles "
            f"it); a score by it has no standing.",
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
        raise TaskError(
            "Train and test share no column to predict from: name the files with --train and --test, or take columns "
            "out of drop: in task.yaml."
        )
    return task


def _binary(
    labels: tuple[Any, ...], positive: Any | None, scorer: Metric, form: Form, description: str
) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """The two labels, the positive one last, and notes.

    Raises TaskError where the metric depends on which one is positive and neither labels nor description show it.
    """
    ordered, certain = order_binary(labels, positive)
    one_sided = scorer.needs == "probability" or scorer.positive_class
    if certain or not one_sided or (form.layout == "per_class" and len(form.class_columns) > 1):
        return ordered, ()
    mentioned = probability_labels(labels, description)
    if len(mentioned) == 1:
        return order_binary(labels, mentioned[0])[0], (
            f"The description asks for the probability of {mentioned[0]} (--positive names the other).",
        )
    raise TaskError(
        f"Which of {labels[0]!r} and {labels[1]!r} is the positive class, whose probability is asked for, cannot be "
        f"told: name it with --positive."
    )


def _class_columns(form: Form, labels: tuple[Any, ...]) -> tuple[str, ...]:
    """The class columns of a form, in the order of `labels`; the form has them in the order of the sorted labels.

    Raises TaskError where there are more or fewer of them than labels.
    """
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
    given: str | FoldPlan | None,
    train: pd.DataFrame,
    test: pd.DataFrame,
    form: Form,
    problem_type: str,
    n_splits: int | None,
    seed: int,
) -> FoldPlan:
    """The plan itself where one is given, else the one inferred from the data, within "scheme" or "scheme:column"."""
    if isinstance(given, FoldPlan):
        return given
    scheme, _, column = (given or "").partition(":")
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


def is_row_number(train: pd.Series, test: pd.Series) -> bool:
    """Whether an id column merely numbers the rows: unique, no date, and no text whose leading part repeats."""
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
    """Column names from a sequence or from a text with commas."""
    if given is None:
        return None
    return tuple(name.strip() for name in given.split(",")) if isinstance(given, str) else tuple(given)


def _check_columns(train: pd.DataFrame, drop: Collection[str], weights: str | None) -> None:
    """Raises TaskError for columns that train lacks, and for weights that are no numbers of at least 0."""
    for name in drop:
        if name not in train.columns:
            raise TaskError(f"drop: {name!r} is no column of train; leave it out.")
    if weights is not None:
        if weights not in train.columns:
            raise TaskError(f"weights: {weights!r} is no column of train; write one of its columns, or nothing.")
        numbers = pd.to_numeric(train[weights], errors="coerce").to_numpy(dtype=float)
        if not (np.isfinite(numbers).all() and (numbers >= 0).all()):
            raise TaskError(f"weights: {weights!r} must hold numbers of at least 0 in every row; write another column.")
