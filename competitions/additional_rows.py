"""Additional training rows of a competition: rows of another origin with the target, in the form of train's.

Rows that repeat rows of train would tell the answers of held-out rows, and such that repeat rows of test those of test:
both are left out, unless rows repeat each other as often by chance. So are other versions of the same rows, which have
their ids and most of their values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medalist.competitions.audit.finding import Finding, Severity
from medalist.competitions.audit.rows import row_hashes
from medalist.competitions.columns.reading_decisions import readings_of_further
from medalist.competitions.competition import Competition
from medalist.competitions.errors import InputError, TaskError
from medalist.competitions.layout.additional import counterparts
from medalist.competitions.tables.dtypes import is_number
from medalist.competitions.task.task import Task

CHANCE = 2.0  # times as many repeated rows as between train and test that are taken for chance,
MARGIN = 0.005  # plus this share of the rows


@dataclass(frozen=True)
class AdditionalTable:
    """Additional training rows: `frame` has the columns that were asked for and the targets, in train's types. paths:
    of the files. findings: on rows that were left out."""

    frame: pd.DataFrame
    paths: tuple[str, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def note(self) -> str:
        """What they are, in a sentence."""
        return (
            f"{' and '.join(self.paths)}: {len(self.frame):,} additional training rows. They are tried in the training "
            "parts of the folds and as a table to look up, and are never held out."
        )


def additional_rows(competition: Competition, task: Task, columns: Sequence[str]) -> AdditionalTable | None:
    """The additional training rows of all tables of that role, with these columns of train and the targets; None where
    there are none.

    Columns that a table lacks are missing in its rows. Rows without a target, and with a label that train lacks, are
    left out, and so are all where the metric weighs rows, since theirs would be made up.
    """
    files = [file.path for file in competition.files if file.role == "additional"]
    if not files or task.weights:
        return None
    frames, paths, findings = [], [], []
    train, test = competition.train, competition.test
    for path in files:
        try:
            frame = _in_form(competition, task, path, columns)
        except (InputError, TaskError):
            continue
        known = [c for c in columns if c not in task.id and frame[c].notna().any()]
        frame, found = _without_repeated(frame, train, test, known, path)
        frame, versions = _without_versions(frame, train, test, [*known, *task.targets], task.id, path)
        findings += [*found, *versions]
        if len(frame):
            frames.append(frame)
            paths.append(path)
    if not frames:
        return None
    return AdditionalTable(pd.concat(frames, ignore_index=True), tuple(paths), tuple(findings))


def _in_form(competition: Competition, task: Task, path: str, columns: Sequence[str]) -> pd.DataFrame:
    """The rows of a table that have the targets, with train's columns in train's types."""
    raw = competition.extra(path)
    wanted = [*columns, *task.targets]
    names = counterparts(list(raw.columns), wanted)
    if not set(task.targets) <= set(names):
        raise TaskError(f"{path} lacks {', '.join(set(task.targets) - set(names))}.")
    table = raw[list(names.values())].set_axis(list(names), axis=1)
    table = readings_of_further(competition.readings, table, competition.description).apply(table)
    frame = pd.DataFrame({c: _cast(table, c, competition.train[c]) for c in wanted})
    keep = frame[list(task.targets)].notna().all(axis=1)
    if task.is_classification:
        for target in task.targets:
            labels = {label for label in frame[target].dropna().unique() if _is_label(task, frame, target, label)}
            keep &= frame[target].isin(labels)
    return frame[keep].reset_index(drop=True)


def _is_label(task: Task, frame: pd.DataFrame, target: str, label: object) -> bool:
    from medalist.competitions.task.labels import encode_labels

    try:
        encode_labels(pd.Series([label], dtype=frame[target].dtype, name=target), task.classes)
    except TaskError:
        return False
    return True


def _cast(table: pd.DataFrame, name: str, known: pd.Series) -> pd.Series:
    """A column in the type of train's; missing where the table lacks it or a value does not fit."""
    values = table[name] if name in table else pd.Series(np.nan, index=table.index)
    if is_number(known):
        numbers = pd.to_numeric(values, errors="coerce") if not is_number(values) else values
        if pd.api.types.is_integer_dtype(known.dtype) or pd.api.types.is_bool_dtype(known.dtype):
            return numbers.astype(float) if numbers.isna().any() or (numbers % 1).any() else numbers.astype(known.dtype)
        return numbers.astype(known.dtype)
    if pd.api.types.is_datetime64_any_dtype(known.dtype):
        return pd.to_datetime(values, errors="coerce").astype(known.dtype)
    if isinstance(known.dtype, pd.CategoricalDtype):
        known = known.astype(known.cat.categories.dtype)
    text = values.astype(object).where(values.notna(), None).map(str, na_action="ignore")
    return text.astype(known.dtype)


def _without_repeated(
    frame: pd.DataFrame, train: pd.DataFrame, test: pd.DataFrame, columns: Sequence[str], path: str
) -> tuple[pd.DataFrame, list[Finding]]:
    """The rows that equal no row of train and none of test in all the columns, and findings on the others."""
    columns = list(columns)
    if not columns or not len(frame):
        return frame.iloc[:0], []
    mine, of_train, of_test = (row_hashes(t, columns) for t in (frame, train, test))
    chance = CHANCE * max(_share(of_train, of_test), _share(of_test, of_train)) + MARGIN
    findings = []
    kept = np.ones(len(frame), dtype=bool)
    for name, hashes in (("train", of_train), ("test", of_test)):
        found = np.isin(mine, hashes)
        share = max(float(found.mean()), _share(hashes, mine))
        if not found.any() or share <= chance:
            continue
        kept &= ~found
        severity: Severity = "warning" if name == "test" else "info"
        why = (
            "they would be the answers of test, and no fold could show it"
            if name == "test"
            else "they would tell the answers of rows that are held out"
        )
        message = f"{int(found.sum()):,} of {len(frame):,} rows of {path} equal a row of {name} in all inputs: "
        findings.append(
            Finding("additional rows", severity, (), f"{message}{why}, so they are left out.", float(found.mean()))
        )
    return frame[kept].reset_index(drop=True), findings


def _without_versions(
    frame: pd.DataFrame, train: pd.DataFrame, test: pd.DataFrame, columns: Sequence[str], ids: Sequence[str], path: str
) -> tuple[pd.DataFrame, list[Finding]]:
    """The rows that are no other version of a row of train or test, and findings on those that are: rows with the id of
    one, where such pairs agree in clearly more of the columns (targets included) than pairs at random do."""
    ids, findings = list(ids), []
    for name, table in (("train", train), ("test", test)):
        if not ids or not columns or not len(frame) or not set(ids) <= set(table) & set(frame):
            continue
        mine, theirs = row_hashes(frame, ids), row_hashes(table, ids)
        numbers = pd.Series(np.arange(len(table)), index=theirs)
        place = numbers[~numbers.index.duplicated()].reindex(mine).to_numpy()
        found = ~np.isnan(place)
        if not found.any():
            continue
        at, pairs = np.flatnonzero(found), place[found].astype(int)
        at_random = np.random.default_rng(0).permutation(len(table))[: len(pairs)]
        shared = [c for c in columns if c in table]
        alike = _agreement(frame.iloc[at], table.iloc[pairs], shared)
        by_chance = _agreement(frame.iloc[at[: len(at_random)]], table.iloc[at_random], shared)
        if alike <= (1 + by_chance) / 2:
            continue
        frame = frame[~found].reset_index(drop=True)
        why = (
            f"{int(found.sum()):,} rows of {path} have the id of a row of {name} and {alike:.0%} of its values: they "
            "are other versions of these rows, which would tell their answers, and are left out."
        )
        findings.append(Finding("additional rows", "warning", (), why, float(found.mean())))
    return frame, findings


def _agreement(one: pd.DataFrame, other: pd.DataFrame, columns: Sequence[str]) -> float:
    """The share of equal values in two tables of equally many rows, missing ones being equal."""
    equal = []
    for c in columns:
        a, b = one[c].reset_index(drop=True), other[c].reset_index(drop=True)
        if isinstance(a.dtype, pd.CategoricalDtype) or isinstance(b.dtype, pd.CategoricalDtype):
            a, b = a.astype(object), b.astype(object)
        equal.append(float(((a == b) | (a.isna() & b.isna())).fillna(False).mean()))
    return float(np.mean(equal))


def _share(rows: np.ndarray, others: np.ndarray) -> float:
    """The share of the rows that are among the others; 0 without rows."""
    return float(np.isin(rows, others).mean()) if len(rows) else 0.0
