"""task.yaml: writes a task for a person to read and correct, and reads the corrected file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from medalist.competitions.atomic import replace_file
from medalist.competitions.columns.cards import ColumnCard, check_kinds
from medalist.competitions.competition import Competition
from medalist.competitions.errors import InputError, MetricError, TaskError
from medalist.competitions.folds.make import make_folds
from medalist.competitions.folds.plan import FoldPlan
from medalist.competitions.metrics.reading.text import read_metric
from medalist.competitions.naming import did_you_mean_path, printable
from medalist.competitions.task.infer import infer_task
from medalist.competitions.task.task import MetricSource, Task
from medalist.competitions.task.transform import FUNCTIONS, NONE, OPERATIONS

_HEAD = """\
# What medalist believes about this competition. Correct what is wrong and give the file back:
#     medalist run PATH --task THIS_FILE
# A field that is left out is worked out again from the data.
"""


def write_task(task: Task, path: Path, cards: Sequence[ColumnCard] = ()) -> None:
    """Write a task to `path`, durably, replacing a file that is there.

    `cards`: the columns, whose kinds are listed in a comment. Raises InputError where the folder cannot be written.
    """
    try:
        replace_file(path, task_text(task, cards))
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}): give another folder or make room.") from None


def task_text(task: Task, cards: Sequence[ColumnCard] = ()) -> str:
    """The text of task.yaml, with comments on the meaning of each field and the values that it takes."""
    folds = {name: getattr(task.folds, name) for name in _FOLD_FIELDS}
    parts = [
        _HEAD + _comment(task.notes),
        _field("name", task.name, "The competition; human leaderboards are looked up under this name."),
        _field("id", list(task.id), "Columns of test that identify a row in the submission."),
        _field("targets", list(task.targets), "Columns of train that are to be predicted."),
        _field("problem_type", task.problem_type, "binary, multiclass, ordinal (classes with an order) or regression."),
        _field("metric", task.metric, _metric_comment(task)),
        _field("metric_source", {task.metric: task.metric_source}, _METRIC_SOURCE),
    ]
    if task.is_classification:
        last = " The last one is the positive class." if task.problem_type == "binary" else ""
        parts.append(_field("classes", list(task.classes), f"The labels, in order.{last}"))
    elif not task.levels:
        parts.append(_field("transform", task.transform or NONE, _TRANSFORM))
    if task.long is not None and not task.levels:
        named = (
            zip(task.class_columns, task.classes, strict=True)
            if task.class_columns
            else zip(task.long.keys, task.targets, strict=True)
        )
        parts.append(_field("row_keys", {key: label for key, label in named if key}, _ROW_KEYS))
    elif len(task.class_columns) > 1:
        columns = {c: label for c, label in zip(task.class_columns, task.classes, strict=True) if c}
        parts.append(_field("class_columns", columns, _CLASS_COLUMNS))
    if task.levels:
        parts.append(_field("levels", list(task.levels), _LEVELS.format(columns=", ".join(task.level_columns))))
    parts += [
        _field("folds", folds, _FOLDS),
        _field("weights", task.weights, "A column of train with the weight of each row in the metric, or nothing."),
        _field("drop", list(task.drop), "Columns that are not used as inputs."),
        _field("columns", dict(task.columns), _COLUMNS + _listing(cards)),
    ]
    return "\n".join(parts)


_METRIC_SOURCE = """\
Where this metric is from: given, file, description, kaggle, known competition or assumed. Nothing to correct here:
another metric above counts as yours. Remove this field to confirm an assumed one."""
_LEVELS = """\
The quantile levels of the target that are predicted, ascending, of the columns {columns}: 0.05 and 0.95 are the ends of
an interval that holds 90 % of the values."""
_FOLD_FIELDS = ("scheme", "n_splits", "column", "separator", "horizon", "gap", "seed", "reason")  # in this order
_FOLDS = """\
How rows are held out, in the way test was separated from train.
scheme: random, stratified (by target), group (whole groups of `column`), time (the last `horizon` of `column`) or
blocks (stretches of `column`, `horizon` long). n_splits: how many folds. separator: the group is the text of `column`
before its last separator. horizon and gap (time left out before it): in days for dates, else in the column's unit."""
_CLASS_COLUMNS = "The columns of the submission, and the class whose probability each holds."
_ROW_KEYS = """\
What the rows of the submission stand for: the text that names them there, and the target or the class that it means."""
_TRANSFORM = f"""\
What is submitted of the targets, in whose terms they are learned and scored:
{", ".join([NONE, *FUNCTIONS])};
{", ".join(OPERATIONS)} with a column or a number ('per area');
several from the outside to the inside ('log of per area')."""
_COLUMNS = """\
Kinds of columns that you set, as NAME: KIND. Kinds: number, count, category, ordinal, boolean, date, text, key,
constant, duplicate."""


def read_task(path: Path, competition: Competition, metric: str | None = None) -> Task:
    """The task in a file, with the fields that are left out inferred from the competition; `metric`: in place of its.

    Raises InputError where the file cannot be read, and TaskError or MetricError, naming field, value and what may be
    written, where it contradicts itself or the data.
    """
    import yaml

    from medalist.competitions.task.schema import validate

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        near = did_you_mean_path(path)
        raise InputError(f"The task file {path} cannot be read ({error.strerror}){near}: check its path.") from None
    except UnicodeDecodeError:
        raise TaskError(f"{path} is not written in UTF-8: save it again as UTF-8 text.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark is not None else ""
        raise TaskError(f"{path} is not valid YAML{line}: mend the line, or delete the file to start again.") from None
    read = validate(data, str(path))
    competition = replace(competition, name=read.name or competition.name)
    plan = None if read.folds is None else FoldPlan(**read.folds.model_dump())
    try:
        check_kinds(read.columns or {}, {*competition.train.columns, *competition.test.columns})
        task = infer_task(
            competition,
            id=read.id or None,
            targets=read.targets,
            metric=metric or read.metric,
            problem_type=read.problem_type,
            classes=_usable_classes(read.classes, read.problem_type, read.positive),
            positive=read.positive,
            folds=plan,
            drop=read.drop,
            weights=read.weights,
            columns=read.columns,
            levels=read.levels,
            transform=read.transform,
            class_columns=read.class_columns,
            row_keys=None if read.row_keys is None else {str(k): v for k, v in read.row_keys.items()},
        )
        if plan is not None:
            make_folds(plan, competition.train, task.encode(competition.train))
    except (TaskError, MetricError) as error:
        raise type(error)(f"{path}: {error}") from None
    if metric or read.metric is None:
        return task
    return _with_source(task, (read.metric_source or {}).get(read.metric), competition)


def _with_source(task: Task, source: MetricSource | None, competition: Competition) -> Task:
    """The task with the source that its file records for its metric: "file" where it records none for that metric.

    "description" is kept where the description still names a metric, whose sentence is quoted, and "kaggle" where
    Kaggle's name of the metric is still there.
    """
    quoted = read_metric(competition.description) if source == "description" else None
    if quoted is not None:
        return replace(task, metric_source="description", metric_quote=quoted[1])
    if source == "kaggle" and competition.kaggle_metric:
        return replace(task, metric_source="kaggle", metric_quote=competition.kaggle_metric)
    return replace(task, metric_source=source if source in ("given", "known competition", "assumed") else "file")


def _usable_classes(classes: list[Any] | None, problem_type: str | None, positive: Any | None) -> list[Any] | None:
    """The classes of a file, unless its problem type or its positive class takes precedence over them."""
    return None if problem_type == "regression" or positive is not None else classes


def _metric_comment(task: Task) -> str:
    """The comment of the field `metric`: what may be written, and where its value is from."""
    origins = {
        "given": "As it was given.",
        "file": "As a task file said.",
        "kaggle": f"Kaggle calls it {task.metric_quote!r}.",
        "known competition": "It is that of the known competition of this name.",
        "assumed": "Nothing says what it is, so it is assumed: check it.",
    }
    source = origins.get(task.metric_source, f"Read from the description: {' '.join(task.metric_quote.split())}")
    return f"What submissions are scored by: a name (rmse, auc, qwk, map@3...) or file.py:function.\n{source}"


def _listing(cards: Sequence[ColumnCard]) -> str:
    """The lines of the comment that list the kinds of columns."""
    if not cards:
        return ""
    rows = [f"  {card.name}: {card.kind}" + (f"  ({card.note})" if card.note else "") for card in cards]
    return "\nWhat they were taken for:\n" + "\n".join(rows)


def _field(name: str, value: Any, comment: str) -> str:
    """A field as YAML under its comment."""
    import yaml

    if isinstance(value, dict) and value:
        text = yaml.safe_dump({name: value}, sort_keys=False, allow_unicode=True, width=110)
    else:
        written = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=110)
        text = f"{name}: {written.removesuffix('...' + chr(10)).rstrip()}\n"
    return _comment(comment.splitlines()) + re.sub(r": null$", ":", text, flags=re.MULTILINE)


def _comment(lines: Iterable[str]) -> str:
    """Each text as one line of a YAML comment: line ends become spaces, and control characters, which YAML does not
    allow even in comments, become the hexadecimal codes of their bytes ("%1B")."""
    spaced = (re.sub(r"\s", " ", line) for line in lines)
    return "".join(f"# {printable(line)}\n" if line else "#\n" for line in spaced)
