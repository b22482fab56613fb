"""Candidates for which tables of a folder are train, test and sample submission, each with a score.

A candidate is a triple (train, test, sample): train has columns that test lacks, and the sample has the ids of test
and, beside them, those columns (or one for each class of such a column); or a pair without a sample. Candidates follow
from the headers, scores from values and, with less weight, from the names of files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import pandas as pd

from medalist.competitions.layout.id_match import IdMatch, match_ids, same_rows
from medalist.competitions.layout.sheets import Sheet

_SAMPLE_WORDS = re.compile(r"sampl|submi|entry|benchmark|baseline", re.IGNORECASE)
_TEST_WORDS = re.compile(r"test", re.IGNORECASE)
_TRAIN_WORDS = re.compile(r"train", re.IGNORECASE)
_ANSWER_WORDS = re.compile(r"answer|solution|truth|label|y_", re.IGNORECASE)
_USAGES = {"public", "private", "ignored"}  # values of a column that Kaggle's solution files have
_CONSTANT_ROWS = 5000  # of a table that are looked at to see whether a column is constant


@dataclass(frozen=True, eq=False)
class Roles:
    """A candidate assignment of tables to the roles train, test and sample, with its score (higher is better).

    `ids`: the id columns, by their names in the sample. `match`: how the sample's rows correspond to test's. `blank`:
    columns that have values in train but are empty in test.
    """

    train: Sheet
    test: Sheet
    sample: Sheet | None
    ids: tuple[str, ...]
    match: IdMatch
    blank: tuple[str, ...]
    score: float


def related(train: Sheet, test: Sheet) -> bool:
    """Whether at least half of test's columns are in train, and train has further ones, or equally many."""
    shared = set(train.columns) & set(test.columns)
    more = set(train.columns) - set(test.columns)
    return 2 * len(shared) >= len(test.columns) and (bool(more) or len(train.columns) == len(test.columns))


def read_triple(train: Sheet, test: Sheet, sample: Sheet, *, by_name: bool, forced: bool) -> Roles | None:
    """The triple as a candidate with its score, or None where it cannot be one.

    `by_name`: accept only a sample with columns named like train's targets; False: only one with a column for each
    class, or with a target under another name. `forced`: the user has named this sample, so that less is required.
    """
    both = sum(c in test.columns and c in train.columns for c in sample.columns)
    may_be_blank = set(train.columns) == set(test.columns) or both > 1
    if not set(sample.columns) - set(test.columns) and not may_be_blank:
        return None
    blank = blank_columns(train, test) if may_be_blank else ()
    lacking = (set(train.columns) - set(test.columns)) | set(blank)
    keys = tuple(c for c in sample.columns if c in test.columns and c not in blank)
    rest = [c for c in sample.columns if c not in keys]
    named = sum(c in lacking for c in rest)
    if not lacking or not rest or bool(named) != by_name or (by_name and len(sample.columns) > len(train.columns)):
        return None
    frame, rows = sample.load(), test.load()
    match = match_ids(frame, rows, keys, rest)
    ids = keys or tuple(new for _, new in match.renamed)
    values = [c for c in rest if c not in ids]
    if match.confidence == 0.0 or not values or _has_usage(frame, values, lacking):
        return None
    if not by_name and not forced and not _stands_for(frame, train, ids, values, lacking):
        return None
    constant = constant_share(frame, values)
    answers = _ANSWER_WORDS.search(sample.path) and not _SAMPLE_WORDS.search(sample.path)
    if constant < 1.0 and not forced and (answers or len(sample.columns) > len(test.columns)):
        return None
    in_test = [old if old else new for old, new in match.renamed] or list(keys)
    if not forced and all(c in train.columns and c in rows for c in in_test) and same_rows(train.load(), rows, in_test):
        return None  # this "train" is test with its answers
    cover = len(set(test.columns) & set(train.columns)) / len(test.columns)
    narrow = len(sample.columns) < len(test.columns)
    score = (
        3 * match.confidence
        + 2 * named / len(values)
        + 2 * cover
        + narrow
        + 2 * constant
        + _by_names(train, test, sample)
    )
    return Roles(train, test, sample, ids, match, blank, score)


def read_pair(train: Sheet, test: Sheet) -> Roles | None:
    """The pair as a candidate without a sample, or None where it cannot be one or its test looks like a sample."""
    blank = blank_columns(train, test) if set(train.columns) == set(test.columns) else ()
    if not (set(train.columns) - set(test.columns)) | set(blank) or _looks_like_sample(train, test):
        return None
    cover = len(set(test.columns) & set(train.columns)) / len(test.columns)
    names = bool(_TRAIN_WORDS.search(train.path)) + bool(_TEST_WORDS.search(test.path))
    score = 2 * cover + 2 * len(test.columns) / len(train.columns) + 0.5 * names
    return Roles(train, test, None, (), IdMatch(1.0), blank, score)


def blank_columns(train: Sheet, test: Sheet) -> tuple[str, ...]:
    """Columns that have values in train and none in test."""
    empty = [c for c in test.columns if c in train.columns and bool(test.load()[c].isna().all())]
    return tuple(c for c in empty if not bool(train.load()[c].isna().all()))


def _stands_for(frame: pd.DataFrame, train: Sheet, ids: Sequence[str], values: list[str], lacking: set[str]) -> bool:
    """Whether the columns `values` of the sample, which train lacks, can be predictions of a target: one column, or one
    named after each of its classes."""
    if any(c in train.columns for c in values) or (ids and frame.duplicated(list(ids)).any()):
        return False
    if len(values) == 1:
        return True
    for name in lacking:
        classes = {str(value) for value in train.load()[name].dropna().unique()[:2000]}
        if all(c in classes or any(c.endswith(k) for k in classes) for c in values):
            return True
    return False


def _has_usage(frame: pd.DataFrame, values: list[str], lacking: set[str]) -> bool:
    """Whether a table has the column "Usage" of Kaggle's solution files, under any name."""
    others = [c for c in values if c not in lacking]
    return any({str(v).lower() for v in frame[c].unique()[:9]} <= _USAGES for c in others if len(frame))


def constant_share(frame: pd.DataFrame, columns: list[str]) -> float:
    """The share of the columns, 0 to 1, that hold a single value: 1.0 for the usual sample submission."""
    return sum(frame[c].iloc[:_CONSTANT_ROWS].nunique(dropna=False) <= 1 for c in columns) / len(columns)


def _by_names(train: Sheet, test: Sheet, sample: Sheet) -> float:
    """What the names of the files add to the score of a triple, -0.5 to 2.3."""
    hits = bool(_TRAIN_WORDS.search(train.path)) + bool(_TEST_WORDS.search(test.path)) + _twins(train.path, test.path)
    together = train.path.rpartition("/")[0] == test.path.rpartition("/")[0]
    return 0.3 * together + 0.5 * (
        hits + bool(_SAMPLE_WORDS.search(sample.path)) - bool(_SAMPLE_WORDS.search(test.path))
    )


def _twins(train: str, test: str) -> bool:
    """Whether two names differ by "train" and "test" alone: train.csv and test.csv, but not train_extra.csv."""
    names = [PurePosixPath(path).name.lower() for path in (train, test)]
    return re.sub("train(?:ing)?", "test", names[0], count=1) == names[1]


def named_as_train(*sheets: Sheet) -> bool:
    """Whether the paths of all these tables contain "train"."""
    return all(_TRAIN_WORDS.search(sheet.path) for sheet in sheets)


def looks_like_form(path: str) -> bool:
    """Whether a path is that of a sample submission."""
    return bool(_SAMPLE_WORDS.search(path.rpartition("/")[2]))


def _looks_like_sample(train: Sheet, test: Sheet) -> bool:
    """Whether a table is named like a sample submission, or is narrow with constant columns beside its keys."""
    if _SAMPLE_WORDS.search(test.path):
        return True
    frame = test.load()
    others = [c for c in test.columns if not frame[c].is_unique]
    return 2 * len(test.columns) < len(train.columns) and bool(others) and constant_share(frame, others) == 1.0
