"""Reads the form of a submission from the sample: id columns, predicted columns, and their targets in train."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from medalist.competitions.errors import TaskError
from medalist.competitions.layout.asked_columns import column_asked_for
from medalist.competitions.layout.long_ids import LongIds, read_long_ids
from medalist.competitions.task.class_columns import columns_in_order, given_columns, named_columns
from medalist.competitions.task.coverage import speaks_of_quantiles
from medalist.competitions.task.labels import class_labels, find_label, named_classes
from medalist.competitions.task.levels import asks_for_quantiles, quantiles_of
from medalist.competitions.task.long_form import read_long_form
from medalist.competitions.task.submission_ids import ids_of_rows, listed, refuse_repeated
from medalist.competitions.task.task import Layout

_MANY = 2000  # most distinct values of a column that are taken for classes


@dataclass(frozen=True)
class Form:
    """The form of a submission; fields that Task has too are described there.

    `lacking`: columns of train that test lacks or leaves empty. `positive`: the label after which the only class column
    is named, None where there is no such column. `class_columns`: one for each of the `labels` ("" for none). `long`:
    how a long submission names its rows; the `layout` is that of the same answers in columns, and `class_columns` are
    its keys. `ends`: whether quantiles are asked for as the ends of
    intervals.
    """

    id: tuple[str, ...]
    submission_id: tuple[str, ...]
    targets: tuple[str, ...]
    layout: Layout
    submission_columns: tuple[str, ...]
    class_columns: tuple[str, ...]
    lacking: tuple[str, ...]
    positive: object = None
    notes: tuple[str, ...] = ()
    long: LongIds | None = None
    labels: tuple[Any, ...] = ()
    levels: tuple[float, ...] = ()
    level_columns: tuple[str, ...] = ()
    ends: bool = False

    @property
    def predicted(self) -> tuple[str, ...]:
        """The columns of the sample beside its ids, in order."""
        return tuple(name for name in self.submission_columns if name not in self.submission_id)


def read_form(
    train: pd.DataFrame,
    test: pd.DataFrame,
    sample: pd.DataFrame | None,
    id: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
    description: str = "",
    row_keys: Mapping[str, Any] | None = None,
    class_columns: Mapping[str, Any] | None = None,
    levels: Sequence[float] | None = None,
) -> Form:
    """The form of a submission. `id`, `targets` and quantile `levels` are taken as they are where they are given,
    `row_keys` where a submission is long (see `long_form.read_long_form`), and `class_columns` (column → label) where
    it has a column for each class.

    Raises TaskError, naming the flag that settles it, where the tables allow several forms or none.
    """
    lacking = only_in_train(train, test)
    for target in targets or ():
        if target not in train.columns:
            raise TaskError(f"--target: {target!r} is no column of train; write one of {listed(lacking)}.")
    long = None if sample is None else read_long_ids(sample, test, lacking)
    if sample is not None and long is not None and set(id or long.ids) == set(long.ids):
        refuse_repeated(test, long.ids)
        candidates = tuple(c for c in _with_values(train, lacking) if c not in long.ids)
        asked = read_long_form(train, long, candidates, targets, row_keys, description, levels)
        wide: Layout = (
            "per_level"
            if asked.levels
            else "per_class"
            if asked.class_keys
            else "value"
            if len(asked.targets) == 1
            else "per_target"
        )
        whole = tuple(str(c) for c in sample.columns)
        labels = class_labels(train[asked.targets[0]]) if asked.class_keys else ()
        keys, notes = asked.class_keys, asked.notes
        return Form(
            long.ids, long.columns, asked.targets, wide, whole, keys, lacking, None, notes, asked.long, labels,
            levels=asked.levels, level_columns=asked.long.keys if asked.levels else (),
        )  # fmt: skip
    test_ids, sample_ids = ids_of_rows(train, test, sample, lacking, id, targets or ())
    refuse_repeated(test, test_ids, sample, sample_ids)
    if sample is None and levels is not None:
        raise TaskError("Quantile levels are those of a sample submission's columns, and there is none: give --sample.")
    if sample is None:
        chosen = tuple(targets) if targets else _only_target(_with_values(train, lacking), test_ids)
        layout: Layout = "value" if len(chosen) == 1 else "per_target"
        by_order = ("No column of test names its rows: a submission has them in test's order (--id settles it).",)
        columns = (*sample_ids, *chosen)
        return Form(test_ids, sample_ids, chosen, layout, columns, (), lacking, None, () if test_ids else by_order)
    predicted = [c for c in sample.columns if c not in sample_ids]
    if not predicted:
        raise TaskError("The sample submission has no column to predict beside its ids: name the id columns with --id.")
    whole = tuple(str(c) for c in sample.columns)
    if class_columns:
        chosen = tuple(targets) if targets else _only_target(_with_values(train, lacking), test_ids)
        labels = class_labels(train[chosen[0]])
        of_classes = given_columns(class_columns, predicted, labels)
        return Form(test_ids, sample_ids, chosen[:1], "per_class", whole, of_classes, lacking, labels=labels)
    possible = list(targets) if targets else [c for c in _with_values(train, lacking) if c not in test_ids]
    if asks_for_quantiles(train, predicted, levels) and not (
        levels is None and any(_per_class(train[c], predicted, only=len(possible) == 1) for c in possible)
    ):
        quantiles = quantiles_of(train, sample, predicted, possible, description, levels)
        if quantiles is not None:
            target, found = quantiles
            return Form(
                test_ids, sample_ids, (target,), "per_level", whole, (), lacking, notes=found.notes,
                levels=found.levels, level_columns=found.columns, ends=found.ends,
            )  # fmt: skip
    chosen, layout, of_classes, positive, notes = _targets(train, predicted, lacking, targets, test_ids, description)
    labels = class_labels(train[chosen[0]]) if len(of_classes) > 1 else ()
    return Form(test_ids, sample_ids, chosen, layout, whole, of_classes, lacking, positive, notes, labels=labels)


def only_in_train(train: pd.DataFrame, test: pd.DataFrame) -> tuple[str, ...]:
    """The columns of train that test lacks or leaves empty."""
    return tuple(c for c in train.columns if c not in test.columns or (len(test) and bool(test[c].isna().all())))


_Targets = tuple[tuple[str, ...], Layout, tuple[str, ...], object, tuple[str, ...]]


def _targets(
    train: pd.DataFrame,
    predicted: list[str],
    lacking: tuple[str, ...],
    given: Sequence[str] | None,
    ids: tuple[str, ...],
    description: str,
) -> _Targets:
    """(targets, layout, class columns, positive class, notes) for the columns that a sample has beside its ids."""
    named = [c for c in predicted if c in train.columns and c in lacking]
    if given is None and len(named) == len(predicted):
        return tuple(named), "value" if len(named) == 1 else "per_target", (), None, ()
    if given is None and named:
        raise TaskError(
            f"The sample submission asks for {listed(predicted)}, of which train has only {listed(named)}: name a "
            f"column of train for each of them, in this order, with --target."
        )
    candidates = list(given) if given else [c for c in _with_values(train, lacking) if c not in ids]
    if given and len(given) > 1:
        if len(given) != len(predicted):
            raise TaskError(
                f"--target: {len(given)} targets are named, but the sample submission has {len(predicted)} columns to "
                f"predict ({listed(predicted)})."
            )
        order = [c for c in predicted if c in given] if set(given) == set(predicted) else list(given)
        return tuple(order), "per_target", (), None, ()
    for candidate in candidates:
        form = _per_class(train[candidate], predicted, only=len(candidates) == 1)
        if form is not None:
            return (candidate,), "per_class", *form
    if len(predicted) > 1 and len(candidates) == len(predicted):
        matched = named_classes(predicted, candidates)
        if matched is not None:
            return tuple(candidates[matched.index(c)] for c in predicted), "per_target", (), None, ()
    if len(predicted) == 1:
        target, why = candidates[0] if len(candidates) == 1 else _similar_name(predicted[0], candidates), ""
        if target is None and (asked := column_asked_for(description, candidates)) is not None:
            target, why = asked[0], f", by “{asked[1][:160]}”"
        if target is not None:
            meant = f"{predicted[0]} of the sample submission means {target}{why} (--target names another)."
            note = () if target == predicted[0] else (meant,)
            return (target,), "value", (), None, note
    if len(candidates) == 1 and train[candidates[0]].nunique() == len(predicted):
        labels = class_labels(train[candidates[0]])
        columns, in_order = columns_in_order(predicted, labels, candidates[0], description)
        return (candidates[0],), "per_class", columns, None, in_order
    if given:
        raise TaskError(
            f"--target {given[0]}: the sample submission has {len(predicted)} columns to predict "
            f"({listed(predicted)}), and {given[0]} has {train[given[0]].nunique():,} different values: name a column "
            f"of train for each of them, in this order, or the one whose labels they are."
        )
    if len(predicted) == 1:
        remedy = "name it with --target."
    else:
        remedy = (
            "name a column of train for each of them, in this order, or the one whose labels they are, with --target; "
            "where train has none, as for further days of a series, give a training table with columns of these names, "
            "beside those of test, with --train"
        )
        quantiles = speaks_of_quantiles(description, ends=True)
        remedy += "; if they are quantiles, give their levels with --levels, such as 0.05,0.95." if quantiles else "."
    raise TaskError(
        f"Which column of train the sample's {listed(predicted)} stand for cannot be told"
        + (f" (only in train: {listed(candidates)})" if candidates else "")
        + f": {remedy}"
    )


def _with_values(train: pd.DataFrame, names: Sequence[str]) -> tuple[str, ...]:
    """Those of the columns of train that are not empty, since an empty one is no target."""
    return tuple(c for c in names if bool(train[c].notna().any()))


def _per_class(
    values: pd.Series, predicted: list[str], *, only: bool
) -> tuple[tuple[str, ...], object, tuple[str, ...]] | None:
    """(class columns, positive class, notes) where the sample's columns are named after the labels of `values`, else
    None. `only`: whether these are the only target that there can be."""
    if values.nunique() > _MANY or values.nunique() < 2:
        return None
    labels = class_labels(values)
    if len(predicted) == 1:
        label = find_label(labels, predicted[0]) if len(labels) == 2 and isinstance(labels[0], str) else None
        return None if label is None else ((predicted[0],), label, ())
    found = named_columns(predicted, labels, only=only)
    return None if found is None else (found[0], None, found[1])


def _only_target(lacking: tuple[str, ...], ids: tuple[str, ...]) -> tuple[str, ...]:
    """The only column that train has and test lacks, beside ids. Raises TaskError where there are more or none."""
    targets = tuple(c for c in lacking if c not in ids)
    if len(targets) != 1:
        reason = f"train alone has {listed(targets)}" if targets else "train has no column that test lacks"
        raise TaskError(f"Which column is to be predicted cannot be told ({reason}): name it with --target.")
    return targets


def _similar_name(name: str, candidates: list[str]) -> str | None:
    """The only candidate whose name contains `name` or is contained in it; None where there are more or none."""
    name = re.sub(r"[^a-z0-9]", "", name.lower())
    plain = {c: re.sub(r"[^a-z0-9]", "", c.lower()) for c in candidates}
    hits = [c for c, other in plain.items() if other and (other in name or name in other)]
    return hits[0] if len(hits) == 1 else None
