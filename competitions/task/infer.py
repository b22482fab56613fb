"""Infers the task of a competition from its tables and its description; what a person has set takes precedence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from medalist.competitions.competition import Competition
from medalist.competitions.errors import TaskError
from medalist.competitions.folds.evidence import choose_folds
from medalist.competitions.folds.plan import FoldPlan
from medalist.competitions.metrics.metric import Metric
from medalist.competitions.task.asked_transform import infer_transform
from medalist.competitions.task.class_columns import in_class_order
from medalist.competitions.task.labels import plain
from medalist.competitions.task.measured import measured_notes, measured_values, refuse_whole_metric
from medalist.competitions.task.metric import (
    assume_metric,
    choose_metric,
    of_logarithms,
    refuse_other_levels,
)
from medalist.competitions.task.positive import decide_positive
from medalist.competitions.task.problem_type import decide_type, fit_metric, task_classes
from medalist.competitions.task.row_numbers import is_row_number
from medalist.competitions.task.row_weights import check_metric_columns, check_weights, infer_weights
from medalist.competitions.task.single_table import form_of_table
from medalist.competitions.task.spelling import spell_labels
from medalist.competitions.task.submission_form import Form, only_in_train, read_form
from medalist.competitions.task.target_values import target_numbers
from medalist.competitions.task.task import Task
from medalist.competitions.task.transform import parse_transform

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
    levels: Sequence[float] | None = None,
    transform: str | None = None,
    row_keys: Mapping[str, Any] | None = None,
    class_columns: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Task:
    """The task of a competition. An argument that is given is taken as it is; the others are inferred.

    `folds`: a scheme, "scheme:column", or a whole plan. `positive`: the class whose probability submissions hold.
    `classes`: the labels in code order. `drop`: columns that are not used as inputs (by default ids without
    information). `weights`: a column with the weight of each row in the metric. `columns`: (column, kind) pairs that
    the task keeps for `describe_columns`. `transform`: of the targets (see `transform.parse_transform`), "none" for the
    columns themselves. `row_keys`: what the rows of a long submission stand for, key → target or class.
    `class_columns`: which column of the sample is which class, column → label.
    `levels`: of the quantiles of the target that are predicted, in ascending order. `seed`: of the folds.

    Raises TaskError, naming the flag that settles it, where the data allow several tasks or none, and where the target
    has missing values or a single one; MetricError for an unknown metric.
    """
    train, test, sample = competition.train, competition.test, competition.sample
    if len(train) < 2:
        raise TaskError(f"There are {len(train)} training rows and {len(test)} test rows: at least 2 and 1 are needed.")
    train, spelled = spell_labels(
        train, only_in_train(train, test), sample, list(test.columns), competition.description, classes or ()
    )
    if len(test):
        form = read_form(
            train, test, sample, _names(id), _names(targets), competition.description, row_keys, class_columns, levels
        )
    else:
        form = form_of_table(train, competition.description, _names(id), _names(targets))
    values = measured_values(train, form.targets)
    if all(column.nunique() < 2 for column in values):
        raise TaskError(
            f"The target {', '.join(form.targets)} has one value only ({plain(values[0].iloc[0])!r}), so there is "
            f"nothing to learn: name another with --target, or check the training table."
        )
    choice = choose_metric(competition, metric, form, values, problem_type)
    scorer, source, quote = choice.metric, choice.source, choice.quote
    transform, transform_notes = _transform(transform, train, competition, form, scorer, problem_type)
    if transform and scorer is not None and parse_transform(transform).logarithmic and transform_notes:
        scorer, once = of_logarithms(scorer, len(form.targets))
        transform_notes += once
    kind = "regression" if transform or form.levels else decide_type(values, form.layout, scorer, problem_type)
    counted, why = scorer.name if scorer else "", ""
    if scorer is None:
        counted, why = assume_metric(kind, form, sample, values, competition.description)
    scorer = fit_metric(counted, kind, len(form.targets))
    refuse_other_levels(scorer, form, problem_type)
    refuse_whole_metric(scorer, values, len(train))
    if kind == "regression":
        for column in values:
            parse_transform(transform).apply(target_numbers(column), train.loc[column.index], str(column.name))
    labels, notes = task_classes(values, kind, classes)
    notes = transform_notes + notes
    if kind != "regression":
        notes = tuple(spelled[name] for name in form.targets if name in spelled) + notes
    if kind == "binary" and not classes:
        one_sided = (scorer.needs == "probability" or scorer.positive_class) and len(form.class_columns) < 2
        try:
            labels, binary_notes = decide_positive(
                labels,
                form.positive if positive is None else positive,
                one_sided=one_sided,
                target=form.targets[0],
                asked=form.predicted[0] if len(form.predicted) == len(form.targets) == 1 else None,
                description=competition.description,
            )
            notes += binary_notes
        except TaskError:
            if len(test):  # a single table asks for nothing yet
                raise
    if form.layout == "value" and scorer.needs == "probability" and kind == "multiclass":
        raise TaskError(
            f"The metric {scorer.name} needs a probability for each of {len(labels)} classes, but the sample "
            f"submission has one column: give --metric accuracy, or another one of labels."
        )
    train_only = tuple(c for c in form.lacking if c not in form.targets and c not in form.id and c != weights)
    if weights is None:
        weights, weight_notes = infer_weights(train, scorer, form.targets, train_only, competition.description)
        notes += weight_notes
        train_only = tuple(c for c in train_only if c != weights)
    for name in drop or ():
        if name not in train.columns:
            raise TaskError(f"drop: {name!r} is no column of train; leave it out.")
    if weights is not None:
        check_weights(train, weights)
    check_metric_columns(train, scorer)
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
    plan = _folds(folds, train, test, form, kind, n_splits, seed)
    notes += measured_notes(values, len(train), plan.n_splits)
    columns_of_classes = form.class_columns
    if form.layout == "per_class" and len(form.class_columns) > 1:
        columns_of_classes = in_class_order(form.class_columns, form.labels, form.predicted, labels)
    long = form.long
    if long is not None and columns_of_classes:
        named = tuple(filter(None, columns_of_classes))
        long = replace(long, keys=(*named, *(key for key in long.keys if key not in named)))
    task = Task(
        name=competition.name,
        id=form.id,
        targets=form.targets,
        problem_type=kind,
        metric=scorer.name,
        metric_source=source,
        metric_quote=quote,
        classes=labels,
        layout=form.layout if form.long is None else "long",
        submission_columns=form.submission_columns,
        class_columns=columns_of_classes,
        train_only=train_only,
        drop=tuple(drop),
        folds=plan,
        weights=weights,
        notes=(() if transform and form.layout == "value" else form.notes) + notes,
        submission_id=form.submission_id,
        columns=tuple((columns or {}).items()),
        levels=form.levels,
        level_columns=form.level_columns,
        transform=transform,
        long=long,
    )
    if not task.features(train, test):
        raise TaskError(
            "Train and test share no column to predict from: name the files with --train and --test, or take columns "
            "out of drop: in task.yaml."
        )
    return task


def _transform(
    given: str | None,
    train: pd.DataFrame,
    competition: Competition,
    form: Form,
    scorer: Metric | None,
    problem_type: str | None,
) -> tuple[str, tuple[str, ...]]:
    """(the transformation of the targets, "" for none; notes where it was inferred).

    Raises TaskError for an unknown one, one that needs a column which train or test lacks, and one for classes.
    """
    if given is not None:
        parsed = parse_transform(given)
        if parsed.text and problem_type not in (None, "regression"):
            raise TaskError(
                f"transform: {given!r} is for numbers, but --problem-type is {problem_type}: leave one out."
            )
        if parsed.column is not None and parsed.column not in train.columns:
            raise TaskError(f"transform: {parsed.column!r} is no column of train; write one of its columns.")
        return parsed.text, ()
    numbers = problem_type in (None, "regression") and (scorer is None or "regression" in scorer.problem_types)
    if not numbers or form.layout in ("per_class", "per_level"):
        return "", ()
    asked = form.predicted if form.long is None else form.predicted * len(form.targets)
    pairs = list(zip(asked, form.targets, strict=False))
    return infer_transform(train, competition.test, competition.sample, pairs, competition.description)


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


def _names(given: Names) -> tuple[str, ...] | None:
    """Column names from a sequence or from a text with commas."""
    if given is None:
        return None
    return tuple(name.strip() for name in given.split(",")) if isinstance(given, str) else tuple(given)
